import { type ForgeClock, manualClock } from './clock.ts';
import { Execution, type Task } from './engine.ts';
import type { Random } from './random.ts';
import type {
  Delivery,
  Effect,
  Job,
  JobSpec,
  Outcome,
  RepositoryState,
  Run,
  RunAttempt,
  RunnerSpec,
  RunSpec,
  StepSpec,
} from './types.ts';

/** Where an attempt plays: on which clock, how fast, and what becomes of its webhooks. */
export interface Stage {
  clock: ForgeClock;
  speed: number;
  emit(delivery: Delivery): void;
  ended(): void;
}

/** What a platform's simulator and API share. */
export interface Context {
  clock: ForgeClock;
  random: Random;
  repositories: RepositoryState[];
  effects: Effect[];
  nextId(kind: 'run' | 'job'): number;
  /** The stage of whatever a call sets off: the forge's clock, webhooks sent. */
  liveStage(run: Run): Stage;
}

export interface Simulator {
  /** Plays the first attempt. */
  start(run: Run, stage: Stage): void;
  /** How long that takes, in the platform's milliseconds. */
  measure(run: Run): number;
}

export function outcomeOf(spec: JobSpec, execution: number): Outcome {
  const first = spec.outcome ?? 'success';
  if (execution === 0 || spec.thenOnRetry === undefined) return first;
  if (typeof spec.thenOnRetry === 'string') return spec.thenOnRetry;
  return spec.thenOnRetry[Math.min(execution, spec.thenOnRetry.length) - 1] ?? first;
}

export function taskOf(spec: JobSpec, execution: number, dependsOn: readonly string[]): Task {
  return {
    name: spec.name,
    dependsOn,
    queuedMs: (spec.queuedSeconds ?? 2) * 1000,
    durationMs: (spec.durationSeconds ?? 30) * 1000,
    outcome: outcomeOf(spec, execution),
    allowFailure: spec.allowFailure ?? false,
  };
}

/** Plays the graph on a clock of its own to see how long it takes. */
export function measureTasks(tasks: readonly Task[]): number {
  const clock = manualClock(0);
  const ignore = (): void => undefined;
  new Execution(clock, 1, {
    queued: ignore,
    started: ignore,
    finished: ignore,
    skipped: ignore,
    ended: ignore,
  }).add(tasks);
  return clock.drain();
}

export function newRun(context: Context, repository: RepositoryState, spec: RunSpec): Run {
  const names = spec.jobs.map((job) => job.name);
  if (names.length === 0 || new Set(names).size !== names.length) throw new Error('a run needs jobs of distinct names');
  for (const job of spec.jobs) {
    const unknown = job.needs?.find((need) => !names.includes(need));
    if (unknown) throw new Error(`job ${job.name} needs ${unknown}, which the run does not have`);
  }
  const run: Run = {
    id: context.nextId('run'),
    number: repository.runs.length + 1,
    repository,
    spec,
    workflow: spec.workflow ?? 'ci',
    branch: spec.branch ?? 'main',
    commit: spec.commit ?? context.random.hex(40),
    message: spec.message ?? 'Tidy up the checkout step',
    event: spec.event ?? 'push',
    createdAt: context.clock.now() - (spec.ageDays ?? 0) * 86_400_000,
    startedAt: null,
    finishedAt: null,
    attempts: [],
    retries: 0,
    deliveries: [],
  };
  repository.runs.push(run);
  return run;
}

export function newJob(
  context: Context,
  spec: JobSpec,
  execution: number,
  attempt: number,
  now: number,
  runner: RunnerSpec,
): Job {
  return {
    id: context.nextId('job'),
    spec,
    execution,
    attempt,
    status: 'created',
    conclusion: null,
    createdAt: now,
    queuedAt: null,
    startedAt: null,
    finishedAt: null,
    runner: spec.runner ?? runner,
    retried: false,
    carriedOver: false,
    logCalls: 0,
  };
}

export function latest(run: Run): RunAttempt {
  const attempt = run.attempts.at(-1);
  if (!attempt) throw new Error(`run ${run.id} has not begun: play() or record() it first`);
  return attempt;
}

/** The worst of its jobs, as both platforms sum up. */
export function conclude(jobs: readonly Job[]): Outcome | 'skipped' {
  const counted = jobs.filter((job) => !(job.spec.allowFailure && job.conclusion !== 'success'));
  for (const outcome of ['failure', 'timed_out', 'cancelled'] as const) {
    if (counted.some((job) => job.conclusion === outcome)) return outcome;
  }
  return jobs.every((job) => job.conclusion === 'skipped') ? 'skipped' : 'success';
}

export interface StepResult {
  name: string;
  conclusion: Outcome | 'skipped';
}

/** What each step came to: one step carries the job's outcome, those behind it are skipped. */
export function stepResults(job: Job): StepResult[] {
  const specs: StepSpec[] = (job.spec.steps ?? ['Run actions/checkout@v4', `Run ${job.spec.name}`]).map((step) =>
    typeof step === 'string' ? { name: step } : step,
  );
  const outcome = job.conclusion ?? 'success';
  if (outcome === 'success' || outcome === 'skipped') {
    return specs.map((step) => ({ name: step.name, conclusion: 'success' }));
  }
  const marked = specs.findIndex((step) => step.fails);
  const failing = marked === -1 ? specs.length - 1 : marked;
  return specs.map((step, index) => ({
    name: step.name,
    // A step that ran out of time is reported as cancelled; only the job knows why.
    conclusion:
      index < failing ? 'success' : index > failing ? 'skipped' : outcome === 'failure' ? 'failure' : 'cancelled',
  }));
}

/** Whether the log can be read by now. Counts the requests that came too early. */
export function logIsThere(job: Job, now: number): boolean {
  if (job.status !== 'finished' || job.conclusion === 'skipped' || job.finishedAt === null) return false;
  if (now < job.finishedAt + (job.spec.logDelayMs ?? 0)) return false;
  if (job.logCalls < (job.spec.logMissingCalls ?? 0)) {
    job.logCalls += 1;
    return false;
  }
  return true;
}

export function logOf(job: Job): string | Uint8Array {
  const { spec, execution, conclusion } = job;
  if (execution > 0) {
    if (spec.logOnRetry !== undefined) return spec.logOnRetry;
    if (conclusion !== (spec.outcome ?? 'success'))
      return `${spec.name}: ${conclusion === 'success' ? 'ok' : conclusion}\n`;
  }
  return spec.log ?? `${spec.name}: ${conclusion === 'success' ? 'ok' : 'failed'}\n`;
}
