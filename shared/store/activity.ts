import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { EntityEvent } from '../events/index.ts';
import { ENTITIES, machines, ORIGINS } from '../model/index.ts';
import { type Filters, type ListQuery, matches, QueryError, readCursor, writeCursor } from './filters.ts';
import { activityPartition, dayOf, daysPartition, expiry, KEEP_DAYS } from './keys.ts';
import type { Page } from './list.ts';
import { pack, unpack } from './pack.ts';
import { sortKeysOf } from './read-index.ts';
import type { Store } from './table.ts';

/** The feed of what happened: every event that went to the bus but those of deliveries, many to an item, since nobody changes or looks up one. */

export type Activity = {
  /** `<time>|<id of the event>`: finds the event again. */
  id: string;
  /** The same for the same change, however often it was published. */
  eventId: string;
  type: string;
  entity: string;
  /** The id of the item that changed. */
  key: string;
  from: string | null;
  to: string;
  /** The item's own, after the change. */
  status: string;
  version: number;
  origin: string;
  /** The platform's time of the change; where it gave none, when QMOI published it. */
  at: string;
  /** When QMOI published it. */
  createdAt: string;
  updatedAt: string;
  attempt: number | null;
  platform: string | null;
  repository: string | null;
  category: string | null;
  cause: string | null;
  severity: string | null;
  incidentId: string | null;
  changed: string[];
};

/** An event as it is kept: the envelope, its detail type, and nothing that the item's key says already. */
type Kept = Omit<EntityEvent['envelope'], 'id'> & { id: string; type: string };

/** Of events, before they are packed to about a fifth: small chunks keep a page of the feed cheap to read. */
const CHUNK_BYTES = 60_000;
/** A chunk of one event may be larger. */
const CHUNK_LIMIT = 400_000;
const WRITES_AT_ONCE = 4;
const KEPT_DAYS = KEEP_DAYS.activity ?? 0;
/** A day outlives what happened on it. */
const DAY_TRAILS = 3;
/** A sort key has at most 1,024 bytes. */
const MAX_ID_IN_KEY = 200;
/** How much one page may cost, in events looked at. */
export const EVENTS_PER_PAGE = 4_000;
const CHUNKS_PER_READ = 20;
const [LOWEST, HIGHEST] = ['0', '~'];

const statuses = [...new Set(ENTITIES.flatMap((entity) => Object.keys(machines[entity].statuses)))];
const field = (name: string, values?: readonly string[]) => ({
  ...(values !== undefined && { values }),
  of: (item: Readonly<Record<string, unknown>>) => [String(item[name] ?? null)],
});

/** What the feed can be filtered by. */
export const ACTIVITY_FILTERS: Filters = {
  entity: field(
    'entity',
    ENTITIES.filter((entity) => entity !== 'delivery'),
  ),
  status: field('status', statuses),
  origin: field('origin', ORIGINS),
  type: field('type'),
  subject: field('key'),
  platform: field('platform'),
  repository: field('repository'),
  incidentId: field('incidentId'),
};

/** Days that are known to be in the directory of days, so that it costs one write per day and process. */
const enteredDays = new WeakMap<Store, Set<string>>();

/**
 * Adds events to the feed, in their order. `at` (RFC 3339) places them; with the same time, events that come again take the
 * place they had.
 */
export async function appendActivity(store: Store, events: readonly EntityEvent[], at = store.now()): Promise<void> {
  if (events.length === 0) return;
  const day = dayOf(at);
  const entered = enteredDays.get(store) ?? new Set();
  enteredDays.set(store, entered);
  if (!entered.has(day)) {
    await store.putNew({ pk: daysPartition('activity'), sk: day, expiresAt: expiry(at, KEPT_DAYS + DAY_TRAILS) });
    entered.add(day);
  }
  const items = chunksOf(events).map((chunk) => ({
    pk: activityPartition(day),
    sk: `${at}|${chunk[0]?.id.slice(0, MAX_ID_IN_KEY)}`,
    events: pack(Buffer.from(JSON.stringify(chunk))),
    expiresAt: expiry(at, KEPT_DAYS),
  }));
  for (let start = 0; start < items.length; start += WRITES_AT_ONCE) {
    await Promise.all(items.slice(start, start + WRITES_AT_ONCE).map((item) => store.putItem(item)));
  }
}

