import { BUS_EVENTS } from '../../shared/platforms/bus.ts';
import type { Platform, Reading } from '../../shared/platforms/port.ts';
import { jsonOf } from '../../shared/platforms/request.ts';
import { ids, keepDelivery, type Store } from '../../shared/store/index.ts';

export interface KeepDeps {
  store: Store;
  platforms: Readonly<Record<string, Platform>>;
}

export type Outcome = 'received' | 'quarantined' | 'duplicate' | 'ignored';

/**
 * Keeps an event of the account's bus as the delivery it is; `text` is the event as it came. The rule has seen to it that it
 * comes from who it says, so what cannot be read is a surprise worth keeping, and never an error.
 */
export async function keepEvent(
  text: string,
  { store, platforms }: KeepDeps,
): Promise<{ platform: string; outcome: Outcome }> {
  const source = (jsonOf(text) as { source?: unknown } | null | undefined)?.source;
  const name = Object.entries(BUS_EVENTS).find(([, events]) => events.source === source)?.[0];
  const platform = name === undefined ? undefined : platforms[name];
  if (platform === undefined) return { platform: 'unknown', outcome: 'ignored' };
  const body = Buffer.from(text);
  const reading = platform.read({ headers: {}, body });
  return { platform: platform.name, outcome: await keep(platform, reading, body, store) };
}

async function keep(platform: Platform, reading: Reading, body: Buffer, store: Store): Promise<Outcome> {
  if (reading.kind === 'ignored' || reading.kind === 'malformed') return 'ignored';
  const status = reading.kind === 'delivery' ? 'received' : 'quarantined';
  const receivedAt = store.now();
  const { externalId, event } = reading;
  const fact = {
    id: ids.delivery(platform.name, externalId),
    status,
    statusAt: receivedAt,
    receivedAt,
    externalId,
    event,
    origin: 'live',
    platform: platform.name,
    contentType: 'application/json',
    ...(reading.kind === 'quarantined' ? { reason: reading.reason } : { action: reading.action }),
    ...(reading.kind === 'delivery' && { repository: reading.repository }),
  } as const;
  return (await keepDelivery(store, fact, body)) ? status : 'duplicate';
}
