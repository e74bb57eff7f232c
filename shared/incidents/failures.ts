import { BatchGetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Failure } from '../model/index.ts';
import { byIncident, INDEX, type Store, stateOf } from '../store/index.ts';

const AT_ONCE = 100;

/**
 * The failures of an incident, newest first. The index names them, the consistent read of each decides; one so fresh that the
 * index lags behind is missing.
 */
export async function* failuresOf(store: Store, incidentId: string): AsyncGenerator<Failure> {
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
    let keys = (page.Items ?? []).map(({ pk, sk }) => ({ pk, sk }));
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
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
}

/**
 * Whether every failure of an incident was made good. A failure so fresh that the index lags behind finds its incident resolved
 * and opens the next episode (see `attach`).
 */
export async function allGood(store: Store, incidentId: string): Promise<boolean> {
  for await (const failure of failuresOf(store, incidentId)) if (failure.resolvedAt === undefined) return false;
  return true;
}
