import * as z from 'zod/mini';
import type { Delivery } from '../../shared/model/index.ts';
import {
  ids,
  keepDelivery,
  readDelivery,
  replayDelivery,
  SETTLED_AFTER_MS,
  type Store,
  unpackBody,
} from '../../shared/store/index.ts';
import { Problem } from './http.ts';
import type { Operation } from './operations.ts';
import { viewOf } from './views.ts';

/** The gateway and a function take some 6 MB; a compressed body in base64 is nearly all of it. */
const MAX_BYTES = 5 * 1024 * 1024;
const time = z.iso.datetime();
const text = (most: number) => z.string().check(z.minLength(1), z.maxLength(most));

/** A delivery with its body, as one QMOI hands it out and another takes it. */
const replayBody = z.strictObject({
  // Whether this version knows it is for the recording to say.
  platform: z.string().check(z.regex(/^[a-z][a-z0-9-]{0,39}$/)),
  externalId: text(300),
  event: text(200),
  action: z.nullable(text(200)),
  repository: z.nullable(text(400)),
  receivedAt: time,
  contentType: z.string().check(z.maxLength(200)),
  /** Compressed with Brotli, in base64. */
  body: z.string().check(z.regex(/^[A-Za-z0-9+/]+={0,2}$/)),
});
type ReplayBody = z.infer<typeof replayBody>;

const noSuchDelivery = (): Problem => new Problem(404, 'There is no such delivery.');

async function handOut(store: Store, id: string): Promise<ReplayBody> {
  const kept = await readDelivery(store, id);
  if (kept === undefined || kept.delivery.id !== id) throw noSuchDelivery();
  const { platform, externalId, event, action, repository, receivedAt, contentType } = kept.delivery;
  const what = { platform, externalId, event, action: action ?? null, repository: repository ?? null };
  return { ...what, receivedAt, contentType, body: kept.packed().toString('base64') };
}

async function take(store: Store, told: ReplayBody): Promise<{ status: number; body: unknown }> {
  const body = await unpackBody(Buffer.from(told.body, 'base64'));
  if (body === undefined) throw new Problem(400, 'The body is not compressed with Brotli, or too large.');
  const { platform, externalId, event, action, repository, receivedAt, contentType } = told;
  const id = ids.delivery(platform, externalId);
  const fresh = await keepDelivery(
    store,
    {
      ...{ id, status: 'received', statusAt: store.now(), origin: 'replayed' },
      ...{ platform, externalId, event, receivedAt, contentType },
      ...(action !== null && { action }),
      ...(repository !== null && { repository }),
    },
    body,
  );
  return fresh
    ? { status: 202, body: { deliveryId: id, status: 'received' } }
    : { status: 200, body: { status: 'duplicate' } };
}

async function again(store: Store, id: string): Promise<Delivery> {
  const found = await replayDelivery(store, id);
  if (found === undefined || found.delivery.id !== id) throw noSuchDelivery();
  if (found.outcome === 'under-way') throw new Problem(409, 'The delivery has not been recorded yet.');
  if (found.outcome === 'too-fresh') {
    const minutes = SETTLED_AFTER_MS / 60_000;
    throw new Problem(
      409,
      `What came in the last ${minutes} minutes may still be acted on, which a replay must not lead to.`,
    );
  }
  return found.delivery;
}

const nothing = { type: 'string' };
const received = {
  type: 'object',
  properties: { deliveryId: nothing, status: { enum: ['received'] } },
  required: ['deliveryId', 'status'],
};
const duplicate = { type: 'object', properties: { status: { enum: ['duplicate'] } }, required: ['status'] };

export const deliveryOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: '/v1/deliveries/{id}/body',
    id: 'get-delivery-body',
    summary: 'A delivery with its body',
    description:
      'As another QMOI takes it with `POST /v1/deliveries`: `body` is the very body that came, compressed with Brotli, in base64.',
    answers: {
      200: { means: 'The delivery.', schema: { ...z.toJSONSchema(replayBody), $schema: undefined } },
    },
    problems: [404],
    run: async ({ store, id }) => ({ status: 200, body: await handOut(store, id) }),
  },
  {
    method: 'POST',
    path: '/v1/deliveries',
    id: 'replay-foreign-delivery',
    summary: 'Take a delivery of another QMOI',
    description:
      'It is kept with the origin `replayed` and recorded: it leads to state, never to an action or a message.',
    body: replayBody,
    bodyName: 'ReplayBody',
    bodyHelp: 'The body is a delivery as `GET /v1/deliveries/{id}/body` gives it.',
    maxBodyBytes: MAX_BYTES,
    answers: {
      202: { means: 'It is kept.', schema: received },
      200: { means: 'It is known already.', schema: duplicate },
    },
    problems: [400],
    run: ({ store, body }) => take(store, body as ReplayBody),
  },
  {
    method: 'POST',
    path: '/v1/deliveries/{id}/replay',
    id: 'replay-delivery',
    summary: 'Record a delivery again',
    description: `With the origin \`replayed\`: it leads to state, never to an action or a message. 409 before it is recorded and ${SETTLED_AFTER_MS / 60_000} minutes old.`,
    answers: { 202: { means: 'It is going to be recorded.', schema: { item: 'deliveries' } } },
    problems: [404, 409],
    run: async ({ store, id }) => ({ status: 202, body: viewOf('delivery', await again(store, id)) }),
  },
];
