import { createCore } from './core.ts';
import type { Sqs, SqsOptions } from './types.ts';
import { createHandler } from './wire.ts';

export type { MessageAttribute } from './message.ts';
export type { OutgoingMessage, QueueDefinition, QueueDepth, ReceivedMessage, Sqs, SqsOptions } from './types.ts';

/** Standard queues, kept in the journal: at least once, in no promised order. */
export function createSqs(options: SqsOptions): Sqs {
  const core = createCore(options);
  return { ...core, handle: createHandler(core, options) };
}
