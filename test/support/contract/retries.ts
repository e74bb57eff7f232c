import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Platform } from '../../../shared/platforms/index.ts';
import type { Forge, RunSpec } from '../forges/index.ts';
import { factsOf, Kept, parametersOf } from './kept.ts';

const SPEC: RunSpec = {
  jobs: [
    { name: 'build', outcome: 'success', log: 'built\n' },
    { name: 'test', outcome: 'failure', thenOnRetry: 'success', log: 'no\n', needs: ['build'] },
    { name: 'deploy', stage: 'deploy', needs: ['test'] },
  ],
};

/** What a platform is held to besides, where failed jobs can be tried again. */
export function describeRetries(title: string, platform: Platform, open: () => Promise<Forge>): void {
  describe(`${title}, where failed jobs can be tried again,`, () => {
    let forge: Forge;
    beforeAll(async () => {
      forge = await open();
    });
    afterEach(() => forge.faults.clear());
    afterAll(() => forge?.close());

    const played = async () => {
      const run = forge.repository('group/project').run(SPEC);
      await run.play();
      return { run, kept: () => new Kept(platform, run.deliveries) };
    };
    const clientOf = async () => {
      const client = await platform.client(parametersOf(forge.settings));
      if (client === undefined) throw new Error('no client');
      return client;
    };
    /** The one way out of the failure of `test`, as the remediation would ask for it. */
    const fixOf = (kept: Kept) => {
      const [option, ...others] = platform.retryOptions(kept.run(1), [kept.job('test', 1)]);
      if (option === undefined || others.length > 0) throw new Error('not one option');
      const { repository, repositoryId, id: runId } = kept.run(1);
      return { ...option, repository, repositoryId, runId };
    };

    it('knows its attempts, whatever the order of its webhooks, and however often they come', async () => {
      const { run, kept } = await played();
      expect(await (await clientOf()).act(fixOf(kept()))).toMatchObject({ kind: 'done' });
      await forge.idle();
      for (const delivery of run.deliveries) {
        expect(platform.read({ headers: delivery.headers, body: Buffer.from(delivery.body) })).toMatchObject({
          externalId: delivery.id,
        });
      }
      expect(kept().run(1)).toMatchObject({ status: 'failed', attempt: 1 });
      expect(kept().run(2)).toMatchObject({ status: 'succeeded', attempt: 2 });
      expect(kept().job('test', 1)).toMatchObject({ status: 'failed', runId: kept().run(1).id });
      expect(kept().job('test', 2)).toMatchObject({ status: 'succeeded', runId: kept().run(2).id });
      const deployed = kept().known.jobs.find((job) => job.name === 'deploy' && job.status === 'succeeded');
      expect(deployed?.runId).toBe(kept().run(2).id);
      const expected = kept().text;
      const anyOrder = fc.shuffledSubarray([...run.deliveries, ...run.deliveries], {
        minLength: 2 * run.deliveries.length,
      });
      fc.assert(
        fc.property(anyOrder, (deliveries) => {
          expect(new Kept(platform, deliveries).text).toBe(expected);
        }),
        { numRuns: 10 },
      );
    });

    it('places facts so that placing them again changes nothing', async () => {
      const { run, kept } = await played();
      const known = kept().known;
      for (const delivery of run.deliveries) {
        const placed = platform.place?.(factsOf(platform, delivery), known);
        expect(placed && platform.place?.(placed, known)).toEqual(placed);
      }
    });

    it('tries them again, once', async () => {
      const { kept } = await played();
      const fix = fixOf(kept());
      const client = await clientOf();
      const before = forge.effects.length;
      expect(await client.lookUp(fix)).toBe('did-not-happen');
      expect(await client.act(fix)).toMatchObject({ kind: 'done' });
      expect(await client.lookUp(fix)).toBe('happened');
      await forge.idle();
      expect(await client.act(fix)).toMatchObject({ kind: 'refused' });
      expect(forge.effects.length).toBe(before + 1);
    });

    it.each([
      ['lost-answer', 'happened', 1],
      ['reset', 'did-not-happen', 0],
    ] as const)('acts, and %s: it is looked up, not repeated', async (kind, expected, effects) => {
      const fix = fixOf((await played()).kept());
      const client = await clientOf();
      const [calls, before] = [forge.calls.length, forge.effects.length];
      forge.faults.add({ kind, method: 'POST' });
      expect(await client.act(fix)).toMatchObject({ kind: 'unknown' });
      expect(forge.calls.length).toBe(calls + 1);
      expect(await client.lookUp(fix)).toBe(expected);
      expect(forge.effects.length).toBe(before + effects);
      await forge.idle();
    });

    it('acts, and is busy or broken', async () => {
      const fix = fixOf((await played()).kept());
      const client = await clientOf();
      forge.faults.add({ kind: 'rate-limit', limit: 'secondary', retryAfterSeconds: 12 });
      expect(await client.act(fix)).toMatchObject({ kind: 'retry-later', seconds: 12 });
      forge.faults.add({ kind: 'status', status: 502 });
      expect(await client.act(fix)).toMatchObject({ kind: 'unknown' });
      expect(await client.act({ ...fix, externalId: '1' })).toMatchObject({ kind: 'refused' });
      expect(await client.act({ ...fix, action: 'format-disk' })).toMatchObject({ kind: 'refused' });
    });
  });
}
