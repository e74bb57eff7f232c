import { describe, expect, it } from 'vitest';
import type { Failure, Job, Run } from '../../../../shared/model/index.ts';
import { decide, proof, ready, type Situation } from '../../../../shared/remediation/index.ts';

const NOW = Date.parse('2026-03-04T05:06:07.000Z');
const ago = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();

const written = {
  schema: 1,
  version: 1,
  createdAt: ago(9),
  updatedAt: ago(1),
  statusAt: ago(2),
  origin: 'live',
} as const;
const place = { platform: 'github', repository: 'acme/shop', externalId: '1', attempt: 1 };
const run = (fields: Partial<Run> = {}): Run => ({
  ...{ ...written, ...place, entity: 'run', id: 'github:1:1', status: 'failed', endedAt: ago(2) },
  ...fields,
});
const job = (fields: Partial<Job> = {}): Job => ({
  ...{
    ...written,
    ...place,
    entity: 'job',
    id: 'github:1:job:7',
    runId: 'github:1:1',
    status: 'failed',
    name: 'test',
    steps: [],
  },
  ...fields,
});
const failure = (fields: Partial<Failure> = {}): Failure => ({
  ...{ ...written, ...place, entity: 'failure', id: 'github:1:job:7', jobId: 'github:1:job:7', runId: 'github:1:1' },
  ...{ status: 'diagnosed', failedAt: ago(2), cause: 'dns-resolution-failed', transient: true, name: 'test' },
  ...fields,
});
const situation = (fields: Partial<Situation> = {}): Situation => ({
  now: NOW,
  run: run(),
  jobs: [job()],
  failures: [failure()],
  latestAttempt: 1,
  mode: 'act',
  control: 'running',
  spent: { repository: 0, all: 0 },
  budgets: { perRepositoryPerHour: 20, perHour: 100 },
  ...fields,
});

describe('decide', () => {
  it('acts on a fresh, transient failure of a first attempt', () => {
    expect(decide(situation())).toEqual({ kind: 'act', reason: expect.stringContaining('dns-resolution-failed') });
  });

  it.each([
    ['a replayed fact', { run: run({ origin: 'replayed' }) }, 'not live'],
    ['a backfilled fact', { run: run({ origin: 'backfilled' }) }, 'not live'],
    ['a later attempt', { run: run({ attempt: 2 }), latestAttempt: 2 }, 'only a first attempt'],
    ['a run whose next attempt is known', { latestAttempt: 2 }, 'attempt 2 is already known'],
    ['a deterministic cause', { failures: [failure({ transient: false })] }, 'a rerun does not fix'],
    ['an unknown cause', { failures: [failure({ transient: null })] }, 'nobody knows'],
    [
      'one stubborn failure among two',
      { jobs: [job(), job()], failures: [failure(), failure({ transient: false })] },
      'does not fix',
    ],
    ['a job without a diagnosis', { jobs: [job(), job()] }, 'not every failed job'],
    ['a run without failed jobs', { jobs: [], failures: [] }, 'not every failed job'],
    ['an old end', { run: run({ endedAt: ago(31) }) }, '31 minutes ago'],
    ['an end that is no time', { run: run({ endedAt: 'yesterday' }) }, 'within 30'],
    ['the mode observe', { mode: 'observe' as const }, 'the mode here is observe'],
  ])('refuses %s, with the reason', (_, fields, reason) => {
    expect(decide(situation(fields))).toEqual({ kind: 'refuse', reason: expect.stringContaining(reason) });
  });

  it.each([
    ['a pause', { control: 'paused' as const }, 'paused'],
    ['a stop', { control: 'stopped' as const }, 'stopped'],
    ['a stop under way', { control: 'stopping' as const }, 'stopping'],
    ['a spent repository', { spent: { repository: 20, all: 20 } }, "repository's budget"],
    ['a spent hour', { spent: { repository: 0, all: 100 } }, 'use up the budget'],
  ])('holds for %s, and asks again', (_, fields, reason) => {
    const decision = decide(situation(fields));
    expect(decision).toEqual({ kind: 'hold', reason: expect.stringContaining(reason), until: NOW + 60_000 });
  });
});

describe('ready', () => {
  it('waits for the end of the run and for the last diagnosis', () => {
    const [other, otherFailure] = [
      job({ id: 'github:1:job:8' }),
      failure({ id: 'github:1:job:8', jobId: 'github:1:job:8' }),
    ];
    expect(ready(run({ status: 'running' }), [job()], [failure()])).toBeUndefined();
    expect(ready(run(), [job()], [failure({ status: 'detected' })])).toBeUndefined();
    expect(ready(run(), [job(), other], [failure()])).toBeUndefined();
    expect(ready(run(), [], [])).toBeUndefined();
    expect(ready(run(), [job(), other], [failure(), otherFailure])?.jobs).toHaveLength(2);
  });

  it('does not count jobs that may fail, that did not, or that are of another attempt', () => {
    const others = [
      job({ id: 'a', allowFailure: true }),
      job({ id: 'b', status: 'succeeded' }),
      job({ id: 'c', runId: 'github:1:2' }),
    ];
    expect(ready(run(), [job(), ...others], [failure()])?.jobs.map(({ id }) => id)).toEqual(['github:1:job:7']);
  });
});

describe('ready, when the platform itself has tried a job again', () => {
  it('counts the latest attempt only', () => {
    const later = job({ id: 'github:1:job:9', attempt: 2, status: 'succeeded' });
    expect(ready(run(), [job(), later], [failure()])).toBeUndefined();
    const again = job({ id: 'github:1:job:9', attempt: 2 });
    const itsFailure = failure({ id: again.id, jobId: again.id, attempt: 2 });
    expect(ready(run(), [job(), again], [failure(), itsFailure])?.jobs.map(({ id }) => id)).toEqual([again.id]);
  });
});

describe('proof', () => {
  const fix = { targets: ['test', 'build'], attempt: 1 };
  const next = (name: string, status: Job['status'], attempt = 2) => job({ id: name, name, status, attempt });

  it('comes from the very jobs that were tried again', () => {
    const jobs = [next('test', 'succeeded'), next('build', 'succeeded'), next('deploy', 'failed')];
    expect(proof(fix, { run: run({ attempt: 2 }), jobs }, { runAlone: false })?.succeeded).toBe(true);
    expect(proof(fix, { run: undefined, jobs: [next('test', 'failed')] }, { runAlone: false })?.succeeded).toBe(false);
  });

  it('is open while one of them is, and while only older attempts are known', () => {
    const jobs = [next('test', 'succeeded'), next('build', 'running')];
    expect(proof(fix, { run: run({ attempt: 2, status: 'running' }), jobs }, { runAlone: true })).toBeUndefined();
    expect(proof(fix, { run: undefined, jobs: [next('test', 'failed', 1)] }, { runAlone: true })).toBeUndefined();
  });

  it('comes from the run alone once its jobs are overdue', () => {
    const ended = { run: run({ attempt: 2, status: 'succeeded' }), jobs: [] };
    expect(proof(fix, ended, { runAlone: false })).toBeUndefined();
    expect(proof(fix, ended, { runAlone: true })?.succeeded).toBe(true);
  });
});
