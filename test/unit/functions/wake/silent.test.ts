import { expect, it } from 'vitest';
import { sweep } from '../../../../functions/wake/wake.ts';
import { github } from '../../../../shared/platforms/github/index.ts';
import { noFacts } from '../../../../shared/platforms/index.ts';
import { listEntities } from '../../../../shared/store/index.ts';
import { track } from '../../../../shared/tracking/index.ts';
import { FakePlatform } from '../../../support/fake-platform.ts';
import { createForge, manualClock } from '../../../support/forges/index.ts';
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

it('misses the nightly workflow that GitHub has switched off without a word', async () => {
  const { store, time } = await engine.fresh();
  const clock = manualClock(time.now);
  const forge = await createForge({ platform: 'github', clock, seed: 'nightly', secret: 's', token: 't' });
  try {
    const shop = forge.repository('acme/shop');
    const hear = async (spec: { workflow: string; event: string }) => {
      const run = shop.run({ ...spec, jobs: [{ name: 'build', durationSeconds: 600 }] });
      for (const { event, body } of run.record()) {
        const told = { event, body: Buffer.from(body), contentType: 'application/json', origin: 'live' } as const;
        await track(store, github, github.normalise({ ...told, receivedAt: store.now() }));
      }
    };
    for (let night = 0; night < 7; night++) {
      await hear({ workflow: 'nightly', event: 'schedule' });
      // By hand, and now and then: that is no habit.
      if (night % 3 === 0) await hear({ workflow: 'by hand', event: 'workflow_dispatch' });
      clock.advance(DAY_MS);
      time.now = clock.now();
    }
    expect(await sweep(store, { held: false })).toEqual({ woken: 0 });
    time.now += 60 * DAY_MS;
    expect(await sweep(store, { held: false })).toEqual({ woken: 1 });
    const { items } = await listEntities(store, 'automation', { filters: {}, limit: 10 });
    expect(items.map(({ name, status }) => [name, status]).sort()).toEqual([
      ['by hand', 'healthy'],
      ['nightly', 'silent'],
    ]);
    const nightly = items.find(({ name }) => name === 'nightly');
    expect(nightly?.reason).toMatch(/every 1 d.*60 days without activity/);
    // Three seconds of it GitHub looked for a runner.
    expect(nightly?.recent.at(-1)).toMatchObject({ scheduled: true, seconds: 603, branch: 'main' });
  } finally {
    await forge.close();
  }
});
