import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { machines } from '../../../shared/model/index.ts';
import {
  LogNotReady,
  LogUnavailable,
  type Platform,
  type PlatformFacts,
  PlatformUnavailable,
} from '../../../shared/platforms/index.ts';
import { type ContractDelivery, factsOf, Kept, parametersOf, readAll, requestOf } from './kept.ts';

/** Something that ran at a platform and failed. */
export interface ContractRun {
  readonly deliveries: readonly ContractDelivery[];
  /** What looks at it have found, where it does not tell everything by itself. */
  readonly found?: readonly PlatformFacts[];
  /** As runs and jobs carry it. */
  readonly repository: string;
  /** The name of the job that failed. */
  readonly job: string;
}

export interface FailureSpec {
  readonly log?: string;
  /** How many calls find no log yet. */
  readonly logMissingCalls?: number;
  readonly logExpired?: boolean;
}

/** A platform as its contract needs it: something fails there and is told, and its API answers or does not. */
export interface ContractFake {
  readonly settings: Readonly<Record<string, string>>;
  failure(spec?: FailureSpec): Promise<ContractRun>;
  /** The next call gets this. Absent for a platform without an API. */
  readonly fail?: (how: 'reset' | 'unavailable' | { retryAfterSeconds: number }) => void;
  close(): Promise<void>;
}

const MAX_FACT_BYTES = 4096;
const LOG = 'fatal: unable to access: Could not resolve host: example.com\n';

