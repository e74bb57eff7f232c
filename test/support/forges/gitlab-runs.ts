import { Execution, type Task } from './engine.ts';
import type { GitlabPayloads } from './gitlab-payloads.ts';
import {
  type Context,
  conclude,
  latest,
  measureTasks,
  newJob,
  type Simulator,
  type Stage,
  taskOf,
} from './run-state.ts';
import type { Job, JobSpec, Run, RunAttempt, RunnerSpec } from './types.ts';

const SHARED_RUNNER: RunnerSpec = {
  id: 12_270_807,
  name: '1-blue.saas-linux-small-amd64.runners-manager.gitlab.com/default',
  labels: ['gce', 'linux', 'docker'],
};

export function stagesOf(run: Run): string[] {
  const used = [...new Set(run.spec.jobs.map(stageOf))];
  const order = run.spec.stages ?? used;
  return [...order.filter((stage) => used.includes(stage)), ...used.filter((stage) => !order.includes(stage))];
}

export function stageOf(spec: JobSpec): string {
  return spec.stage ?? 'test';
}

/** Without `needs` a job waits for every job of the earlier stages. */
function dependencies(run: Run, spec: JobSpec): string[] {
  if (spec.needs) return [...spec.needs];
  const stages = stagesOf(run);
  const own = stages.indexOf(stageOf(spec));
  return run.spec.jobs.filter((other) => stages.indexOf(stageOf(other)) < own).map((other) => other.name);
}

/** Of the jobs of one name only the newest counts. */
export function latestJobs(run: Run): Job[] {
  return latest(run).jobs.filter((job) => !job.retried);
}

interface Live {
  execution: Execution;
  stage: Stage;
}

/** A pipeline keeps its id for life: a retry adds a job of the same name and sets the pipeline running again. */
export class GitlabRuns implements Simulator {
  readonly #context: Context;
  readonly #payloads: GitlabPayloads;
  readonly #live = new Map<number, Live>();

  constructor(context: Context, payloads: GitlabPayloads) {
    this.#context = context;
    this.#payloads = payloads;
  }

  measure(run: Run): number {
    return measureTasks(run.spec.jobs.map((spec) => taskOf(spec, 0, dependencies(run, spec))));
  }

  start(run: Run, stage: Stage): void {
    const now = stage.clock.now();
    const pipeline: RunAttempt = {
      number: 1,
      startedAt: now,
      updatedAt: now,
      status: 'created',
      conclusion: null,
      jobs: [],
      actor: 'root',
    };
    if (run.spec.ageDays === undefined) run.createdAt = now;
    run.attempts.push(pipeline);
    pipeline.jobs.push(...run.spec.jobs.map((spec) => this.#newJob(spec, 0, now)));
    for (const job of pipeline.jobs) stage.emit(this.#payloads.jobEvent(run, job));
    pipeline.status = 'queued';
    stage.emit(this.#payloads.pipelineEvent(run));
    const execution = this.#execution(run, stage);
    this.#live.set(run.id, { execution, stage });
    execution.add(run.spec.jobs.map((spec) => this.#task(run, spec)));
  }

  retryable(job: Job): boolean {
    return !job.retried && job.status === 'finished' && job.conclusion !== 'skipped';
  }

  cancel(run: Run): void {
    this.#live.get(run.id)?.execution.cancel();
  }

  /** Clones the jobs; what a failure of theirs had skipped waits to run again, under its old id. */
  retry(run: Run, jobs: readonly Job[], actor: string): Job[] {
    const stage = this.#context.liveStage(run);
    const now = stage.clock.now();
    const pipeline = latest(run);
    const clones = jobs.map((job) => {
      job.retried = true;
      return this.#newJob(job.spec, job.execution + 1, now);
    });
    pipeline.jobs.push(...clones);
    pipeline.actor = actor;
    pipeline.updatedAt = now;
    run.retries += 1;

    const revived = this.#revive(
      run,
      clones.map((job) => job.spec.name),
    );
    const wasOver = pipeline.status === 'finished';
    pipeline.conclusion = null;
    for (const clone of clones) stage.emit(this.#payloads.jobEvent(run, clone));
    if (wasOver) {
      pipeline.status = latestJobs(run).every((job) => job.status === 'created') ? 'queued' : 'running';
      stage.emit(this.#payloads.pipelineEvent(run));
    }
    const live = this.#live.get(run.id);
    const execution = !live || wasOver ? this.#execution(run, stage) : live.execution;
    if (!live || wasOver) {
      this.#live.set(run.id, { execution, stage });
      for (const job of latestJobs(run)) {
        if (job.status === 'finished') execution.assume(job.spec.name, succeeded(job));
      }
    }
    execution.add([...clones, ...revived].map((job) => this.#task(run, job.spec)));
    return clones;
  }

  #revive(run: Run, names: readonly string[]): Job[] {
    const open = new Set(names);
    const revived: Job[] = [];
    for (let grew = true; grew; ) {
      grew = false;
      for (const job of latestJobs(run)) {
        if (job.conclusion !== 'skipped' || !dependencies(run, job.spec).some((name) => open.has(name))) continue;
        job.status = 'created';
        job.conclusion = null;
        job.startedAt = null;
        job.finishedAt = null;
        open.add(job.spec.name);
        revived.push(job);
        grew = true;
      }
    }
    return revived;
  }

  #newJob(spec: JobSpec, execution: number, now: number): Job {
    return newJob(this.#context, spec, execution, 1, now, SHARED_RUNNER);
  }

  #task(run: Run, spec: JobSpec): Task {
    const execution = latestJobs(run).find((job) => job.spec.name === spec.name)?.execution ?? 0;
    return taskOf(spec, execution, dependencies(run, spec));
  }

  #execution(run: Run, stage: Stage): Execution {
    const pipeline = latest(run);
    const { clock } = stage;
    const payloads = this.#payloads;
    const job = (name: string): Job => {
      const found = latestJobs(run).find((candidate) => candidate.spec.name === name);
      if (!found) throw new Error(`no job ${name}`);
      pipeline.updatedAt = clock.now();
      return found;
    };
    return new Execution(clock, stage.speed, {
      queued: (name) => {
        const queued = job(name);
        queued.status = 'queued';
        queued.queuedAt = clock.now();
        stage.emit(payloads.jobEvent(run, queued));
      },
      started: (name) => {
        const started = job(name);
        started.status = 'running';
        started.startedAt = clock.now();
        run.startedAt ??= started.startedAt;
        stage.emit(payloads.jobEvent(run, started));
        if (pipeline.status !== 'running') {
          pipeline.status = 'running';
          stage.emit(payloads.pipelineEvent(run));
        }
      },
      finished: (name, outcome) => {
        const finished = job(name);
        finished.status = 'finished';
        finished.conclusion = outcome;
        finished.finishedAt = clock.now();
        stage.emit(payloads.jobEvent(run, finished));
      },
      skipped: (name) => {
        const skipped = job(name);
        skipped.status = 'finished';
        skipped.conclusion = 'skipped';
        stage.emit(payloads.jobEvent(run, skipped));
      },
      ended: () => {
        pipeline.status = 'finished';
        pipeline.conclusion = conclude(latestJobs(run));
        pipeline.updatedAt = clock.now();
        run.finishedAt = clock.now();
        stage.emit(payloads.pipelineEvent(run));
        stage.ended();
      },
    });
  }
}

function succeeded(job: Job): boolean {
  return job.conclusion === 'success' || (job.spec.allowFailure === true && job.conclusion !== 'skipped');
}
