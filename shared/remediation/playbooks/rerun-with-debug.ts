import type { Playbook } from '../playbook.ts';

export const rerunWithDebug: Playbook = {
  id: 'rerun-with-debug',
  version: 1,
  title: 'Try the failed jobs again with debug logging',
  why: 'Where nobody knows what it was, the next attempt either succeeds or says more.',
  strategy: 'immediate',
  // Its logs are many times longer, and what it retries may be no accident: the settings have to want it.
  enabled: false,
  trigger: { on: 'run-failed', platforms: ['github'], transient: ['yes', 'unknown'] },
  preconditions: ['live', 'fresh', 'latest-attempt', 'not-superseded'],
  steps: [{ action: 'rerun-with-debug', tier: 1, withinSeconds: 60, rollback: null }],
  verification: { by: 'next-attempt', withinSeconds: 6 * 3600 },
  maxTries: 1,
  cooldownSeconds: 0,
  examples: [
    { says: 'nobody knows what it was', given: { cause: 'unknown', transient: null }, verdict: 'act' },
    { says: 'what passes by itself', given: { cause: 'dns-resolution-failed', transient: true }, verdict: 'act' },
    {
      says: 'a test that fails is no accident',
      given: { cause: 'test-failed', transient: false },
      verdict: 'refuse',
      rule: 'cause',
    },
    {
      says: 'GitLab has no such rerun',
      given: { cause: 'unknown', transient: null, platform: 'gitlab' },
      verdict: 'refuse',
      rule: 'cause',
    },
  ],
};
