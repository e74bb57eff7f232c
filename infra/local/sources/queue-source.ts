import type { Chaos } from '../chaos.ts';
import type { Lambda } from '../functions/index.ts';
import { type Authorize, AwsFault, type Caller, REGION } from '../kernel.ts';
import type { QueueMapping } from '../model/index.ts';
import { compilePattern, type Matcher } from '../patterns/index.ts';
import type { MessageAttribute, ReceivedMessage, Sqs } from '../sqs/index.ts';
import { readBatchAnswer } from './failures.ts';

/** Lambda begins with five pollers when nothing else is said. */
const POLLERS = 5;
const RECEIVE_AT_MOST = 10;
/** A refused poller asks again, as Lambda does when a role lost its grant. */
const REFUSED_RETRY_MS = 5_000;

export interface QueueSourceOptions {
  readonly mapping: QueueMapping;
  /** The function's own role: Lambda polls with it. */
  readonly caller: Caller;
  readonly sqs: Sqs;
  readonly lambda: Lambda;
  readonly authorize: Authorize;
  readonly chaos: Chaos | undefined;
}

export interface QueueSource {
  start(): void;
  /** Takes no further messages; resolves once the batches at hand have ended. */
  stop(): Promise<void>;
  /** Batches taken from the queue and not yet settled. */
  busy(): number;
}

/** An event source mapping from a queue: receive, invoke, delete what succeeded, leave the rest to its visibility time-out. */
export function createQueueSource(options: QueueSourceOptions): QueueSource {
  const { mapping, caller, sqs, lambda, authorize, chaos } = options;
  const queueArn = mapping.sourceArn;
  const filters = mapping.filters.map((pattern): Matcher => compilePattern(pattern));
  const most = Math.min(mapping.maximumConcurrency ?? POLLERS, lambda.concurrencyOf(mapping.functionArn));
  const waits = new Set<() => void>();
  let stopped = false;
  const working = new Set<Promise<void>>();
  let refused = false;
  let cancel: (() => void) | undefined;

  const later = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        waits.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      waits.add(end);
    });

  const pump = (): void => {
    while (!stopped && !refused && working.size < most) {
      let messages: ReceivedMessage[];
      try {
        messages = receive();
      } catch (error) {
        retryLater(error);
        return;
      }
      if (messages.length === 0) return;
      const batch = work(messages)
        // Whatever it was: the messages become visible again when their time is up.
        .catch((error: unknown) => {
          process.stderr.write(`sqs: ${String(error)}\n`);
        })
        .finally(() => {
          working.delete(batch);
          pump();
        });
      working.add(batch);
    }
  };

  const receive = (): ReceivedMessage[] => {
    // Lambda asks for all three when the mapping is made and keeps asking.
    authorize(caller, 'sqs:GetQueueAttributes', queueArn);
    authorize(caller, 'sqs:DeleteMessage', queueArn);
    return sqs.receive(caller, queueArn, { max: Math.min(mapping.batchSize, RECEIVE_AT_MOST) });
  };

  const retryLater = (error: unknown): void => {
    if (!(error instanceof AwsFault)) process.stderr.write(`sqs: ${String(error)}\n`);
    refused = true;
    void later(REFUSED_RETRY_MS).then(() => {
      refused = false;
      pump();
    });
  };

  const work = async (first: ReceivedMessage[]): Promise<void> => {
    const messages = await fill(first);
    const wanted = messages.filter((message) => {
      const passes = filters.length === 0 || filters.some((matches) => matches(filterable(message)));
      if (!passes) settle(message);
      return passes;
    });
    if (wanted.length === 0) return;
    chaos?.shuffle(wanted);
    if (chaos?.strikes(`delayedDelivery ${mapping.id}`, 0.05)) await later(chaos.random() * 500);

    const event = JSON.stringify({ Records: wanted.map((message) => toRecord(message, queueArn)) });
    let failed: 'all-failed' | ReadonlySet<string>;
    try {
      const result = await lambda.invoke(mapping.functionArn, event);
      const known = new Set(wanted.map(({ MessageId }) => MessageId));
      if (!result.ok) failed = 'all-failed';
      else failed = mapping.partialFailures ? readBatchAnswer(result.payload, known) : new Set();
    } catch {
      // Throttled, or the host is stopping: the messages become visible again.
      return;
    }
    if (failed === 'all-failed') return;
    for (const message of wanted) {
      if (failed.has(message.MessageId)) continue;
      settle(message, isToComeAgain(message));
    }
  };

  /** Collects a fuller batch while the batching window is open (real time: a window is transport, not state). */
  const fill = async (first: ReceivedMessage[]): Promise<ReceivedMessage[]> => {
    const messages = [...first];
    const until = performance.now() + mapping.windowSeconds * 1000;
    while (messages.length < mapping.batchSize && !stopped) {
      const left = until - performance.now();
      const more = sqs.receive(caller, queueArn, {
        max: Math.min(mapping.batchSize - messages.length, RECEIVE_AT_MOST),
      });
      messages.push(...more);
      if (more.length > 0) continue;
      if (left <= 0) break;
      await later(Math.min(left, 50));
    }
    return messages;
  };

  const settle = (message: ReceivedMessage, again = false): void => {
    try {
      if (again) sqs.changeVisibility(caller, queueArn, message.ReceiptHandle, 1);
      else sqs.delete(caller, queueArn, message.ReceiptHandle);
    } catch (error) {
      if (!(error instanceof AwsFault)) throw error;
    }
  };

  /** At least once: now and then a message that was dealt with comes a second time. */
  const isToComeAgain = (message: ReceivedMessage): boolean =>
    message.Attributes.ApproximateReceiveCount === '1' &&
    chaos?.strikes(`duplicateMessage ${mapping.id}`, 0.05) === true;

  return {
    start() {
      cancel = sqs.onAvailable(queueArn, pump);
      pump();
    },
    stop() {
      stopped = true;
      cancel?.();
      for (const end of waits) end();
      return Promise.all(working).then(() => undefined);
    },
    busy: () => working.size,
  };
}

/** What a filter pattern sees: the body parsed when it is JSON. */
function filterable(message: ReceivedMessage): unknown {
  let body: unknown = message.Body;
  try {
    body = JSON.parse(message.Body);
  } catch {
    // A pattern may still match the text.
  }
  return { ...toRecord(message, ''), body };
}

function toRecord(message: ReceivedMessage, queueArn: string): Record<string, unknown> {
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes,
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [name, toAttribute(value)]),
    ),
    ...(message.MD5OfMessageAttributes === undefined ? {} : { md5OfMessageAttributes: message.MD5OfMessageAttributes }),
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: REGION,
  };
}

function toAttribute({ DataType, StringValue, BinaryValue }: MessageAttribute): Record<string, unknown> {
  return {
    ...(StringValue === undefined ? {} : { stringValue: StringValue }),
    ...(BinaryValue === undefined ? {} : { binaryValue: BinaryValue }),
    stringListValues: [],
    binaryListValues: [],
    dataType: DataType,
  };
}
