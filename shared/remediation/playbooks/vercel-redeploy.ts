import type { Playbook } from '../playbook.ts';

export const vercelRedeploy: Playbook = {
  id: 'vercel-redeploy',
  version: 1,
  title: 'Deploy anew what failed of something that passes by itself',
  why: 'Vercel never tries a build again, and what was deployed before serves until somebody does.',
  strategy: 'immediate',
  // It is another deployment, with a build of its own to pay for.
  enabled: false,
  trigger: { on: 'run-failed', platforms: ['vercel'], transient: ['yes'] },
  preconditions: ['live', 'fresh', 'latest-attempt', 'not-superseded'],
  steps: [{ action: 'redeploy', tier: 1, withinSeconds: 60, rollback: null }],
  // A build may take 45 minutes, and waits for its turn before.
  verification: { by: 'new-run', withinSeconds: 2 * 3600 },
  // A deployment that this has made, and that failed as well, is not deployed once more.
  maxTries: 1,
  cooldownSeconds: 0,
  examples: [
    {
      says: 'a registry that did not answer',
      given: { cause: 'registry-server-error', transient: true, platform: 'vercel' },
      verdict: 'act',
    },
    {
      says: 'code that does not compile',
      given: { cause: 'typescript-error', transient: false, platform: 'vercel' },
      verdict: 'refuse',
      rule: 'cause',
    },
  ],
};
