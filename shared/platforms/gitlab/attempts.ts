import {
  canonical,
  type Job,
  type JobFact,
  machines,
  type PipelineEnd,
  type Run,
  type RunFact,
} from '../../model/index.ts';
import { ids, runKeyOf } from '../../store/keys.ts';
import { present } from '../clean.ts';
import type { KnownRun, PlatformFacts } from '../port.ts';

/**
 * Numbers the attempts of a GitLab pipeline, which keeps its id for life: a retry adds jobs to it and sets it going again.
 *
 * - A job's attempt is its rank among the jobs of its name. GitLab numbers jobs in the order of their creation.
 * - A pipeline's attempts lie between its ends. A job belongs to the attempt after the last end that it was created or
 *   started after; so does what was seen of the pipeline.
 *
 * Both only grow as more becomes known, in whatever order it does. What was seen of the pipeline, ended or not, is kept with the
 * first attempt; the items of runs are projections of it and of the jobs, each with the number of ends it was derived from as
 * its `basis`: a better informed one replaces a less informed one, and an end that is heard of late moves everything behind it
 * by one.
 *
 * Returns what is to be written: nothing when the facts are known already.
 */
export function place(facts: PlatformFacts, known: KnownRun): PlatformFacts {
  const anyId = facts.runs[0]?.id ?? facts.jobs[0]?.id;
  // What is no pipeline has no attempts.
  if (anyId === undefined || facts.runs[0]?.kind !== undefined) return facts;
  const key = runKeyOf(anyId);
  const isOfThis = ({ id }: { id: string }) => runKeyOf(id) === key;
  const [runs, jobs] = [known.runs.filter(isOfThis), known.jobs.filter(isOfThis)];
  const shared = sharedOf([...runs, ...facts.runs]);
  const ends = shared?.course?.ends ?? [];
  const placed = placeJobs(joinedJobs(jobs, facts.jobs), ends, key);
  return {
    ...facts,
    runs: shared === undefined ? [] : newRuns(projections(shared, placed, key), runs),
    jobs: newJobs(facts.jobs, jobs, placed),
  };
}

/** What holds for the whole pipeline, whichever attempt it was told with, by the joins of its fields. */
function sharedOf(told: readonly (Run | RunFact)[]): Run | undefined {
  let joined: Run | undefined;
  for (const run of told) {
    const { platform, externalId, repository, repositoryId, name, branch, commit, url, automationId, event } = run;
    const { actor, environment, parentRunId, supersededBy, origin, course, queuedAt } = run;
    const what = { platform, externalId, repository, repositoryId, name, branch, commit, url, automationId, event };
    const more = { actor, environment, parentRunId, supersededBy };
    const fact = { id: '', statusAt: '', attempt: 1, origin, course, queuedAt, ...what, ...more };
    joined = machines.run.merge(joined, fact as RunFact);
  }
  return joined;
}

interface Activity {
  /** When it was created, started. */
  readonly times: readonly (string | undefined)[];
  /** The newest job it is evidence of. */
  readonly job: string | undefined;
  /** The id of the job that was started. */
  readonly started?: string | undefined;
}

/** How many of the ends came before some activity. */
const endsBefore = (ends: readonly PipelineEnd[], { times, job, started }: Activity): number =>
  ends.filter(
    ({ at, newestJob, idleJobs }) =>
      times.some((time) => time !== undefined && time > at) ||
      (job !== undefined && newestJob !== undefined && job > newestJob) ||
      (started !== undefined && idleJobs?.includes(started)),
  ).length;

interface PlacedJob {
  readonly job: Job;
  readonly attempt: number;
  readonly runAttempt: number;
  /** Whether its creation already belongs to that attempt of the run, and not only its start. */
  readonly created: boolean;
}

function placeJobs(jobs: ReadonlyMap<string, Job>, ends: readonly PipelineEnd[], key: string): Map<string, PlacedJob> {
  const byName = new Map<string, Job[]>();
  // A job of which the name is not known has no namesakes.
  for (const job of jobs.values()) {
    const name = job.name ?? job.id;
    byName.set(name, [...(byName.get(name) ?? []), job]);
  }
  const placed = new Map<string, PlacedJob>();
  for (const namesakes of byName.values()) {
    namesakes.sort((a, b) => (orderOf(a.externalId) < orderOf(b.externalId) ? -1 : 1));
    for (const [rank, job] of namesakes.entries()) {
      const order = orderOf(job.externalId);
      const created = endsBefore(ends, { times: [job.queuedAt], job: order });
      const started = job.startedAt === undefined ? undefined : job.externalId;
      const active = endsBefore(ends, { times: [job.queuedAt, job.startedAt], job: order, started });
      const runAttempt = Math.max(1 + active, attemptIn(job.runId, key));
      placed.set(job.id, { job, attempt: rank + 1, runAttempt, created: 1 + created === runAttempt });
    }
  }
  return placed;
}

