import { isEnded, type Run } from '../model/index.ts';
import { type Platform, PlatformUnavailable, type ReadParameters } from '../platforms/port.ts';
import { OverBudget, PlatformRefusal, type Sweeper, type SweptRun } from '../platforms/sweeper.ts';
import { done, type Rest } from '../runtime/rest.ts';
import { recentRuns, type Store, sweepCursor } from '../store/index.ts';
import { readRun } from '../tracking/index.ts';
import { attemptOf, missingJobs } from './compare.ts';
import { openMeter } from './limit.ts';
import { recover } from './recover.ts';
import type { Cursor } from './sources.ts';
import { judge, nextLook } from './stuck.ts';

export interface CheckDeps {
  readonly store: Store;
  readonly platforms: Readonly<Record<string, Platform>>;
  readonly read: ReadParameters;
  readonly callsPerHour: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Looks at a run that has gone on for long: its platform is asked first, and what it says is recovered. What does not move
 * for longer than such runs take, or than the platform allows, or what the platform knows no more, is timed out.
 */
export async function checkRun(id: string, deps: CheckDeps): Promise<Rest> {
  const { store, platforms, read, callsPerHour, now } = deps;
  const run = await store.get('run', id);
  if (run === undefined || isEnded(run.status) || run.wakeAt === undefined) return done;
  const platform = platforms[run.platform];
  if (platform?.sweeper === undefined) return done;
  try {
    const meter = await openMeter(store, run.platform, { callsPerHour, now });
    try {
      const sweeper = await platform.sweeper(read, meter);
      if (sweeper === undefined) await lookAgain(run, unanswered(now()), store);
      else await check(run, sweeper, deps);
    } finally {
      await meter.settle();
    }
  } catch (error) {
    // `wake` calls again.
    if (error instanceof OverBudget || error instanceof PlatformUnavailable) return done;
    if (!(error instanceof PlatformRefusal)) throw error;
    await lookAgain(run, unanswered(now()), store);
  }
  return done;
}

async function check(run: Run, sweeper: Sweeper, deps: CheckDeps): Promise<void> {
  const { store, now } = deps;
  const found = await sweeper.find(run, run);
  if (found === undefined) return timeOut(run, now(), 'its platform knows it no more', deps);
  await recoverFrom(found, run, sweeper, store);
  // A pipeline may have gone on to a later attempt, which has a time of its own to look at it.
  if (found.ended || (found.attempt !== undefined && found.attempt !== run.attempt)) return;
  const [{ jobs }, alike] = [attemptOf(run, await readRun(store, run.id)), await recentRuns(store, run)];
  const history = alike
    .filter((one) => one.automationId !== undefined && one.automationId === run.automationId)
    .flatMap(({ startedAt, endedAt }) => (startedAt && endedAt ? [Date.parse(endedAt) - Date.parse(startedAt)] : []));
  const limits = await limitsOf(run, sweeper, store);
  const verdict = judge({ run, jobs: jobs.filter(({ status }) => !isEnded(status)), history }, limits);
  if (verdict.stuckAt <= now()) return timeOut(run, verdict.stuckAt, verdict.reason, deps);
  await lookAgain(run, nextLook(verdict, now()), store);
}

/** A project's own time-out only lengthens the platform's: a job may name a longer one for itself, which its platform does not tell. */
async function limitsOf({ platform, repository }: Run, { limits }: Sweeper, store: Store): Promise<Sweeper['limits']> {
  const cursor = (await store.getItem(sweepCursor(platform, repository))) as Partial<Cursor> | undefined;
  const own = cursor?.jobTimeoutMs ?? 0;
  const [hostedMs, selfHostedMs] = [Math.max(limits.hostedMs, own), Math.max(limits.selfHostedMs, own)];
  return { ...limits, hostedMs, selfHostedMs };
}

const UNANSWERED_MS = 6 * 3_600_000;
/** When to ask a platform again that does not let QMOI ask. */
const unanswered = (now: number): string => new Date(now + UNANSWERED_MS).toISOString();

async function lookAgain({ id }: Run, wakeAt: string, store: Store): Promise<void> {
  await store.change('run', id, (state) =>
    state === undefined || isEnded(state.status) || state.wakeAt === undefined ? undefined : { ...state, wakeAt },
  );
}

/** Tells what the platform knows of the run and no webhook has told. */
async function recoverFrom(found: SweptRun, run: Run, sweeper: Sweeper, store: Store): Promise<void> {
  const details = await sweeper.details(run, found);
  const told = found.told ?? details.run;
  const missing = missingJobs(details, await readRun(store, run.id));
  if (told !== undefined && (found.ended || missing.some((job) => job.told === undefined))) {
    await recover(store, run, told);
  }
  for (const job of missing) if (job.told !== undefined) await recover(store, run, job.told);
}

async function timeOut(run: Run, at: number, reason: string, { store }: CheckDeps): Promise<void> {
  const statusAt = new Date(at).toISOString();
  const ended = { status: 'timed-out', statusAt, origin: 'recovered', endedAt: statusAt } as const;
  const { jobs } = attemptOf(run, await readRun(store, run.id));
  for (const job of jobs.filter(({ status }) => !isEnded(status))) await store.merge('job', { id: job.id, ...ended });
  await store.merge('run', { id: run.id, ...ended, basis: run.basis ?? 0, reason });
}
