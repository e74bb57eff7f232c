import { type Playbook, RETRY_STEP } from '../playbook.ts';

export const quarantineRunner: Playbook = {
  id: 'quarantine-runner',
  version: 1,
  title: 'Have the runner behind several incidents take no jobs for a day, and try again without it',
  why: 'Where different things fail on one machine within an hour, it is the machine, and every rerun there would fail as well.',
  strategy: 'systematic',
  // It takes a machine out of service.
  enabled: false,
  trigger: { on: 'run-failed', platforms: ['gitlab'], transient: ['yes', 'unknown'], root: 'runner' },
  preconditions: ['live', 'fresh', 'latest-attempt', 'not-superseded'],
  steps: [
    {
      action: 'pause-runner',
      parameters: { runner: '{runner}' },
      tier: 2,
      withinSeconds: 60,
      rollback: { action: 'resume-runner' },
      verification: { by: 'answer', withinSeconds: 3600 },
      // Others were rerun without it as well.
      stays: true,
      lastsHours: 24,
    },
    { action: RETRY_STEP, tier: 1, withinSeconds: 60, rollback: null },
  ],
  verification: { by: 'next-attempt', withinSeconds: 6 * 3600 },
  maxTries: 2,
  cooldownSeconds: 0,
  examples: [
    {
      says: 'it changes something, so the master is asked',
      given: { cause: 'disk-full', transient: true, platform: 'gitlab', category: 'system' },
      verdict: 'ask',
    },
    {
      says: 'GitHub pauses no runners',
      given: { cause: 'disk-full', transient: true, platform: 'github', category: 'system' },
      verdict: 'refuse',
      rule: 'cause',
    },
  ],
};
