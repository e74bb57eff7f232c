import { rules as builtIn, type Rule } from '../diagnosis/index.ts';
import { canonical } from '../model/index.ts';
import type { DiagnosisSettings, OwnRule } from '../runtime/diagnosis-settings.ts';
import type { Store } from '../store/index.ts';
import { keptRules } from './kept.ts';
import { type Standing, standings } from './standing.ts';

export interface BookRule {
  readonly rule: Rule;
  /** Who says so. The master's word through the API comes before the settings, and both before what is built in. */
  readonly by: 'api' | 'settings' | 'built-in';
  readonly version?: number;
  readonly createdAt?: string;
  readonly updatedAt?: string;
  /** Absent: it never matched. */
  readonly standing?: Standing | undefined;
}

/** All rules as they hold now. */
export interface Book {
  readonly all: readonly BookRule[];
  /** In the order of their precedence. The same array as long as nothing changes, as what is made of it is kept by it. */
  readonly rules: readonly Rule[];
  /** Ids of the master's own, which win over built-in ones of their tier. */
  readonly preferred: ReadonlySet<string>;
  /** Ids of those that match where others succeed: they yield to all others. */
  readonly demoted: ReadonlySet<string>;
}

export type OwnRules = DiagnosisSettings['rules'];

/** A rule of the settings or the API as diagnosis takes it. */
export const asRule = (id: string, own: OwnRule): Rule => {
  const { exclude, steps, category, ...rest } = own;
  return {
    ...{ id, ...rest, category: category as Rule['category'] },
    ...(exclude !== undefined && { exclude }),
    ...(steps !== undefined && { steps }),
  };
};

let last: { readonly own: string; readonly rules: readonly Rule[] } | undefined;

export async function readBook(store: Store, declared: OwnRules): Promise<Book> {
  const [kept, known] = await Promise.all([keptRules(store), standings(store)]);
  const said = kept.map((kept): BookRule => ({ ...kept, by: 'api' }));
  const settings = Object.entries(declared).map(([id, own]): BookRule => ({ rule: asRule(id, own), by: 'settings' }));
  const ids = new Set<string>();
  const ordered = [...said, ...settings, ...builtIn.map((rule): BookRule => ({ rule, by: 'built-in' }))].filter(
    ({ rule: { id } }) => !ids.has(id) && ids.add(id),
  );
  const all = ordered.map((one): BookRule => ({ ...one, standing: known.get(one.rule.id) }));
  const demoted = all.filter(({ standing }) => standing?.demotedAt !== undefined).map(({ rule }) => rule.id);
  const own = all.filter(({ by }) => by !== 'built-in').map(({ rule }) => rule);
  const content = canonical(own);
  if (last?.own !== content) last = { own: content, rules: all.map(({ rule }) => rule) };
  return { all, rules: last.rules, preferred: new Set(own.map(({ id }) => id)), demoted: new Set(demoted) };
}

const ANEW_AFTER_MS = 60_000;
const cached = new WeakMap<Store, { readonly at: number; readonly book: Promise<Book> }>();

/** The book as it was at most a minute ago. */
export function bookOf(store: Store, declared: OwnRules): Promise<Book> {
  const now = Date.parse(store.now());
  const known = cached.get(store);
  if (known !== undefined && Math.abs(now - known.at) < ANEW_AFTER_MS) return known.book;
  const book = readBook(store, declared);
  cached.set(store, { at: now, book });
  book.catch(() => cached.delete(store));
  return book;
}
