import type { Run } from '../../model/index.ts';

type Status = Run['status'];

/**
 * GitLab's words for where a pipeline or a job is, and QMOI's.
 * https://docs.gitlab.com/ci/pipelines/pipeline_types/ and https://docs.gitlab.com/ci/jobs/#available-job-statuses
 */
const STATUS = {
  created: 'queued',
  waiting_for_resource: 'queued',
  waiting_for_callback: 'queued',
  preparing: 'queued',
  pending: 'queued',
  // Held for a person, and held for a delay.
  manual: 'waiting',
  scheduled: 'waiting',
  running: 'running',
  // Its script is being stopped, which takes its time.
  canceling: 'running',
  success: 'succeeded',
  failed: 'failed',
  canceled: 'canceled',
  skipped: 'skipped',
} as const satisfies Record<string, Status>;

export type NativeStatus = keyof typeof STATUS;
export const NATIVE_STATUSES = Object.keys(STATUS) as NativeStatus[];

/** Failures that are the end of a time limit. */
const TIMED_OUT: ReadonlySet<string> = new Set(['job_execution_timeout', 'stuck_or_timeout_failure']);

export function statusOf(status: NativeStatus, failureReason?: string | null): Status {
  return status === 'failed' && TIMED_OUT.has(failureReason ?? '') ? 'timed-out' : STATUS[status];
}

/** https://docs.gitlab.com/api/deployments/; `blocked` waits for the approval that a protected environment asks for. */
export const DEPLOYMENT_STATUS = {
  created: 'queued',
  blocked: 'waiting',
  running: 'running',
  success: 'succeeded',
  failed: 'failed',
  canceled: 'canceled',
  skipped: 'skipped',
} as const satisfies Record<string, Status>;
export const DEPLOYMENT_STATUSES = Object.keys(DEPLOYMENT_STATUS) as (keyof typeof DEPLOYMENT_STATUS)[];
