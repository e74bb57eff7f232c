import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { ReadParameters } from '../platforms/port.ts';
import { Store } from '../store/index.ts';
import { createParameterReader } from './parameters.ts';

/** The system's time; composition roots hand it to whatever decides. */
export const systemNow = (): number => Date.now();

/** A store over a table, with the one way QMOI marshals items. */
export function createStore(tableName: string): Store {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}), {
    marshallOptions: { removeUndefinedValues: true },
  });
  return new Store({ client, tableName, now: systemNow });
}

/** Settings and secrets below a prefix of the parameter store. */
export const readParameters = (prefix: string): ReadParameters =>
  createParameterReader({ prefix, client: new SSMClient({}), now: systemNow });
