import { createHash } from 'node:crypto';
import type { Source } from '../model/index.ts';
import type { Told } from '../platforms/sweeper.ts';
import { ids, keepDelivery, type Store } from '../store/index.ts';

/**
 * Puts what a webhook should have told into the ledger of deliveries, from where it takes the way of all of them. Its id
 * follows from its content: the same again is the same delivery. False: it is there already.
 */
export function recover(
  store: Store,
  { platform, repository }: Pick<Source, 'platform' | 'repository'>,
  { event, action, payload }: Told,
): Promise<boolean> {
  const body = Buffer.from(JSON.stringify(payload));
  const externalId = `recovered-${createHash('sha256').update(`${event}\n`).update(body).digest('hex').slice(0, 40)}`;
  const now = store.now();
  return keepDelivery(
    store,
    {
      id: ids.delivery(platform, externalId),
      status: 'received',
      statusAt: now,
      origin: 'recovered',
      platform,
      externalId,
      event,
      action,
      repository,
      receivedAt: now,
      contentType: 'application/json',
    },
    body,
  );
}
