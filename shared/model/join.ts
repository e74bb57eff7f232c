/**
 * How two pieces of knowledge about one field become one. Every join here is commutative, associative and
 * idempotent (a semilattice), which is what makes duplicates, reordering and replays harmless.
 */
export type Join = (a: never, b: never) => unknown;

/** Platform times are compared as strings, so all of them are RFC 3339 in UTC with milliseconds. */
export type Timestamp = string;

const order = (a: unknown, b: unknown): number => {
  const [x, y] = [canonical(a), canonical(b)];
  return x < y ? -1 : x > y ? 1 : 0;
};

/** JSON with sorted keys: equal values have equal text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const fields = value as Readonly<Record<string, unknown>>;
    let text = '';
    // A loop, as every write compares what it found with what it wants: this is where a delivery spends its time.
    for (const name of Object.keys(fields).sort()) {
      if (fields[name] !== undefined) text += `${text && ','}${JSON.stringify(name)}:${canonical(fields[name])}`;
    }
    return `{${text}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/** A fact that never changes for an identity (a name, a commit). Should two sources disagree, one of them wins in every order. */
export const once = <T>(a: T, b: T): T => (a === b || order(a, b) >= 0 ? a : b);
export const earliest = (a: Timestamp, b: Timestamp): Timestamp => (a <= b ? a : b);
export const latest = (a: Timestamp, b: Timestamp): Timestamp => (a >= b ? a : b);
/** A value that says itself since when it holds: the later one. */
export const newest = <T extends { readonly at: Timestamp }>(a: T, b: T): T =>
  a.at === b.at ? once(a, b) : a.at > b.at ? a : b;
export const largest = (a: number, b: number): number => Math.max(a, b);
/** True once anybody said so. */
export const either = (a: boolean, b: boolean): boolean => a || b;

/** The higher of two values in the order of `scale`, lowest first. */
export const highest =
  <T extends string>(scale: readonly T[]) =>
  (a: T, b: T): T =>
    scale.indexOf(a) >= scale.indexOf(b) ? a : b;

/** Union by key; two values of one key are joined by `join`; `limit` keeps the last ones in the order of `sort`. */
export const unionBy =
  <T>(key: (item: T) => string | number, join: (a: T, b: T) => T, sort: (a: T, b: T) => number, limit = Infinity) =>
  (a: readonly T[], b: readonly T[]): T[] => {
    const found = new Map<string | number, T>();
    for (const item of [...a, ...b]) {
      const known = found.get(key(item));
      found.set(key(item), known === undefined ? item : join(known, item));
    }
    const items = [...found.values()].sort(sort);
    return items.length > limit ? items.slice(-limit) : items;
  };
