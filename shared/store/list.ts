import type { EntityName, State } from '../model/index.ts';
import { type Access, accessOf } from './access.ts';
import { filtersOf, type ListQuery, matches, readCursor, writeCursor } from './filters.ts';
import { byIncident, dayOf, daysPartition, KEEP_DAYS, listPartitions, listSort, PLACEMENT } from './keys.ts';
import { type Found, fetchItems, keysOf, merged, type Range, sortKeysOf } from './read-index.ts';
import { type Store, stateOf } from './table.ts';

export interface Page<T> {
  items: T[];
  /** Null on the last page. */
  nextCursor: string | null;
}

/**
 * How much one page may cost, in keys looked at. A rare item among many makes a page end early, with a cursor; no request
 * reads on and on.
 */
export const EXAMINED_PER_PAGE = 2_000;
/** A query that finds nothing is not free. */
const QUERY_COSTS = 5;
const HYDRATED_AT_ONCE = 100;
/** DynamoDB removes what has expired within days, not at once. */
const EXPIRY_TRAILS_DAYS = 3;
const DAY_MS = 86_400_000;

/**
 * A page of an entity's items, newest first by the time they came to be. The cursor is a position in that order, so items
 * that come later never shift a page, whatever way the items were found by.
 */
export async function listEntities<E extends EntityName>(
  store: Store,
  entity: E,
  query: ListQuery,
): Promise<Page<State<E>>> {
  const range: Range = { from: query.since, before: earlier(readCursor(entity, query), query.until) };
  const access = accessOf(entity, query);
  const narrow = entity === 'remediation' && access.by === 'days' && query.filters.incidentId !== undefined;
  const [way, within] = narrow
    ? await fixesOf(store, query.filters.incidentId ?? [], range)
    : ([access, range] as const);
  if (way.by === 'keys' || way.by === 'partitions') return pageOf(entity, await readAll(store, entity, way), query);
  return walk(store, entity, way, within, query);
}

/** The page that a query asks for, of all the items there are. Throws `QueryError` on a foreign cursor. */
export function pageOf<E extends EntityName>(entity: E, all: readonly State<E>[], query: ListQuery): Page<State<E>> {
  const before = earlier(readCursor(entity, query), query.until);
  const filters = filtersOf(entity);
  const found = all
    .map((item) => ({ item, ls: listSort(item.createdAt, item.id) }))
    .filter(
      ({ item, ls }) =>
        (before === undefined || ls < before) && ls >= (query.since ?? '') && matches(item, query, filters),
    )
    .sort((a, b) => (a.ls < b.ls ? 1 : -1));
  const shown = found.slice(0, query.limit);
  const last = shown.at(-1);
  return {
    items: shown.map(({ item }) => item),
    nextCursor: found.length > shown.length && last !== undefined ? writeCursor(entity, query, last.ls) : null,
  };
}

async function walk<E extends EntityName>(
  store: Store,
  entity: E,
  access: Access,
  range: Range,
  query: ListQuery,
): Promise<Page<State<E>>> {
  const filters = filtersOf(entity);
  const selective = Object.keys(query.filters).length > 0;
  // One more than asked for tells whether there is a next page.
  const wanted = query.limit + 1;
  const enough = (): number => (selective ? HYDRATED_AT_ONCE : Math.min(wanted - shown.length, HYDRATED_AT_ONCE));
  const shown: State<E>[] = [];
  let chunk: Found[] = [];
  const take = async (): Promise<void> => {
    const states = (await fetchItems(store, chunk)).map((item) => readable(entity, item));
    shown.push(...states.filter((state) => matches(state, query, filters)));
    chunk = [];
  };
  const budget: Budget = { left: EXAMINED_PER_PAGE, spent: false };
  for await (const found of examine(store, entity, access, range, { pageSize: enough(), budget })) {
    chunk.push(found);
    if (chunk.length >= enough()) await take();
    if (shown.length >= wanted) break;
  }
  await take();
  const items = shown.slice(0, query.limit);
  const last = items.at(-1);
  if (shown.length > items.length && last !== undefined) {
    return { items, nextCursor: writeCursor(entity, query, listSort(last.createdAt, last.id)) };
  }
  const more = budget.spent && budget.position !== undefined;
  return { items, nextCursor: more ? writeCursor(entity, query, budget.position as string) : null };
}

interface Budget {
  left: number;
  /** True: something was left unexamined, all of it below `position`. */
  spent: boolean;
  position?: string;
}

