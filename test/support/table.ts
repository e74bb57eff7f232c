import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import { type EngineProcess, findEngine, startEngine } from '../../infra/local/dynamodb/engine-process.ts';
import { INDEX, Store } from '../../shared/store/index.ts';

/** A clock that stands still unless it is told otherwise. */
export interface TestTime {
  now: number;
}

export interface TestTable {
  readonly store: Store;
  readonly client: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly time: TestTime;
}

export interface TestEngine {
  /** An empty table of QMOI's shape, with its own clock. */
  fresh(): Promise<TestTable>;
  readonly origin: string;
}

/** The sort key of each index, beside the partition key named in `keys.ts`. */
const INDEXES = [
  { IndexName: INDEX.list, partition: 'lp', sort: 'ls' },
  { IndexName: INDEX.by, partition: 'bp', sort: 'ls' },
  { IndexName: INDEX.wake, partition: 'wp', sort: 'wakeAt' },
] as const;
export const START = '2026-03-04T05:06:07.000Z';

export const clientOf = (origin: string): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(
    new DynamoDBClient({
      endpoint: origin,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    }),
    { marshallOptions: { removeUndefinedValues: true } },
  );

export async function createTable(client: DynamoDBDocumentClient, tableName: string): Promise<void> {
  const attributes = ['pk', 'sk', ...new Set(INDEXES.flatMap(({ partition, sort }) => [partition, sort]))];
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: attributes.map((name) => ({ AttributeName: name, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: INDEXES.map(({ IndexName, partition, sort }) => ({
        IndexName,
        KeySchema: [
          { AttributeName: partition, KeyType: 'HASH' },
          { AttributeName: sort, KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      })),
    }),
  );
}

/**
 * A real DynamoDB engine for the tests of one file, from the first to the last of them: call it at the top of the file or
 * of a `describe`, and `fresh()` in each test.
 */
export function withTable(): TestEngine {
  let engine: EngineProcess | undefined;
  let folder: string | undefined;
  let tables = 0;
  const origin = (): string => {
    if (engine === undefined) throw new Error('the engine runs only while tests run');
    return engine.origin;
  };
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'qmoi-table-'));
    engine = await startEngine(findEngine(), join(folder, 'table.db'));
  });
  afterAll(async () => {
    await engine?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
  return {
    get origin() {
      return origin();
    },
    async fresh() {
      const client = clientOf(origin());
      const tableName = `qmoi-${++tables}`;
      await createTable(client, tableName);
      const time = { now: Date.parse(START) };
      return { client, tableName, time, store: new Store({ client, tableName, now: () => time.now }) };
    },
  };
}