function chunksOf(events: readonly EntityEvent[]): Kept[][] {
  const chunks: Kept[][] = [];
  let room = 0;
  for (const { type, envelope } of events) {
    const kept = { ...envelope, type };
    const bytes = Buffer.byteLength(JSON.stringify(kept));
    if (bytes > room) {
      chunks.push([]);
      room = CHUNK_BYTES;
    }
    chunks.at(-1)?.push(kept);
    room -= bytes;
  }
  return chunks;
}

const unpackChunk = async (item: Readonly<Record<string, unknown>>): Promise<Kept[]> =>
  JSON.parse(String(await unpack(item.events as Uint8Array, CHUNK_LIMIT))) as Kept[];

/** A position in the feed: an event of a chunk, counted from its start. */
interface Position {
  readonly sk: string;
  readonly index: number;
}

/** A page of the feed, newest first; `since` and `until` are times of publication. Events that were doubled show once. */
export async function listActivity(store: Store, query: ListQuery): Promise<Page<Activity>> {
  const cursor = readCursor('activity', query);
  const after = cursor === undefined ? undefined : positionOf(cursor);
  const items: Activity[] = [];
  const seen = new Set<string>();
  let examined = 0;
  let last: Position | undefined;
  const goOn = (behind: Position | undefined): Page<Activity> => ({
    items,
    nextCursor: behind === undefined ? null : writeCursor('activity', query, `${behind.index}@${behind.sk}`),
  });
  let shown: Position | undefined;
  for await (const placed of eventsOf(store, query, after)) {
    if (examined === EVENTS_PER_PAGE) return goOn(last);
    examined++;
    last = placed;
    const item = viewOf(placed.event, placed.at);
    if (seen.has(item.eventId) || !matches(item, query, ACTIVITY_FILTERS)) continue;
    if (items.length === query.limit) return goOn(shown);
    seen.add(item.eventId);
    items.push(item);
    shown = placed;
  }
  return { items, nextCursor: null };
}

function positionOf(text: string): Position {
  const [index = '', ...sk] = text.split('@');
  if (!/^\d{1,6}$/.test(index) || sk.length === 0) throw new QueryError('cursor is not one of this list');
  return { sk: sk.join('@'), index: Number(index) };
}

/** One event of the feed by its id. */
export async function getActivity(store: Store, id: string): Promise<Activity | undefined> {
  const [at = '', ...eventId] = id.split('|');
  const chunks = await store.partition(activityPartition(dayOf(at)), `${at}|`);
  const events = (await Promise.all(chunks.map(unpackChunk))).flat();
  const event = events.find((candidate) => candidate.id === eventId.join('|'));
  return event === undefined ? undefined : viewOf(event, at);
}

interface Placed extends Position {
  readonly at: string;
  readonly event: Kept;
}

async function* eventsOf(store: Store, query: ListQuery, after: Position | undefined): AsyncGenerator<Placed> {
  const from = query.since ?? LOWEST;
  const to = [after?.sk, query.until].filter((bound) => bound !== undefined).sort()[0] ?? HIGHEST;
  const days = { from: dayOf(from), to: to === HIGHEST ? to : dayOf(to) };
  if (days.from > days.to) return;
  for (const day of await sortKeysOf(store, daysPartition('activity'), days)) {
    let start: Record<string, unknown> | undefined;
    do {
      const page = await store.client.send(
        new QueryCommand({
          TableName: store.tableName,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
          ExpressionAttributeValues: { ':pk': activityPartition(day), ':from': from, ':to': to },
          ScanIndexForward: false,
          Limit: CHUNKS_PER_READ,
          ExclusiveStartKey: start,
        }),
      );
      for (const item of page.Items ?? []) {
        const sk = String(item.sk);
        const events = await unpackChunk(item);
        const at = sk.slice(0, sk.indexOf('|'));
        const end = sk === after?.sk ? Math.min(after.index, events.length) : events.length;
        for (let index = end - 1; index >= 0; index--) {
          const event = events[index];
          if (event !== undefined) yield { sk, index, at, event };
        }
      }
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
  }
}

const viewOf = (event: Kept, at: string): Activity => ({
  id: `${at}|${event.id}`,
  eventId: event.id,
  type: event.type,
  entity: event.entity,
  key: event.key,
  from: event.from,
  to: event.to,
  status: event.to,
  version: event.version,
  origin: event.origin,
  // A run that only its jobs tell of has no time of its own yet.
  at: event.at || at,
  createdAt: at,
  updatedAt: at,
  attempt: event.attempt ?? null,
  platform: event.platform ?? null,
  repository: event.repository ?? null,
  category: event.category ?? null,
  cause: event.cause ?? null,
  severity: event.severity ?? null,
  incidentId: event.incidentId ?? null,
  changed: event.changed,
});
