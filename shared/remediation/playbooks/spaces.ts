import type { Playbook } from '../playbook.ts';

/** A Space is up once its stage is RUNNING; of what else comes of a start, its stage tells as well. */
const up = { by: 'state', withinSeconds: 45 * 60 } as const;

const restart = { action: 'restart-space', tier: 1, withinSeconds: 60, rollback: null } as const;

const ofSpaces = {
  version: 1,
  enabled: false,
  preconditions: ['live', 'fresh', 'latest-attempt', 'not-superseded'],
  verification: up,
  cooldownSeconds: 0,
} satisfies Partial<Playbook>;

export const spaceRestart: Playbook = {
  ...ofSpaces,
  id: 'space-restart',
  title: 'Start a Space anew',
  why: 'A program that broke off for want of something outside it comes up once that is there again.',
  strategy: 'immediate',
  trigger: { on: 'run-failed', platforms: ['huggingface'], transient: ['yes'] },
  steps: [restart],
  maxTries: 1,
  examples: [
    {
      says: 'a name that did not resolve',
      given: { cause: 'dns-resolution-failed', transient: true, platform: 'huggingface' },
      verdict: 'act',
    },
    {
      says: 'nobody knows what it was',
      given: { cause: 'unknown', transient: null, platform: 'huggingface' },
      verdict: 'refuse',
      rule: 'cause',
    },
  ],
};

export const spaceLadder: Playbook = {
  ...ofSpaces,
  id: 'space-ladder',
  title: 'Start a Space anew, then build it without what earlier builds left behind, then switch it off',
  why: 'What a start does not mend, a stale layer may have broken; and what nothing mends need not cost its hardware.',
  strategy: 'comprehensive',
  trigger: { on: 'run-failed', platforms: ['huggingface'], transient: ['yes', 'unknown'] },
  steps: [
    restart,
    { action: 'factory-rebuild', tier: 1, withinSeconds: 60, rollback: null },
    {
      action: 'pause-space',
      tier: 2,
      withinSeconds: 60,
      rollback: { action: 'resume-space' },
      // That nothing has helped is why it is off.
      stays: true,
      prepares: true,
      verification: { by: 'state', withinSeconds: 15 * 60 },
    },
  ],
  maxTries: 1,
  examples: [
    {
      says: 'nobody knows what it was',
      given: { cause: 'unknown', transient: null, platform: 'huggingface' },
      verdict: 'act',
    },
    {
      says: 'a requirement that does not exist',
      given: { cause: 'python-no-matching-distribution', transient: false, platform: 'huggingface' },
      verdict: 'refuse',
      rule: 'cause',
    },
  ],
};
