import type { Source } from '../model/index.ts';
import type { KnownRun } from '../platforms/port.ts';
import { PlatformRefusal, type RunDetails, type Sweeper, type SweptRun } from '../platforms/sweeper.ts';
import { ids, type Store } from '../store/index.ts';
import { readRun } from '../tracking/index.ts';
import { type Book, type Entry, entryKey, hourOf, readBook, writeBook } from './books.ts';
import { attemptOf, isRunMissing, missingJobs, needsDetails, runFactId, stillMissing } from './compare.ts';
import { recover } from './recover.ts';
import type { Cursor } from './sources.ts';

/** Sweeps overlap, as lists are not always as new as what they list. */
const OVERLAP_MS = 10 * 60_000;
/** A source is known by its first delivery; what went before it by little may have been lost. */
const BEFORE_MS = 60 * 60_000;
/** Webhooks take their time: what is newer is left to them, and to the next sweep. */
const SETTLED_MS = 60_000;
/** However long a run takes, further back the list of runs is not read for its end. */
const FURTHEST_MS = 24 * 3_600_000;
/** Only guards against a list without an end: the budget of calls ends sooner, and the next sweep goes on. */
const MAX_PAGES = 200;
/** What is still missing after that long stays missing. */
const GIVE_UP_MS = 24 * 3_600_000;
/** How many definitions of runs a cursor remembers. */
const MAX_EXPECTED = 200;

export interface Swept {
  readonly cursor: Cursor;
  /** Deliveries that were put into the ledger. */
  readonly recovered: number;
}

/**
 * Looks through the latest runs of a source for what QMOI has not heard, and puts it into the ledger. What breaks off (a
 * budget, a platform) has done a part of the work, and begins anew from the same cursor.
 */
export async function sweepSource(
  store: Store,
  sweeper: Sweeper,
  source: Source,
  cursor: Cursor,
  now: number,
): Promise<Swept> {
  const sweep = new Sweep(store, sweeper, source, cursor, now);
  await sweep.verify();
  try {
    const etag = await sweep.look();
    return { cursor: { ...sweep.cursor(), sweptAt: iso(now), etag }, recovered: sweep.recovered };
  } finally {
    await sweep.keep();
  }
}

const iso = (time: number): string => new Date(time).toISOString();
const ago = (from: string, now: number): number => now - Date.parse(from);

class Sweep {
  recovered = 0;
  private readonly store: Store;
  private readonly sweeper: Sweeper;
  private readonly source: Source;
  private readonly before: Cursor;
  private readonly now: number;
  private readonly books = new Map<string, { hour: string; entries: Record<string, Entry>; changed: boolean }>();
  private readonly expected: Record<string, number>;
  private openSince: string | undefined;

  constructor(store: Store, sweeper: Sweeper, source: Source, cursor: Cursor, now: number) {
    this.store = store;
    this.sweeper = sweeper;
    this.source = source;
    this.before = cursor;
    this.now = now;
    this.expected = { ...cursor.expected };
    this.openSince = cursor.openSince;
  }

  cursor(): Cursor {
    const pending = [...this.books.values()]
      .filter(({ hour, entries }) => {
        const missing = Object.values(entries).some((entry) => entry.missing.length > 0);
        return missing && ago(`${hour}:00:00.000Z`, this.now) < GIVE_UP_MS;
      })
      .map(({ hour }) => hour);
    const expected = Object.fromEntries(Object.entries(this.expected).slice(-MAX_EXPECTED));
    return { pending, expected, openSince: this.openSince, refusals: 0 };
  }

  async keep(): Promise<void> {
    for (const book of this.books.values()) {
      if (book.changed) await writeBook(this.store, this.where, book as Book);
      book.changed = false;
    }
  }

  private get where() {
    const { platform, repository } = this.source;
    return { platform, repository };
  }

  /** Whether what was missing has come by now. */
  async verify(): Promise<void> {
    for (const hour of this.before.pending) {
      const book = await this.book(hour);
      for (const [key, entry] of Object.entries(book.entries)) {
        if (entry.missing.length === 0) continue;
        const heard = await this.heardOf(entry.externalId);
        const missing = stillMissing(this.source.platform, entry, entry.missing, heard);
        if (missing.length === entry.missing.length) continue;
        const came = entry.missing.filter((fact) => !missing.includes(fact));
        const recovered = [...new Set([...entry.recovered, ...came])];
        book.entries[key] = {
          ...entry,
          recovered,
          missing,
          facts: Math.max(entry.facts, 1 + attemptOf(entry, heard).jobs.length),
        };
        book.changed = true;
      }
    }
  }

