import { isEnded, type Job, type Run } from '../../model/index.ts';
import { RETRY_PLAYBOOK, type RetryOption } from '../port.ts';

/** The one action QMOI takes on GitHub so far. */
export const RERUN = 'rerun-failed-jobs';

/** One call reruns all failed jobs of a run, as its next attempt. */
export function retryOptions(run: Run, failed: readonly Job[]): RetryOption[] {
  // Deployments, checks and commit statuses belong to whoever reports them.
  if (run.kind !== undefined || !isEnded(run.status) || failed.length === 0) return [];
  return [
    {
      action: RERUN,
      playbook: RETRY_PLAYBOOK,
      part: String(run.attempt),
      subject: run.id,
      externalId: run.externalId,
      attempt: run.attempt,
      jobs: failed,
      one: 'rerun-job',
    },
  ];
}
