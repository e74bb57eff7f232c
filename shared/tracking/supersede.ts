import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { RunLine } from '../platforms/port.ts';
import {
  expiry,
  ids,
  KEEP_DAYS,
  linePartition,
  placeInLine,
  runKeyOf,
  runPartition,
  type Store,
  stateOf,
} from '../store/index.ts';

/** How many runs a process remembers to have placed. */
const REMEMBERED = 5_000;
const placed = new WeakMap<Store, Set<string>>();
/** Each round another attempt of the older run would have to come to be in between. */
const MARKINGS = 5;

interface Entry {
  readonly sk: string;
  readonly run: string;
}

/**
 * Gives runs their places in their lines of work and tells the run before each what has superseded it.
 *
 * A run names the next one of its line, in whatever order they are heard of: a place, once taken, stays, and whoever of two
 * neighbours takes theirs last sees the other. Call it once the runs themselves are written, so that an attempt that comes
 * to be meanwhile is found either by the run after it or by itself. Doing it again changes nothing.
 */
export async function supersede(store: Store, lines: readonly RunLine[]): Promise<void> {
  await Promise.all(lines.map((line) => takePlace(store, line)));
}

async function takePlace(store: Store, { runId, line }: RunLine): Promise<void> {
  const known = placed.get(store);
  if (known?.has(runId) === true) return;
  const run = runKeyOf(runId);
  const [platform = ''] = run.split(':', 1);
  const [pk, sk] = [linePartition(platform, line), placeInLine(runId)];
  let [own, next] = await entries(store, pk, 'sk >= :sk', sk, { limit: 2 });
  if (own?.sk !== sk) {
    const expiresAt = expiry(store.now(), KEEP_DAYS.line ?? 1);
    await store.putNew({ pk, sk, run, expiresAt });
    [own, next] = await entries(store, pk, 'sk >= :sk', sk, { limit: 2 });
  }
  const [previous] = await entries(store, pk, 'sk < :sk', sk, { limit: 1, backwards: true });
  if (next !== undefined) await mark(store, run, next.run);
  if (previous !== undefined) await mark(store, previous.run, run);
  const memory = known === undefined || known.size >= REMEMBERED ? new Set<string>() : known;
  placed.set(store, memory.add(runId));
}

async function entries(
  store: Store,
  pk: string,
  range: 'sk >= :sk' | 'sk < :sk',
  sk: string,
  { limit, backwards = false }: { limit: number; backwards?: boolean },
): Promise<Entry[]> {
  const { Items = [] } = await store.client.send(
    new QueryCommand({
      TableName: store.tableName,
      ConsistentRead: true,
      KeyConditionExpression: `pk = :pk AND ${range}`,
      ExpressionAttributeValues: { ':pk': pk, ':sk': sk },
      ScanIndexForward: !backwards,
      Limit: limit,
    }),
  );
  return Items as unknown as Entry[];
}

/** Tells every attempt of a run what has superseded it; of several that have, the next one is kept. */
async function mark(store: Store, older: string, newer: string): Promise<void> {
  const [platform = '', externalId = ''] = newer.split(':');
  const supersededBy = ids.run(platform, externalId, 1);
  for (let round = 0; round < MARKINGS; round++) {
    const attempts = (await store.partition(runPartition(older), 'run#')).map((item) => stateOf('run', item));
    const changes = await Promise.all(
      attempts.map((state) => {
        const { id, statusAt, origin } = state;
        return store.merge('run', { id, statusAt, origin, supersededBy }, state);
      }),
    );
    if (!changes.some(({ changed }) => changed)) return;
  }
  throw new Error(`the attempts of ${older} do not settle`);
}
