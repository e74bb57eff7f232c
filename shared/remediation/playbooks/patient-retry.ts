import { type Playbook, RETRY_STEP } from '../playbook.ts';

const retry = { action: RETRY_STEP, tier: 1, withinSeconds: 60, rollback: null } as const;
const [one, rest] = [
  { ...retry, targets: 'one' },
  { ...retry, targets: 'rest' },
] as const;

export const patientRetry: Playbook = {
  id: 'patient-retry',
  version: 2,
  title: 'Try the failed jobs again, ever more seldom',
  why: 'What passes by itself may take its time: each try waits longer than the one before, and not all of them at once.',
  strategy: 'gradual',
  // A run takes up to half an hour longer to be given up.
  enabled: false,
  trigger: { on: 'run-failed', transient: ['yes'] },
  preconditions: ['live', 'fresh', 'latest-attempt', 'not-superseded'],
  steps: [one, rest, { ...one, afterSeconds: 120 }, rest, { ...one, afterSeconds: 600 }, rest],
  verification: { by: 'next-attempt', withinSeconds: 6 * 3600 },
  maxTries: 3,
  cooldownSeconds: 0,
  examples: [
    { says: 'what passes by itself', given: { cause: 'dns-resolution-failed', transient: true }, verdict: 'act' },
    {
      says: 'nobody knows what it was',
      given: { cause: 'unknown', transient: null },
      verdict: 'refuse',
      rule: 'cause',
    },
  ],
};
