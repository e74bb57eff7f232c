/**
 * A platform's API as the reconciliation asks it: what has run lately, and in what words a webhook would have told of it.
 * Every call may throw `PlatformUnavailable` (ask later), `PlatformRefusal` (this source is not to be had) or `OverBudget`.
 */

import type { Hooks } from './hooks.ts';
import type { KnownRun } from './port.ts';

/** What is swept: a repository or a project. */
export interface SweptSource {
  readonly repository: string;
  readonly repositoryId?: string | undefined;
}

/** Something the platform knows, in the form of the webhook that tells of it, so that it takes the same way as any delivery. */
export interface Told {
  readonly event: string;
  readonly action: string;
  readonly payload: object;
}

export interface SweptRun {
  readonly externalId: string;
  /** Absent where the platform does not number attempts. */
  readonly attempt?: number;
  /** Which runs are alike: the platform's id of the workflow or pipeline definition. */
  readonly alike: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly ended: boolean;
  /** Absent: the list does not tell enough, and `details` does. */
  readonly told?: Told;
}

export interface RunPage {
  /** Newest first. */
  readonly runs: readonly SweptRun[];
  /** Whether there are older ones. */
  readonly more: boolean;
  readonly etag?: string | undefined;
}

export interface RunDetails {
  /** Tells of the run; absent where the list has told already. */
  readonly run?: Told;
  readonly jobs: readonly {
    /** QMOI's id of the job. */
    readonly id: string;
    readonly ended: boolean;
    /** Absent where the run's own event tells of its jobs. */
    readonly told?: Told;
  }[];
}

/** Something that sets runs going: a workflow, a pipeline schedule. */
export interface Definition {
  /** As of its automation. */
  readonly externalId: string;
  readonly name?: string | undefined;
  readonly path?: string | undefined;
  /** Why it does not run; absent: its platform lets it. */
  readonly off?: { readonly status: 'disabled' | 'silent'; readonly reason: string } | undefined;
}

export interface Definitions {
  readonly listed: readonly Definition[];
  /** Whether these are all. */
  readonly complete: boolean;
  readonly etag?: string | undefined;
  /** How long a job may run unless it says so itself, in milliseconds, where that is each source's own to say. */
  readonly jobTimeoutMs?: number | undefined;
}

export interface Sweeper {
  /** The platform's webhooks. */
  readonly hooks: Hooks;
  /** Whether the event of a run's end names all of its jobs, so that none can be missing once it was heard. */
  readonly endTellsJobs: boolean;
  /** How long a job may wait for a runner; run on a machine of the platform's own; run on one of its owner's. */
  readonly limits: { readonly queuedMs: number; readonly hostedMs: number; readonly selfHostedMs: number };
  /** A page of the latest runs, the first being page 1; undefined: unchanged since `etag`. One call. */
  runs(source: SweptSource, page: number, etag?: string): Promise<RunPage | undefined>;
  /** One run as the list would show it; undefined when the platform knows none such (any more). One call. */
  find(source: SweptSource, run: { externalId: string; attempt: number }): Promise<SweptRun | undefined>;
  /** Everything about one run that its webhooks tell. What has been `heard` of it already need not be asked for. */
  details(source: SweptSource, run: SweptRun, heard?: KnownRun): Promise<RunDetails>;
  /** What sets the runs of a source going; undefined: unchanged since `etag`. A few calls. */
  definitions(
    source: SweptSource,
    options: { etag?: string | undefined; now: number },
  ): Promise<Definitions | undefined>;
}

/** Counts calls against a platform's limits. One belongs to each platform and sweep. */
export interface Meter {
  /** Throws `OverBudget` when no call may be made now. */
  admit(): Promise<void>;
  /** Takes note of what an answer says about limits. */
  told(status: number, headers: Headers): void;
}

/** No call may be made to this platform for now. */
export class OverBudget extends Error {
  override readonly name = 'OverBudget';
}

/** The platform answers, and will not give this. */
export class PlatformRefusal extends Error {
  override readonly name = 'PlatformRefusal';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
