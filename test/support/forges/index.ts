import { type ForgeClock, systemClock } from './clock.ts';
import type { Faults } from './faults.ts';
import { buildForge } from './forge.ts';
import type { PlatformOptions } from './platform-forge.ts';
import type { Resources } from './resources.ts';
import type { Tokens } from './tokens.ts';
import type { Call, Delivery, Effect, Job, Outcome, Platform, RunSpec, SendResult } from './types.ts';

export { type ForgeClock, type ManualClock, manualClock, systemClock } from './clock.ts';
export { type ContractReport, checkCalls } from './contract.ts';
export type { Fault, FaultKind, Faults } from './faults.ts';
export type { TokenAccess, Tokens } from './tokens.ts';
export type {
  Call,
  Delivery,
  Effect,
  Job,
  JobSpec,
  Outcome,
  Platform,
  RunnerSpec,
  RunSpec,
  SendResult,
  StepSpec,
  TestSpec,
} from './types.ts';

export interface ForgeOptions extends PlatformOptions {
  platform: Platform;
  /** QMOI's base address, or the full address of its webhook. May be set later with `target()`. */
  webhookUrl?: string;
  clock?: ForgeClock;
  seed: number | string;
  /** How much faster than the platform's seconds `play` and whatever a rerun sets off go; default 1000. */
  speed?: number;
  /** Send a webhook again after this long when QMOI did not take it. Default: never, as GitHub. */
  redeliverEveryMs?: number;
}

export interface RunHandle {
  readonly id: number;
  readonly number: number;
  /** GitHub's run_attempt; GitLab: retries plus one. */
  readonly attempt: number;
  /** In GitHub's words: queued, in_progress, completed. */
  readonly status: 'queued' | 'in_progress' | 'completed';
  readonly conclusion: Outcome | 'skipped' | null;
  /** The newest job of each name. */
  readonly jobs: readonly Job[];
  /** Every webhook this run has set off so far, in the order of the facts, sent or not. */
  readonly deliveries: readonly Delivery[];
  job(name: string): Job;
  /** Plays the first attempt on the forge's clock and sends its webhooks in order; settles when the last was answered. */
  play(options?: { speed?: number }): Promise<readonly SendResult[]>;
  /** Lets the first attempt have happened up to now, real durations and all, and sends nothing. */
  record(): readonly Delivery[];
}

export interface Repository {
  readonly id: number;
  readonly fullName: string;
  /** A hidden repository answers 404. */
  hide(hidden?: boolean): void;
  run(spec: RunSpec): RunHandle;
  /** A webhook QMOI has no use for: GitHub's ping, GitLab's test push. */
  ping(): Delivery;
}

export interface Forge {
  readonly platform: Platform;
  /** What QMOI_GITHUB_API_URL or QMOI_GITLAB_URL is set to. */
  readonly url: string;
  /** The settings that point QMOI at this forge. */
  readonly settings: Readonly<Record<string, string>>;
  readonly calls: readonly Call[];
  readonly effects: readonly Effect[];
  /** What lies beside the runs: runners, issues and so on. */
  readonly resources: Resources;
  /** Every webhook of every run, in the order of the facts. */
  readonly deliveries: readonly Delivery[];
  /** Every sending with its answer. */
  readonly sent: readonly SendResult[];
  readonly faults: Faults;
  readonly tokens: Tokens;
  repository(fullName: string): Repository;
  /** Where webhooks go from now on. */
  target(webhookUrl: string): void;
  /** Sends it as it is, at once. */
  send(delivery: Delivery): Promise<SendResult>;
  /** As the platform's own redelivery: same id, a fresh signature time where there is one. */
  redeliver(id: string): Promise<SendResult>;
  /** Timers, webhooks and calls under way. */
  pending(): number;
  /** Settles once nothing is pending. On a manual clock, let the timers run first: nobody else does. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a stateful fake of GitHub or GitLab on a loopback port. */
export function createForge(options: ForgeOptions): Promise<Forge> {
  return buildForge({ clock: systemClock, speed: 1000, ...options });
}