  /** The ETag to ask with the next time; undefined when something was left for then. */
  async look(): Promise<string | undefined> {
    const { sweptAt, etag: known } = this.before;
    const since =
      sweptAt === undefined ? Date.parse(this.source.createdAt) - BEFORE_MS : Date.parse(sweptAt) - OVERLAP_MS;
    const furthest = Math.max(this.now - FURTHEST_MS, Date.parse(this.openSince ?? '') || since);
    const back = Math.min(since, furthest);
    let etag: string | undefined;
    let [left, open] = [false, undefined as string | undefined];
    for (let page = 1; page <= MAX_PAGES; page++) {
      const found = await this.sweeper.runs(this.source, page, known);
      if (found === undefined) return known;
      if (page === 1) etag = found.etag;
      for (const run of found.runs) {
        if (!run.ended && (open === undefined || run.createdAt < open)) open = run.createdAt;
        const wanted =
          Date.parse(run.updatedAt) >= since || (this.openSince !== undefined && run.createdAt >= this.openSince);
        if (!wanted) continue;
        if (ago(run.updatedAt, this.now) < SETTLED_MS) left = true;
        else await this.compare(run);
      }
      const last = found.runs.at(-1);
      if (!found.more || last === undefined || Date.parse(last.createdAt) < back) break;
    }
    this.openSince = open;
    return left ? undefined : etag;
  }

  private async compare(run: SweptRun): Promise<void> {
    const book = await this.book(this.hourFor(run));
    const key = entryKey(run);
    const entry = book.entries[key];
    if (entry?.missing.length === 0 && (entry.ended ? entry.updatedAt === run.updatedAt : !run.ended)) return;
    const { platform } = this.source;
    const heard = await this.heardOf(run.externalId);
    const { endTellsJobs } = this.sweeper;
    const expected = this.expected[run.alike];
    const missing: string[] = [];
    let facts = 1 + attemptOf(run, heard).jobs.length;
    const details = needsDetails(run, heard, { endTellsJobs, expected }) ? await this.detailsOf(run, heard) : undefined;
    if (isRunMissing(run, heard)) {
      missing.push(runFactId(platform, run));
      const told = run.told ?? details?.run;
      if (told !== undefined) await this.recover(told);
    }
    if (details !== undefined) {
      facts = 1 + details.jobs.length;
      for (const job of missingJobs(details, heard)) {
        missing.push(job.id);
        if (job.told !== undefined) await this.recover(job.told);
      }
    }
    if (run.ended && !endTellsJobs && (details !== undefined || facts - 1 > (expected ?? 0))) {
      this.expected[run.alike] = facts - 1;
    }
    const once = [...(entry?.recovered ?? []), ...(entry?.missing ?? [])];
    const recovered = [...new Set(once)].filter((fact) => !missing.includes(fact));
    const { externalId, attempt, updatedAt, ended } = run;
    book.entries[key] = { externalId, attempt, updatedAt, ended, facts, recovered, missing };
    book.changed = true;
  }

  /** Undefined also when the platform will not tell: the run may have been deleted since it was listed. */
  private async detailsOf(run: SweptRun, heard: KnownRun): Promise<RunDetails | undefined> {
    try {
      return await this.sweeper.details(this.source, run, heard);
    } catch (error) {
      if (error instanceof PlatformRefusal) return undefined;
      throw error;
    }
  }

  private async recover(told: Parameters<typeof recover>[2]): Promise<void> {
    if (await recover(this.store, this.source, told)) this.recovered++;
  }

  /** Of a run that goes on long after it was created, what is heard of it now counts for now. */
  private hourFor({ createdAt }: SweptRun): string {
    return hourOf(ago(createdAt, this.now) < GIVE_UP_MS ? createdAt : iso(this.now));
  }

  private async book(hour: string) {
    const known = this.books.get(hour);
    if (known !== undefined) return known;
    const { entries } = await readBook(this.store, ids.source(this.source.platform, this.source.repository), hour);
    const book = { hour, entries: { ...entries }, changed: false };
    this.books.set(hour, book);
    return book;
  }

  private heardOf(externalId: string) {
    return readRun(this.store, ids.run(this.source.platform, externalId, 1));
  }
}
