import type { PlannedJob, PlannedRun } from '../scenario/index.ts';

export type Status = 'succeeded' | 'failed' | 'timed-out' | 'canceled' | 'skipped';

export interface PlayedJob {
  readonly job: PlannedJob;
  readonly status: Status;
  /** The execution the status comes from: 1, and 2 where it was tried again. */
  readonly execution: number;
  /** GitHub: part of this attempt only as a copy of its result in the one before. */
  readonly copied: boolean;
  /** GitLab: skipped in the attempt before, and now run under its old id. */
  readonly revived: boolean;
}

export interface PlayedAttempt {
  readonly number: number;
  readonly jobs: readonly PlayedJob[];
  readonly status: Status;
  /** How many webhooks it sends. */
  readonly deliveries: number;
}

const STATUS = { success: 'succeeded', failure: 'failed', cancelled: 'canceled', timed_out: 'timed-out' } as const;

const isBad = (status: Status): boolean => status === 'failed' || status === 'timed-out';
/** A job that others may build upon. */
const carries = ({ job, status }: PlayedJob): boolean =>
  status === 'succeeded' || (job.allowFailure === true && status !== 'skipped');

/** What a job waits for: on GitLab, without `needs`, every job of the stages before its own. */
function needsOf(run: PlannedRun, job: PlannedJob): readonly string[] {
  if (job.needs !== undefined || run.platform === 'github') return job.needs ?? [];
  const stages = [...new Set(run.jobs.map((other) => other.stage))];
  const own = stages.indexOf(job.stage);
  return run.jobs.filter((other) => stages.indexOf(other.stage) < own).map((other) => other.name);
}

function playJobs(run: PlannedRun, again: ReadonlySet<string>, before: ReadonlyMap<string, PlayedJob>): PlayedJob[] {
  const played = new Map<string, PlayedJob>();
  for (const job of run.jobs) {
    const last = before.get(job.name);
    const needs = needsOf(run, job);
    const revived = last?.status === 'skipped' && needs.some((need) => again.has(need) || played.get(need)?.revived);
    if (last !== undefined && !again.has(job.name) && !revived) {
      played.set(job.name, { ...last, copied: true, revived: false });
      continue;
    }
    const blocked = needs.some((need) => {
      const needed = played.get(need);
      return needed !== undefined && !carries(needed);
    });
    const execution = (last?.status === 'skipped' ? 0 : (last?.execution ?? 0)) + 1;
    const outcome = execution === 1 ? job.outcome : (job.thenOnRetry ?? job.outcome);
    const status = blocked ? 'skipped' : STATUS[outcome ?? 'success'];
    played.set(job.name, { job, status, execution, copied: false, revived: revived === true });
  }
  return [...played.values()];
}

function statusOf(jobs: readonly PlayedJob[]): Status {
  const counted = jobs.filter(({ job, status }) => !(job.allowFailure === true && status !== 'succeeded'));
  for (const status of ['failed', 'timed-out', 'canceled'] as const) {
    if (counted.some((job) => job.status === status)) return status;
  }
  return jobs.every(({ status }) => status === 'skipped') ? 'skipped' : 'succeeded';
}

/** GitLab knows no pipeline that timed out. */
const runStatusOf = (run: PlannedRun, jobs: readonly PlayedJob[]): Status => {
  const status = statusOf(jobs);
  return run.platform === 'gitlab' && status === 'timed-out' ? 'failed' : status;
};

/** GitHub: requested, in progress, completed; three events for a job that ran, one for a job that was skipped or copied. */
function githubDeliveries(jobs: readonly PlayedJob[]): number {
  const ran = jobs.filter(({ copied, status }) => !copied && status !== 'skipped').length;
  return 2 + (ran > 0 ? 1 : 0) + 3 * ran + (jobs.length - ran);
}

/** GitLab: every job is announced, then queued, started and ended, or skipped; the pipeline is queued, started and ended. */
function gitlabDeliveries(jobs: readonly PlayedJob[], first: boolean): number {
  const mine = jobs.filter(({ copied }) => !copied);
  const announced = mine.filter(({ revived }) => first || !revived).length;
  const ran = mine.filter(({ status }) => status !== 'skipped').length;
  // A retried pipeline is running at once, unless nothing of it is left that has ended.
  const started = first || mine.length === jobs.length ? 2 : 1;
  return announced + started + 3 * ran + (mine.length - ran) + 1;
}

/** The attempts of a run, the second of them only where a fix is tried. By the platforms' rules, without any platform. */
export function play(run: PlannedRun): PlayedAttempt[] {
  const attempts: PlayedAttempt[] = [];
  const add = (jobs: PlayedJob[]): void => {
    const deliveries =
      run.platform === 'github' ? githubDeliveries(jobs) : gitlabDeliveries(jobs, attempts.length === 0);
    attempts.push({ number: attempts.length + 1, jobs, status: runStatusOf(run, jobs), deliveries });
  };
  const first = playJobs(run, new Set(), new Map());
  add(first);
  const again = first.filter(({ job, status }) => isBad(status) && isTried(job)).map(({ job }) => job.name);
  if (again.length > 0) add(playJobs(run, new Set(again), new Map(first.map((played) => [played.job.name, played]))));
  return attempts;
}

export const isTried = (job: PlannedJob): boolean => job.trouble?.fix === 'verified' || job.trouble?.fix === 'failed';
export { isBad };
