import type { Logger } from '@aws-lambda-powertools/logger';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { createConsumer } from '../../../../shared/runtime/consumer.ts';
import { again, done, type Rest } from '../../../../shared/runtime/rest.ts';

interface Away {
  ReceiptHandle: string;
  VisibilityTimeout: number;
}

function consumer(outcomes: Record<string, Rest | Error>, options: { visibilityFails?: boolean } = {}) {
  const aways: Away[] = [];
  const counted: string[] = [];
  const quiet = { debug: () => undefined, warn: () => undefined, error: () => undefined } as unknown as Logger;
  const sqs = {
    send: async ({ input }: { input: Away }) => {
      if (options.visibilityFails) throw new Error('queue down');
      aways.push(input);
    },
  } as unknown as SQSClient;
  const handle = createConsumer({
    handle: async ({ envelope }) => {
      const outcome = outcomes[envelope.key] ?? done;
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
    ...{ sqs, queueUrl: 'queue', logger: quiet, count: (name) => void counted.push(name), random: () => 0.5 },
  });
  const event = (keys: string[], receives = 1) =>
    ({
      Records: keys.map((key) => ({
        ...{
          messageId: key,
          receiptHandle: `handle-${key}`,
          attributes: { ApproximateReceiveCount: String(receives) },
        },
        body: key === 'broken' ? '{' : JSON.stringify({ 'detail-type': 'run.failed', detail: { key } }),
      })),
    }) as unknown as SQSEvent;
  return { handle, event, aways, counted };
}

const failed = async (result: ReturnType<ReturnType<typeof consumer>['handle']>) =>
  (await result).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);

describe('a consumer', () => {
  it('lets each message succeed or fail alone', async () => {
    const { handle, event, counted } = consumer({ b: new Error('no') });
    expect(await failed(handle(event(['a', 'b', 'broken', 'c'])))).toEqual(['b', 'broken']);
    expect(counted).toHaveLength(2);
  });

  it('puts a message away for as long as was asked, and counts no failure', async () => {
    const { handle, event, aways, counted } = consumer({ a: again(2.2, 'early') });
    expect(await failed(handle(event(['a'])))).toEqual(['a']);
    expect(aways).toEqual([{ QueueUrl: 'queue', ReceiptHandle: 'handle-a', VisibilityTimeout: 3 }]);
    expect(counted).toEqual([]);
  });

  it('backs off further with each failure, up to a bound', async () => {
    const { handle, event, aways } = consumer({ a: new Error('no') });
    for (const receives of [1, 4, 8, 20]) await handle(event(['a'], receives));
    expect(aways.map(({ VisibilityTimeout }) => VisibilityTimeout)).toEqual([2, 9, 129, 151]);
  });

  it('leaves a message to its queue when even putting it away fails', async () => {
    const { handle, event } = consumer({ a: again(1, 'early') }, { visibilityFails: true });
    expect(await failed(handle(event(['a'])))).toEqual(['a']);
  });
});