/** What every platform is held to, whatever it is. */
export function describePlatform(title: string, platform: Platform, open: () => Promise<ContractFake>): void {
  const byWebhook = platform.arrives === undefined;

  describe(title, () => {
    let fake: ContractFake;
    let run: ContractRun;
    beforeAll(async () => {
      fake = await open();
      run = await fake.failure({ log: LOG });
    });
    afterAll(() => fake?.close());

    const clientOf = async () => {
      const client = await platform.client(parametersOf(fake.settings));
      if (client === undefined) throw new Error('no client');
      return client;
    };
    const tellingsOf = ({ deliveries, found = [] }: ContractRun) => [...deliveries, ...found];
    const jobOf = (of: ContractRun) => new Kept(platform, tellingsOf(of)).job(of.job, 1);

    it('takes what comes to it verified, and only that', async () => {
      const [delivery] = run.deliveries;
      if (delivery === undefined) throw new Error('no delivery');
      const request = requestOf(delivery);
      const read = parametersOf(fake.settings);
      const asked = new Set<string>();
      const none = async (names: readonly string[]) => {
        for (const name of names) asked.add(name.replace(/-previous$/, ''));
        return {};
      };
      expect(await platform.verify(request, none, new Date())).toBe('not-configured');
      expect([...asked].sort()).toEqual([...platform.verifiedWith].sort());
      // Nobody knocks where there is no door.
      if (!byWebhook) {
        expect(await platform.verify(request, read, new Date())).toBe('not-configured');
        return;
      }
      expect(await platform.verify(request, read, new Date())).toBe('verified');
      expect(await platform.verify({ ...request, headers: {} }, read, new Date())).toBe('refused');
      const others = parametersOf(
        Object.fromEntries(Object.entries(fake.settings).map(([key, value]) => [key, `x${value}`])),
      );
      expect(await platform.verify(request, others, new Date())).toBe('refused');
    });

    it('tells facts that the model takes, small enough to keep', () => {
      expect(run.deliveries.length).toBeGreaterThan(0);
      const told = new Set<string>();
      for (const delivery of run.deliveries) {
        const reading = platform.read(requestOf(delivery));
        expect(reading).toMatchObject({ kind: 'delivery', event: delivery.event, repository: run.repository });
        told.add((reading as { externalId: string }).externalId);
        expect(platform.read(requestOf(delivery))).toEqual(reading);
        const facts = factsOf(platform, delivery);
        const all = [
          ...facts.runs.map((fact) => ['run', fact] as const),
          ...facts.jobs.map((fact) => ['job', fact] as const),
          ...facts.runners.map((fact) => ['runner', fact] as const),
          ...facts.automations.map((fact) => ['automation', fact] as const),
        ];
        expect(all.length).toBeGreaterThan(0);
        for (const [entity, fact] of all) {
          const state = machines[entity].merge(undefined, fact as never);
          expect(machines[entity].parse(state)).toEqual(state);
          expect(state.platform).toBe(platform.name);
          expect(fact.id.startsWith(`${platform.name}:`)).toBe(true);
          expect(Object.values(fact)).not.toContain(undefined);
          expect(JSON.stringify(fact).length).toBeLessThan(MAX_FACT_BYTES);
        }
      }
      expect(told.size).toBe(run.deliveries.length);
    });

    it('tells of a failed job in a failed run, whatever the order of what comes, and however often it comes', () => {
      const expected = new Kept(platform, tellingsOf(run));
      expect(expected.run(1)).toMatchObject({ status: 'failed', repository: run.repository });
      expect(jobOf(run)).toMatchObject({ status: 'failed', runId: expected.run(1).id, repository: run.repository });
      const twice = [...tellingsOf(run), ...tellingsOf(run)];
      fc.assert(
        fc.property(fc.shuffledSubarray(twice, { minLength: twice.length }), (tellings) => {
          expect(new Kept(platform, tellings).text).toBe(expected.text);
        }),
        { numRuns: 10 },
      );
    });

    it('has an answer to whatever else is sent', () => {
      const [delivery] = run.deliveries;
      if (delivery === undefined) throw new Error('no delivery');
      const kinds = ['delivery', 'quarantined', 'ignored', 'malformed'];
      const readings = (body: string) =>
        [delivery.headers, { ...delivery.headers, 'content-type': 'application/json' }, {}].map(
          (headers) => platform.read({ headers, body: Buffer.from(body) }).kind,
        );
      fc.assert(fc.property(fc.string(), (body) => readings(body).every((kind) => kinds.includes(kind))));
      fc.assert(fc.property(fc.json({ maxDepth: 6 }), (body) => readings(body).every((kind) => kinds.includes(kind))));
    });

    it('offers nothing to try while a run is under way, and has no client without a token', async () => {
      const running = { ...new Kept(platform, tellingsOf(run)).run(1), status: 'running' as const };
      expect(platform.retryOptions(running, [jobOf(run)])).toEqual([]);
      expect(await platform.client(async () => ({}))).toBeUndefined();
    });

    it('hands out a log, and at most as much of it as asked for', async () => {
      if (fake.fail === undefined) return;
      const client = await clientOf();
      expect(await readAll(await client.jobLog(jobOf(run), { maxBytes: 10_000 }))).toContain('Could not resolve host');
      expect((await readAll(await client.jobLog(jobOf(run), { maxBytes: 7 }))).length).toBeLessThanOrEqual(7);
    });

    it('tells a log that is not there yet from one that never will be', async () => {
      if (fake.fail === undefined) return;
      const client = await clientOf();
      const justNow = { endedAt: new Date().toISOString() };
      const late = { ...jobOf(await fake.failure({ log: 'x', logMissingCalls: 1 })), ...justNow };
      await expect(client.jobLog(late, { maxBytes: 10 })).rejects.toThrow(LogNotReady);
      expect(await readAll(await client.jobLog(late, { maxBytes: 100 }))).toContain('x');
      const gone = jobOf(await fake.failure({ log: 'x', logExpired: true }));
      const error = await client.jobLog(gone, { maxBytes: 10 }).catch((reason: unknown) => reason);
      // A platform that does not tell an expired log from one to come says for how long to wait for it.
      expect(error instanceof LogNotReady ? error.patienceSeconds : error).toSatisfy(
        (told) => told instanceof LogUnavailable || (typeof told === 'number' && told <= 600),
      );
    });

    it('says so when it does not answer', async () => {
      if (fake.fail === undefined) return;
      const client = await clientOf();
      const log = () => client.jobLog(jobOf(run), { maxBytes: 10 });
      fake.fail('reset');
      await expect(log()).rejects.toThrow(PlatformUnavailable);
      fake.fail('unavailable');
      await expect(log()).rejects.toThrow(PlatformUnavailable);
      fake.fail({ retryAfterSeconds: 33 });
      await expect(log()).rejects.toMatchObject({ retryAfter: 33 });
    });

    it('refuses what it does not know how to do', async () => {
      if (fake.fail === undefined) return;
      const { repository, id: runId, externalId } = new Kept(platform, tellingsOf(run)).run(1);
      const wish = { action: 'format-disk', repository, runId, externalId, attempt: 1, subject: runId };
      expect(await (await clientOf()).act(wish)).toMatchObject({ kind: 'refused' });
    });
  });
}
