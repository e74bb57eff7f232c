import * as z from 'zod/mini';
import { cut } from '../clean.ts';
import type { Platform, RawRequest, Reading } from '../port.ts';
import { contentHash, isDeliveryId, jsonOf, malformed, mismatchOf } from '../request.ts';
import { normalise, repositoryOf } from './normalise.ts';
import { EVENTS, isKnownEvent } from './payloads.ts';

/** An event of EventBridge, as far as it says what it is. */
const envelope = z.object({ id: z.string(), 'detail-type': z.string() });

function read({ body }: RawRequest): Reading {
  const payload = jsonOf(body.toString('utf8'));
  if (payload === undefined) return malformed('the event is not JSON');
  const known = envelope.safeParse(payload);
  if (!known.success) {
    return { kind: 'quarantined', externalId: contentHash(body), event: 'unknown', reason: mismatchOf(known.error) };
  }
  const { id, 'detail-type': event } = known.data;
  if (!isKnownEvent(event)) return { kind: 'ignored', event: cut(event, 64) };
  const externalId = isDeliveryId(id) ? id : contentHash(body);
  const parsed = EVENTS[event].safeParse(payload);
  if (!parsed.success) return { kind: 'quarantined', externalId, event, reason: mismatchOf(parsed.error) };
  return {
    kind: 'delivery',
    externalId,
    event,
    action: parsed.data.detail.status,
    repository: repositoryOf(parsed.data),
  };
}

export const braket: Platform = {
  name: 'braket',
  title: 'Amazon Braket',
  arrives: 'bus',
  // What is on the account's own bus was let there by the account, and the rule takes Braket's alone.
  verifiedWith: [],
  verify: async () => 'not-configured',
  read,
  normalise,
  // A quantum task costs money each time.
  retryOptions: () => [],
  // Its logs lie with the account, and its reason comes along.
  client: async () => undefined,
};
