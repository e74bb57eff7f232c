import type { Playbook } from '../playbook.ts';

export const restartRunner: Playbook = {
  id: 'restart-runner',
  version: 1,
  title: 'Restart the runner service of a machine that is about to run out of memory, while it has no job',
  why: 'What leaks is freed by a restart, which costs nothing while the machine is idle, and a job when it comes too late.',
  strategy: 'preventive',
  // A service is restarted that nothing has failed of.
  enabled: false,
  trigger: { on: 'machine-strained', platforms: ['custom', 'local', 'qcity'] },
  preconditions: ['live', 'fresh'],
  steps: [{ action: 'restart-runner', tier: 1, withinSeconds: 60, rollback: null }],
  verification: { by: 'state', withinSeconds: 30 * 60 },
  maxTries: 1,
  cooldownSeconds: 0,
  guardHours: 24,
  examples: [
    { says: 'its memory will be used up', given: { status: 'running' }, verdict: 'act' },
    { says: 'it has come right by itself', given: { status: 'succeeded' }, verdict: 'refuse', rule: 'ended' },
    { says: 'what it said is old', given: { status: 'running', minutesAgo: 31 }, verdict: 'refuse', rule: 'fresh' },
  ],
};
