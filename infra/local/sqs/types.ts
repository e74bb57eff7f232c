import type { Journal } from '../journal.ts';
import type { Authorize, Caller, Clock } from '../kernel.ts';
import type { MessageAttribute } from './message.ts';

export interface QueueDefinition {
  readonly name: string;
  readonly arn: string;
  readonly url: string;
  /** Seconds; 30 by default. */
  readonly visibilityTimeout?: number;
  /** Seconds; 0 by default. */
  readonly delaySeconds?: number;
  /** Seconds; 345,600 (4 days) by default. */
  readonly retention?: number;
  readonly redrive?: { readonly deadLetterTargetArn: string; readonly maxReceiveCount: number };
}

export interface SqsOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly authorize: Authorize;
  readonly queues: readonly QueueDefinition[];
  /** Source of message ids; uuid v4 by default. */
  readonly newId?: () => string;
}

export interface OutgoingMessage {
  readonly body: string;
  readonly attributes?: Readonly<Record<string, MessageAttribute>>;
  /** Seconds, at most 900; the queue's own delay by default. */
  readonly delaySeconds?: number;
  /** AWSTraceHeader. */
  readonly trace?: string;
}

/** In the shape of the wire, and so of a Lambda SQS event record but for the names' case. */
export interface ReceivedMessage {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly MD5OfBody: string;
  readonly Body: string;
  readonly Attributes: Readonly<Record<string, string>>;
  readonly MessageAttributes?: Readonly<Record<string, MessageAttribute>>;
  readonly MD5OfMessageAttributes?: string;
}

export interface QueueDepth {
  readonly arn: string;
  /** Receivable now. */
  readonly visible: number;
  /** Sent with a delay that has not passed. */
  readonly delayed: number;
  /** Received, neither deleted nor visible again. */
  readonly inFlight: number;
  /** The soonest instant at which a delayed or in-flight message becomes visible, ms since the epoch. */
  readonly nextVisibleAt: number | null;
}

export interface Sqs {
  /** The JSON protocol: `operation` without the `AmazonSQS.` prefix. Answers once the effect is durable. */
  handle(operation: string, input: unknown, caller: Caller): Promise<unknown>;
  /** In-process calls, checked against the caller's rights as `handle` is; durable after `journal.flushed()`. */
  send(caller: Caller, queueArn: string, message: OutgoingMessage): string;
  receive(caller: Caller, queueArn: string, options?: { max?: number; visibilityTimeout?: number }): ReceivedMessage[];
  delete(caller: Caller, queueArn: string, receiptHandle: string): void;
  changeVisibility(caller: Caller, queueArn: string, receiptHandle: string, seconds: number): void;
  /** Called (in a microtask, coalesced) whenever messages became visible, by sending or by time. Returns the cancellation. */
  onAvailable(queueArn: string, listener: () => void): () => void;
  depths(): Record<string, QueueDepth>;
  /** At host start: nothing received before is still being worked on, so it is visible again, except what a consumer postponed itself. */
  releaseInFlight(): void;
  /** Moves a DLQ's visible messages back to where they failed to arrive, or to `destinationArn`, as new messages. */
  redriveDlq(name: string, destinationArn?: string): { moved: number; left: number };
  has(queueArn: string): boolean;
}
