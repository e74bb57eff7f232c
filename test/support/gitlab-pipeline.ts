/**
 * A GitLab pipeline as it goes, in the order of its facts: jobs by stages, retries after and before its end, manual jobs,
 * skipped jobs that come back to life. Its hooks carry whole seconds, as GitLab's do, and many things happen within one.
 */
export interface Hook {
  event: 'Pipeline Hook' | 'Job Hook';
  body: string;
}

interface SimulatedJob {
  id: number;
  name: string;
  stage: number;
  status: 'created' | 'pending' | 'running' | 'success' | 'failed' | 'skipped' | 'manual';
  created: number;
  started: number | null;
  finished: number | null;
  retried: boolean;
  /** The attempt of the pipeline that it was created or, later, started in. */
  runAttempt: number;
}

export interface Truth {
  /** By attempt. */
  runs: { status: string; endedAt: string }[];
  jobs: Map<string, { name: string; attempt: number; runAttempt: number; status: string }>;
}

/** A number below `limit`. */
export type Choose = (limit: number) => number;

const FIRST_SECOND = Date.UTC(2026, 0, 1, 12) / 1000;
const [PIPELINE, PROJECT] = [900, 7];
const timeOf = (second: number) => new Date(second * 1000).toISOString();
const hookTime = (second: number | null) =>
  second === null ? null : `${timeOf(second).slice(0, 19).replace('T', ' ')} UTC`;

export class PipelineSimulation {
  readonly hooks: Hook[] = [];
  private readonly jobs: SimulatedJob[] = [];
  private readonly ends: { status: string; at: number }[] = [];
  private readonly choose: Choose;
  private status = 'created';
  private finished: number | null = null;
  private now = FIRST_SECOND;
  private nextId = 10;

  constructor(choose: Choose) {
    this.choose = choose;
    const count = 1 + choose(4);
    for (let index = 0; index < count; index++) this.create(`job ${index}`, index % 2, index > 0 && choose(4) === 0);
    for (const job of this.jobs) this.tell(job);
    this.tellPipeline();
    this.proceed();
    for (let more = choose(4); more > 0; more--) {
      const [failed, manual] = [this.latest('failed'), this.latest('manual')];
      if (failed.length > 0 && choose(4) > 0) this.retry(failed.slice(0, 1 + choose(failed.length)));
      else if (manual.length > 0) this.play(manual[choose(manual.length)] as SimulatedJob);
      else break;
      this.proceed();
    }
  }

  get truth(): Truth {
    const jobs: Truth['jobs'] = new Map();
    const statuses: Record<string, string> = { success: 'succeeded', manual: 'waiting', created: 'queued' };
    for (const job of this.jobs) {
      jobs.set(String(job.id), {
        name: job.name,
        attempt: this.jobs.filter((other) => other.name === job.name && other.id <= job.id).length,
        runAttempt: job.runAttempt,
        status: statuses[job.status] ?? job.status,
      });
    }
    const runs = this.ends.map(({ status, at }) => ({ status: statuses[status] ?? status, endedAt: timeOf(at) }));
    return { runs, jobs };
  }

  private latest(status: SimulatedJob['status']): SimulatedJob[] {
    return this.jobs.filter((job) => !job.retried && job.status === status).sort((a, b) => a.stage - b.stage);
  }
  private get attempt(): number {
    return this.ends.length + 1;
  }

  private create(name: string, stage: number, manual = false): SimulatedJob {
    const job: SimulatedJob = {
      id: this.nextId,
      name,
      stage,
      status: manual ? 'manual' : 'created',
      created: this.now,
      started: null,
      finished: null,
      retried: false,
      runAttempt: this.attempt,
    };
    this.nextId += 1 + this.choose(200);
    this.jobs.push(job);
    return job;
  }

