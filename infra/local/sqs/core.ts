import { randomUUID } from 'node:crypto';
import { AwsFault, type Caller } from '../kernel.ts';
import { checkMessage, invalid, MAX_DELAY_SECONDS, MAX_VISIBILITY_SECONDS, md5, md5OfAttributes } from './message.ts';
import { Queue, type StoredMessage } from './queue.ts';
import { queueState } from './state.ts';
import type { OutgoingMessage, QueueDefinition, ReceivedMessage, Sqs, SqsOptions } from './types.ts';

/** The service without its wire protocol. */
export interface SqsCore extends Omit<Sqs, 'handle'> {
  purge(caller: Caller, queueArn: string): void;
}

/** What a queue may have received and not deleted at once. */
const MAX_IN_FLIGHT = 120_000;

interface LiveQueue {
  readonly definition: QueueDefinition;
  readonly messages: Queue;
  readonly listeners: Set<() => void>;
  notifying: boolean;
  timer: { readonly at: number; readonly cancel: () => void } | null;
}

/** Standard queues, kept in the journal: at least once, in no promised order. */
export function createCore({
  journal,
  clock,
  authorize,
  queues: definitions,
  newId = randomUUID,
}: SqsOptions): SqsCore {
  const queues = new Map<string, LiveQueue>();
  for (const definition of definitions) {
    queues.set(definition.arn, {
      definition,
      messages: new Queue(),
      listeners: new Set(),
      notifying: false,
      timer: null,
    });
  }
  const log = journal.log('sqs', queueState(new Map(Array.from(queues, ([arn, { messages }]) => [arn, messages]))));

  function queueOf(arn: string): LiveQueue {
    const queue = queues.get(arn);
    if (queue === undefined) throw new AwsFault('QueueDoesNotExist', 'The specified queue does not exist.');
    return queue;
  }

  /** Makes due messages visible, tells the listeners, and wakes up for the next. */
  function refresh(queue: LiveQueue): void {
    queue.messages.promote(clock.now());
    if (queue.messages.counts.visible > 0) notify(queue);
    const next = queue.messages.nextVisibleAt;
    if (next === null || (queue.timer !== null && queue.timer.at <= next)) return;
    queue.timer?.cancel();
    const cancel = clock.at(next, () => {
      queue.timer = null;
      refresh(queue);
    });
    queue.timer = { at: next, cancel };
  }

  function notify(queue: LiveQueue): void {
    if (queue.notifying || queue.listeners.size === 0) return;
    queue.notifying = true;
    queueMicrotask(() => {
      queue.notifying = false;
      for (const listener of queue.listeners) listener();
    });
  }

  function isExpired(queue: LiveQueue, message: StoredMessage): boolean {
    return clock.now() - message.sentAt >= (queue.definition.retention ?? 345_600) * 1000;
  }

  function dropExpired(queue: LiveQueue): void {
    for (const message of queue.messages.ready()) {
      if (!isExpired(queue, message)) break;
      log.append({ t: 'delete', q: queue.definition.arn, id: message.id });
    }
  }

  function send(caller: Caller, queueArn: string, message: OutgoingMessage): string {
    authorize(caller, 'sqs:SendMessage', queueArn);
    const queue = queueOf(queueArn);
    checkMessage(message.body, message.attributes);
    const delay = message.delaySeconds ?? queue.definition.delaySeconds ?? 0;
    if (!(delay >= 0 && delay <= MAX_DELAY_SECONDS)) {
      throw invalid(
        `Value ${delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.`,
      );
    }
    const id = newId();
    const now = clock.now();
    log.append({
      t: 'send',
      q: queueArn,
      m: {
        id,
        body: message.body,
        attributes: Object.keys(message.attributes ?? {}).length > 0 ? message.attributes : undefined,
        trace: message.trace,
        sender: caller.type === 'role' ? caller.functionName : caller.principal,
        sentAt: now,
        visibleAt: now + delay * 1000,
        receives: 0,
      },
    });
    refresh(queue);
    return id;
  }

  function receive(
    caller: Caller,
    queueArn: string,
    { max = 10, visibilityTimeout }: { max?: number; visibilityTimeout?: number } = {},
  ): ReceivedMessage[] {
    authorize(caller, 'sqs:ReceiveMessage', queueArn);
    const queue = queueOf(queueArn);
    const { messages, definition } = queue;
    const now = clock.now();
    messages.promote(now);
    const taken: StoredMessage[] = [];
    for (const message of messages.ready()) {
      if (taken.length >= max) break;
      if (isExpired(queue, message)) log.append({ t: 'delete', q: queueArn, id: message.id });
      else if (definition.redrive !== undefined && message.receives >= definition.redrive.maxReceiveCount) {
        deadLetter(queue, message, definition.redrive.deadLetterTargetArn);
      } else taken.push(message);
    }
    if (taken.length === 0) return [];
    if (messages.counts.inFlight + taken.length > MAX_IN_FLIGHT) {
      throw new AwsFault('OverLimit', 'Too many messages in flight.', 403);
    }
    const until = now + (visibilityTimeout ?? definition.visibilityTimeout ?? 30) * 1000;
    log.append({ t: 'receive', q: queueArn, ids: taken.map(({ id }) => id), at: now, until });
    const received = taken.map(asReceived);
    refresh(queue);
    return received;
  }

  function deadLetter(queue: LiveQueue, message: StoredMessage, to: string): void {
    const target = queues.get(to);
    // A dead-letter queue that is gone keeps AWS from moving the message; it goes on being received.
    if (target === undefined) return;
    log.append({ t: 'move', q: queue.definition.arn, id: message.id, to, at: clock.now() });
    refresh(target);
  }

  /** The message that a receipt handle speaks of, if it is still the one received with it. */
  function claimed(queue: LiveQueue, receiptHandle: string): { message: StoredMessage | undefined; current: boolean } {
    const [, id, receives] = /^([\w-]{1,80}):(\d{1,9})$/.exec(receiptHandle) ?? [];
    if (id === undefined) {
      throw new AwsFault(
        'ReceiptHandleIsInvalid',
        `The input receipt handle "${receiptHandle.slice(0, 100)}" is not a valid receipt handle.`,
      );
    }
    refresh(queue);
    const message = queue.messages.get(id);
    return { message, current: message !== undefined && message.receives === Number(receives) };
  }

  return {
    send,
    receive,
    delete(caller, queueArn, receiptHandle) {
      authorize(caller, 'sqs:DeleteMessage', queueArn);
      const { message, current } = claimed(queueOf(queueArn), receiptHandle);
      // AWS answers success for an older handle too, and need not delete: the harsher of the two readings.
      if (message !== undefined && current) log.append({ t: 'delete', q: queueArn, id: message.id });
    },
    changeVisibility(caller, queueArn, receiptHandle, seconds) {
      authorize(caller, 'sqs:ChangeMessageVisibility', queueArn);
      const queue = queueOf(queueArn);
      if (!(seconds >= 0 && seconds <= MAX_VISIBILITY_SECONDS)) {
        throw invalid(
          `Value ${seconds} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and 43200.`,
        );
      }
      const { message, current } = claimed(queue, receiptHandle);
      if (message === undefined) {
        throw invalid(
          `Value ${receiptHandle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
        );
      }
      if (!current || queue.messages.isReady(message)) {
        throw new AwsFault('MessageNotInflight', 'The specified message is not in flight.');
      }
      log.append({ t: 'hide', q: queueArn, id: message.id, until: clock.now() + seconds * 1000, postponed: true });
      refresh(queue);
    },
    onAvailable(queueArn, listener) {
      const queue = queueOf(queueArn);
      queue.listeners.add(listener);
      refresh(queue);
      return () => queue.listeners.delete(listener);
    },
    purge(caller, queueArn) {
      authorize(caller, 'sqs:PurgeQueue', queueArn);
      queueOf(queueArn);
      log.append({ t: 'purge', q: queueArn });
    },
    depths() {
      return Object.fromEntries(
        Array.from(queues, ([arn, queue]) => {
          dropExpired(queue);
          refresh(queue);
          const { counts, nextVisibleAt } = queue.messages;
          return [queue.definition.name, { arn, ...counts, nextVisibleAt }];
        }),
      );
    },
    releaseInFlight() {
      const now = clock.now();
      for (const [q, queue] of queues) {
        refresh(queue);
        for (const message of [...queue.messages.all()]) {
          if (message.receives === 0 || message.postponed || queue.messages.isReady(message)) continue;
          log.append({ t: 'hide', q, id: message.id, until: now, postponed: false });
        }
        refresh(queue);
      }
    },
    redriveDlq(name, destinationArn) {
      const queue = [...queues.values()].find(({ definition }) => definition.name === name);
      if (queue === undefined) throw new AwsFault('QueueDoesNotExist', 'The specified queue does not exist.');
      refresh(queue);
      let moved = 0;
      for (const message of [...queue.messages.ready()]) {
        const to = destinationArn ?? originOf(message);
        const target = to === undefined ? undefined : queues.get(to);
        if (to === undefined || target === undefined || target === queue) continue;
        log.append({ t: 'move', q: queue.definition.arn, id: message.id, to, at: clock.now(), as: newId() });
        refresh(target);
        moved++;
      }
      const { visible, inFlight, delayed } = queue.messages.counts;
      return { moved, left: visible + inFlight + delayed };
    },
    has: (queueArn) => queues.has(queueArn),
  };
}

/** Where a dead letter failed to arrive: its queue, or the target that EventBridge, Scheduler or SNS names in its attributes. */
function originOf({ source, attributes }: StoredMessage): string | undefined {
  return source ?? attributes?.TARGET_ARN?.StringValue;
}

function asReceived(message: StoredMessage): ReceivedMessage {
  const { id, body, attributes, receives } = message;
  return {
    MessageId: id,
    ReceiptHandle: `${id}:${receives}`,
    MD5OfBody: md5(body),
    Body: body,
    Attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(message.sentAt),
      SenderId: message.sender,
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
      ...(message.trace !== undefined && { AWSTraceHeader: message.trace }),
      ...(message.source !== undefined && { DeadLetterQueueSourceArn: message.source }),
    },
    ...(attributes !== undefined && {
      MessageAttributes: attributes,
      MD5OfMessageAttributes: md5OfAttributes(attributes),
    }),
  };
}
