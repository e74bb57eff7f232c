import type { RunnerSpec } from '../../../test/support/forges/index.ts';
import { githubSteps, recorded } from './logs.ts';
import type { PlannedJob, PlannedRun, Trouble } from './types.ts';

/** What the acts are made of. */

const hosted = (id: number): RunnerSpec => ({
  id,
  name: `GitHub Actions ${id}`,
  labels: ['ubuntu-latest'],
  group: 'GitHub Actions',
});

export const runners = {
  hosted3: hosted(3),
  hosted8: hosted(8),
  hosted21: hosted(21),
  metal1: { id: 101, name: 'metal-1', labels: ['self-hosted', 'linux', 'x64'], group: 'Default' },
  metal2: { id: 102, name: 'metal-2', labels: ['self-hosted', 'linux', 'x64'], group: 'Default' },
  shared: { id: 12_270_807, name: '1-blue.saas-linux-small-amd64.runners-manager.gitlab.com', labels: ['docker'] },
  macStudio: { id: 48_113, name: 'mac-studio', labels: ['macos', 'xcode'], group: 'project_type' },
} as const satisfies Record<string, RunnerSpec>;

export type Runner = keyof typeof runners;

/** Every cause the scenario uses, as a person who reads the log would file it. */
const CAUSES = {
  'dns-resolution-failed': ['network', true],
  'connection-reset': ['network', true],
  'connection-timeout': ['network', true],
  'registry-server-error': ['network', true],
  'git-server-error': ['network', true],
  'download-truncated': ['network', true],
  'rate-limited': ['network', true],
  'runner-shutdown': ['runner', true],
  'typescript-error': ['automation', false],
  'test-failed': ['automation', null],
  'lint-failed': ['automation', false],
  'missing-module': ['automation', false],
  'disk-full': ['system', null],
  'js-heap-out-of-memory': ['performance', null],
  'job-timeout': ['performance', null],
  'log-unavailable': ['unknown', null],
  unknown: ['unknown', null],
} as const satisfies Record<string, readonly [Trouble['category'], Trouble['transient']]>;

const trouble = (cause: keyof typeof CAUSES, incident: string, fix: Trouble['fix']): Trouble => {
  const [category, transient] = CAUSES[cause];
  return { incident, cause, category, transient, fix };
};

type Extra = Omit<PlannedJob, 'name' | 'runner' | 'outcome' | 'thenOnRetry' | 'trouble'>;

export const green = (name: string, runner: Runner, extra: Extra = {}): PlannedJob => ({
  name,
  runner: runners[runner],
  ...extra,
});

export interface Failing extends Extra {
  readonly runner: Runner;
  readonly cause: keyof typeof CAUSES;
  /** The recorded log, or the text of one. */
  readonly says: { readonly recorded: string } | { readonly text: string };
  readonly incident: string;
  readonly fix: Trouble['fix'];
  readonly timedOut?: boolean;
}

/** A job that fails the first time; whether it does so again follows from its fix. */
export function failing(name: string, { cause, says, incident, fix, timedOut, runner, ...extra }: Failing): PlannedJob {
  const output = 'text' in says ? says.text : recorded(says.recorded);
  const steps = extra.steps?.map((step) => (typeof step === 'string' ? step : step.name));
  return {
    ...green(name, runner, extra),
    outcome: timedOut ? 'timed_out' : 'failure',
    thenOnRetry: fix === 'verified' ? 'success' : 'failure',
    log: steps === undefined ? output : githubSteps(steps, output),
    trouble: trouble(cause, incident, fix),
  };
}

type Header = Omit<PlannedRun, 'platform' | 'repository' | 'jobs'>;

export const github = (repository: string, run: Header, jobs: readonly PlannedJob[]): PlannedRun => ({
  platform: 'github',
  repository,
  ...run,
  jobs,
});

export const gitlab = (repository: string, run: Header, jobs: readonly PlannedJob[]): PlannedRun => ({
  platform: 'gitlab',
  repository,
  ...run,
  jobs,
});