/** The keys of an access path within a range, newest first, as far as the budget goes. */
async function* examine(
  store: Store,
  entity: EntityName,
  access: Access,
  range: Range,
  { pageSize, budget }: { pageSize: number; budget: Budget },
): AsyncGenerator<Found> {
  const onQuery = (): void => {
    budget.left -= QUERY_COSTS;
  };
  const groups: AsyncIterable<Group> | Iterable<Group> =
    access.by === 'index' ? [{ index: 'by', partitions: access.partitions, top: HIGHEST }] : days(store, entity, range);
  for await (const { index, partitions, top } of groups) {
    if (budget.left <= 0) {
      Object.assign(budget, { spent: true, position: top });
      return;
    }
    const streams = partitions.map((partition) => keysOf(store, index, partition, range, { pageSize, onQuery }));
    for await (const found of merged(streams)) {
      if (budget.left <= 0) {
        budget.spent = true;
        return;
      }
      budget.left--;
      budget.position = found.ls;
      yield found;
    }
  }
}

/** Index partitions that are read as one stream, and a position above all they hold. */
interface Group {
  readonly index: 'list' | 'by';
  readonly partitions: readonly string[];
  readonly top: string;
}
const HIGHEST = '~';

/** The days on which an entity's items came to be, newest first, apart from those whose items have all expired. */
async function* days(store: Store, entity: EntityName, range: Range): AsyncGenerator<Group> {
  const keep = KEEP_DAYS[entity];
  const oldest =
    keep === undefined
      ? '0'
      : dayOf(new Date(Date.parse(store.now()) - (keep + EXPIRY_TRAILS_DAYS) * DAY_MS).toISOString());
  const from = later(range.from === undefined ? undefined : dayOf(range.from), oldest) ?? oldest;
  const to = range.before === undefined ? HIGHEST : dayOf(range.before);
  if (from > to) return;
  for (const day of await sortKeysOf(store, daysPartition(entity), { from, to })) {
    yield { index: 'list', partitions: listPartitions(entity, day), top: `${day}${HIGHEST}` };
  }
}

/** How many failures an incident may have for its fixes to be read run by run. */
const FEW_FAILURES = 100;
const CLOCK_SKEW_MS = 60_000;

/** Where the fixes of incidents are to be found: in the runs that failed, or, of very many, in the days since. */
async function fixesOf(store: Store, incidentIds: readonly string[], range: Range): Promise<readonly [Access, Range]> {
  const failures: Found[] = [];
  for (const id of incidentIds) {
    for await (const found of keysOf(store, 'by', byIncident('failure', id), {}, { pageSize: FEW_FAILURES + 1 })) {
      failures.push(found);
      if (failures.length > FEW_FAILURES) break;
    }
  }
  if (failures.length <= FEW_FAILURES) {
    const partitions = [...new Set(failures.map(({ pk }) => pk))].map((pk) => ({ pk, prefix: 'remediation#' }));
    return [{ by: 'partitions', partitions }, range];
  }
  const incidents = await Promise.all(incidentIds.map((id) => store.get('incident', id)));
  const [first] = incidents.flatMap((incident) => incident?.createdAt ?? []).sort();
  const since = first && new Date(Date.parse(first) - CLOCK_SKEW_MS).toISOString();
  return [{ by: 'days' }, { ...range, from: later(range.from, since) }];
}

async function readAll<E extends EntityName>(
  store: Store,
  entity: E,
  access: Extract<Access, { by: 'keys' | 'partitions' }>,
): Promise<State<E>[]> {
  const items =
    access.by === 'keys'
      ? await fetchItems(store, access.keys, { consistent: true })
      : (await Promise.all(access.partitions.map(({ pk, prefix }) => store.partition(pk, prefix || undefined)))).flat();
  const states = items.map((item) => readable(entity, item));
  // Two ids may lead to one key; only the item's own id is its name.
  return [...new Map(states.map((state) => [state.id, state])).values()];
}

/** How many failures an incident has, and in how many runs; of more than one read holds, `complete` is false. */
export interface FailureCount {
  failures: number;
  runs: number;
  complete: boolean;
}
const COUNTED = 2_000;

export async function countFailures(store: Store, incidentId: string): Promise<FailureCount> {
  const runs = new Set<string>();
  let failures = 0;
  for await (const { pk } of keysOf(store, 'by', byIncident('failure', incidentId), {}, { pageSize: COUNTED })) {
    if (failures === COUNTED) return { failures, runs: runs.size, complete: false };
    failures++;
    runs.add(pk);
  }
  return { failures, runs: runs.size, complete: true };
}

/** An item that its model cannot read is shown as it is, rather than taking every list that it is in down. */
function readable<E extends EntityName>(entity: E, item: Record<string, unknown>): State<E> {
  try {
    return stateOf(entity, item);
  } catch {
    return Object.fromEntries(
      Object.entries(item).filter(([name]) => !(PLACEMENT as readonly string[]).includes(name)),
    ) as unknown as State<E>;
  }
}

const earlier = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined || b === undefined ? (a ?? b) : a < b ? a : b;
const later = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined || b === undefined ? (a ?? b) : a > b ? a : b;
