import { createHandler } from './query.ts';
import { createTopics } from './topics.ts';
import type { Sns, SnsOptions } from './types.ts';

export type { OutboxEntry, Sns, SnsOptions, SubscriptionDefinition, TopicDefinition } from './types.ts';

/** Topics that deliver to queues and functions, and keep what would leave by mail or SMS in an outbox. */
export function createSns(options: SnsOptions): Sns {
  const topics = createTopics(options);
  return {
    handleQuery: createHandler(topics, options),
    outbox: topics.outbox,
    pending: topics.pending,
  };
}
