import { isEnded, type Job, type Run } from '../../model/index.ts';
import { RETRY_PLAYBOOK, type RetryOption } from '../port.ts';

/** The one action QMOI takes on GitLab so far. */
export const RETRY = 'retry-job';

/** Each failed job is retried by itself; those that may fail are left alone. */
export function retryOptions(run: Run, failed: readonly Job[]): RetryOption[] {
  if (run.kind !== undefined || !isEnded(run.status)) return [];
  return failed
    .filter((job) => job.allowFailure !== true)
    .map((job) => ({
      action: RETRY,
      playbook: RETRY_PLAYBOOK,
      part: job.externalId,
      subject: job.id,
      externalId: job.externalId,
      attempt: job.attempt,
      jobs: [job],
    }));
}