const attemptIn = (runId: string, key: string): number => Number(runId.slice(key.length + 1)) || 1;

/** The facts with their numbers, and corrections of what is known already; without what would change nothing. */
function newJobs(facts: readonly JobFact[], known: readonly Job[], placed: ReadonlyMap<string, PlacedJob>): JobFact[] {
  const numbersOf = (id: string) => {
    const found = placed.get(id);
    return found === undefined ? {} : { attempt: found.attempt, runId: runIdOf(found.job, found.runAttempt) };
  };
  const told = new Set(facts.map((fact) => fact.id));
  const corrections = known
    .filter((job) => !told.has(job.id))
    .map(({ id, statusAt, origin }): JobFact => ({ id, statusAt, origin, ...numbersOf(id) }));
  const states = new Map(known.map((job) => [job.id, job]));
  return [...facts.map((fact) => ({ ...fact, ...numbersOf(fact.id) })), ...corrections].filter((fact) =>
    changes('job', states.get(fact.id), fact),
  );
}

const runIdOf = (job: Job, attempt: number): string =>
  ids.run(job.platform, runKeyOf(job.id).split(':')[1] ?? '', attempt);

type Standing = Pick<RunFact, 'status' | 'statusAt' | 'origin' | 'endedAt'>;

/** Facts for each attempt that is known of, derived from everything that is known. */
function projections(shared: Run, jobs: ReadonlyMap<string, PlacedJob>, key: string): RunFact[] {
  const { course, id: _id, version, createdAt, updatedAt, entity, schema, queuedAt, ...what } = shared;
  const { ends = [], seen = [] } = course ?? {};
  const project = (attempt: number, { status, statusAt, origin, endedAt }: Standing): RunFact =>
    present({
      ...what,
      id: `${key}:${attempt}`,
      attempt,
      basis: ends.length === 0 ? undefined : ends.length,
      ...{ status, statusAt, origin, endedAt },
      ...timesOf(attempt, queuedAt, jobs),
      course: attempt === 1 ? course : undefined,
    });

  const current = ends.length + 1;
  const derived = derivedFrom([...jobs.values()].filter((job) => job.runAttempt === current));
  return [
    ...ends.map(({ at, status, origin }, index) => project(index + 1, { status, statusAt: at, origin, endedAt: at })),
    ...seen.map(({ at, status, origin }) => project(current, { status, statusAt: at, origin })),
    ...(derived === undefined ? [] : [project(current, derived)]),
  ];
}

/** Since when an attempt was waited for and at work. */
function timesOf(attempt: number, pipelineCreated: string | undefined, jobs: ReadonlyMap<string, PlacedJob>) {
  const its = [...jobs.values()].filter((placed) => placed.runAttempt === attempt);
  const begun = its.map(({ job, created }) => (created ? job.queuedAt : job.startedAt));
  return {
    queuedAt: first(attempt === 1 ? [pipelineCreated, ...begun] : begun),
    startedAt: first(its.map(({ job }) => job.startedAt)),
  };
}

/** How far the jobs of an attempt show it to be. */
function derivedFrom(jobs: readonly PlacedJob[]) {
  const [example] = jobs;
  if (example === undefined) return undefined;
  const started = last(jobs.map(({ job }) => job.startedAt));
  const activeAt = last(jobs.flatMap(({ job }) => [job.queuedAt, job.startedAt]));
  const statusAt = started ?? activeAt ?? last(jobs.map(({ job }) => job.statusAt));
  if (statusAt === undefined) return undefined;
  return {
    status: started === undefined ? ('queued' as const) : ('running' as const),
    statusAt,
    origin: example.job.origin,
  };
}

/** The facts that would change what is known. */
function newRuns(facts: readonly RunFact[], known: readonly Run[]): RunFact[] {
  const states = new Map(known.map((run) => [run.id, run]));
  return facts.filter((fact) => {
    const state = states.get(fact.id);
    if (!changes('run', state, fact)) return false;
    states.set(fact.id, machines.run.merge(state, fact));
    return true;
  });
}

const changes = (entity: 'run' | 'job', state: Run | Job | undefined, fact: RunFact | JobFact): boolean => {
  const { merge } = machines[entity];
  return state === undefined || canonical(merge(state as never, fact as never)) !== canonical(state);
};

function joinedJobs(known: readonly Job[], facts: readonly JobFact[]): Map<string, Job> {
  const all = new Map(known.map((job) => [job.id, job]));
  for (const fact of facts) all.set(fact.id, machines.job.merge(all.get(fact.id), fact));
  return all;
}

/** An id of GitLab as text that sorts like the number. */
export const orderOf = (id: string | number): string => String(id).padStart(16, '0');

export const last = (times: readonly (string | undefined)[]): string | undefined =>
  times.reduce((a, b) => (a === undefined || (b !== undefined && b > a) ? b : a), undefined);
const first = (times: readonly (string | undefined)[]): string | undefined =>
  times.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined);
