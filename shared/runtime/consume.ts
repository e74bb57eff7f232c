import { SQSClient } from '@aws-sdk/client-sqs';
import { type ConsumerDeps, createConsumer } from './consumer.ts';
import { type Count, createCount, createLogger } from './observability.ts';

/** The consumer of a function's own queue, wired to the system; `handle` gets the function's counters with the event. */
export function consume(
  queueUrl: string,
  handle: (event: Parameters<ConsumerDeps['handle']>[0], count: Count) => ReturnType<ConsumerDeps['handle']>,
) {
  const count = createCount();
  return createConsumer({
    handle: (event) => handle(event, count),
    sqs: new SQSClient({}),
    queueUrl,
    logger: createLogger(),
    count,
    random: Math.random,
  });
}
