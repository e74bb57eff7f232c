import type { Delivery } from '../model/index.ts';
import type { Platform } from '../platforms/port.ts';
import { readDelivery, type Store } from '../store/index.ts';
import { enterSourceOf } from './sources.ts';
import { track } from './track.ts';

export interface RecordDeps {
  store: Store;
  platforms: Readonly<Record<string, Platform>>;
}

/** Reads a kept delivery and writes its facts. What cannot be understood is quarantined with the reason. */
export async function recordDelivery(
  deliveryId: string,
  { store, platforms }: RecordDeps,
): Promise<Delivery['status']> {
  const kept = await readDelivery(store, deliveryId);
  // A stream record can overtake nothing, but an item can be gone by the time a parked message is redriven.
  if (kept === undefined) return 'ignored';
  const { delivery } = kept;
  if (delivery.status === 'recorded' || delivery.status === 'ignored') return delivery.status;
  const settle = async (status: Delivery['status'], reason?: string) => {
    const fact = { id: delivery.id, status, statusAt: store.now(), origin: delivery.origin, reason };
    await store.merge('delivery', fact, delivery);
    return status;
  };
  const platform = platforms[delivery.platform];
  if (platform === undefined) return settle('quarantined', `there is no platform ${delivery.platform}`);
  let facts: ReturnType<Platform['normalise']>;
  const body = await kept.body();
  try {
    facts = platform.normalise({
      event: delivery.event,
      body,
      contentType: delivery.contentType,
      origin: delivery.origin,
      receivedAt: delivery.receivedAt,
    });
  } catch (error) {
    return settle('quarantined', `${(error as Error).name}: ${(error as Error).message}`.slice(0, 500));
  }
  await track(store, platform, facts);
  await enterSourceOf(store, platform, delivery);
  return settle('recorded');
}
