import { isEnded, type JobFact, type Origin, type RunnerFact } from '../../model/index.ts';
import { ids } from '../../store/keys.ts';
import { nameOf, present, timeOf } from '../clean.ts';
import type { Build } from './payloads.ts';
import { statusOf } from './status.ts';

const PLATFORM = 'gitlab';
const MAX_TAGS = 20;

/** What each of a pipeline's events tells of it. */
export interface Pipeline {
  id: number;
  projectId: number;
  repository: string;
  web: string | undefined;
  name: string | undefined;
  branch: string | undefined;
  commit: string | undefined;
  /** The pipeline that triggered it. */
  source: number | undefined;
  origin: Origin;
}

/** Where a job has begun to deploy to. One that takes an environment down, or waits to be started, does not. */
export const environmentOf = ({ environment, started_at }: Build): string | undefined =>
  started_at && (environment?.action ?? 'start') === 'start' ? nameOf(environment?.name) : undefined;

/** What a build tells of a job, and of its runner. */
export function factsOfBuild(
  pipeline: Pipeline,
  build: Build,
  receivedAt: string,
): { job: JobFact; runner?: RunnerFact } {
  const id = ids.job(PLATFORM, pipeline.id, build.id);
  const status = statusOf(build.status, build.failure_reason);
  const [created, started, finished] = [build.created_at, build.started_at, build.finished_at].map(timeOf);
  const endedAt = isEnded(status) ? (finished ?? started) : undefined;
  const statusAt = endedAt ?? started ?? created ?? receivedAt;
  const runner = runnerOf(build, id, { started, ended: endedAt, seen: statusAt }, pipeline.origin);
  const failed = build.status === 'failed';
  const job: JobFact = present({
    id,
    status,
    statusAt,
    // A job that was skipped comes to life under its old id when the job before it is retried: one that has started is
    // later knowledge than one that has not, though "skipped" is an end.
    basis: started === undefined ? undefined : 1,
    origin: pipeline.origin,
    platform: PLATFORM,
    externalId: String(build.id),
    repository: pipeline.repository,
    repositoryId: String(pipeline.projectId),
    name: nameOf(build.name),
    attempt: 1,
    branch: pipeline.branch,
    commit: pipeline.commit,
    url: pipeline.web && `${pipeline.web}/-/jobs/${build.id}`,
    runId: ids.run(PLATFORM, pipeline.id, 1),
    stage: nameOf(build.stage),
    runner: runner && { id: runner.id, name: runner.name ?? '' },
    queuedAt: created,
    startedAt: started,
    endedAt,
    steps: [],
    // Whatever its status, GitLab sends some reason; `retries_count` is wrong upstream and never read.
    failureReason: failed ? nameOf(build.failure_reason) : undefined,
    allowFailure: build.allow_failure ?? undefined,
  });
  return runner === undefined ? { job } : { job, runner };
}

interface Moments {
  readonly started: string | undefined;
  readonly ended: string | undefined;
  readonly seen: string;
}

/** The runner of a job, and what the job tells of it: nothing but that there is one, until the job starts. */
function runnerOf(build: Build, jobId: string, { started, ended, seen }: Moments, origin: Origin) {
  const { runner: native } = build;
  if (!native) return undefined;
  // A runner's id is unique on its instance, and one runner serves many projects: they must not each see another one.
  const scope = 'instance';
  const name = nameOf(native.description);
  const fact: RunnerFact = present({
    id: ids.runner(PLATFORM, scope, native.id),
    ...(started === undefined
      ? { statusAt: seen }
      : ended === undefined
        ? { status: 'busy' as const, statusAt: started, jobId }
        : { status: 'idle' as const, statusAt: ended }),
    origin,
    platform: PLATFORM,
    externalId: String(native.id),
    scope,
    name,
    kind: /\.gitlab\.com(?:\/|$)/.test(name ?? '') ? ('hosted' as const) : ('self-hosted' as const),
    pool: nameOf(native.runner_type?.replace(/_type$/, '')),
    labels: native.tags?.length ? native.tags.slice(0, MAX_TAGS).map((tag) => nameOf(tag) ?? '') : undefined,
    lastSeenAt: started && (ended ?? started),
  });
  return fact;
}

const wordOf = ({ status, statusAt }: RunnerFact): string => `${status === undefined ? 0 : 1}|${statusAt}`;
/** A pipeline names its builds' runner once per build; the latest word is the one that counts. */
export function latestOfEach(runners: readonly RunnerFact[]): RunnerFact[] {
  const newest = new Map<string, RunnerFact>();
  for (const fact of runners) {
    const known = newest.get(fact.id);
    if (known === undefined || wordOf(known) < wordOf(fact)) newest.set(fact.id, fact);
  }
  return [...newest.values()];
}
