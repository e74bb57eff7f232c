import type { SweptSource } from './sweeper.ts';

/** A platform's webhooks as its API shows them. Every call may throw what a sweeper's may. */

/** A webhook that leads to QMOI. */
export interface Hook {
  readonly id: string;
  /** Its address in the platform's API. */
  readonly path: string;
  readonly url: string;
  /** Why the platform does not send to it, for people; absent: it does. */
  readonly trouble?: string | undefined;
}

export interface HookDelivery {
  /** The platform's id of this one attempt. */
  readonly id: string;
  /** What the receiver knows the delivery by. */
  readonly externalId: string | undefined;
  readonly at: string;
  readonly ok: boolean;
  /** Whether it tells what QMOI keeps and no sweep would find. */
  readonly wanted: boolean;
  /** What came of it, for people. */
  readonly outcome: string;
}

export interface Hooks {
  /** The webhooks of a source that lead to QMOI, and whether there can be no others that the token does not see. */
  of(source: SweptSource): Promise<{ readonly hooks: readonly Hook[]; readonly complete: boolean }>;
  /** The latest deliveries, newest first, at least back to `since` where the platform keeps them so long and few calls tell. */
  deliveries(hook: Hook, since: string): Promise<readonly HookDelivery[]>;
  /** Has one sent again. One call. */
  redeliver(hook: Hook, delivery: HookDelivery): Promise<void>;
  /** How many the platform takes at once. */
  readonly redeliveriesAtOnce: number;
}

/** Whether an address is one of QMOI's receiver. Where QMOI itself lives in the world, it need not know. */
export function leadsToQmoi(platform: string, url: string): boolean {
  return URL.canParse(url) && new URL(url).pathname.replace(/\/+$/, '').endsWith(`/webhooks/${platform}`);
}
