import { type Playbook, RETRY_STEP } from '../playbook.ts';

/** From what costs little to what costs more, until something helps or the master is told by an issue. */

const retry = { action: RETRY_STEP, tier: 1, withinSeconds: 60, rollback: null } as const;
const issue = {
  action: 'open-issue',
  // One for an incident, however many runs it fails.
  parameters: { key: '{incident}', title: '{title}', body: '{diagnosis}' },
  tier: 2,
  withinSeconds: 60,
  rollback: { action: 'close-issue' },
  stays: true,
  verification: { by: 'answer', withinSeconds: 3600 },
} as const;

const ladder = {
  version: 1,
  strategy: 'comprehensive',
  // It retries what may be no accident, and changes things: the settings have to want it.
  enabled: false,
  preconditions: ['live', 'fresh', 'latest-attempt', 'not-superseded'],
  verification: { by: 'next-attempt', withinSeconds: 6 * 3600 },
  maxTries: 3,
  cooldownSeconds: 0,
} as const;

const examplesAt = (platform: string, other: string): Playbook['examples'] => [
  { says: 'nobody knows what it was', given: { cause: 'unknown', transient: null, platform }, verdict: 'act' },
  {
    says: 'what passes by itself',
    given: { cause: 'dns-resolution-failed', transient: true, platform },
    verdict: 'act',
  },
  {
    says: 'a test that fails is no accident',
    given: { cause: 'test-failed', transient: false, platform },
    verdict: 'refuse',
    rule: 'cause',
  },
  {
    says: 'another platform has another one',
    given: { cause: 'unknown', transient: null, platform: other },
    verdict: 'refuse',
    rule: 'cause',
  },
];

/** A job uses several caches, as a rule each of its own action. */
const clear = (cache: string) =>
  ({
    action: 'delete-cache',
    parameters: { key: `{${cache}}` },
    tier: 2,
    withinSeconds: 60,
    rollback: 'itself',
    verification: { by: 'answer', withinSeconds: 60 },
  }) as const;

export const githubLadder: Playbook = {
  ...ladder,
  version: 2,
  preconditions: [...ladder.preconditions],
  id: 'github-ladder',
  title: 'Try again, then with debug logging, then without the caches that it has used, then open an issue',
  why: 'What a rerun does not fix is tried once more saying more, and that is what the issue is made of; a cache that is broken fails each run until it is gone.',
  trigger: { on: 'run-failed', platforms: ['github'], transient: ['yes', 'unknown'] },
  steps: [
    retry,
    { action: 'rerun-with-debug', tier: 1, withinSeconds: 60, rollback: null },
    ...['cache', 'cache2', 'cache3'].map(clear),
    { ...retry, knowing: 'cache' },
    issue,
  ],
  maxTries: 4,
  examples: examplesAt('github', 'gitlab'),
};

export const gitlabLadder: Playbook = {
  ...ladder,
  preconditions: [...ladder.preconditions],
  id: 'gitlab-ladder',
  title: 'Try again, then without the runner that it failed on, then open an issue',
  why: 'What fails twice on one machine may succeed on another; where it does not, the machine takes jobs again.',
  trigger: { on: 'run-failed', platforms: ['gitlab'], transient: ['yes', 'unknown'] },
  steps: [
    retry,
    {
      action: 'pause-runner',
      parameters: { runner: '{runner}' },
      tier: 2,
      withinSeconds: 60,
      rollback: { action: 'resume-runner' },
      lastsHours: 24,
      verification: { by: 'answer', withinSeconds: 3600 },
    },
    retry,
    issue,
  ],
  examples: examplesAt('gitlab', 'github'),
};
