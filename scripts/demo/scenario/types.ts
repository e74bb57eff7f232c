import type { JobSpec, Platform, RunnerSpec } from '../../../test/support/forges/index.ts';

export type Category = 'runner' | 'automation' | 'system' | 'network' | 'performance' | 'unknown';

/** Why a job of the scenario fails, and what has to become of it. Stated by whoever wrote the scenario, asked of nobody. */
export interface Trouble {
  /** Failures with the same one belong to one incident; a later episode of the same failure has another one. */
  readonly incident: string;
  readonly cause: string;
  readonly category: Category;
  /** Whether trying again may help: null when nobody knows. */
  readonly transient: boolean | null;
  /** Of a severity that wakes somebody when it cannot be fixed. */
  readonly critical?: boolean;
  /**
   * What trying again comes to. GitHub reruns all failed jobs of a run at once, so that all of them say the same here;
   * GitLab retries each job. `none`: nothing is to be judged, as the failure was allowed, and no incident.
   */
  readonly fix: 'verified' | 'failed' | 'refused' | 'none';
}

export interface PlannedJob extends Omit<JobSpec, 'outcome' | 'thenOnRetry'> {
  readonly outcome?: 'success' | 'failure' | 'cancelled' | 'timed_out';
  readonly thenOnRetry?: 'success' | 'failure';
  readonly trouble?: Trouble;
}

export interface PlannedRun {
  /** Names the run in the table's differences. */
  readonly key: string;
  readonly platform: Platform;
  readonly repository: string;
  readonly workflow: string;
  readonly branch?: string;
  readonly event?: string;
  readonly message: string;
  readonly jobs: readonly PlannedJob[];
  /** Its story is told when the act is over. */
  readonly tell?: boolean;
}

/** Requests that are no part of any run, each with what QMOI has to make of it. */
export type Stray =
  | 'github-ping'
  | 'github-unknown-event'
  | 'github-wrong-shape'
  | 'github-bad-signature'
  | 'gitlab-unknown-event'
  | 'gitlab-bad-token';

export interface Act {
  readonly title: string;
  readonly runs: readonly PlannedRun[];
  readonly strays?: readonly Stray[];
  /** So many of its deliveries come twice. */
  readonly duplicates: number;
  /** So many of its deliveries come only in the last act. */
  readonly late?: number;
}

export interface Scenario {
  readonly acts: readonly Act[];
}

export type { RunnerSpec };
