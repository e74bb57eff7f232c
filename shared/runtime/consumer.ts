import type { Logger } from '@aws-lambda-powertools/logger';
import { ChangeMessageVisibilityCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Envelope } from '../events/index.ts';
import type { Count } from './observability.ts';
import type { Rest } from './rest.ts';

/** One event from the bus, as a queue handed it over. */
export interface Received {
  /** `<entity>.<status>` */
  readonly type: string;
  readonly envelope: Envelope;
  /** The whole event as it came: what others than QMOI put on a bus has no envelope. */
  readonly text: string;
  /** How often this message has been handed over, this time included. */
  readonly receives: number;
}

export interface ConsumerDeps {
  /** What is left to do, if anything: the message then comes back, which is no failure. */
  handle: (event: Received) => Promise<Rest>;
  sqs: SQSClient;
  queueUrl: string;
  logger: Logger;
  count: Count;
  random: () => number;
}

/** The longest a message that failed stays away; a queue's own limit is 12 hours. */
const MAX_BACKOFF_SECONDS = 300;

/** Doubles with each receive, with full jitter above a second, so that a broken neighbour is not hammered in step. */
const backoff = (receives: number, random: () => number): number =>
  1 + Math.floor(random() * Math.min(MAX_BACKOFF_SECONDS, 2 ** receives));

/**
 * A function that takes events from its queue. Each message succeeds or fails alone; one that failed comes back after a
 * back-off, and after too many receives the queue moves it to its dead-letter queue.
 */
export function createConsumer(deps: ConsumerDeps): (event: SQSEvent) => Promise<SQSBatchResponse> {
  const away = async (record: SQSRecord, seconds: number): Promise<void> => {
    try {
      await deps.sqs.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: deps.queueUrl,
          ReceiptHandle: record.receiptHandle,
          VisibilityTimeout: Math.max(0, Math.ceil(seconds)),
        }),
      );
    } catch (error) {
      // The queue's own visibility time-out brings the message back, only later.
      deps.logger.warn('visibility not changed', { messageId: record.messageId, error: error as Error });
    }
  };
  const take = async (record: SQSRecord): Promise<boolean> => {
    const receives = Number(record.attributes.ApproximateReceiveCount);
    try {
      const { 'detail-type': type, detail } = JSON.parse(record.body) as { 'detail-type': string; detail: Envelope };
      const rest = await deps.handle({ type, envelope: detail, text: record.body, receives });
      if (!rest.again) return true;
      deps.logger.debug('waiting', { messageId: record.messageId, event: detail?.id, why: rest.why });
      await away(record, rest.seconds);
    } catch (error) {
      deps.logger.error('failed', { messageId: record.messageId, receives, error: error as Error });
      deps.count('ConsumerFailures', {});
      await away(record, backoff(receives, deps.random));
    }
    return false;
  };
  return async (event) => {
    const taken = await Promise.all(event.Records.map(take));
    return {
      batchItemFailures: event.Records.filter((_, index) => !taken[index]).map((record) => ({
        itemIdentifier: record.messageId,
      })),
    };
  };
}
