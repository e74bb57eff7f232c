import type { LogState } from '../journal.ts';

export type Entry =
  /** A schedule became known, or is another one than before under the same name. */
  | { readonly t: 'seen'; readonly arn: string; readonly as: string; readonly at: number; readonly last?: number }
  | { readonly t: 'gone'; readonly arn: string }
  /** It came due and is to be handed over; `kept` is the same in a snapshot, where `seen` already tells the last due time. */
  | ({ readonly t: 'due' | 'kept' } & Firing)
  | { readonly t: 'failed'; readonly id: string; readonly attempts: number; readonly retryAt: number }
  | { readonly t: 'done'; readonly id: string };

export interface Firing {
  readonly id: string;
  readonly arn: string;
  /** The time it was due, ms since the epoch. */
  readonly due: number;
  readonly acceptedAt: number;
}

export interface PendingFiring extends Firing {
  attempts: number;
  retryAt: number;
}

export interface Known {
  /** What its due times follow from. */
  readonly as: string;
  readonly since: number;
  /** The last due time that was accepted. */
  last: number | undefined;
}

export interface SchedulerState extends LogState<Entry> {
  readonly known: Map<string, Known>;
  readonly pending: Map<string, PendingFiring>;
}

export function createState(): SchedulerState {
  const known = new Map<string, Known>();
  const pending = new Map<string, PendingFiring>();
  return {
    known,
    pending,
    apply(entry) {
      if (entry.t === 'seen') {
        known.set(entry.arn, { as: entry.as, since: entry.at, last: entry.last });
      } else if (entry.t === 'gone') {
        known.delete(entry.arn);
        for (const { id, arn } of [...pending.values()]) if (arn === entry.arn) pending.delete(id);
      } else if (entry.t === 'failed') {
        Object.assign(pending.get(entry.id) ?? {}, { attempts: entry.attempts, retryAt: entry.retryAt });
      } else if (entry.t === 'done') {
        pending.delete(entry.id);
      } else {
        const { id, arn, due, acceptedAt } = entry;
        pending.set(id, { id, arn, due, acceptedAt, attempts: 0, retryAt: acceptedAt });
        const schedule = known.get(arn);
        if (entry.t === 'due' && schedule) schedule.last = due;
      }
    },
    *snapshot() {
      for (const [arn, { as, since, last }] of known) {
        yield { t: 'seen', arn, as, at: since, ...(last === undefined ? {} : { last }) };
      }
      for (const { id, arn, due, acceptedAt, attempts, retryAt } of pending.values()) {
        yield { t: 'kept', id, arn, due, acceptedAt };
        if (attempts > 0) yield { t: 'failed', id, attempts, retryAt };
      }
    },
  };
}
