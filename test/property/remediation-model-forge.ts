import { attach } from '../../shared/incidents/index.ts';
import type { Job, Run } from '../../shared/model/index.ts';
import type { ActionRequest, ActOutcome, LookUp } from '../../shared/platforms/port.ts';
import { ids, type Store } from '../../shared/store/index.ts';

/** GitHub and GitLab as far as fixes can tell: runs with attempts, what was done to them, and answers that get lost. */

export type ForgeName = 'github' | 'gitlab';
export type Status = 'running' | 'failed' | 'succeeded' | 'canceled';

export interface ForgeJob {
  readonly externalId: string;
  readonly name: string;
  /** Among the jobs of its name. */
  readonly attempt: number;
  /** The attempt of the run that it was created in. */
  readonly of: number;
  status: Status;
  cause: string;
  endedAt?: number;
}

export interface ForgeRun {
  readonly platform: ForgeName;
  readonly repository: string;
  readonly externalId: string;
  readonly commit: string;
  readonly supersededBy: string | undefined;
  attempt: number;
  status: Status;
  changedAt: number;
  jobs: ForgeJob[];
}

/** Something that took place at the forge because QMOI asked for it. */
export interface Effect {
  readonly request: ActionRequest;
  readonly at: number;
}

const RERUNS = new Set(['rerun-failed-jobs', 'rerun-with-debug', 'rerun-job', 'retry-job', 'retry-pipeline']);
const CANCELS = new Set(['cancel-run', 'force-cancel-run', 'cancel-pipeline']);

export const isRerun = ({ action }: Pick<ActionRequest, 'action'>): boolean => RERUNS.has(action);

/** What must not take place twice: an attempt is run again once, whatever the action is called and whoever asked. */
export const keyOf = ({ action, subject, attempt, parameters = {} }: ActionRequest): string =>
  RERUNS.has(action) ? `rerun ${subject} ${attempt}` : JSON.stringify([action, subject, attempt, parameters]);

export class ModelForge {
  readonly runs: ForgeRun[] = [];
  readonly effects: Effect[] = [];
  /** GitHub tells of what an attempt has left as it was once more, with new ids. */
  copies = true;
  private readonly now: () => number;
  private numbers = 1000;

  constructor(now: () => number) {
    this.now = now;
  }

  number(): string {
    return String(++this.numbers);
  }

  runOf(request: Pick<ActionRequest, 'runId'>): ForgeRun | undefined {
    const [platform, externalId] = request.runId.split(':');
    return this.runs.find((run) => run.platform === platform && run.externalId === externalId);
  }

  latestJobs(run: ForgeRun): ForgeJob[] {
    return run.jobs.filter((job) => !run.jobs.some(({ name, attempt }) => name === job.name && attempt > job.attempt));
  }

  /** A person's rerun, or QMOI's: the failed jobs (or one of them) run again. False: there is nothing to run again. */
  rerun(run: ForgeRun, only?: ForgeJob): boolean {
    const failed = this.latestJobs(run).filter(({ status }) => status === 'failed' || status === 'canceled');
    const again = only === undefined ? failed : failed.filter((job) => job === only);
    if (again.length === 0) return false;
    // A pipeline at work takes a retried job in; a run at work takes none.
    if (run.status !== 'running') run.attempt++;
    run.status = 'running';
    run.changedAt = this.now();
    for (const { name, attempt, cause } of again) {
      const of = run.attempt;
      const next = { externalId: this.number(), name, of, status: 'running' as const, cause };
      run.jobs.push({ ...next, attempt: run.platform === 'github' ? of : attempt + 1 });
    }
    if (run.platform === 'gitlab' || !this.copies) return true;
    for (const job of failed.filter((one) => !again.includes(one))) {
      run.jobs.push({ ...job, externalId: this.number(), of: run.attempt, attempt: run.attempt });
    }
    return true;
  }

  end(run: ForgeRun, outcomeOf: (job: ForgeJob) => Status): void {
    const at = this.now();
    for (const job of run.jobs.filter(({ status }) => status === 'running')) {
      job.status = outcomeOf(job);
      job.endedAt = at;
    }
    const statuses = this.latestJobs(run).map(({ status }) => status);
    run.status = statuses.includes('canceled') ? 'canceled' : statuses.includes('failed') ? 'failed' : 'succeeded';
    run.changedAt = at;
  }

