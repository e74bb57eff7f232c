import { setTimeout as sleep } from 'node:timers/promises';
import { BatchGetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { INDEX, type Key } from './keys.ts';
import type { Store } from './table.ts';

/** Reading many items: index keys in order, and the items behind them. */

export interface Found extends Key {
  /** Where the item stands in every list: `<createdAt>|<id>`. */
  readonly ls: string;
}

export interface Range {
  /** Included. */
  readonly from?: string | undefined;
  /** Not included. */
  readonly before?: string | undefined;
}

type Index = 'list' | 'by';
const PARTITION = { list: 'lp', by: 'bp' } as const satisfies Record<Index, string>;
/** Below and above every time. */
const [LOWEST, HIGHEST] = [' ', '~'];
const BATCH = 100;
const TRIES = 8;

/** The keys of an index partition, newest first. `onQuery` is told of each query made. */
export async function* keysOf(
  store: Store,
  index: Index,
  partition: string,
  range: Range,
  options: { pageSize: number; onQuery?: () => void },
): AsyncGenerator<Found> {
  let start: Record<string, unknown> | undefined;
  do {
    options.onQuery?.();
    const page = await store.client.send(
      new QueryCommand({
        TableName: store.tableName,
        IndexName: INDEX[index],
        KeyConditionExpression: `${PARTITION[index]} = :partition AND ls BETWEEN :from AND :before`,
        ExpressionAttributeValues: {
          ':partition': partition,
          ':from': range.from ?? LOWEST,
          ':before': range.before ?? HIGHEST,
        },
        ScanIndexForward: false,
        Limit: options.pageSize,
        ExclusiveStartKey: start,
      }),
    );
    for (const item of page.Items ?? []) if (item.ls !== range.before) yield item as Found;
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
}

/** Several such streams as one, newest first. */
export async function* merged(streams: readonly AsyncGenerator<Found>[]): AsyncGenerator<Found> {
  const heads = await Promise.all(streams.map(async (stream) => ({ stream, head: await stream.next() })));
  for (;;) {
    let newest: (typeof heads)[number] | undefined;
    for (const candidate of heads) {
      if (candidate.head.done) continue;
      if (newest === undefined || newest.head.done || candidate.head.value.ls > newest.head.value.ls)
        newest = candidate;
    }
    if (newest === undefined || newest.head.done) return;
    yield newest.head.value;
    newest.head = await newest.stream.next();
  }
}

/** The items behind some keys, in the keys' order; what was deleted meanwhile is left out. */
export async function fetchItems(
  store: Store,
  keys: readonly Key[],
  options: { consistent?: boolean } = {},
): Promise<Record<string, unknown>[]> {
  const found = new Map<string, Record<string, unknown>>();
  const name = (key: Record<string, unknown>): string => `${String(key.pk)}\n${String(key.sk)}`;
  for (let start = 0; start < keys.length; start += BATCH) {
    const chunk = new Map(keys.slice(start, start + BATCH).map(({ pk, sk }) => [name({ pk, sk }), { pk, sk }]));
    let wanted: Record<string, unknown>[] = [...chunk.values()];
    for (let attempt = 0; wanted.length > 0; ) {
      const answer = await store.client.send(
        new BatchGetCommand({
          RequestItems: { [store.tableName]: { Keys: wanted, ConsistentRead: options.consistent ?? false } },
        }),
      );
      const items = answer.Responses?.[store.tableName] ?? [];
      for (const item of items) found.set(name(item), item);
      wanted = answer.UnprocessedKeys?.[store.tableName]?.Keys ?? [];
      if (wanted.length === 0) break;
      // An answer of 16 MB leaves keys over as well: only tries that brought nothing count.
      attempt = items.length > 0 ? 0 : attempt + 1;
      if (attempt >= TRIES) throw new Error(`${wanted.length} keys were left unprocessed ${TRIES} times in a row`);
      await sleep(Math.random() * 25 * 2 ** attempt);
    }
  }
  return keys.map((key) => found.get(name({ ...key }))).filter((item) => item !== undefined);
}

/** The sort keys of a partition within a range, newest first. */
export async function sortKeysOf(store: Store, pk: string, range: { from: string; to: string }): Promise<string[]> {
  const keys: string[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await store.client.send(
      new QueryCommand({
        TableName: store.tableName,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: { ':pk': pk, ':from': range.from, ':to': range.to },
        ScanIndexForward: false,
        ExclusiveStartKey: start,
      }),
    );
    keys.push(...(page.Items ?? []).map((item) => String(item.sk)));
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return keys;
}
