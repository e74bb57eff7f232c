import type { Playbook } from '../playbook.ts';

const cancel = { tier: 3, withinSeconds: 60, rollback: null } as const;

export const cancelSuperseded: Playbook = {
  id: 'cancel-superseded',
  version: 1,
  title: 'Cancel runs of pull and merge requests that newer work has taken the place of',
  why: 'Where such runs have gone on for nothing before, they take machines from what counts, and fail for nothing.',
  strategy: 'preventive',
  // What is cancelled is lost.
  enabled: false,
  trigger: {
    on: 'run-superseded',
    platforms: ['github', 'gitlab'],
    events: ['pull_request', 'merge_request_event', 'external_pull_request_event'],
  },
  preconditions: ['live'],
  // Each platform has one of them.
  steps: [
    { action: 'cancel-run', ...cancel },
    { action: 'cancel-pipeline', ...cancel },
  ],
  verification: { by: 'run-ended', withinSeconds: 6 * 3600 },
  maxTries: 1,
  cooldownSeconds: 0,
  guardHours: 7 * 24,
  examples: [
    {
      says: 'newer work has taken its place',
      given: { superseded: true, status: 'running' },
      verdict: 'ask',
    },
    {
      says: 'the newer work has failed already',
      given: { status: 'running' },
      verdict: 'refuse',
      rule: 'current',
    },
    {
      says: 'it has ended meanwhile',
      given: { superseded: true, status: 'succeeded' },
      verdict: 'refuse',
      rule: 'ended',
    },
  ],
};
