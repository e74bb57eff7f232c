import { setTimeout as sleep } from 'node:timers/promises';
import { type Rule, readSuccess, SuccessLines } from '../../shared/diagnosis/index.ts';
import type { Automation, Job, RecentRun } from '../../shared/model/index.ts';
import { LogUnavailable, type PlatformClient, PlatformUnavailable } from '../../shared/platforms/port.ts';
import { GreenSample, keepGreenLines, noteGreen } from '../../shared/rulebook/index.ts';
import { expiry, greenLogKey, type Key, runKeyOf, type Store } from '../../shared/store/index.ts';
import { readRun } from '../../shared/tracking/index.ts';
import { leaveAlone, takeCall } from './green-budget.ts';

/**
 * What the same job printed when it last succeeded, so that a failure is told by what is new (docs/adr/0012). One call at
 * most, and none where it was made for another failure of the job within hours; without it the diagnosis goes on.
 */

const MAX_BYTES = 16 * 1024 * 1024;
const WITHIN_MS = 5_000;
/** A log with more kinds of lines than this prints other lines at every run; an item would not hold them either. */
const MAX_KINDS = 50_000;
const MAX_RULES = 100;
/** Runs looked at, each a query. */
const RUNS_LOOKED_AT = 4;
/** A later green log of the job says nearly the same. */
const FRESH_MS = 6 * 3_600_000;
const NONE_FRESH_MS = 3_600_000;
const BUSY_FRESH_MS = 10 * 60_000;
const KEEP_DAYS = 3;
/** Who reads a log is waited for: failures of one job that come together are to be diagnosed alike. */
const LEASE_MS = 10_000;
const [POLLS, POLL_MS] = [40, 250];
const WAIT_SECONDS = 60;

interface Kept {
  /** The green job. */
  readonly job: string;
  readonly freshUntil: string;
  /** Someone reads the log until then at most. */
  readonly readingUntil?: string;
  /** Absent: there is nothing to be had of it. */
  readonly digests?: Uint8Array;
  readonly matched?: readonly string[];
  readonly expiresAt: number;
  readonly version: number;
}

interface Green {
  readonly job: Job;
  /** Its id. */
  readonly automation: string;
}

export interface GreenDeps {
  readonly store: Store;
  readonly client: PlatformClient;
  readonly rules: readonly Rule[];
  readonly now: () => number;
}

/** Undefined: not to be had, or not worth it now. */
export async function greenLog(job: Job, deps: GreenDeps): Promise<SuccessLines | undefined> {
  const { store, now } = deps;
  const green = await lastGreen(store, job);
  if (green === undefined) return undefined;
  const key = greenLogKey([job.platform, job.repository, green.automation, green.job.name, green.job.branch]);
  for (let poll = 0; poll < POLLS; poll++) {
    const kept = (await store.getItem(key)) as Kept | undefined;
    if (kept !== undefined && isFresh(kept, green.job, now())) return linesOf(kept);
    const read = isBeingRead(kept, now()) ? undefined : await claim(key, kept, green, deps);
    if (read !== undefined) return linesOf(read);
    await sleep(POLL_MS);
  }
  return undefined;
}

const isFresh = ({ job, digests, freshUntil, readingUntil }: Kept, green: Job, now: number): boolean =>
  readingUntil === undefined && ((digests !== undefined && job === green.id) || Date.parse(freshUntil) > now);

const isBeingRead = (kept: Kept | undefined, now: number): boolean =>
  kept?.readingUntil !== undefined && Date.parse(kept.readingUntil) > now;

const linesOf = ({ digests, matched = [] }: Kept): SuccessLines | undefined =>
  digests === undefined ? undefined : new SuccessLines({ digests, matched });

/**
 * The last success of a job with that name: in its own run (an attempt before), else in the runs that its automation
 * remembers, those of the same branch first.
 */
