import { expect, it } from 'vitest';
import { aJob, aRun } from '../../../support/items.ts';
import { withTable } from '../../../support/table.ts';
import { askOf, type Item } from './ask.ts';

const engine = withTable();

const past = (seconds: number, index: number) => ({
  ...{ runId: `github:${index}:1`, endedAt: `2026-03-04T0${index}:00:00.000Z`, succeeded: true, seconds },
});

it('shows how far a run is by the quantiles of its own history', async () => {
  const { store, time } = await engine.fresh();
  const ask = askOf(store);
  const automationId = 'github:5';
  const startedAt = new Date(time.now).toISOString();
  const automation = { id: automationId, origin: 'live', statusAt: startedAt, platform: 'github' } as const;
  await store.create('automation', {
    ...{ ...automation, externalId: '5', repository: 'acme/shop' },
    // One that hung for an hour shifts no quantile but the last.
    recent: [...[100, 110, 120, 3600].map(past), { ...past(5, 5), succeeded: false }],
  });
  await store.create('run', aRun('900', { status: 'running', automationId, startedAt, statusAt: startedAt }));
  const after = async (seconds: number) => {
    time.now = Date.parse(startedAt) + seconds * 1000;
    const { progress, expectedEndAt, latestEndAt } = (await ask('/v1/runs')).body.items[0] as Item;
    const from = (at: unknown) => (at === null ? null : (Date.parse(String(at)) - Date.parse(startedAt)) / 1000);
    return [progress, from(expectedEndAt), from(latestEndAt)];
  };
  expect(await after(0)).toEqual([0, 110, 3600]);
  expect(await after(55)).toEqual([0.5, 110, 3600]);
  // What has outlasted some is measured by those it has not.
  expect(await after(115)).toEqual([0.96, 120, 3600]);
  expect(await after(180)).toEqual([0.05, 3600, 3600]);
  expect(await after(4000)).toEqual([0.99, null, null]);
});

it('lays the attempts of a run side by side', async () => {
  const { store } = await engine.fresh();
  const ask = askOf(store);
  const [begun, ended] = ['2026-03-04T05:00:00.000Z', '2026-03-04T05:01:30.000Z'];
  for (const [attempt, status] of [
    [1, 'failed'],
    [2, 'succeeded'],
  ] as const) {
    const times = { startedAt: begun, endedAt: ended, statusAt: ended };
    await store.create('run', aRun('900', { id: `github:900:${attempt}`, attempt, status, ...times }));
    const job = { id: `github:900:job:${attempt}`, runId: `github:900:${attempt}`, name: 'test', attempt, status };
    await store.create('job', aJob('900', String(attempt), { ...job, ...times }));
  }
  const one = await ask('/v1/runs/github%3A900%3A2');
  expect(one.body).toMatchObject({
    progress: 1,
    attempts: [
      { id: 'github:900:1', status: 'failed', seconds: 90, jobs: [{ name: 'test', status: 'failed', seconds: 90 }] },
      { id: 'github:900:2', status: 'succeeded', seconds: 90, jobs: [{ name: 'test', status: 'succeeded' }] },
    ],
  });
  expect((await ask('/v1/runs')).body.items).toMatchObject([{ attempts: null }, { attempts: null }]);
});

it('lists the runs that a run started', async () => {
  const { store } = await engine.fresh();
  const ask = askOf(store);
  await store.create('run', aRun('900'));
  await store.create('run', aRun('901', { parentRunId: 'github:900:1' }));
  const children = await ask('/v1/runs?parentRunId=github%3A900%3A1');
  expect(children.body.items).toMatchObject([{ externalId: '901' }]);
});
