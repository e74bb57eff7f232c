import type { Run, Step } from '../../model/index.ts';

type Status = Run['status'];

/** GitHub's words for where a run, a job or a step is, and QMOI's. */
const STATUS = {
  queued: 'queued',
  requested: 'queued',
  // Held back by a concurrency group, not by a person.
  pending: 'queued',
  waiting: 'waiting',
  in_progress: 'running',
  completed: undefined,
} as const satisfies Record<string, Status | undefined>;

/** How it ended. `action_required` has not: a person has to approve it, and then it goes on under the same attempt. */
const CONCLUSION = {
  success: 'succeeded',
  neutral: 'succeeded',
  failure: 'failed',
  startup_failure: 'failed',
  cancelled: 'canceled',
  skipped: 'skipped',
  timed_out: 'timed-out',
  // GitHub gave up on it after 14 days without a word.
  stale: 'timed-out',
  action_required: 'waiting',
} as const satisfies Record<string, Status>;

export type NativeStatus = keyof typeof STATUS;
export type NativeConclusion = keyof typeof CONCLUSION;
export const NATIVE_STATUSES = Object.keys(STATUS) as NativeStatus[];
export const NATIVE_CONCLUSIONS = Object.keys(CONCLUSION) as NativeConclusion[];

/** QMOI's status; undefined when GitHub says that it is over but not how. */
export function statusOf(
  status: NativeStatus,
  conclusion: NativeConclusion | null | undefined,
): Step['status'] | undefined {
  return STATUS[status] ?? (conclusion ? CONCLUSION[conclusion] : undefined);
}

/** What someone reports of a commit. GitHub has no more words for what has not ended than this one. */
export const COMMIT_STATE = {
  pending: 'running',
  success: 'succeeded',
  failure: 'failed',
  error: 'failed',
} as const satisfies Record<string, Status>;

export const DEPLOYMENT_STATE = {
  queued: 'queued',
  pending: 'queued',
  // For the reviewers that its environment asks for.
  waiting: 'waiting',
  in_progress: 'running',
  success: 'succeeded',
  failure: 'failed',
  error: 'failed',
  // A later deployment has taken the place of one that had succeeded.
  inactive: 'succeeded',
} as const satisfies Record<string, Status>;

export const COMMIT_STATES = Object.keys(COMMIT_STATE) as (keyof typeof COMMIT_STATE)[];
export const DEPLOYMENT_STATES = Object.keys(DEPLOYMENT_STATE) as (keyof typeof DEPLOYMENT_STATE)[];
