import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Job, machines, type Run } from '../../shared/model/index.ts';
import {
  LogNotReady,
  LogUnavailable,
  type Platform,
  type PlatformFacts,
  PlatformUnavailable,
  platforms,
  type ReadParameters,
} from '../../shared/platforms/index.ts';
import { createForge, type Delivery, type Forge, type ForgeOptions, type RunSpec } from '../support/forges/index.ts';

/** How each platform is faked, and what it is made to say. Adding a platform adds a line. */
const FAKES: Record<string, Omit<ForgeOptions, 'webhookUrl'>[]> = {
  github: [
    { platform: 'github', token: 'ghp_contract', secret: 'contract', seed: 1 },
    { platform: 'github', token: 'ghp_contract', secret: 'contract', seed: 2, format: 'form' },
  ],
  gitlab: [
    { platform: 'gitlab', token: 'glpat-contract', secret: 'contract', seed: 1 },
    {
      platform: 'gitlab',
      token: 'glpat-contract',
      secret: '',
      signingToken: `whsec_${Buffer.alloc(32, 3).toString('base64')}`,
      seed: 2,
      missingTrace: 'not-found',
    },
  ],
};
const SPEC: RunSpec = {
  jobs: [
    { name: 'build', outcome: 'success', log: 'built\n' },
    {
      name: 'test',
      outcome: 'failure',
      thenOnRetry: 'success',
      log: 'fatal: unable to access: Could not resolve host: example.com\n',
      needs: ['build'],
    },
    { name: 'deploy', stage: 'deploy', needs: ['test'] },
  ],
};
const MAX_FACT_BYTES = 4096;

const cases = Object.entries(FAKES).flatMap(([name, fakes]) =>
  fakes.map((options, index) => ({ name, index, options })),
);

/** What `record` would keep. */
class Kept {
  readonly runs = new Map<string, Run>();
  readonly jobs = new Map<string, Job>();
  constructor(platform: Platform, deliveries: readonly Delivery[]) {
    for (const delivery of deliveries) {
      const facts = factsOf(platform, delivery);
      for (let before = ''; before !== this.text; ) {
        before = this.text;
        const { runs, jobs } = platform.place?.(facts, this.known) ?? facts;
        for (const fact of runs) this.runs.set(fact.id, machines.run.merge(this.runs.get(fact.id), fact));
        for (const fact of jobs) this.jobs.set(fact.id, machines.job.merge(this.jobs.get(fact.id), fact));
      }
    }
  }
  get known() {
    return { runs: [...this.runs.values()], jobs: [...this.jobs.values()] };
  }
  /** Everything there is, to compare. */
  get text(): string {
    const { runs, jobs } = this.known;
    return JSON.stringify([...runs, ...jobs].map((item) => JSON.stringify(Object.entries(item).sort())).sort());
  }
  run(attempt: number): Run {
    const found = this.known.runs.find((run) => run.attempt === attempt);
    if (found === undefined) throw new Error(`there is no attempt ${attempt}`);
    return found;
  }
  job(name: string, attempt: number): Job {
    const found = this.known.jobs.find((job) => job.name === name && job.attempt === attempt);
    if (found === undefined) throw new Error(`there is no attempt ${attempt} of ${name}`);
    return found;
  }
}

const requestOf = (delivery: Delivery) => ({ headers: delivery.headers, body: Buffer.from(delivery.body) });
const factsOf = (platform: Platform, delivery: Delivery): PlatformFacts =>
  platform.normalise({
    event: delivery.event,
    body: Buffer.from(delivery.body),
    contentType: delivery.headers['content-type'] ?? '',
    origin: 'live',
    receivedAt: '2026-01-01T00:00:00.000Z',
  });
const parametersOf = (settings: Readonly<Record<string, string>>): ReadParameters => {
  const known = Object.entries(settings).map(([name, value]) => [
    name.replace('QMOI_', '').toLowerCase().replaceAll('_', '-'),
    value,
  ]);
  return async () => Object.fromEntries(known) as Record<string, string>;
};
const readAll = async (log: AsyncIterable<Uint8Array>): Promise<string> => {
  const chunks = [];
  for await (const chunk of log) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
};

it('every platform is held to the contract', () => {
  expect(Object.keys(platforms).sort()).toEqual(Object.keys(FAKES).sort());
  for (const [name, platform] of Object.entries(platforms)) expect(platform.name).toBe(name);
});

