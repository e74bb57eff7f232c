import { RETRY_PLAYBOOK } from '../../platforms/port.ts';
import { type Playbook, RETRY_STEP } from '../playbook.ts';

export const retryFailedJobs: Playbook = {
  id: RETRY_PLAYBOOK,
  version: 1,
  title: 'Try the failed jobs again',
  why: 'What failed of something that passes by itself succeeds when it is tried again.',
  strategy: 'immediate',
  enabled: true,
  trigger: { on: 'run-failed', transient: ['yes'] },
  preconditions: ['live', 'fresh', 'latest-attempt', 'not-superseded'],
  steps: [{ action: RETRY_STEP, tier: 1, withinSeconds: 60, rollback: null }],
  // The limit GitHub sets on a job.
  verification: { by: 'next-attempt', withinSeconds: 6 * 3600 },
  maxTries: 1,
  cooldownSeconds: 0,
  examples: [
    { says: 'a name that did not resolve', given: { cause: 'dns-resolution-failed', transient: true }, verdict: 'act' },
    {
      says: 'a test that fails is no accident',
      given: { cause: 'test-failed', transient: false },
      verdict: 'refuse',
      rule: 'cause',
    },
    {
      says: 'nobody knows what it was',
      given: { cause: 'unknown', transient: null },
      verdict: 'refuse',
      rule: 'cause',
    },
    {
      says: 'it was tried again already',
      given: { cause: 'dns-resolution-failed', transient: true, attempt: 2 },
      verdict: 'refuse',
      rule: 'tries',
    },
    {
      says: 'newer work has taken its place',
      given: { cause: 'dns-resolution-failed', transient: true, superseded: true },
      verdict: 'hold',
      rule: 'superseded',
    },
    {
      says: 'it is history',
      given: { cause: 'dns-resolution-failed', transient: true, minutesAgo: 31 },
      verdict: 'refuse',
      rule: 'fresh',
    },
  ],
};