async function lastGreen(store: Store, job: Job): Promise<Green | undefined> {
  if (job.name === undefined) return undefined;
  const own = await readRun(store, job.runId);
  const id = own.runs.find((run) => run.id === job.runId)?.automationId;
  if (id === undefined) return undefined;
  const recent = ((await store.get('automation', id)) as Automation | undefined)?.recent ?? [];
  const others = recent
    .filter(({ runId }) => runKeyOf(runId) !== runKeyOf(job.runId))
    .sort((a, b) => rank(b, job) - rank(a, job) || (a.endedAt < b.endedAt ? 1 : -1))
    .slice(0, RUNS_LOOKED_AT);
  let jobs = own.jobs;
  for (const next of [...others, undefined]) {
    const green = jobs.filter(({ name, status }) => name === job.name && status === 'succeeded').sort(laterFirst)[0];
    if (green !== undefined) return { job: green, automation: id };
    if (next !== undefined) jobs = (await readRun(store, next.runId)).jobs;
  }
  return undefined;
}

const endOf = ({ endedAt, statusAt }: Job): string => endedAt ?? statusAt;
const laterFirst = (a: Job, b: Job): number => (endOf(a) < endOf(b) ? 1 : -1);

/** A run that failed may have the job green as well. */
const rank = (run: RecentRun, job: Job): number => (run.branch === job.branch ? 2 : 0) + (run.succeeded ? 1 : 0);

/** Reads the log, where nobody else does. Undefined: somebody else was faster. */
async function claim(key: Key, kept: Kept | undefined, green: Green, deps: GreenDeps): Promise<Kept | undefined> {
  const { store, now } = deps;
  const version = (kept?.version ?? 0) + 1;
  const write = ({ version, ...more }: Partial<Kept> & { version: number }): Kept & Key => ({
    ...{ job: green.job.id, freshUntil: new Date(now()).toISOString(), expiresAt: expiry(store.now(), KEEP_DAYS) },
    ...{ ...more, ...key, version },
  });
  const { readingUntil: _, ...before } = kept ?? {};
  const mine = write({ ...before, readingUntil: new Date(now() + LEASE_MS).toISOString(), version });
  if (!(await store.putOver({ ...mine }, kept?.version))) return undefined;
  const { sample, ...log } = await fetched(green.job, deps);
  // What an older log says is worth more than nothing, and the same failure is told alike.
  const read = write({ ...(log.digests === undefined && before), ...log, version: version + 1 });
  // A lease that ran out may have been taken over: what the other one reads is as good.
  await store.putOver({ ...read }, version);
  if (sample !== undefined) {
    await keepGreenLines(store, key.pk, sample);
    await noteGreen(store, { automation: green.automation, job: key.pk }, log.matched ?? []);
  }
  return read;
}

async function fetched(green: Job, deps: GreenDeps): Promise<Partial<Kept> & { sample?: GreenSample }> {
  const { store, client, rules, now } = deps;
  const until = (ms: number): string => new Date(now() + ms).toISOString();
  if (!(await takeCall(store, green.platform, now()))) return { freshUntil: until(BUSY_FRESH_MS) };
  try {
    const log = await client.jobLog(green, { maxBytes: MAX_BYTES, signal: AbortSignal.timeout(WITHIN_MS) });
    const sample = new GreenSample();
    const lines = await readSuccess(log, MAX_BYTES, rules, (text) => sample.add(text));
    const digests = lines.digests(MAX_KINDS);
    if (digests === undefined || digests.length === 0) return { freshUntil: until(FRESH_MS) };
    return { digests, matched: [...lines.matched].slice(0, MAX_RULES), freshUntil: until(FRESH_MS), sample };
  } catch (error) {
    if (error instanceof PlatformUnavailable) {
      await leaveAlone(store, green.platform, now(), error.retryAfter ?? WAIT_SECONDS);
    }
    return { freshUntil: until(error instanceof LogUnavailable ? NONE_FRESH_MS : BUSY_FRESH_MS) };
  }
}
