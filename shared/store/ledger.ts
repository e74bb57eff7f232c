import type { Delivery, DeliveryFact } from '../model/index.ts';
import { bodyPart, expiry, KEEP_DAYS, keyOf } from './keys.ts';
import { pack, unpack } from './pack.ts';
import { type Store, stateOf } from './table.ts';

/** DynamoDB takes items of 400 KB; the rest is left for keys. */
const PART_BYTES = 350_000;
/** A function never unpacks more than this from one delivery; the gateway does not take more either. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** A body that was packed by this module or another instance's. Undefined: it is none, or unpacks to too much. */
export const unpackBody = (packed: Uint8Array): Promise<Buffer | undefined> =>
  unpack(packed, MAX_BODY_BYTES).catch(() => undefined);

/**
 * Keeps a delivery: the body first, then the header, whose conditional put is at once the commit point and the
 * de-duplication. Returns false for a delivery that is kept already. A crash in between leaves a body that nobody refers
 * to; the platform's redelivery writes over it, and its time to live removes it.
 */
export async function keepDelivery(
  store: Store,
  fact: Omit<DeliveryFact, 'bytes' | 'parts'>,
  body: Uint8Array,
): Promise<boolean> {
  const packed = pack(body);
  const parts = Math.max(1, Math.ceil(packed.byteLength / PART_BYTES));
  const expiresAt = expiry(store.now(), KEEP_DAYS.delivery ?? 0);
  for (let part = 0; part < parts; part++) {
    const bytes = packed.subarray(part * PART_BYTES, (part + 1) * PART_BYTES);
    await store.putItem({ ...bodyPart(fact.id, part), bytes, expiresAt });
  }
  return store.create('delivery', { ...fact, bytes: body.byteLength, parts } as DeliveryFact);
}

export interface KeptDelivery {
  readonly delivery: Delivery;
  /** The body as it came. */
  body(): Promise<Buffer>;
  /** The body as it is kept (Brotli): what fits into an answer, however large the body. */
  packed(): Buffer;
}

/** A kept delivery and its body, byte for byte as it came, in one consistent read. Undefined: there is no such delivery. */
export async function readDelivery(store: Store, id: string): Promise<KeptDelivery | undefined> {
  const items = await store.partition(keyOf('delivery', id).pk);
  const header = items.find((item) => item.sk === keyOf('delivery', id).sk);
  if (header === undefined) return undefined;
  const delivery = stateOf('delivery', header);
  const packed = (): Buffer => {
    const parts = items.flatMap((item) => (item.bytes instanceof Uint8Array ? [item.bytes] : []));
    if (parts.length < delivery.parts)
      throw new Error(`delivery ${id} has ${parts.length} of ${delivery.parts} body parts`);
    return Buffer.concat(parts.slice(0, delivery.parts));
  };
  return { delivery, packed, body: async () => unpack(packed(), MAX_BODY_BYTES) };
}

/** How long facts may lead to actions and messages (DESIGN.md, rule 6), and with it how old a delivery has to be to come again. */
export const SETTLED_AFTER_MS = 30 * 60_000;

/**
 * Puts a settled delivery up for recording again, as a replayed one. `too-fresh`: what it told may still be acted on, and
 * a replay must not have a part in that. `under-way`: it has not been recorded yet. Undefined: there is no such delivery.
 */
export async function replayDelivery(
  store: Store,
  id: string,
): Promise<{ outcome: 'replayed' | 'too-fresh' | 'under-way'; delivery: Delivery } | undefined> {
  let outcome: 'replayed' | 'too-fresh' | 'under-way' = 'replayed';
  const { after } = await store.change('delivery', id, (state) => {
    if (state === undefined) return undefined;
    const age = Date.parse(store.now()) - Date.parse(state.receivedAt);
    outcome = state.status === 'received' ? 'under-way' : age < SETTLED_AFTER_MS ? 'too-fresh' : 'replayed';
    return outcome === 'replayed'
      ? { ...state, status: 'received', statusAt: store.now(), origin: 'replayed', reason: undefined }
      : undefined;
  });
  return after === undefined ? undefined : { outcome, delivery: after };
}
