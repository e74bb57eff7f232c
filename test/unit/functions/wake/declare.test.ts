import { expect, it } from 'vitest';
import { declareHeartbeats } from '../../../../functions/wake/declare.ts';
import { overdueAt } from '../../../../shared/schedule/index.ts';
import type { Store } from '../../../../shared/store/index.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();
const NIGHTLY = { cron: '0 3 * * *', zone: 'Europe/Berlin', grace: '30m' };
const heard = (store: Store, at: string, schedule: object) =>
  store.merge('automation', {
    ...{ id: 'custom:backup', platform: 'custom', externalId: 'backup', repository: 'backup', recent: [] },
    ...{ statusAt: at, origin: 'live', lastBeatAt: at },
    schedule: { at, by: 'beat', graceSeconds: 60, ...schedule },
  });

it('gives jobs their schedules before they are heard of, once', async () => {
  const { store, time } = await engine.fresh();
  await declareHeartbeats(store, { backup: NIGHTLY, signs: { platform: 'qcity', every: '5m' } });
  const backup = await store.get('automation', 'custom:backup');
  expect(backup).toMatchObject({
    ...{ name: 'backup', status: 'healthy', version: 1 },
    schedule: { by: 'settings', cron: '0 3 * * *', zone: 'Europe/Berlin', graceSeconds: 1800 },
    wakeAt: '2026-03-04T05:06:07.000Z',
  });
  if (backup?.schedule === undefined) throw new Error('no schedule');
  expect(overdueAt(backup.schedule, backup.schedule.at)).toBe('2026-03-05T02:30:00.000Z');
  expect(await store.get('automation', 'qcity:signs')).toMatchObject({ schedule: { periodSeconds: 300 } });
  time.now += 3_600_000;
  await declareHeartbeats(store, { signs: { platform: 'qcity', every: 300 }, backup: NIGHTLY });
  expect(await store.get('automation', 'custom:backup')).toEqual(backup);
});

it('has the last word over what the jobs say themselves, until it is taken back', async () => {
  const { store, time } = await engine.fresh();
  await heard(store, '2026-03-04T05:00:00.000Z', { periodSeconds: 60 });
  await declareHeartbeats(store, { backup: NIGHTLY });
  await heard(store, '2026-03-04T06:00:00.000Z', { periodSeconds: 60 });
  expect(await store.get('automation', 'custom:backup')).toMatchObject({
    lastBeatAt: '2026-03-04T06:00:00.000Z',
    schedule: { by: 'settings', cron: '0 3 * * *' },
  });
  time.now = Date.parse('2026-03-04T07:00:00.000Z');
  await declareHeartbeats(store, {});
  const taken = await store.get('automation', 'custom:backup');
  if (taken?.schedule === undefined) throw new Error('no schedule');
  expect(overdueAt(taken.schedule, '2026-03-04T06:00:00.000Z')).toBeUndefined();
  await heard(store, '2026-03-04T08:00:00.000Z', { periodSeconds: 60 });
  expect(await store.get('automation', 'custom:backup')).toMatchObject({ schedule: { periodSeconds: 60 } });
  await declareHeartbeats(store, {});
  expect(await store.get('automation', 'custom:backup')).toMatchObject({ schedule: { periodSeconds: 60 } });
});
