import type { Completeness } from '../model/index.ts';
import { expiry, ids, mergeInto, type Store, sweptHour } from '../store/index.ts';

/**
 * What is known of the runs of one hour of a source. The figures of `completeness` are counted anew from it at each change,
 * never added to, so that a sweep that broke off or ran twice counts nothing twice.
 */

export interface Entry {
  readonly externalId: string;
  readonly attempt?: number | undefined;
  /** The platform's time of the last change that was looked at. */
  readonly updatedAt: string;
  readonly ended: boolean;
  /** The run and its jobs, as far as they are known. */
  readonly facts: number;
  readonly recovered: readonly string[];
  readonly missing: readonly string[];
}

export type Entries = Readonly<Record<string, Entry>>;

export const entryKey = ({ externalId, attempt }: Pick<Entry, 'externalId' | 'attempt'>): string =>
  `${externalId}.${attempt ?? 0}`;

/** `2026-01-31T12` of a time. */
export const hourOf = (time: string): string => time.slice(0, 13);

/** Entries outlive the time in which their runs are looked at. */
const KEEP_DAYS = 3;
/** An item holds 400 KB. */
const MAX_ENTRIES = 2_000;

export interface Book {
  readonly hour: string;
  readonly entries: Entries;
}

export async function readBook(store: Store, sourceId: string, hour: string): Promise<Book> {
  const item = await store.getItem(sweptHour(sourceId, hour));
  return { hour, entries: (item?.entries as Entries | undefined) ?? {} };
}

/** Keeps the entries of an hour and the figures that they make. */
export async function writeBook(
  store: Store,
  source: { platform: string; repository: string },
  { hour, entries }: Book,
): Promise<void> {
  const kept = Object.fromEntries(Object.entries(entries).slice(-MAX_ENTRIES));
  const now = store.now();
  const sourceId = ids.source(source.platform, source.repository);
  await store.putItem({ ...sweptHour(sourceId, hour), entries: kept, expiresAt: expiry(now, KEEP_DAYS) });
  const figures = figuresOf(Object.values(kept));
  const id = ids.completeness(source.platform, source.repository, hour);
  await store.change('completeness', id, (known) =>
    known !== undefined && (Object.keys(figures) as (keyof Figures)[]).every((name) => known[name] === figures[name])
      ? undefined
      : mergeInto('completeness', known, {
          id,
          ...source,
          status: figures.missing === 0 ? 'complete' : 'incomplete',
          statusAt: now,
          origin: 'live',
          hour: `${hour}:00:00.000Z`,
          ...figures,
        }),
  );
}

type Figures = Pick<Completeness, 'known' | 'received' | 'recovered' | 'missing'>;

export function figuresOf(entries: readonly Entry[]): Figures {
  const sum = (of: (entry: Entry) => number): number => entries.reduce((total, entry) => total + of(entry), 0);
  const [known, recovered, missing] = [
    sum(({ facts }) => facts),
    sum((entry) => entry.recovered.length),
    sum((entry) => entry.missing.length),
  ];
  return { known, received: Math.max(0, known - recovered - missing), recovered, missing };
}
