import { type Playbook, RETRY_STEP } from '../playbook.ts';

/** The workflow that a repository brings along to put right what its runs need: a stack, a database, a lock. */
const WORKFLOW = 'qmoi-recover.yml';

export const recoveryWorkflow: Playbook = {
  id: 'recovery-workflow',
  version: 1,
  title: `Run the repository's own ${WORKFLOW}, then try the failed jobs again`,
  why: 'What a rerun needs to succeed, the repository knows best itself.',
  strategy: 'systematic',
  enabled: false,
  trigger: { on: 'run-failed', platforms: ['github'], transient: ['yes', 'unknown'] },
  preconditions: ['live', 'fresh', 'latest-attempt', 'not-superseded'],
  steps: [
    {
      action: 'dispatch-workflow',
      parameters: { workflow: WORKFLOW, ref: '{branch}' },
      // Nobody knows what it does.
      tier: 3,
      withinSeconds: 60,
      rollback: null,
      prepares: true,
      verification: { by: 'new-run', withinSeconds: 3600 },
    },
    { action: RETRY_STEP, tier: 1, withinSeconds: 60, rollback: null },
  ],
  verification: { by: 'next-attempt', withinSeconds: 6 * 3600 },
  maxTries: 1,
  cooldownSeconds: 0,
  examples: [
    {
      says: 'it does what nobody here knows, so the master is asked',
      given: { cause: 'unknown', transient: null, platform: 'github' },
      verdict: 'ask',
    },
    {
      says: 'a test that fails is no accident',
      given: { cause: 'test-failed', transient: false, platform: 'github' },
      verdict: 'refuse',
      rule: 'cause',
    },
  ],
};
