import type { LogState } from '../journal.ts';
import type { MessageAttributes } from './message.ts';
import type { OutboxEntry } from './types.ts';

/** One message on its way to a queue or a function; complete, so that it outlives a change of the subscriptions. */
export interface Delivery {
  readonly id: string;
  readonly topicArn: string;
  readonly protocol: 'sqs' | 'lambda';
  readonly endpoint: string;
  readonly body: string;
  /** Only with raw delivery. */
  readonly attributes?: MessageAttributes;
  readonly deadLetterArn?: string;
}

export interface Pending extends Delivery {
  attempts: number;
  dueAt: number;
}

/** A publication is one event: a crash leaves all of it or nothing. */
export type SnsEvent =
  | { readonly t: 'publish'; readonly at: number; readonly o: readonly OutboxEntry[]; readonly d: readonly Delivery[] }
  | { readonly t: 'failed'; readonly id: string; readonly attempts: number; readonly dueAt: number }
  | { readonly t: 'done'; readonly id: string };

const OUTBOX_SIZE = 10_000;
/** Wide enough for ids to sort as text. */
const ID_DIGITS = 12;

export interface SnsState extends LogState<SnsEvent> {
  readonly outbox: readonly OutboxEntry[];
  readonly pending: ReadonlyMap<string, Pending>;
  /** The ids for the next `count` entries. */
  nextIds(count: number): string[];
}

export function createState(): SnsState {
  const outbox: OutboxEntry[] = [];
  const pending = new Map<string, Pending>();
  return {
    outbox,
    pending,
    nextIds(count) {
      const last = Number(outbox.at(-1)?.id ?? 0);
      return Array.from({ length: count }, (_, i) => String(last + 1 + i).padStart(ID_DIGITS, '0'));
    },
    apply(event) {
      if (event.t === 'publish') {
        outbox.push(...event.o);
        if (outbox.length > OUTBOX_SIZE) outbox.splice(0, outbox.length - OUTBOX_SIZE);
        for (const delivery of event.d) pending.set(delivery.id, { ...delivery, attempts: 0, dueAt: event.at });
      } else if (event.t === 'failed') {
        const delivery = pending.get(event.id);
        if (delivery) Object.assign(delivery, { attempts: event.attempts, dueAt: event.dueAt });
      } else pending.delete(event.id);
    },
    *snapshot() {
      for (const entry of outbox) yield { t: 'publish', at: 0, o: [entry], d: [] };
      for (const { attempts, dueAt, ...delivery } of pending.values()) {
        yield { t: 'publish', at: dueAt, o: [], d: [delivery] };
        if (attempts > 0) yield { t: 'failed', id: delivery.id, attempts, dueAt };
      }
    },
  };
}
