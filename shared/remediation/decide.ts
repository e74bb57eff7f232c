import { type Control, type Failure, isEnded, isLive, type Job, type Remediation, type Run } from '../model/index.ts';
import type { Mode } from '../runtime/settings.ts';

/** QMOI acts only on what happened less than this long ago (DESIGN.md, rule 6). */
export const FRESH_MS = 30 * 60_000;
/** How long a rerun may take before QMOI stops waiting for its outcome: the limit GitHub sets on a job. */
export const VERIFY_WITHIN_MS = 6 * 3_600_000;
/** How soon a held fix is looked at again when nobody wakes it before. */
const HOLD_MS = 60_000;

/** All that a decision depends on; whoever asks has read it consistently. */
export interface Situation {
  now: number;
  run: Run;
  /** The failed jobs that the action would try again. */
  jobs: readonly Job[];
  /** One per job, all diagnosed. */
  failures: readonly Failure[];
  /** The greatest attempt of the run that is known. */
  latestAttempt: number;
  mode: Mode;
  control: Control['status'];
  /** Actions of this hour, this one not counted. */
  spent: { repository: number; all: number };
  budgets: { perRepositoryPerHour: number; perHour: number };
}

export type Decision =
  | { readonly kind: 'act'; readonly reason: string }
  /** Not now: ask again at `until` (milliseconds since the epoch). */
  | { readonly kind: 'hold'; readonly reason: string; readonly until: number }
  /** Not this one, ever. */
  | { readonly kind: 'refuse'; readonly reason: string };

const refuse = (reason: string): Decision => ({ kind: 'refuse', reason });

/**
 * Whether the failed jobs of a run may be tried again. Pure. Everything that is not certain is refused or held: filters,
 * budgets and the stop fail closed.
 */
export function decide(situation: Situation): Decision {
  const { now, run, failures, jobs, mode, control, spent, budgets } = situation;
  if (!isLive(run.origin)) return refuse(`its facts are ${run.origin}, not live`);
  if (run.attempt > 1) return refuse('only a first attempt is retried');
  if (situation.latestAttempt > run.attempt) return refuse(`attempt ${situation.latestAttempt} is already known`);
  if (jobs.length === 0 || failures.length < jobs.length) return refuse('not every failed job is diagnosed');
  const stubborn = failures.find((failure) => failure.transient !== true);
  if (stubborn !== undefined) {
    const why = stubborn.transient === false ? 'a rerun does not fix' : 'nobody knows that a rerun would fix';
    return refuse(`${stubborn.name ?? stubborn.jobId} failed of ${stubborn.cause}, which ${why}`);
  }
  const age = now - Date.parse(run.endedAt ?? run.statusAt);
  if (!(age < FRESH_MS)) return refuse(`it ended ${Math.round(age / 60_000)} minutes ago; QMOI acts within 30`);
  if (mode !== 'act') return refuse(`the mode here is ${mode}`);
  const until = now + HOLD_MS;
  if (control !== 'running') return { kind: 'hold', reason: `the master has QMOI ${control} here`, until };
  if (spent.repository >= budgets.perRepositoryPerHour) {
    return { kind: 'hold', reason: `${spent.repository} actions this hour use up the repository's budget`, until };
  }
  if (spent.all >= budgets.perHour) {
    return { kind: 'hold', reason: `${spent.all} actions this hour use up the budget`, until };
  }
  const causes = [...new Set(failures.map((failure) => failure.cause))].join(', ');
  return { kind: 'act', reason: `${causes}: transient, first attempt` };
}

/**
 * The failed jobs of an ended attempt with their failures, once all of them are diagnosed; undefined before. Whoever
 * completes the join (the end of the run, the last diagnosis) asks this same question.
 */
export function ready(
  run: Run,
  jobs: readonly Job[],
  failures: readonly Failure[],
): { jobs: Job[]; failures: Failure[] } | undefined {
  if (run.status !== 'failed' && run.status !== 'timed-out') return undefined;
  // A job that its platform has tried again by itself within the run speaks through its latest attempt.
  const superseded = (job: Job) =>
    jobs.some((other) => other.runId === run.id && other.name === job.name && other.attempt > job.attempt);
  const failed = jobs.filter(
    (job) =>
      job.runId === run.id &&
      (job.status === 'failed' || job.status === 'timed-out') &&
      job.allowFailure !== true &&
      !superseded(job),
  );
  const byJob = new Map(failures.map((failure) => [failure.jobId, failure]));
  const theirs = failed.map((job) => byJob.get(job.id)).filter((failure) => failure?.status === 'diagnosed');
  if (failed.length === 0 || theirs.length < failed.length) return undefined;
  return { jobs: failed, failures: theirs as Failure[] };
}

/** How the attempt after a fix proves it, or undefined while it is undecided. */
export function proof(
  fix: Pick<Remediation, 'targets' | 'attempt'>,
  next: { run: Run | undefined; jobs: readonly Job[] },
  options: { runAlone: boolean },
): { succeeded: boolean; reason: string } | undefined {
  const ended = fix.targets.map((name) => ({
    name,
    job: next.jobs.find((job) => job.name === name && job.attempt === fix.attempt + 1 && isEnded(job.status)),
  }));
  const bad = ended.find(({ job }) => job !== undefined && job.status !== 'succeeded');
  if (bad?.job !== undefined) return { succeeded: false, reason: `${bad.name} ${bad.job.status} again` };
  if (ended.every(({ job }) => job !== undefined)) {
    return { succeeded: true, reason: `${fix.targets.join(', ')} succeeded on attempt ${fix.attempt + 1}` };
  }
  // The jobs' own ends are better proof than the run's, so the run alone decides only once they are overdue.
  if (!options.runAlone || next.run === undefined || !isEnded(next.run.status)) return undefined;
  const succeeded = next.run.status === 'succeeded';
  return { succeeded, reason: `attempt ${next.run.attempt} ${next.run.status}` };
}
