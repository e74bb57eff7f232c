import type { LogState } from '../journal.ts';
import type { Queue, StoredMessage } from './queue.ts';

/** `move` keeps the message (dead-lettering) unless `as` gives it a new identity (redrive), as AWS does. */
export type QueueEvent =
  | { t: 'send'; q: string; m: StoredMessage }
  | { t: 'receive'; q: string; ids: string[]; at: number; until: number }
  | { t: 'hide'; q: string; id: string; until: number; postponed: boolean }
  | { t: 'delete'; q: string; id: string }
  | { t: 'move'; q: string; id: string; to: string; at: number; as?: string }
  | { t: 'purge'; q: string };

/** How the journal's events change the queues, by ARN. */
export function queueState(queues: ReadonlyMap<string, Queue>): LogState<QueueEvent> {
  function apply(event: QueueEvent): void {
    // A queue that left the stack takes its messages along, as its deletion does on AWS.
    const messages = queues.get(event.q);
    if (messages === undefined) return;
    switch (event.t) {
      case 'send':
        messages.put({ ...event.m }, event.m.sentAt);
        return;
      case 'receive':
        for (const id of event.ids) {
          const message = messages.get(id);
          if (message !== undefined) messages.hide(message, event.until, event.at);
        }
        return;
      case 'hide': {
        const message = messages.get(event.id);
        if (message === undefined) return;
        messages.hide(message, event.until);
        message.postponed = event.postponed;
        return;
      }
      case 'delete':
        messages.remove(event.id);
        return;
      case 'move': {
        const message = messages.remove(event.id);
        if (message !== undefined) queues.get(event.to)?.put(moved(message, event), event.at);
        return;
      }
      case 'purge':
        messages.clear();
    }
  }

  function* snapshot(): Iterable<QueueEvent> {
    for (const [q, messages] of queues) {
      for (const m of messages.all()) yield { t: 'send', q, m };
    }
  }

  return { apply, snapshot };
}

function moved(message: StoredMessage, { q, at, as }: { q: string; at: number; as?: string }): StoredMessage {
  if (as === undefined) return { ...message, source: q, visibleAt: at, postponed: false };
  const { body, attributes = {}, trace, sender } = message;
  const own = Object.entries(attributes).filter(([name]) => !FAILURE_ATTRIBUTES.has(name));
  return {
    id: as,
    body,
    attributes: own.length > 0 ? Object.fromEntries(own) : undefined,
    trace,
    sender,
    sentAt: at,
    visibleAt: at,
    receives: 0,
  };
}

/** What EventBridge, Scheduler and SNS add to a dead letter; its target is not to see it on the second try. */
const FAILURE_ATTRIBUTES = new Set([
  ...['RULE_ARN', 'SCHEDULE_ARN', 'TARGET_ARN', 'ERROR_CODE', 'ERROR_MESSAGE', 'RETRY_ATTEMPTS'],
  ...['EXHAUSTED_RETRY_CONDITION', 'EXECUTION_ID', 'SCHEDULED_TIME', 'IS_PAYLOAD_TRUNCATED'],
  ...['ErrorCode', 'ErrorMessage', 'RequestID'],
]);
