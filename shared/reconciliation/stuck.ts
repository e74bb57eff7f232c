import type { Job, Run } from '../model/index.ts';

/** When a run that does not end counts as stuck. Pure. */

export interface Progress {
  readonly run: Pick<Run, 'status' | 'statusAt'>;
  /** Its jobs that have not ended. */
  readonly jobs: readonly Pick<Job, 'status' | 'statusAt' | 'labels' | 'steps'>[];
  /** How long runs of its kind took, in milliseconds. */
  readonly history: readonly number[];
}

export interface Limits {
  /** How long a job may wait for a runner; run on a machine of the platform's own; run on one of its owner's. */
  readonly queuedMs: number;
  readonly hostedMs: number;
  readonly selfHostedMs: number;
}

export interface Verdict {
  /** Since when nothing has moved. */
  readonly since: number;
  /** From when on it is stuck. */
  readonly stuckAt: number;
  readonly reason: string;
}

/** Fewer runs than that say nothing of the next one. */
const ENOUGH = 10;
/** A run in a hundred is slower than the p99 by definition: it counts as stuck well beyond. */
const [TIMES, SPARE_MS] = [3, 3_600_000];

/** The value that `share` of the values do not exceed; undefined when there are too few to say. */
export function quantile(values: readonly number[], share: number): number | undefined {
  if (values.length < ENOUGH) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

export function judge({ run, jobs, history }: Progress, limits: Limits): Verdict {
  const moments = [run.statusAt, ...jobs.flatMap(({ statusAt, steps }) => [statusAt, ...steps.flatMap(timesOf)])];
  const since = Math.max(...moments.map((time) => Date.parse(time)).filter(Number.isFinite));
  const p99 = quantile(history, 0.99);
  const limit = limitOf(run, jobs, limits);
  const usual = p99 === undefined ? Number.POSITIVE_INFINITY : Math.max(TIMES * p99, p99 + SPARE_MS);
  // How long a run takes says nothing of how long it waits for a runner.
  if (run.status !== 'running' || limit.ms <= usual) {
    return { since, stuckAt: since + limit.ms, reason: limit.reason };
  }
  const reason = `nothing has moved for ${spanOf(usual)}, while 99 of 100 of its runs take ${spanOf(p99 ?? 0)} at most`;
  return { since, stuckAt: since + usual, reason };
}

const timesOf = ({ startedAt, endedAt }: { startedAt?: string | undefined; endedAt?: string | undefined }): string[] =>
  [startedAt, endedAt].filter((time) => time !== undefined);

function limitOf(run: Progress['run'], jobs: Progress['jobs'], limits: Limits): { ms: number; reason: string } {
  if (run.status !== 'running') {
    return { ms: limits.queuedMs, reason: `it has waited for a runner for ${spanOf(limits.queuedMs)}` };
  }
  const own = jobs.some(({ labels }) => labels?.includes('self-hosted'));
  const ms = own ? limits.selfHostedMs : limits.hostedMs;
  return { ms, reason: `nothing has moved for ${spanOf(ms)}, which is as long as a job may take` };
}

function spanOf(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 120) return minutes === 1 ? '1 minute' : `${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  return hours < 72 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
}

const SOONEST_MS = 30 * 60_000;

/** When to look at a run again that is not stuck yet: as much later as it has gone on for, at the latest when it would be. */
export function nextLook({ since, stuckAt }: Verdict, now: number): string {
  return new Date(Math.min(Math.max(stuckAt, now + SOONEST_MS), now + Math.max(SOONEST_MS, now - since))).toISOString();
}
