import type { Run } from '../../model/index.ts';

/** What an event says of its deployment. Nothing tells when a build begins, so a deployment is queued until it has ended. */
export const STATUS = {
  'deployment.created': 'queued',
  // Built. Where checks are registered, `succeeded` follows once they have passed.
  'deployment.ready': 'succeeded',
  'deployment.succeeded': 'succeeded',
  'deployment.error': 'failed',
  'deployment.canceled': 'canceled',
} as const satisfies Record<string, Run['status']>;
