import * as z from 'zod/mini';
import { once } from './join.ts';
import { type FactOf, machine, type StateOf, withStatus } from './machine.ts';

/** A webhook delivery as it was received: the header of the ledger's entry; the body lies beside it, compressed. */
export const delivery = machine({
  entity: 'delivery',
  schema: 1,
  order: 'ranked',
  initial: 'received',
  statuses: {
    received: { rank: 0, next: ['recorded', 'ignored', 'quarantined'], means: 'verified and kept' },
    quarantined: {
      rank: 1,
      next: ['recorded', 'ignored'],
      means: 'verified, but not to be understood; kept for a replay',
    },
    recorded: { rank: 2, terminal: true, next: [], means: 'its facts are in the table' },
    ignored: { rank: 2, terminal: true, next: [], means: 'it tells nothing that QMOI tracks' },
  },
  fields: {
    platform: z.string(),
    /** The platform's delivery id. */
    externalId: z.string(),
    event: z.string(),
    action: z.optional(z.string()),
    repository: z.optional(z.string()),
    receivedAt: z.string(),
    /** Bytes of the body as it came. */
    bytes: z.number(),
    /** How many items the compressed body takes. */
    parts: z.number(),
    contentType: z.string(),
    reason: z.optional(z.string()),
  },
  joins: {
    platform: once,
    externalId: once,
    event: once,
    action: once,
    repository: once,
    receivedAt: once,
    bytes: once,
    parts: once,
    contentType: once,
    reason: withStatus,
  },
  unpublished: ['recorded', 'ignored'],
});

export type Delivery = StateOf<keyof typeof delivery.statuses, typeof delivery.fields>;
export type DeliveryFact = FactOf<keyof typeof delivery.statuses, typeof delivery.fields>;
