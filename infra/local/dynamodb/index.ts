/**
 * DynamoDB in the embedded host: a real engine behind one face. The host authorises, counts and translates; the engine
 * stores. Why this engine, and how it is tamed: docs/adr/0003-embedded-dynamodb.md.
 */
import type { DynamoDb, DynamoDbOptions } from './types.ts';

export type {
  Chaos,
  DynamoDb,
  DynamoDbOptions,
  StreamPage,
  StreamRecord,
  Streams,
  TableResource,
  Units,
  WireAnswer,
  WireRequest,
} from './types.ts';

export async function openDynamoDb(_options: DynamoDbOptions): Promise<DynamoDb> {
  throw new Error('not wired yet');
}