  /** What a request comes to when it arrives, and what of it takes place. */
  receive(request: ActionRequest): ActOutcome {
    const run = this.runOf(request);
    if (run === undefined) return { kind: 'refused', reason: 'there is no such run' };
    const done = (): ActOutcome => {
      this.effects.push({ request, at: this.now() });
      return { kind: 'done', detail: `${request.action} accepted` };
    };
    if (RERUNS.has(request.action)) {
      if (run.platform === 'github' && run.status === 'running') {
        return { kind: 'retry-later', seconds: 15, reason: 'the run is already running' };
      }
      const job = run.jobs.find(({ externalId }) => externalId === request.externalId);
      const one = request.action === 'rerun-job' || request.action === 'retry-job';
      if (one && job === undefined) return { kind: 'refused', reason: 'there is no such job' };
      if (one && run.platform === 'github' && this.copies && job?.of !== run.attempt) {
        return { kind: 'refused', reason: 'it is of an earlier attempt' };
      }
      return this.rerun(run, one ? job : undefined) ? done() : { kind: 'refused', reason: 'nothing failed' };
    }
    if (CANCELS.has(request.action)) {
      if (run.status !== 'running') return { kind: 'refused', reason: 'it is not running' };
      this.end(run, () => 'canceled');
    }
    return done();
  }

  lookUp(request: ActionRequest): LookUp {
    const run = this.runOf(request);
    if (run === undefined) return 'unclear';
    if (CANCELS.has(request.action)) return run.status === 'running' ? 'did-not-happen' : 'happened';
    if (RERUNS.has(request.action)) {
      const job = run.jobs.find(({ externalId }) => externalId === request.externalId);
      const latest =
        run.platform === 'gitlab' && job !== undefined
          ? Math.max(...run.jobs.filter(({ name }) => name === job.name).map(({ attempt }) => attempt))
          : run.attempt;
      return latest > request.attempt ? 'happened' : 'did-not-happen';
    }
    return this.effects.some((effect) => keyOf(effect.request) === keyOf(request)) ? 'happened' : 'did-not-happen';
  }

  failedJobs(request: ActionRequest): string[] {
    const jobs = this.runOf(request)?.jobs ?? [];
    return jobs
      .filter(({ of, status }) => of === request.attempt && status === 'failed')
      .map(({ externalId }) => externalId);
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** What a webhook tells of a run's latest attempt, or of a job. */
export function factsOf(run: ForgeRun): {
  run: Partial<Run> & Pick<Run, 'id'>;
  jobs: (Partial<Job> & { id: string })[];
} {
  const { platform, repository, externalId, attempt, status, commit, changedAt, supersededBy } = run;
  const common = { platform, repository, commit, branch: 'main', origin: 'live' as const };
  const ended = (at: number | undefined) => (at === undefined ? {} : { endedAt: iso(at) });
  return {
    run: {
      ...{ ...common, id: ids.run(platform, externalId, attempt), externalId, attempt, status, name: 'ci' },
      ...{ statusAt: iso(changedAt), ...ended(status === 'running' ? undefined : changedAt) },
      ...(supersededBy !== undefined && { supersededBy }),
    },
    jobs: run.jobs
      .filter(({ of }) => of === attempt)
      .map((job) => ({
        ...{ ...common, id: ids.job(platform, externalId, job.externalId), externalId: job.externalId },
        ...{ runId: ids.run(platform, externalId, job.of), name: job.name, attempt: job.attempt, steps: [] },
        ...{ status: job.status, statusAt: iso(job.endedAt ?? changedAt), ...ended(job.endedAt) },
      })),
  };
}

export const CAUSES = {
  'dns-resolution-failed': { category: 'network', transient: true },
  'registry-server-error': { category: 'network', transient: true },
  'test-failed': { category: 'automation', transient: false },
  unknown: { category: 'unknown', transient: null },
} as const;

/** What the diagnosis would say of a failed job. */
export async function diagnose(
  store: Store,
  job: { id: string; name?: string | undefined; repository?: string; platform?: string; statusAt?: string },
  cause: keyof typeof CAUSES,
): Promise<void> {
  const { platform = '', repository = '', name = '', statusAt = '' } = job;
  const { category, transient } = CAUSES[cause];
  const fingerprint = `${cause}-${name}`;
  const about = { fingerprint, cause, category, platform, repository, origin: 'live' as const };
  const terms = { cause: 1, blastRadius: 0, environment: 0, recurrence: 0, branch: 0, automation: 0 };
  const incidentId = await attach(store, { ...about, title: cause, terms, seenAt: statusAt });
  await store.merge('failure', {
    ...{ ...about, ...job, jobId: job.id, failedAt: statusAt, incidentId, transient, status: 'diagnosed' },
    ...{
      severity: 'medium',
      priority: 3,
      excerpt: cause === 'registry-server-error' ? '503 https://registry.example.com/x' : '',
    },
  } as never);
}
