import { expect, it } from 'vitest';
import { sweep } from '../../../../functions/wake/wake.ts';
import { noFacts } from '../../../../shared/platforms/index.ts';
import { track } from '../../../../shared/tracking/index.ts';
import { FakePlatform } from '../../../support/fake-platform.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();
const fake = new FakePlatform().platform;
const DAY_MS = 86_400_000;

it('finds what has fallen silent, once, and hears of it again', async () => {
  const { store, time } = await engine.fresh();
  const id = 'fake:nightly';
  const fact = { id, origin: 'live', platform: 'fake', externalId: 'nightly', repository: 'acme/shop' } as const;
  const ends = (runId: string, endedAt: string) =>
    track(store, fake, {
      ...noFacts(),
      automations: [{ ...fact, statusAt: endedAt, recent: [{ runId, endedAt, succeeded: true, scheduled: true }] }],
    });
  for (let day = 0; day < 7; day++) {
    await ends(`fake:${day}:1`, store.now());
    expect(await sweep(store, { held: false })).toEqual({ woken: 0 });
    time.now += DAY_MS;
  }
  // A day and a half is what its habit allows.
  expect(await store.get('automation', id)).toMatchObject({ status: 'healthy' });
  time.now += DAY_MS;
  expect(await sweep(store, { held: false })).toEqual({ woken: 1 });
  expect(await store.get('automation', id)).toMatchObject({
    status: 'silent',
    statusAt: new Date(time.now - DAY_MS / 2).toISOString(),
    reason: expect.stringContaining('every 1 d'),
  });
  time.now += DAY_MS;
  expect(await sweep(store, { held: false })).toEqual({ woken: 0 });

  await ends('fake:9:1', store.now());
  expect(await store.get('automation', id)).toMatchObject({ status: 'healthy' });
});
