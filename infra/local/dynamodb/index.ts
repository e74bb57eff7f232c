/**
 * DynamoDB in the embedded host: a real engine behind one face. The host authorises, counts and translates; the engine
 * stores. Why this engine, and how it is tamed: docs/adr/0003-embedded-dynamodb.md.
 */
import { join } from 'node:path';
import { openEndpoint } from './endpoint.ts';
import { type Engine, openEngine } from './engine.ts';
import { connect } from './engine-client.ts';
import { createHandle } from './handle.ts';
import { createStreams } from './streams.ts';
import { ensureTable, type Table } from './tables.ts';
import { createTtl } from './ttl.ts';
import type { DynamoDb, DynamoDbOptions } from './types.ts';

export type {
  Chaos,
  DynamoDb,
  DynamoDbOptions,
  StreamPage,
  StreamRecord,
  Streams,
  TableResource,
  UnitCount,
  WireAnswer,
  WireRequest,
} from './types.ts';

/** Ready for calls when it resolves; rejects with a sentence for the operator. */
export async function openDynamoDb(options: DynamoDbOptions): Promise<DynamoDb> {
  const engine: Engine = options.endpoint ? await openEndpoint(options.endpoint) : await openEngine(options.dataDir);
  const client = connect(engine.origin);
  const close = async (): Promise<void> => {
    client.close();
    await engine.close();
  };
  try {
    const tables = new Map<string, Table>();
    for (const resource of options.tables) tables.set(resource.name, await ensureTable(client, resource));

    const ttl = createTtl({
      client,
      tables: [...tables.values()],
      clock: options.clock,
      noteFile: join(options.dataDir, 'dynamodb-ttl-deletes.jsonl'),
      onDeleted: (name) => streams.written(name),
    });
    const streams = createStreams({
      client,
      tables,
      clock: options.clock,
      embedded: !options.endpoint,
      isTtlDelete: ttl.isTtlDelete,
    });
    const { handle, units } = createHandle({
      client,
      authorize: options.authorize,
      chaos: options.chaos,
      onWritten: streams.written,
    });
    return { handle, units, streams, sweepTtl: ttl.sweep, close };
  } catch (error) {
    await close();
    throw error;
  }
}
