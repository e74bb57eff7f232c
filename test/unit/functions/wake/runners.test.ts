import { expect, it } from 'vitest';
import { sweep } from '../../../../functions/wake/wake.ts';
import { platforms } from '../../../../shared/platforms/index.ts';
import type { Store } from '../../../../shared/store/index.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();
const ID = 'local:machines:web-1';

async function beat(store: Store, host: object = {}): Promise<void> {
  const body = Buffer.from(JSON.stringify({ source: 'web-1', platform: 'local', interval: 60, host }));
  const told = {
    event: 'heartbeat',
    contentType: 'application/json',
    origin: 'live' as const,
    receivedAt: store.now(),
  };
  for (const fact of platforms.local?.normalise({ ...told, body }).runners ?? []) await store.merge('runner', fact);
}

it('a machine that is not heard of is stale from the third beat that did not come, until it is heard of again', async () => {
  const { store, time } = await engine.fresh();
  await beat(store);
  time.now += 150_000;
  await sweep(store, { held: false });
  expect(await store.get('runner', ID)).toMatchObject({ status: 'idle', wakeAt: '2026-03-04T05:09:07.000Z' });
  await beat(store);
  // The sweep of what had been due before that beat finds it to be due later.
  time.now += 150_000;
  await sweep(store, { held: false });
  expect(await store.get('runner', ID)).toMatchObject({ status: 'idle', wakeAt: '2026-03-04T05:11:37.000Z' });
  time.now += 60_000;
  await sweep(store, { held: false });
  const stale = await store.get('runner', ID);
  expect(stale).toMatchObject({ status: 'stale', statusAt: '2026-03-04T05:11:37.000Z' });
  expect(stale).not.toHaveProperty('wakeAt');
  await beat(store, { busy: true });
  expect(await store.get('runner', ID)).toMatchObject({ status: 'busy', wakeAt: '2026-03-04T05:15:07.000Z' });
});
