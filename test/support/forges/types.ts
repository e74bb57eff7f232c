export type Platform = 'github' | 'gitlab';
export type Outcome = 'success' | 'failure' | 'cancelled' | 'timed_out';
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

export interface StepSpec {
  name: string;
  /** Only one step of a failing job fails; the ones behind it are skipped. Default: the last step. */
  fails?: boolean;
}

export interface RunnerSpec {
  id: number;
  name: string;
  labels: readonly string[];
  /** GitHub's runner group; GitLab's runner type (default instance_type). */
  group?: string;
}

/** A test as JUnit's reports have it. */
export interface TestSpec {
  classname: string;
  name: string;
  status: 'success' | 'failed' | 'error' | 'skipped';
}

export interface JobSpec {
  name: string;
  /** The report of the tests that it ran. */
  tests?: readonly TestSpec[];
  /** That of later executions. Default: `tests`. */
  testsOnRetry?: readonly TestSpec[];
  steps?: readonly (string | StepSpec)[];
  /** GitLab only; jobs of a stage wait for every earlier stage unless `needs` says otherwise. */
  stage?: string;
  needs?: readonly string[];
  runner?: RunnerSpec;
  outcome?: Outcome;
  /** Outcome of the second, third … execution; the last one repeats. Default: the first outcome again. */
  thenOnRetry?: Outcome | readonly Outcome[];
  log?: string | Uint8Array;
  /** Log of later executions. Default: `log` while they end like the first, else a short green log. */
  logOnRetry?: string | Uint8Array;
  /** Time the job runs and waits for a runner, in the platform's seconds (`speed` divides them). */
  durationSeconds?: number;
  queuedSeconds?: number;
  allowFailure?: boolean;
  /** GitLab's failure_reason; default script_failure (or job_execution_timeout). */
  failureReason?: string;
  /** How long after its end the log is not there yet, by the forge's clock. */
  logDelayMs?: number;
  /** How many log requests after the end find no log yet. */
  logMissingCalls?: number;
  /** GitHub: whether the API itself says 404 meanwhile, or links to a blob that is not there; default api. */
  logMissing?: 'api' | 'blob';
  /** The log is gone for good: GitHub answers 410, GitLab an empty trace. */
  logExpired?: boolean;
}

export interface RunSpec {
  workflow?: string;
  branch?: string;
  commit?: string;
  message?: string;
  /** GitHub's `event`, GitLab's `source`; default push. */
  event?: string;
  jobs: readonly JobSpec[];
  /** GitLab: order of the stages; default: order of first use. */
  stages?: readonly string[];
  /** Makes the run look this old: GitHub refuses to rerun what is older than a month. */
  ageDays?: number;
}

export interface Delivery {
  /** The id a redelivery keeps: X-GitHub-Delivery or Idempotency-Key. */
  id: string;
  event: string;
  /** What it reports, for a reader: `workflow_job.completed build #1`. */
  label: string;
  runId?: number;
  jobId?: number;
  attempt?: number;
  headers: Record<string, string>;
  body: string;
}

export interface SendResult {
  delivery: Delivery;
  /** 0 when no answer came. */
  status: number;
  body: string;
}

/** What a call changed at the forge. Tests assert exactly-once on these. */
export interface Effect {
  kind: 'rerun-failed-jobs' | 'rerun-job' | 'rerun-run' | 'retry-job' | 'retry-pipeline';
  repository: string;
  runId: number;
  /** The job the call named, when it named one. */
  jobId?: number;
  /** GitHub: the attempt this opened. GitLab: how many times the pipeline was retried, plus one. */
  attempt: number;
  newJobIds: readonly number[];
  at: number;
}

export interface Call {
  method: string;
  /** Path as sent, without the query. */
  path: string;
  query: Record<string, string>;
  at: number;
  /** 0 while under way and when the connection was cut before any answer was decided. */
  status: number;
  headers: Record<string, string>;
  body: string;
  effect?: Effect;
  /** The fault that was played on this call. */
  fault?: string;
  /** No such route: a real forge answers 404, a test wants to know. */
  unknownRoute?: boolean;
}

export type JobStatus = 'created' | 'queued' | 'running' | 'finished';

/** One execution of a job. GitLab calls it a build. */
export interface Job {
  id: number;
  spec: JobSpec;
  /** 0 for the first execution, 1 for its retry … */
  execution: number;
  /** GitHub's run attempt this job row belongs to. */
  attempt: number;
  status: JobStatus;
  conclusion: Outcome | 'skipped' | null;
  createdAt: number;
  queuedAt: number | null;
  startedAt: number | null;
  finishedAt: number | null;
  runner: RunnerSpec;
  /** GitLab: a newer job of the same name exists. */
  retried: boolean;
  /** GitHub: copied into this attempt without running again. */
  carriedOver: boolean;
  logCalls: number;
}

export interface RunAttempt {
  number: number;
  startedAt: number;
  updatedAt: number;
  status: JobStatus;
  conclusion: Outcome | 'skipped' | null;
  jobs: Job[];
  actor: string;
}

export interface Run {
  id: number;
  number: number;
  repository: RepositoryState;
  spec: RunSpec;
  workflow: string;
  branch: string;
  commit: string;
  message: string;
  event: string;
  createdAt: number;
  startedAt: number | null;
  /** GitLab keeps the old end while a retried pipeline runs again. */
  finishedAt: number | null;
  /** GitHub: one per attempt, jobs copied. GitLab: exactly one, jobs accumulate. */
  attempts: RunAttempt[];
  retries: number;
  deliveries: Delivery[];
}

export interface RepositoryState {
  id: number;
  fullName: string;
  /** Hidden repositories answer 404 to everyone. */
  hidden: boolean;
  runs: Run[];
}
