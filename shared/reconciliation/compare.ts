import { isEnded, type Job, type Run } from '../model/index.ts';
import type { RunDetails, SweptRun } from '../platforms/sweeper.ts';
import { ids } from '../store/index.ts';

/** What the platform knows of a run against what QMOI knows of it. Pure. */

export interface Heard {
  readonly runs: readonly Run[];
  readonly jobs: readonly Job[];
}

/** A pipeline that was touched so long after its end has gone on, unheard. */
const TOUCHED_MS = 2 * 60_000;

/** The attempt of a run that the platform speaks of, as it is known. */
export function attemptOf(run: Pick<SweptRun, 'attempt'>, heard: Heard): { run: Run | undefined; jobs: Job[] } {
  const found =
    run.attempt === undefined
      ? [...heard.runs].sort((a, b) => b.attempt - a.attempt)[0]
      : heard.runs.find(({ attempt }) => attempt === run.attempt);
  if (found === undefined) return { run: undefined, jobs: [] };
  const jobs =
    run.attempt === undefined ? newestOfEach(heard.jobs) : heard.jobs.filter(({ runId }) => runId === found.id);
  return { run: found, jobs };
}

/** Where attempts are not numbered, a retry adds jobs, and the platform speaks of the newest of each name. */
function newestOfEach(jobs: readonly Job[]): Job[] {
  const byName = new Map<string, Job>();
  for (const job of jobs) {
    const name = job.name ?? job.id;
    const other = byName.get(name);
    if (other === undefined || job.attempt > other.attempt) byName.set(name, job);
  }
  return [...byName.values()];
}

/** Names the run as a fact, among those of its jobs. */
export const runFactId = (platform: string, run: Pick<SweptRun, 'externalId' | 'attempt'>): string =>
  run.attempt === undefined ? `${platform}:${run.externalId}` : ids.run(platform, run.externalId, run.attempt);

/** Whether the run itself was never heard of, or never of its end. */
export function isRunMissing(run: Pick<SweptRun, 'attempt' | 'ended' | 'updatedAt'>, heard: Heard): boolean {
  const { run: known } = attemptOf(run, heard);
  if (known === undefined) return true;
  if (!run.ended) return false;
  if (!isEnded(known.status)) return true;
  const goneOn =
    run.attempt === undefined &&
    known.endedAt !== undefined &&
    Date.parse(run.updatedAt) - Date.parse(known.endedAt) > TOUCHED_MS;
  return goneOn;
}

/**
 * Whether the platform has to be asked for the jobs of a run. `expected`: how many jobs runs of its kind have, as far as the
 * platform has told; undefined: it has not yet.
 */
export function needsDetails(
  run: SweptRun,
  heard: Heard,
  { endTellsJobs, expected }: { endTellsJobs: boolean; expected: number | undefined },
): boolean {
  const missing = isRunMissing(run, heard);
  if (endTellsJobs || !run.ended) return missing && run.told === undefined;
  const { jobs } = attemptOf(run, heard);
  return expected === undefined || jobs.length < expected || jobs.some(({ status }) => !isEnded(status));
}

/** The jobs among a platform's own that were never heard of, or never of their end. */
export function missingJobs(details: RunDetails, heard: Heard): RunDetails['jobs'] {
  const known = new Map(heard.jobs.map((job) => [job.id, job]));
  return details.jobs.filter(({ id, ended }) => {
    const job = known.get(id);
    return job === undefined || (ended && !isEnded(job.status));
  });
}

/** Which of the facts that were missing still are. */
export function stillMissing(
  platform: string,
  run: Pick<SweptRun, 'externalId' | 'attempt' | 'ended' | 'updatedAt'>,
  facts: readonly string[],
  heard: Heard,
): string[] {
  const known = new Map(heard.jobs.map((job) => [job.id, job]));
  const runId = runFactId(platform, run);
  return facts.filter((fact) => {
    if (fact === runId) return isRunMissing(run, heard);
    const job = known.get(fact);
    return job === undefined || (run.ended && !isEnded(job.status));
  });
}
