import { BatchGetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Failure } from '../model/index.ts';
import { byIncident, INDEX, runPartition, type Store, stateOf } from '../store/index.ts';

const AT_ONCE = 100;

interface FailureKey {
  readonly pk: string;
  readonly sk: string;
}

/** Where the failures of an incident are, newest first, as the index names them, in pages. */
async function* keysOf(store: Store, incidentId: string): AsyncGenerator<FailureKey[]> {
  let start: Record<string, unknown> | undefined;
  do {
    const page = await store.client.send(
      new QueryCommand({
        TableName: store.tableName,
        IndexName: INDEX.by,
        KeyConditionExpression: 'bp = :bp',
        ExpressionAttributeValues: { ':bp': byIncident('failure', incidentId) },
        ScanIndexForward: false,
        Limit: AT_ONCE,
        ExclusiveStartKey: start,
      }),
    );
    yield (page.Items ?? []).map(({ pk, sk }) => ({ pk, sk }));
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
}

/** The runs with failures of an incident, newest first, each by its platform and id; one may come more than once. */
export async function* runsOf(store: Store, incidentId: string): AsyncGenerator<string> {
  for await (const keys of keysOf(store, incidentId))
    for (const { pk } of keys) yield pk.slice(runPartition('').length);
}

/**
 * The failures of an incident, newest first. The index names them, the consistent read of each decides; one so fresh that the
 * index lags behind is missing.
 */
export async function* failuresOf(store: Store, incidentId: string): AsyncGenerator<Failure> {
  for await (const page of keysOf(store, incidentId)) {
    let keys = page;
    while (keys.length > 0) {
      const answer = await store.client.send(
        new BatchGetCommand({ RequestItems: { [store.tableName]: { Keys: keys, ConsistentRead: true } } }),
      );
      for (const item of answer.Responses?.[store.tableName] ?? []) {
        const failure = stateOf('failure', item);
        // The index may still name one that was moved to another incident.
        if (failure.incidentId === incidentId) yield failure;
      }
      keys = (answer.UnprocessedKeys?.[store.tableName]?.Keys ?? []) as typeof keys;
    }
  }
}

/**
 * Whether every failure of an incident was made good. A failure so fresh that the index lags behind finds its incident resolved
 * and opens the next episode (see `attach`).
 */
export async function allGood(store: Store, incidentId: string): Promise<boolean> {
  for await (const failure of failuresOf(store, incidentId)) if (failure.resolvedAt === undefined) return false;
  return true;
}
