import { type ActionRow, unclear } from './row.ts';

const started: ActionRow['shows'] = [
  [{ stage: 'RUNNING' }, 'succeeded'],
  [{ stage: 'SLEEPING' }, 'succeeded'],
  [{ stage: 'BUILDING' }, 'pending'],
  [{ stage: 'RUNNING_APP_STARTING' }, 'pending'],
  [{ stage: 'RUNTIME_ERROR', errorMessage: 'out of memory' }, 'failed'],
  [{ stage: 'BUILD_ERROR' }, 'failed'],
  [{ stage: 'PAUSED' }, 'failed'],
  [{ stage: 'SOMETHING_NEW' }, undefined],
  [{}, undefined],
];

export const huggingface: readonly ActionRow[] = [
  ...(['restart-space', 'factory-rebuild'] as const).map(
    (action): ActionRow => ({
      ...{ platform: 'huggingface', action },
      sent: {
        method: 'POST',
        url: `/api/spaces/acme/demo/restart${action === 'factory-rebuild' ? '?factory=true' : ''}`,
      },
      at: '/api/spaces/acme/demo/runtime',
      found: [
        [{ stage: 'APP_STARTING' }, 'happened'],
        [{ stage: 'PAUSED' }, 'did-not-happen'],
        [{ stage: 'RUNTIME_ERROR' }, 'unclear'],
        unclear,
      ],
      shows: started,
      before: { ready: { stage: 'RUNTIME_ERROR' }, already: { stage: 'BUILDING' }, unfit: [{ stage: 'DELETING' }, {}] },
    }),
  ),
  {
    ...{ platform: 'huggingface', action: 'pause-space' },
    sent: { method: 'POST', url: '/api/spaces/acme/demo/pause' },
    at: '/api/spaces/acme/demo/runtime',
    found: [[{ stage: 'PAUSED' }, 'happened'], [{ stage: 'RUNNING' }, 'did-not-happen'], unclear],
    shows: [
      [{ stage: 'PAUSED' }, 'succeeded'],
      [{ stage: 'RUNNING' }, 'pending'],
      [{}, undefined],
    ],
    before: { ready: { stage: 'RUNNING' }, already: { stage: 'PAUSED' }, unfit: [{}] },
  },
  {
    ...{ platform: 'huggingface', action: 'resume-space' },
    sent: { method: 'POST', url: '/api/spaces/acme/demo/restart' },
    at: '/api/spaces/acme/demo/runtime',
    found: [[{ stage: 'APP_STARTING' }, 'happened'], [{ stage: 'PAUSED' }, 'did-not-happen'], unclear],
    shows: started,
    before: { ready: { stage: 'STOPPED' }, already: { stage: 'RUNNING' }, unfit: [{}] },
  },
];
