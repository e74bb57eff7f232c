import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { canonical, type EntityName, machines } from '../model/index.ts';

/** A query that cannot be answered; `message` says what is wrong with it, in words for the one who asked. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
}

type Item = Readonly<Record<string, unknown>>;

export interface Filter {
  /** What an enumerated field may be; such a filter takes several of them. */
  readonly values?: readonly string[];
  /** The texts an item is found by. */
  of(item: Item): readonly string[];
}
/** By the name of the query parameter. */
export type Filters = Readonly<Record<string, Filter>>;

export interface ListQuery {
  /** An item has to have one of the values of each. */
  readonly filters: Readonly<Record<string, readonly string[]>>;
  readonly limit: number;
  readonly cursor?: string;
  /** RFC 3339 in UTC with milliseconds; `since` counts in, `until` does not. */
  readonly since?: string;
  readonly until?: string;
}

export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;
/** A text becomes part of a key, which has at most 1,024 bytes. */
const MAX_TEXT_BYTES = 512;
/** Each may cost a read. */
const MAX_VALUES = 20;

/** The fields that hold a name, an id or one of a few words, which people look items up by. */
const TEXTS = [
  'platform',
  'repository',
  'runId',
  'parentRunId',
  'jobId',
  'incidentId',
  'externalId',
  'automationId',
  'name',
  'branch',
  'commit',
  'event',
  'cause',
  'fingerprint',
  'suspectedRoot',
  'mergedInto',
  'mirrorOf',
  'splitFrom',
  'regressionOf',
  'subject',
  'action',
  'playbook',
  'strategy',
  'topic',
  'route',
  'scope',
] as const;
/** An item's own id, by the name that others refer to it by. */
const OWN_ID: Partial<Record<EntityName, string>> = { run: 'runId', job: 'jobId', incident: 'incidentId' };
const PRIORITIES = ['1', '2', '3', '4', '5'];

const field = (name: string, values?: readonly string[]): Filter => ({
  ...(values !== undefined && { values }),
  of: (item) => [String(item[name] ?? null)],
});

/** The values of an enumeration, a truth value, or undefined: the field is neither. */
function valuesOf(schema: z.core.$ZodType, absent = false): string[] | undefined {
  if (schema instanceof z.ZodMiniOptional) return valuesOf(schema.def.innerType, absent);
  if (schema instanceof z.ZodMiniNullable) return valuesOf(schema.def.innerType, true);
  const nothing = absent ? ['null'] : [];
  if (schema instanceof z.ZodMiniEnum) return [...Object.values(schema.def.entries).map(String), ...nothing];
  return schema instanceof z.ZodMiniBoolean ? ['true', 'false', ...nothing] : undefined;
}

function derive(entity: EntityName): Filters {
  const { statuses, shape } = machines[entity];
  const fields = machines[entity].fields as Readonly<Record<string, z.core.$ZodType>>;
  const filters: Record<string, Filter> = { status: field('status', Object.keys(statuses)) };
  const origin = valuesOf((shape as unknown as z.ZodMiniObject<{ origin: z.ZodMiniType }>).shape.origin);
  if (origin !== undefined) filters.origin = field('origin', origin);
  for (const [name, schema] of Object.entries(fields)) {
    const values = name === 'priority' ? PRIORITIES : valuesOf(schema);
    if (values !== undefined) filters[name] = field(name, values);
    else if ((TEXTS as readonly string[]).includes(name)) filters[name] = field(name);
  }
  const own = OWN_ID[entity];
  if (own !== undefined) filters[own] = field('id');
  // A run's rerun is a fix of several incidents; a job's own retry is a fix of the job.
  if (entity === 'remediation') {
    filters.incidentId = { of: (item) => [...(item.incidentIds as string[]), String(item.incidentId ?? null)] };
    filters.jobId = field('subject');
  }
  return filters;
}

const derived = new Map<EntityName, Filters>();
/** What the items of an entity can be filtered by, derived from its model. */
export function filtersOf(entity: EntityName): Filters {
  const known = derived.get(entity) ?? derive(entity);
  derived.set(entity, known);
  return known;
}

export const matches = (item: Item, query: ListQuery, filters: Filters): boolean =>
  Object.entries(query.filters).every(([name, wanted]) =>
    filters[name]?.of(item).some((text) => wanted.includes(text)),
  );

const PAGING = ['limit', 'cursor', 'since', 'until'] as const;

