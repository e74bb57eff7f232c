/**
 * What the examples of platforms' events carry, and where the API shows it. The tables beside this file are written from the
 * platforms' documents and not from QMOI's adapters, so that the two can contradict each other.
 */
export type Resource = 'runs' | 'jobs' | 'runners';
export type Json = Readonly<Record<string, unknown>>;

export interface Example {
  readonly platform: string;
  /** By its file, or its number among the examples of its event. */
  readonly name: string;
  readonly event: string;
  readonly payload: Json;
}

export interface Item {
  readonly resource: Resource;
  readonly id: string;
}

/** Why a field is not looked for. Every field has either a place or one of these. */
export const REASONS = {
  address: 'an address of the platform’s API, or one that follows from an id',
  repeated: 'said again by another field of the same event',
  elsewhere: 'told of by an event of its own',
  moot: 'without a meaning at the time, as where a status has no end',
  internal: 'the platform’s own housekeeping',
  text: 'prose for people, which the platform shows',
  flag: 'a setting of the platform’s that changes nothing about the run',
} as const;
export type Reason = keyof typeof REASONS;

/** What the API is to show of a field: `undefined` where this example says nothing that counts. */
export interface Expected {
  readonly of: Item;
  readonly at: string;
  readonly value: unknown;
}

/** Where a field is found: the attribute that has its value, or the whole expectation. */
export type Place = string | ((value: never, part: Json) => Expected | Reason);

/** A part of an event, and the place or the reason of each of its fields. */
export interface Carrier {
  /** `workflow_run`, `builds[]`, or nothing for the body itself. */
  readonly at: string;
  readonly item: (part: Json) => Item;
  readonly fields: Readonly<Record<string, Place>>;
  readonly not: Readonly<Partial<Record<Reason, readonly string[]>>>;
}

export interface EventTable {
  /** The parts of an event, from its body. */
  readonly carriers: (payload: Json) => readonly Carrier[];
  /** Parts of the body that are about no run, job, deployment or runner. */
  readonly beside: readonly string[];
  /** Why QMOI answers that it has no use for this one. */
  readonly ignored?: (payload: Json) => string | undefined;
}

export interface Field {
  /** `workflow_run.head_branch` */
  readonly name: string;
  readonly expected?: Expected;
  readonly reason?: Reason;
}

export const isObject = (value: unknown): value is Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
export const objectIn = (json: Json | undefined, name: string): Json | undefined => {
  const value = json?.[name];
  return isObject(value) ? value : undefined;
};
export const textIn = (json: Json | undefined, name: string): string | undefined => {
  const value = json?.[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
};

/** A time as the API shows it. */
export const time = (text: unknown): string | undefined => {
  const iso = String(text)
    .replace(' UTC', 'Z')
    .replace(/ ([+-])/, '$1')
    .replace(' ', 'T');
  return text === null || text === undefined ? undefined : new Date(iso).toISOString();
};

const itself = (value: unknown): unknown => value;

/** Places among the attributes of an item: always, or where the field has a meaning at all. */
export const about = (item: (part: Json) => Item) => ({
  at:
    (name: string, as: (value: unknown, part: Json) => unknown = itself): Place =>
    (value: unknown, part) => ({ of: item(part), at: name, value: as(value, part) }),
  when:
    (holds: (part: Json) => boolean, name: string, as: (value: unknown) => unknown = itself): Place =>
    (value: unknown, part) =>
      holds(part) ? { of: item(part), at: name, value: as(value) } : 'moot',
});
export const text = (value: unknown): string => String(value);

/** Null, '' , [] and {} are how platforms say nothing. */
const saysNothing = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value as object).length === 0);

/** All fields of an example, each with what the API is to show of it. `undefined` reasons and places are gaps. */
export function fieldsOf(table: EventTable, payload: Json): Field[] {
  const carriers = table.carriers(payload);
  const told = new Map<string, Field[]>();
  const note = (field: Field) => told.set(field.name, [...(told.get(field.name) ?? []), field]);
  for (const carrier of carriers) {
    for (const { part, path } of partsAt(payload, carrier.at)) {
      for (const [key, value] of Object.entries(part)) {
        const name = path === '' ? key : `${path}.${key}`;
        const isPart = carriers.some(({ at }) => at.replaceAll('[]', '').startsWith(name.replace(/\[\d+\]/g, '')));
        const place = carrier.fields[key];
        if (saysNothing(value) || (place === undefined && isPart)) continue;
        if (carrier.at === '' && place === undefined && table.beside.includes(key)) continue;
        const found = expectationOf(carrier, key, value, part);
        note({ name, ...(typeof found === 'string' ? { reason: found } : found && { expected: found }) });
      }
    }
  }
  for (const [key, value] of Object.entries(payload)) {
    const isPart = carriers.some(({ at }) => at.split(/[.[]/, 1)[0] === key);
    if (!isPart && !told.has(key) && !table.beside.includes(key) && !saysNothing(value)) note({ name: key });
  }
  // Several parts of a table may speak of one field: what they expect counts, then a reason, and a gap only without either.
  return [...told.values()].flatMap((fields) => {
    const expected = fields.filter((field) => field.expected !== undefined);
    if (expected.length > 0) return expected;
    return fields.find((field) => field.reason !== undefined) ?? fields.slice(0, 1);
  });
}

function expectationOf(carrier: Carrier, key: string, value: unknown, part: Json): Expected | Reason | undefined {
  const place = Object.hasOwn(carrier.fields, key) ? carrier.fields[key] : undefined;
  if (typeof place === 'function') return place(value as never, part);
  if (typeof place === 'string') return { of: carrier.item(part), at: place, value };
  return (Object.keys(REASONS) as Reason[]).find((reason) => carrier.not[reason]?.includes(key));
}

function partsAt(payload: Json, at: string): { part: Json; path: string }[] {
  if (at === '') return [{ part: payload, path: '' }];
  const [first = '', ...rest] = at.split('.');
  const name = first.replace('[]', '');
  const value = payload[name];
  const parts = first.endsWith('[]')
    ? (Array.isArray(value) ? value : []).map((part: unknown, index) => ({ part, path: `${name}[${index}]` }))
    : [{ part: value, path: name }];
  return parts.flatMap(({ part, path }) => {
    if (!isObject(part)) return [];
    if (rest.length === 0) return [{ part, path }];
    return partsAt(part, rest.join('.')).map((inner) => ({ ...inner, path: `${path}.${inner.path}` }));
  });
}

/** What the API shows at `a.b` of an item. */
export const shown = (item: Json | undefined, at: string): unknown =>
  at.split('.').reduce((value: unknown, key) => (isObject(value) ? value[key] : undefined), item);
