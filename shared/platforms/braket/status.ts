import type { Run, Runner } from '../../model/index.ts';

/** Of quantum tasks and hybrid jobs. https://docs.aws.amazon.com/braket/latest/APIReference/API_GetQuantumTask.html */
export const STATUS = {
  CREATED: 'queued',
  QUEUED: 'queued',
  RUNNING: 'running',
  // It may still complete.
  CANCELLING: 'running',
  COMPLETED: 'succeeded',
  FAILED: 'failed',
  CANCELLED: 'canceled',
} as const satisfies Record<string, Run['status']>;

/** https://docs.aws.amazon.com/braket/latest/APIReference/API_DeviceSummary.html */
export const DEVICE_STATUS = {
  ONLINE: 'idle',
  OFFLINE: 'offline',
  RETIRED: 'removed',
} as const satisfies Record<string, Runner['status']>;
