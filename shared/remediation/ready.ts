import type { Failure, Job, Run } from '../model/index.ts';

/**
 * The failed jobs of an ended attempt with their failures, once all of them are diagnosed; undefined before. Whoever
 * completes the join (the end of the run, the last diagnosis) asks this same question. `left` are jobs that the attempt left
 * as they were.
 */
export function ready(
  run: Run,
  jobs: readonly Job[],
  failures: readonly Failure[],
  left: readonly Job[] = [],
): { jobs: Job[]; failures: Failure[] } | undefined {
  if (run.status !== 'failed' && run.status !== 'timed-out') return undefined;
  // A job that its platform has tried again by itself within the run speaks through its latest attempt.
  const superseded = (job: Job) =>
    jobs.some((other) => other.runId === run.id && other.name === job.name && other.attempt > job.attempt);
  const failed = jobs.filter(
    (job) =>
      (job.runId === run.id || left.includes(job)) &&
      (job.status === 'failed' || job.status === 'timed-out') &&
      job.allowFailure !== true &&
      !superseded(job),
  );
  const byJob = new Map(failures.map((failure) => [failure.jobId, failure]));
  const theirs = failed.map((job) => byJob.get(job.id)).filter((failure) => failure?.status === 'diagnosed');
  if (failed.length === 0 || theirs.length < failed.length) return undefined;
  return { jobs: failed, failures: theirs as Failure[] };
}
