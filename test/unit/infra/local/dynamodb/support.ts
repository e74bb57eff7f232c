import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type DynamoDb,
  type DynamoDbOptions,
  openDynamoDb,
  type TableResource,
} from '../../../../../infra/local/dynamodb/index.ts';
import type { Caller, Clock } from '../../../../../infra/local/kernel.ts';

export const RECORD: Caller = { type: 'role', arn: 'arn:aws:iam::000000000000:role/record', functionName: 'record' };

/** Shaped as QMOI's own table: three sparse KEYS_ONLY indexes, a stream, TTL. */
export const QMOI_TABLE: TableResource = {
  name: 'qmoi',
  type: 'AWS::DynamoDB::GlobalTable',
  properties: {
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: ['pk', 'sk', 'lp', 'ls', 'bp', 'wp', 'wakeAt'].map((AttributeName) => ({
      AttributeName,
      AttributeType: 'S',
    })),
    BillingMode: 'PAY_PER_REQUEST',
    StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
    TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    GlobalSecondaryIndexes: [index('list', 'lp', 'ls'), index('by-parent', 'bp', 'ls'), index('wake', 'wp', 'wakeAt')],
    Replicas: [{ Region: 'us-east-1', PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }],
  },
};

export function index(name: string, partition: string, sort: string): object {
  return {
    IndexName: name,
    KeySchema: [
      { AttributeName: partition, KeyType: 'HASH' },
      { AttributeName: sort, KeyType: 'RANGE' },
    ],
    Projection: { ProjectionType: 'KEYS_ONLY' },
  };
}

/** The table with some properties replaced. */
export function tableWith(changes: Readonly<Record<string, unknown>>): TableResource {
  return { ...QMOI_TABLE, properties: { ...QMOI_TABLE.properties, ...changes } };
}

export const realClock: Clock = {
  now: () => Date.now(),
  at: () => () => {},
};

const cleanups: (() => Promise<void> | void)[] = [];

/** For `afterEach`: closes what the test opened and removes its folders. */
export async function cleanUp(): Promise<void> {
  for (const clean of cleanups.splice(0).reverse()) await clean();
}

export function freshDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'qmoi-dynamodb-'));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export async function open(options: Partial<DynamoDbOptions> = {}): Promise<DynamoDb> {
  const db = await openDynamoDb({
    dataDir: options.dataDir ?? freshDir(),
    tables: [QMOI_TABLE],
    clock: realClock,
    authorize: () => {},
    ...options,
  });
  cleanups.push(() => db.close());
  return db;
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** One call over the wire face. */
export async function call(db: DynamoDb, operation: string, input: unknown, caller: Caller = RECORD): Promise<Answer> {
  const request = { target: `DynamoDB_20120810.${operation}`, body: Buffer.from(JSON.stringify(input)) };
  const answer = await db.handle(request, caller);
  return { status: answer.status, body: JSON.parse(answer.body.toString('utf8')) as Record<string, unknown> };
}

export async function put(db: DynamoDb, item: Readonly<Record<string, object>>): Promise<void> {
  const answer = await call(db, 'PutItem', { TableName: 'qmoi', Item: item });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
}

export const s = (value: string): { S: string } => ({ S: value });
export const n = (value: number): { N: string } => ({ N: `${value}` });
