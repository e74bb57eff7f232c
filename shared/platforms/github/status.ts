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
