import { type ActionRow, unclear } from './row.ts';

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
      before: { ready: { stage: 'RUNTIME_ERROR' }, already: { stage: 'BUILDING' }, unfit: [{ stage: 'DELETING' }, {}] },
    }),
  ),
  {
    ...{ platform: 'huggingface', action: 'pause-space' },
    sent: { method: 'POST', url: '/api/spaces/acme/demo/pause' },
    at: '/api/spaces/acme/demo/runtime',
    found: [[{ stage: 'PAUSED' }, 'happened'], [{ stage: 'RUNNING' }, 'did-not-happen'], unclear],
    before: { ready: { stage: 'RUNNING' }, already: { stage: 'PAUSED' }, unfit: [{}] },
  },
  {
    ...{ platform: 'huggingface', action: 'resume-space' },
    sent: { method: 'POST', url: '/api/spaces/acme/demo/restart' },
    at: '/api/spaces/acme/demo/runtime',
    found: [[{ stage: 'APP_STARTING' }, 'happened'], [{ stage: 'PAUSED' }, 'did-not-happen'], unclear],
    before: { ready: { stage: 'STOPPED' }, already: { stage: 'RUNNING' }, unfit: [{}] },
  },
];
