import type { Chaos } from '../chaos.ts';
import type { DynamoDb } from '../dynamodb/index.ts';
import type { Lambda } from '../functions/index.ts';
import type { Journal } from '../journal.ts';
import type { Authorize, Caller, Clock } from '../kernel.ts';
import type { HostModel } from '../model/index.ts';
import type { Sqs } from '../sqs/index.ts';
import { createQueueSource } from './queue-source.ts';
import { type Checkpoint, createStreamSource, type StreamStatus } from './stream-source.ts';

export interface Sources {
  start(): void;
  /** Takes no further work; resolves once the batches at hand have ended. */
  stop(): Promise<void>;
  /** Whether any source holds or may hold work it has not settled. */
  busy(): boolean;
  streams(): (StreamStatus & { readonly function: string })[];
}

export interface SourcesOptions {
  readonly model: HostModel;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly chaos: Chaos | undefined;
  readonly authorize: Authorize;
  readonly sqs: Sqs;
  readonly lambda: Lambda;
  readonly dynamodb: DynamoDb;
  callerOf(functionArn: string): Caller;
  complain(line: string): void;
}

/** Every enabled event source mapping of the template. */
export function openSources(options: SourcesOptions): Sources {
  const { model, journal, lambda, dynamodb } = options;
  const checkpoints = new Map<string, string>();
  const log = journal.log<Checkpoint>('stream-checkpoints', {
    apply({ id, position }) {
      checkpoints.set(id, position);
    },
    *snapshot() {
      for (const [id, position] of checkpoints) yield { id, position };
    },
  });

  const queues = model.queueMappings.map((mapping) =>
    createQueueSource({ ...options, mapping, caller: options.callerOf(mapping.functionArn) }),
  );
  const streams = model.streamMappings.map((mapping) => {
    const name = lambda.nameOf(mapping.functionArn);
    const source = createStreamSource({
      ...options,
      mapping,
      caller: options.callerOf(mapping.functionArn),
      log,
      position: checkpoints.get(mapping.id),
      onCheckpoint: () => void trim(mapping.tableName),
      onGivenUp: (records, condition) => options.complain(`${name}: ${records} stream records given up: ${condition}`),
    });
    return { source, name };
  });

  /** Records go once every mapping of the table has passed them durably. */
  const trim = async (tableName: string): Promise<void> => {
    const readers = model.streamMappings.filter((mapping) => mapping.tableName === tableName);
    const passed = readers.map(({ id }) => checkpoints.get(id));
    // Only plain sequence numbers can be compared; other engines let go of old records themselves.
    if (passed.some((position) => position === undefined || !/^\d+$/.test(position))) return;
    const lowest = (passed as string[]).reduce((a, b) => (BigInt(a) < BigInt(b) ? a : b));
    try {
      await journal.flushed();
      await dynamodb.streams.trim(tableName, lowest);
    } catch {
      // The next checkpoint tries again.
    }
  };

  return {
    start() {
      for (const queue of queues) queue.start();
      for (const { source } of streams) source.start();
    },
    async stop() {
      await Promise.all([...queues.map((queue) => queue.stop()), ...streams.map(({ source }) => source.stop())]);
    },
    busy: () => queues.some((queue) => queue.busy() > 0) || streams.some(({ source }) => source.busy()),
    streams: () => streams.map(({ source, name }) => ({ function: name, ...source.status() })),
  };
}
