import { promisify } from 'node:util';
import { brotliCompressSync, brotliDecompress, constants } from 'node:zlib';
import type { Delivery, DeliveryFact } from '../model/index.ts';
import { bodyPart, expiry, KEEP_DAYS, keyOf } from './keys.ts';
import { type Store, stateOf } from './table.ts';

/** DynamoDB takes items of 400 KB; the rest is left for keys. */
const PART_BYTES = 350_000;
/** A function never unpacks more than this from one delivery; the gateway does not take more either. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

const unpack = promisify(brotliDecompress);

/** Quality 5 halves what gzip leaves of a webhook body in about the same time. */
const compress = (body: Uint8Array): Buffer =>
  brotliCompressSync(body, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 5,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_SIZE_HINT]: body.byteLength,
    },
  });

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
  const packed = compress(body);
  const parts = Math.max(1, Math.ceil(packed.byteLength / PART_BYTES));
  const expiresAt = expiry(store.now(), KEEP_DAYS.delivery ?? 0);
  for (let part = 0; part < parts; part++) {
    const bytes = packed.subarray(part * PART_BYTES, (part + 1) * PART_BYTES);
    await store.putItem({ ...bodyPart(fact.id, part), bytes, expiresAt });
  }
  return store.create('delivery', { ...fact, bytes: body.byteLength, parts } as DeliveryFact);
}

/** A kept delivery and its body, byte for byte as it came, in one consistent read. Undefined: there is no such delivery. */
export async function readDelivery(
  store: Store,
  id: string,
): Promise<{ delivery: Delivery; body: () => Promise<Buffer> } | undefined> {
  const items = await store.partition(keyOf('delivery', id).pk);
  const header = items.find((item) => item.sk === keyOf('delivery', id).sk);
  if (header === undefined) return undefined;
  const delivery = stateOf('delivery', header);
  return {
    delivery,
    body: () => {
      const parts = items.flatMap((item) => (item.bytes instanceof Uint8Array ? [item.bytes] : []));
      if (parts.length < delivery.parts) {
        throw new Error(`delivery ${id} has ${parts.length} of ${delivery.parts} body parts`);
      }
      return unpack(Buffer.concat(parts.slice(0, delivery.parts)), { maxOutputLength: MAX_BODY_BYTES });
    },
  };
}