describe.each(cases)('$name ($index)', ({ name, options }) => {
  const platform = platforms[name] as Platform;
  let receiver: Server;
  let forge: Forge;
  let read: ReadParameters;

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(202).end());
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const webhookUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    forge = await createForge({ ...options, webhookUrl });
    read = parametersOf(forge.settings);
  });
  afterEach(() => forge.faults.clear());
  afterAll(async () => {
    await forge.close();
    receiver.close();
  });

  const played = async (spec: RunSpec = SPEC) => {
    const run = forge.repository('group/project').run(spec);
    await run.play();
    return { run, kept: () => new Kept(platform, run.deliveries) };
  };
  const clientOf = async () => {
    const client = await platform.client(read);
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

  describe('takes its webhooks', () => {
    it('verified, and only those', async () => {
      const { run } = await played();
      const [delivery] = run.deliveries;
      if (delivery === undefined) throw new Error('no delivery');
      const request = requestOf(delivery);
      expect(await platform.verify(request, read, new Date())).toBe('verified');
      expect(await platform.verify({ ...request, headers: {} }, read, new Date())).toBe('refused');
      const others = parametersOf(
        Object.fromEntries(Object.entries(forge.settings).map(([key, value]) => [key, `x${value}`])),
      );
      expect(await platform.verify(request, others, new Date())).toBe('refused');
      expect(await platform.verify(request, async () => ({}), new Date())).toBe('not-configured');
    });

    it('as facts that the model takes, small enough to keep', async () => {
      const { run } = await played();
      expect(run.deliveries.length).toBeGreaterThan(5);
      for (const delivery of run.deliveries) {
        expect(platform.read(requestOf(delivery))).toMatchObject({
          kind: 'delivery',
          externalId: delivery.id,
          repository: 'group/project',
        });
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
          expect(state.platform).toBe(name);
          expect(Object.values(fact)).not.toContain(undefined);
          expect(JSON.stringify(fact).length).toBeLessThan(MAX_FACT_BYTES);
        }
      }
    });

    it('and has an answer to whatever else is sent', () => {
      const [delivery] = forge.deliveries;
      if (delivery === undefined) throw new Error('no delivery');
      const kinds = ['delivery', 'quarantined', 'ignored', 'malformed'];
      const readings = (body: string) =>
        [delivery.headers, { ...delivery.headers, 'content-type': 'application/json' }, {}].map(
          (headers) => platform.read({ headers, body: Buffer.from(body) }).kind,
        );
      fc.assert(fc.property(fc.string(), (body) => readings(body).every((kind) => kinds.includes(kind))));
      fc.assert(fc.property(fc.json({ maxDepth: 6 }), (body) => readings(body).every((kind) => kinds.includes(kind))));
    });
  });

  describe('knows its attempts', () => {
    it('whatever the order of its webhooks, and however often they come', async () => {
      const { run, kept } = await played();
      expect(await (await clientOf()).act(fixOf(kept()))).toMatchObject({ kind: 'done' });
      await forge.idle();
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

    it('so that placing what was placed changes nothing', async () => {
      const { run, kept } = await played();
      const known = kept().known;
      for (const delivery of run.deliveries) {
        const placed = platform.place?.(factsOf(platform, delivery), known);
        expect(placed && platform.place?.(placed, known)).toEqual(placed);
      }
    });
  });

  describe('is called', () => {
    it('for a log, and at most as much of it as asked for', async () => {
      const job = (await played()).kept().job('test', 1);
      const client = await clientOf();
      expect(await readAll(await client.jobLog(job, { maxBytes: 10_000 }))).toContain('Could not resolve host');
      expect((await readAll(await client.jobLog(job, { maxBytes: 7 }))).length).toBeLessThanOrEqual(7);
    });

    it('for a log that is not there yet, or never will be', async () => {
      const spec = (fields: object): RunSpec => ({ jobs: [{ name: 'test', outcome: 'failure', log: 'x', ...fields }] });
      const client = await clientOf();
      const late = (await played(spec({ logMissingCalls: 1 }))).kept().job('test', 1);
      await expect(client.jobLog(late, { maxBytes: 10 })).rejects.toThrow(LogNotReady);
      expect(await readAll(await client.jobLog(late, { maxBytes: 100 }))).toContain('x');
      const gone = (await played(spec({ logExpired: true }))).kept().job('test', 1);
      const longAgo = { ...gone, endedAt: new Date(Date.now() - 3_600_000).toISOString() };
      await expect(client.jobLog(longAgo, { maxBytes: 10 })).rejects.toThrow(LogUnavailable);
    });

    it('and does not answer', async () => {
      const job = (await played()).kept().job('test', 1);
      const client = await clientOf();
      forge.faults.add({ kind: 'reset', method: 'GET' });
      await expect(client.jobLog(job, { maxBytes: 10 })).rejects.toThrow(PlatformUnavailable);
      forge.faults.add({ kind: 'status', status: 503 });
      await expect(client.jobLog(job, { maxBytes: 10 })).rejects.toThrow(PlatformUnavailable);
      forge.faults.add({ kind: 'rate-limit', limit: 'secondary', retryAfterSeconds: 33 });
      await expect(client.jobLog(job, { maxBytes: 10 })).rejects.toMatchObject({ retryAfter: 33 });
    });

    it('to try failed jobs again, once', async () => {
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
    ] as const)('to act, and %s: it is looked up, not repeated', async (kind, expected, effects) => {
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

    it('to act, and is busy or broken', async () => {
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

  it('offers nothing to try while a run is under way, and has no client without a token', async () => {
    const { kept } = await played();
    expect(platform.retryOptions({ ...kept().run(1), status: 'running' }, [kept().job('test', 1)])).toEqual([]);
    expect(await platform.client(async () => ({}))).toBeUndefined();
  });
});
