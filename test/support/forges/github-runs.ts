import { Execution } from './engine.ts';
import type { GithubPayloads } from './github-payloads.ts';
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
import type { Job, Run, RunAttempt, RunnerSpec } from './types.ts';

/** What `rerun-failed-jobs` takes up again, besides everything that depends on it. */
function failed(job: Job): boolean {
  return job.conclusion === 'failure' || job.conclusion === 'cancelled' || job.conclusion === 'timed_out';
}

export class GithubRuns implements Simulator {
  readonly #context: Context;
  readonly #payloads: GithubPayloads;
  readonly #live = new Map<number, Execution>();
  /** Completed events for jobs that were copied into a new attempt: GitHub sends them. */
  readonly #resendCarriedOver: boolean;

  constructor(context: Context, payloads: GithubPayloads, resendCarriedOver: boolean) {
    this.#context = context;
    this.#payloads = payloads;
    this.#resendCarriedOver = resendCarriedOver;
  }

  measure(run: Run): number {
    return measureTasks(run.spec.jobs.map((spec) => taskOf(spec, 0, spec.needs ?? [])));
  }

  start(run: Run, stage: Stage): void {
    this.#begin(run, [], stage, 'octocat');
  }

  cancel(run: Run): void {
    this.#live.get(run.id)?.cancel();
  }

  /** The names a rerun of the failed jobs takes up; empty when nothing failed. */
  failedJobs(run: Run): string[] {
    return latest(run)
      .jobs.filter(failed)
      .map((job) => job.spec.name);
  }

  /** Opens the next attempt: the named jobs and their dependents run again, the rest is copied. */
  rerun(run: Run, names: readonly string[], actor: string): RunAttempt {
    const again = new Set(names);
    for (let grew = true; grew; ) {
      grew = false;
      for (const spec of run.spec.jobs) {
        if (!again.has(spec.name) && spec.needs?.some((need) => again.has(need))) {
          again.add(spec.name);
          grew = true;
        }
      }
    }
    const carried = latest(run).jobs.filter((job) => !again.has(job.spec.name));
    return this.#begin(run, carried, this.#context.liveStage(run), actor);
  }

  #begin(run: Run, carried: readonly Job[], stage: Stage, actor: string): RunAttempt {
    const now = stage.clock.now();
    const attempt: RunAttempt = {
      number: run.attempts.length + 1,
      startedAt: now,
      updatedAt: now,
      status: 'queued',
      conclusion: null,
      jobs: [],
      actor,
    };
    if (run.attempts.length === 0 && run.spec.ageDays === undefined) run.createdAt = now;
    run.startedAt ??= now;
    run.attempts.push(attempt);
    stage.emit(this.#payloads.runEvent(run, attempt, 'requested'));

    const copies = carried.map((job) => ({
      ...job,
      id: this.#context.nextId('job'),
      attempt: attempt.number,
      carriedOver: true,
    }));
    attempt.jobs.push(...copies);
    const execution = this.#execution(run, attempt, stage);
    this.#live.set(run.id, execution);
    for (const copy of copies) {
      execution.assume(copy.spec.name, copy.conclusion === 'success' || copy.spec.allowFailure === true);
      if (this.#resendCarriedOver) stage.emit(this.#payloads.jobEvent(run, attempt, copy, 'completed'));
    }
    const names = new Set(copies.map((copy) => copy.spec.name));
    execution.add(
      run.spec.jobs
        .filter((spec) => !names.has(spec.name))
        .map((spec) => taskOf(spec, executions(run, spec.name), spec.needs ?? [])),
    );
    return attempt;
  }

  #execution(run: Run, attempt: RunAttempt, stage: Stage): Execution {
    const { clock } = stage;
    const payloads = this.#payloads;
    const open = (name: string): Job => {
      const spec = run.spec.jobs.find((job) => job.name === name);
      if (!spec) throw new Error(`no job ${name}`);
      const job = newJob(this.#context, spec, executions(run, name), attempt.number, clock.now(), this.#hosted());
      attempt.jobs.push(job);
      return job;
    };
    const touch = (): number => {
      attempt.updatedAt = clock.now();
      return attempt.updatedAt;
    };
    return new Execution(clock, stage.speed, {
      queued: (name) => {
        const job = open(name);
        job.status = 'queued';
        job.queuedAt = touch();
        stage.emit(payloads.jobEvent(run, attempt, job, 'queued'));
      },
      started: (name) => {
        const job = current(attempt, name);
        job.status = 'running';
        job.startedAt = touch();
        if (attempt.status === 'queued') {
          attempt.status = 'running';
          stage.emit(payloads.runEvent(run, attempt, 'in_progress'));
        }
        stage.emit(payloads.jobEvent(run, attempt, job, 'in_progress'));
      },
      finished: (name, outcome) => {
        const job = current(attempt, name);
        job.status = 'finished';
        job.conclusion = outcome;
        job.finishedAt = touch();
        stage.emit(payloads.jobEvent(run, attempt, job, 'completed'));
      },
      skipped: (name) => {
        const job = open(name);
        job.status = 'finished';
        job.conclusion = 'skipped';
        job.startedAt = touch();
        job.finishedAt = job.startedAt;
        stage.emit(payloads.jobEvent(run, attempt, job, 'completed'));
      },
      ended: () => {
        run.finishedAt = touch();
        attempt.status = 'finished';
        attempt.conclusion = conclude(attempt.jobs);
        stage.emit(payloads.runEvent(run, attempt, 'completed'));
        stage.ended();
      },
    });
  }

  #hosted(): RunnerSpec {
    const id = this.#context.random.int(2, 60);
    return { id, name: `GitHub Actions ${id}`, labels: ['ubuntu-latest'], group: 'GitHub Actions' };
  }
}

function current(attempt: RunAttempt, name: string): Job {
  const job = attempt.jobs.find((candidate) => candidate.spec.name === name);
  if (!job) throw new Error(`job ${name} is not part of attempt ${attempt.number}`);
  return job;
}

/** How often a job has really run: copies do not count. */
function executions(run: Run, name: string): number {
  return run.attempts
    .flatMap((attempt) => attempt.jobs)
    .filter((job) => job.spec.name === name && !job.carriedOver && job.conclusion !== 'skipped').length;
}
