import type { Job, Remediation, Run } from '../../model/index.ts';
import { runKeyOf } from '../../store/index.ts';
import type { RunRecord } from '../../tracking/index.ts';

/**
 * Where a platform tries a whole run again, one of its jobs may be tried alone: the attempt that follows leaves the others as
 * they were. Some platforms tell of those once more in that attempt, and some do not.
 */

const CARRIED_OUT: readonly Remediation['status'][] = ['verifying', 'succeeded', 'failed'];

export const jobName = ({ name, externalId }: Pick<Job, 'name' | 'externalId'>): string => name ?? externalId;
export const hasFailed = ({ status }: Pick<Job, 'status'>): boolean => status === 'failed' || status === 'timed-out';

/** A fix of a run that tries one of its jobs. */
export const isAlone = ({ subject, runId, platform, externalId }: Remediation): boolean =>
  subject === runId && runKeyOf(runId) !== `${platform}:${externalId}`;

/** The fix that made the attempt after this one by trying one job alone. */
export const aloneAt = ({ remediations }: Pick<RunRecord, 'remediations'>, attempt: number): Remediation | undefined =>
  remediations.find((fix) => fix.attempt === attempt && isAlone(fix) && CARRIED_OUT.includes(fix.status));

/** The failed jobs of earlier attempts that no attempt since has tried, as each was for another job alone. */
export function leftOver(run: Pick<Run, 'attempt'>, record: Pick<RunRecord, 'jobs' | 'remediations'>): Job[] {
  const isLeft = (job: Job): boolean => {
    for (let attempt = job.attempt; attempt < run.attempt; attempt++) {
      const fix = aloneAt(record, attempt);
      if (fix === undefined || fix.targets.includes(jobName(job))) return false;
    }
    return true;
  };
  return record.jobs.filter(
    (job) =>
      job.attempt < run.attempt &&
      hasFailed(job) &&
      !record.jobs.some(({ name, attempt }) => name === job.name && attempt > job.attempt && attempt <= run.attempt) &&
      isLeft(job),
  );
}
