import { beforeEach, expect, it } from 'vitest';
import type { RunFact } from '../../../../shared/model/index.ts';
import { type Platform, PlatformUnavailable, platforms } from '../../../../shared/platforms/index.ts';
import { PlatformRefusal, type RunDetails, type Sweeper, type SweptRun } from '../../../../shared/platforms/sweeper.ts';
import { checkRun } from '../../../../shared/reconciliation/index.ts';
import { listEntities, type Store } from '../../../../shared/store/index.ts';
import { type TestTime, withTable } from '../../../support/table.ts';

const engine = withTable();
const HOUR = 3_600_000;
const ID = 'github:1:1';

let store: Store;
let time: TestTime;
let found: (() => SweptRun | undefined) | undefined;
let jobs: RunDetails['jobs'];
beforeEach(async () => {
  ({ store, time } = await engine.fresh());
  [found, jobs] = [() => undefined, []];
});

const iso = (ms: number): string => new Date(ms).toISOString();
const check = () => {
  const sweeper: Partial<Sweeper> = {
    limits: { queuedMs: 24 * HOUR, hostedMs: 6 * HOUR, selfHostedMs: 120 * HOUR },
    find: async () => found?.(),
    details: async () => ({ jobs }),
  };
  const platform: Platform = {
    ...(platforms.github as Platform),
    sweeper: async () => (found === undefined ? undefined : (sweeper as Sweeper)),
  };
  return checkRun(ID, {
    store,
    platforms: { github: platform },
    read: async () => ({}),
    callsPerHour: 1000,
    now: () => time.now,
  });
};

/** A run that has been at work for so long, with a job that has been for as long. */
async function running(forMs: number, changes: Partial<RunFact> = {}): Promise<void> {
  const statusAt = iso(time.now - forMs);
  const common = {
    origin: 'live',
    platform: 'github',
    repository: 'acme/shop',
    attempt: 1,
    status: 'running',
    statusAt,
  } as const;
  await store.merge('run', { id: ID, externalId: '1', wakeAt: iso(time.now), ...common, ...changes });
  await store.merge('job', { id: 'github:1:job:2', externalId: '2', runId: ID, steps: [], ...common });
}
const known = () => store.get('run', ID);
const going = (changes: Partial<SweptRun> = {}): SweptRun => ({
  externalId: '1',
  attempt: 1,
  alike: '7',
  createdAt: iso(time.now),
  updatedAt: iso(time.now),
  ended: false,
  ...changes,
});

it('times a run out that its platform knows no more, with its jobs', async () => {
  await running(2 * HOUR);
  await check();
  expect(await known()).toMatchObject({
    status: 'timed-out',
    reason: 'its platform knows it no more',
    endedAt: iso(time.now),
  });
  expect(await known()).not.toHaveProperty('wakeAt');
  expect(await store.get('job', 'github:1:job:2')).toMatchObject({ status: 'timed-out' });
});

it('leaves a run alone of which its platform will not tell, and asks again later', async () => {
  await running(7 * HOUR);
  found = () => {
    throw new PlatformRefusal(404, 'Not Found (404)');
  };
  await check();
  expect(await known()).toMatchObject({ status: 'running', wakeAt: iso(time.now + 6 * HOUR) });
  found = undefined;
  time.now += 6 * HOUR;
  await check();
  expect(await known()).toMatchObject({ status: 'running', wakeAt: iso(time.now + 6 * HOUR) });
});

it('leaves a run alone while its platform cannot answer', async () => {
  await running(7 * HOUR);
  const before = await known();
  found = () => {
    throw new PlatformUnavailable('502');
  };
  await check();
  expect(await known()).toEqual(before);
});

it('recovers an end that was not heard, and does not judge', async () => {
  await running(7 * HOUR);
  found = () => going({ ended: true, told: { event: 'workflow_run', action: 'completed', payload: { some: 'run' } } });
  jobs = [
    { id: 'github:1:job:2', ended: true, told: { event: 'workflow_job', action: 'completed', payload: { a: 'job' } } },
  ];
  await check();
  expect(await known()).toMatchObject({ status: 'running' });
  const { items } = await listEntities(store, 'delivery', { filters: {}, limit: 10 });
  expect(items.map(({ event, origin }) => `${event} ${origin}`).sort()).toEqual([
    'workflow_job recovered',
    'workflow_run recovered',
  ]);
});

it('looks again later at what goes on, and times out what has not moved for too long', async () => {
  found = () => going();
  await running(2 * HOUR);
  await check();
  expect(await known()).toMatchObject({ status: 'running', wakeAt: iso(time.now + 2 * HOUR) });
  time.now += 4 * HOUR;
  await check();
  expect(await known()).toMatchObject({
    status: 'timed-out',
    statusAt: iso(time.now),
    reason: expect.stringContaining('6 hours'),
  });
});

it('has nothing to do with a run that has ended', async () => {
  await running(7 * HOUR, { status: 'succeeded', wakeAt: undefined });
  found = () => {
    throw new Error('nobody asks');
  };
  await check();
  expect(await known()).toMatchObject({ status: 'succeeded' });
});
