import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { keepDelivery, readDelivery, type Store } from '../../../../shared/store/index.ts';
import { withTable } from '../../../support/table.ts';
import { askOf } from './ask.ts';

const engine = withTable();
const BODY = Buffer.from('{"action":"completed", "odd":"\\u0000 é"}');
const MINUTE = 60_000;

const keep = (store: Store, externalId = 'guid-1') =>
  keepDelivery(
    store,
    {
      ...{ id: `github:${externalId}`, status: 'received', statusAt: store.now(), origin: 'live', platform: 'github' },
      ...{ externalId, event: 'workflow_run', action: 'completed', repository: 'acme/shop', receivedAt: store.now() },
      contentType: 'application/json',
    },
    BODY,
  );
const post = (body: object) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

it('hands a delivery out as another instance takes it, byte for byte, once', async () => {
  const [from, to] = [await engine.fresh(), await engine.fresh()];
  await keep(from.store);
  const out = await askOf(from.store)('/v1/deliveries/github%3Aguid-1/body');
  expect(out).toMatchObject({ status: 200, body: { platform: 'github', event: 'workflow_run', action: 'completed' } });
  expect(brotliDecompressSync(Buffer.from(String((out.body as { body?: unknown }).body), 'base64'))).toEqual(BODY);

  to.time.now += 60 * MINUTE;
  const ask = askOf(to.store);
  expect(await ask('/v1/deliveries', post(out.body))).toMatchObject({
    status: 202,
    body: { deliveryId: 'github:guid-1', status: 'received' },
  });
  const taken = await readDelivery(to.store, 'github:guid-1');
  const original = await readDelivery(from.store, 'github:guid-1');
  expect(taken?.delivery).toMatchObject({ origin: 'replayed', receivedAt: original?.delivery.receivedAt });
  expect(await taken?.body()).toEqual(BODY);
  expect(await ask('/v1/deliveries', post(out.body))).toMatchObject({ status: 200, body: { status: 'duplicate' } });
});

it('takes no body that is not what it says', async () => {
  const { store } = await engine.fresh();
  const ask = askOf(store);
  const told = {
    ...{ platform: 'github', externalId: '1', event: 'ping', action: null, repository: null },
    ...{ receivedAt: '2026-01-31T12:00:00.000Z', contentType: 'application/json' },
  };
  const bomb = brotliCompressSync(Buffer.alloc(11 * 1024 * 1024)).toString('base64');
  for (const body of ['bm90IGJyb3RsaQ==', bomb, '%%%', '']) {
    expect(await ask('/v1/deliveries', post({ ...told, body })), body.slice(0, 20)).toMatchObject({ status: 400 });
  }
  const good = brotliCompressSync(BODY).toString('base64');
  expect(await ask('/v1/deliveries', post({ ...told, platform: '../x', body: good }))).toMatchObject({ status: 400 });
  expect(await ask('/v1/deliveries', post({ ...told, body: 'A'.repeat(6 * 1024 * 1024) }))).toMatchObject({
    status: 413,
  });
  expect((await ask('/v1/deliveries')).body.items).toEqual([]);
});

it('puts up for recording again what has settled, and nothing else', async () => {
  const { store, time } = await engine.fresh();
  const ask = askOf(store);
  await keep(store);
  const again = () => ask('/v1/deliveries/github%3Aguid-1/replay', { method: 'POST' });
  time.now += 60 * MINUTE;
  expect(await again()).toMatchObject({ status: 409, body: { detail: expect.stringContaining('recorded') } });
  const delivery = await store.get('delivery', 'github:guid-1');
  const settle = { id: 'github:guid-1', origin: 'live', statusAt: store.now() } as const;
  await store.merge('delivery', { ...settle, status: 'quarantined', reason: 'ZodError' }, delivery);
  time.now -= 31 * MINUTE;
  expect(await again()).toMatchObject({ status: 409, body: { detail: expect.stringContaining('30 minutes') } });
  time.now += MINUTE;
  expect(await again()).toMatchObject({ status: 202, body: { status: 'received', origin: 'replayed', reason: null } });
  expect(await ask('/v1/deliveries/github%3Anone/replay', { method: 'POST' })).toMatchObject({ status: 404 });
  expect(await ask('/v1/deliveries/github%3Anone/body')).toMatchObject({ status: 404 });
});