  /** Until nothing is left to do. */
  private proceed(): void {
    for (;;) {
      this.now += this.choose(3) === 0 ? 1 : 0;
      for (const job of this.latest('created')) {
        if (job.stage === 0 || !this.latestOfStage(0).some((other) => !this.isDone(other))) this.set(job, 'pending');
      }
      const open = [...this.latest('pending'), ...this.latest('running')];
      const job = open[this.choose(open.length)];
      if (job === undefined) {
        this.end();
        return;
      }
      if (job.status === 'running') {
        job.finished = this.now;
        this.set(job, this.choose(3) === 0 ? 'failed' : 'success');
      } else {
        job.started = this.now;
        job.runAttempt = this.attempt;
        this.set(job, 'running');
        if (this.status !== 'running') {
          this.status = 'running';
          this.tellPipeline();
        }
      }
      const failed = this.latest('failed');
      if (failed.length > 0 && this.latest('running').length > 0 && this.choose(6) === 0)
        this.retry(failed.slice(0, 1));
    }
  }
  private latestOfStage(stage: number): SimulatedJob[] {
    return this.jobs.filter((job) => !job.retried && job.stage === stage);
  }
  private isDone(job: SimulatedJob): boolean {
    return job.status === 'success' || job.status === 'manual';
  }

  private end(): void {
    for (const job of this.latest('created')) this.set(job, 'skipped');
    this.status = this.latest('failed').length > 0 ? 'failed' : 'success';
    this.finished = this.now;
    this.ends.push({ status: this.status, at: this.now });
    this.tellPipeline();
  }

  private retry(jobs: readonly SimulatedJob[]): void {
    for (const job of jobs) {
      job.retried = true;
      this.tell(this.create(job.name, job.stage));
    }
    for (const job of this.latest('skipped')) this.set(job, 'created');
    this.resume();
  }
  private play(job: SimulatedJob): void {
    // By hand, and nobody is that quick.
    this.now += 1;
    this.set(job, 'pending');
    job.started = this.now;
    job.runAttempt = this.attempt;
    this.set(job, 'running');
    this.resume();
  }
  private resume(): void {
    if (this.status === 'running') return;
    this.status = 'running';
    this.tellPipeline();
  }

  private set(job: SimulatedJob, status: SimulatedJob['status']): void {
    job.status = status;
    this.tell(job);
  }

  private tell(job: SimulatedJob): void {
    const body = {
      object_kind: 'build',
      build_id: job.id,
      build_name: job.name,
      build_stage: `stage ${job.stage}`,
      build_status: job.status,
      build_created_at: hookTime(job.created),
      build_started_at: hookTime(job.started),
      build_finished_at: hookTime(job.finished),
      build_allow_failure: false,
      build_failure_reason: 'script_failure',
      retries_count: 99,
      pipeline_id: PIPELINE,
      project_id: PROJECT,
      ref: 'main',
      sha: 'abc',
      runner: null,
      repository: { homepage: 'https://gitlab.example/group/project' },
    };
    this.hooks.push({ event: 'Job Hook', body: JSON.stringify(body) });
  }

  private tellPipeline(): void {
    const body = {
      object_kind: 'pipeline',
      object_attributes: {
        id: PIPELINE,
        ref: 'main',
        sha: 'abc',
        source: 'push',
        status: this.status,
        created_at: hookTime(FIRST_SECOND),
        finished_at: hookTime(this.finished),
      },
      project: { id: PROJECT, path_with_namespace: 'group/project', web_url: 'https://gitlab.example/group/project' },
      builds: this.jobs
        .filter((job) => !job.retried)
        .map((job) => ({
          id: job.id,
          name: job.name,
          stage: `stage ${job.stage}`,
          status: job.status,
          created_at: hookTime(job.created),
          started_at: hookTime(job.started),
          finished_at: hookTime(job.finished),
          failure_reason: job.status === 'failed' ? 'script_failure' : null,
          allow_failure: false,
        })),
    };
    this.hooks.push({ event: 'Pipeline Hook', body: JSON.stringify(body) });
  }
}
