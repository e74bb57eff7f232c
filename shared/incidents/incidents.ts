import { BatchGetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Failure, Incident, IncidentFact, Origin } from '../model/index.ts';
import { byIncident, INDEX, ids, incidentPointer, mergeInto, type Store, stateOf } from '../store/index.ts';

/** A busy incident is written at most this often, so that its item is no hot key. */
const SEEN_EVERY_MS = 60_000;
/** Each round another episode would have to close in between. */
const ATTACHMENTS = 5;

type Seen = Omit<IncidentFact, 'id' | 'status' | 'statusAt' | 'episode' | 'firstSeenAt' | 'lastSeenAt'> & {
  fingerprint: string;
  seenAt: string;
};

/**
 * The id of the open incident for a fingerprint, or of a new episode where the last one is resolved. The incident is
 * written before the pointer that names it: a crash in between leaves an incident that the next caller finds.
 */
export async function attach(store: Store, seen: Seen): Promise<string> {
  const { seenAt, ...fields } = seen;
  for (let round = 0; round < ATTACHMENTS; round++) {
    const pointer = incidentPointer(seen.fingerprint);
    const known = (await store.getItem(pointer))?.episode as number | undefined;
    if (known !== undefined) {
      const id = ids.incident(seen.fingerprint, known);
      const { after } = await store.change('incident', id, (incident) => {
        if (incident === undefined || incident.status === 'resolved') return undefined;
        const news =
          Date.parse(seenAt) - Date.parse(incident.lastSeenAt) >= SEEN_EVERY_MS || seenAt < incident.firstSeenAt;
        return news ? { ...incident, ...span(incident, seenAt) } : incident;
      });
      if (after !== undefined && after.status !== 'resolved') return id;
    }
    const episode = (known ?? 0) + 1;
    const id = ids.incident(seen.fingerprint, episode);
    await store.create('incident', {
      ...fields,
      id,
      status: 'open',
      statusAt: store.now(),
      episode,
      firstSeenAt: seenAt,
      lastSeenAt: seenAt,
    });
    if (await point(store, seen.fingerprint, known, episode)) return id;
  }
  throw new Error(`the incidents of ${seen.fingerprint} keep closing`);
}

const span = (incident: Incident, seenAt: string) => ({
  firstSeenAt: seenAt < incident.firstSeenAt ? seenAt : incident.firstSeenAt,
  lastSeenAt: seenAt > incident.lastSeenAt ? seenAt : incident.lastSeenAt,
});

async function point(store: Store, fingerprint: string, from: number | undefined, to: number): Promise<boolean> {
  return store.putIf(
    { ...incidentPointer(fingerprint), episode: to },
    from === undefined
      ? { ConditionExpression: 'attribute_not_exists(pk)' }
      : { ConditionExpression: 'episode = :from', ExpressionAttributeValues: { ':from': from } },
  );
}

/** Moves an incident on, where its life allows it. */
export async function advance(
  store: Store,
  id: string,
  status: Incident['status'],
  reason: string,
  origin: Origin,
): Promise<void> {
  await store.change('incident', id, (incident) =>
    incident === undefined || incident.status === status
      ? undefined
      : mergeInto('incident', incident, { id, status, statusAt: store.now(), reason, origin }),
  );
}

/** Notes that failures were made good, and resolves the incidents that have no other failure left. */
export async function makeGood(
  store: Store,
  failures: readonly Failure[],
  reason: string,
  origin: Origin,
): Promise<void> {
  const resolvedAt = store.now();
  await Promise.all(
    failures
      .filter((failure) => failure.resolvedAt === undefined)
      .map((failure) =>
        store.change('failure', failure.id, (state) =>
          state === undefined || state.resolvedAt !== undefined ? undefined : { ...state, resolvedAt },
        ),
      ),
  );
  const incidents = new Set(failures.map((failure) => failure.incidentId).filter((id) => id !== undefined));
  await Promise.all(
    [...incidents].map(async (id) => {
      if (await allGood(store, id)) await advance(store, id, 'resolved', reason, origin);
    }),
  );
}

/**
 * Whether every failure of an incident was made good. The index names them, the consistent read of each decides. A failure
 * so fresh that the index lags behind finds its incident resolved and opens the next episode (see `attach`).
 */
async function allGood(store: Store, incidentId: string): Promise<boolean> {
  let start: Record<string, unknown> | undefined;
  do {
    const page = await store.client.send(
      new QueryCommand({
        TableName: store.tableName,
        IndexName: INDEX.by,
        KeyConditionExpression: 'bp = :bp',
        ExpressionAttributeValues: { ':bp': byIncident('failure', incidentId) },
        Limit: 100,
        ExclusiveStartKey: start,
      }),
    );
    let keys = (page.Items ?? []).map(({ pk, sk }) => ({ pk, sk }));
    while (keys.length > 0) {
      const answer = await store.client.send(
        new BatchGetCommand({ RequestItems: { [store.tableName]: { Keys: keys, ConsistentRead: true } } }),
      );
      const items = answer.Responses?.[store.tableName] ?? [];
      if (items.some((item) => stateOf('failure', item).resolvedAt === undefined)) return false;
      keys = (answer.UnprocessedKeys?.[store.tableName]?.Keys ?? []) as typeof keys;
    }
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return true;
}