/** Reads a list's query. Throws `QueryError`. */
export function readListQuery(parameters: Iterable<readonly [string, string]>, filters: Filters): ListQuery {
  const given = new Map<string, string[]>();
  for (const [name, value] of parameters) given.set(name, [...(given.get(name) ?? []), value]);
  const single = (name: (typeof PAGING)[number]): string | undefined => {
    const values = given.get(name);
    if (values !== undefined && values.length > 1) throw new QueryError(`${name} is given more than once`);
    return values?.[0];
  };
  const wanted: Record<string, string[]> = {};
  for (const [name, values] of given) {
    if ((PAGING as readonly string[]).includes(name)) continue;
    const filter = Object.hasOwn(filters, name) ? filters[name] : undefined;
    if (filter === undefined) {
      const known = [...Object.keys(filters), ...PAGING].sort().join(', ');
      throw new QueryError(`there is no filter ${JSON.stringify(name.slice(0, 100))} here; there are ${known}`);
    }
    wanted[name] = readValues(name, values, filter);
  }
  const [limit, cursor, since, until] = [single('limit'), single('cursor'), single('since'), single('until')];
  return {
    filters: wanted,
    limit: limit === undefined ? DEFAULT_LIMIT : readLimit(limit),
    ...(cursor !== undefined && { cursor }),
    ...(since !== undefined && { since: readTime('since', since) }),
    ...(until !== undefined && { until: readTime('until', until) }),
  };
}

function readValues(name: string, values: readonly string[], filter: Filter): string[] {
  const { values: allowed } = filter;
  // Names may hold a comma, so only the values of an enumeration can be listed with one.
  const wanted = [...new Set(allowed === undefined ? values : values.flatMap((value) => value.split(',')))];
  if (allowed === undefined && wanted.length > MAX_VALUES)
    throw new QueryError(`${name} takes at most ${MAX_VALUES} values`);
  for (const value of wanted) {
    if (allowed !== undefined && !allowed.includes(value)) {
      throw new QueryError(`${name} is one of ${allowed.join(', ')}, not ${JSON.stringify(value.slice(0, 100))}`);
    }
    if (value === '') throw new QueryError(`${name} is empty`);
    if (Buffer.byteLength(value) > MAX_TEXT_BYTES)
      throw new QueryError(`${name} has more than ${MAX_TEXT_BYTES} bytes`);
  }
  return wanted;
}

function readLimit(text: string): number {
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_LIMIT) throw new QueryError(`limit is a whole number from 1 to ${MAX_LIMIT}`);
  return limit;
}

const dateTime = z.iso.datetime({ offset: true });
function readTime(name: string, text: string): string {
  // The plus of an offset is a space once a query string is decoded, unless the client encoded it.
  const candidate = text.replace(' ', '+').toUpperCase();
  if (text.length > 64 || !dateTime.safeParse(candidate).success) {
    throw new QueryError(`${name} is an RFC 3339 time such as 2026-01-31T12:00:00Z`);
  }
  // Items are timed in milliseconds: what lies beyond one belongs to the next.
  const finer = /\.\d{3}\d*[1-9]/.test(candidate) ? 1 : 0;
  return new Date(Date.parse(candidate) + finer).toISOString();
}

/** Version of the cursors; older ones are refused, and the client begins anew. */
const CURSOR = 1;
const queryHash = (list: string, { filters, since, until }: ListQuery): string =>
  createHash('sha256')
    .update(
      canonical([
        list,
        Object.entries(filters)
          .map(([name, values]) => [name, [...values].sort()])
          .sort(),
        since,
        until,
      ]),
    )
    .digest('base64url')
    .slice(0, 16);

/** A cursor that goes on behind `position`, for the very same question only. */
export const writeCursor = (list: string, query: ListQuery, position: string): string =>
  Buffer.from(JSON.stringify({ v: CURSOR, q: queryHash(list, query), p: position })).toString('base64url');

/** The position a query goes on behind; undefined without a cursor. Throws `QueryError` on one that was not written for it. */
export function readCursor(list: string, query: ListQuery): string | undefined {
  if (query.cursor === undefined) return undefined;
  try {
    const { v, q, p } = JSON.parse(Buffer.from(query.cursor, 'base64url').toString()) as Record<string, unknown>;
    if (v === CURSOR && q === queryHash(list, query) && typeof p === 'string' && p !== '' && p.length < 2_000) return p;
  } catch {
    // Told below.
  }
  throw new QueryError('cursor is not one that a list with these very filters gave');
}
