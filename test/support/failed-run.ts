import type { FailureFact, IncidentFact, JobFact, RunFact } from '../../shared/model/index.ts';
import { ids, type Store } from '../../shared/store/index.ts';

export interface FailedRun {
  runId: string;
  jobIds: string[];
  incidentIds: string[];
}

/** A run of the platform `fake` that has ended badly, its failed jobs diagnosed, each in an incident of its own. */
export async function failedRun(
  store: Store,
  options: {
    externalId?: string;
    jobs?: { name: string; transient: boolean | null }[];
    endedAt?: string;
    origin?: 'live' | 'replayed';
    repository?: string;
    /** All of its failures are of this one. */
    incidentId?: string;
  } = {},
): Promise<FailedRun> {
  const {
    externalId = '1',
    jobs = [{ name: 'test', transient: true }],
    origin = 'live',
    repository = 'acme/shop',
  } = options;
  const at = options.endedAt ?? store.now();
  const runId = ids.run('fake', externalId, 1);
  const common = { platform: 'fake', repository, statusAt: at, origin, attempt: 1 } as const;
  const run: RunFact = { ...common, id: runId, externalId, status: 'failed', endedAt: at, name: 'ci' };
  await store.merge('run', run);
  const made: FailedRun = { runId, jobIds: [], incidentIds: [] };
  for (const [index, { name, transient }] of jobs.entries()) {
    const jobExternalId = `${externalId}${index + 1}`;
    const id = ids.job('fake', externalId, jobExternalId);
    const incidentId = options.incidentId ?? ids.incident(`f${externalId}${index}`, 1);
    const job: JobFact = {
      ...common,
      id,
      runId,
      externalId: jobExternalId,
      name,
      status: 'failed',
      endedAt: at,
      steps: [],
    };
    await store.merge('job', job);
    const incident: IncidentFact = {
      ...{
        id: incidentId,
        fingerprint: `f${externalId}${index}`,
        episode: 1,
        title: name,
        cause: 'dns-resolution-failed',
      },
      ...{ category: 'network', severity: 'medium', priority: 3, firstSeenAt: at, lastSeenAt: at },
      ...{ platform: 'fake', repository, statusAt: at, origin, status: 'open' },
    };
    await store.merge('incident', incident);
    const failure: FailureFact = {
      ...common,
      ...{ id, jobId: id, runId, externalId: jobExternalId, name, failedAt: at, incidentId, transient },
      ...{ status: 'diagnosed', cause: 'dns-resolution-failed', category: 'network', severity: 'medium', priority: 3 },
    };
    await store.merge('failure', failure);
    made.jobIds.push(id);
    made.incidentIds.push(incidentId);
  }
  return made;
}

/** The attempt after a rerun, ended: the run and its jobs of the given names. */
export async function nextAttempt(
  store: Store,
  of: {
    externalId?: string;
    attempt?: number;
    jobs: Record<string, 'succeeded' | 'failed'>;
    /** The run ends as its jobs did, unless told otherwise. */
    status?: 'failed';
    /** What failed is diagnosed, as of this incident. */
    incidentId?: string;
  },
): Promise<void> {
  const { externalId = '1', attempt = 2, jobs, incidentId } = of;
  const runId = ids.run('fake', externalId, attempt);
  const common = { platform: 'fake', repository: 'acme/shop', statusAt: store.now(), origin: 'live', attempt } as const;
  const status = of.status ?? (Object.values(jobs).includes('failed') ? 'failed' : 'succeeded');
  await store.merge('run', { ...common, id: runId, externalId, status, endedAt: store.now() });
  for (const [index, [name, outcome]] of Object.entries(jobs).entries()) {
    const id = ids.job('fake', externalId, `${externalId}${attempt}${index}`);
    await store.merge('job', {
      ...common,
      ...{
        id,
        runId,
        externalId: `${externalId}${attempt}${index}`,
        name,
        status: outcome,
        endedAt: store.now(),
        steps: [],
      },
    });
    if (outcome === 'succeeded' || incidentId === undefined) continue;
    await store.merge('failure', {
      ...common,
      ...{
        id,
        jobId: id,
        runId,
        externalId: `${externalId}${attempt}${index}`,
        name,
        failedAt: store.now(),
        incidentId,
      },
      ...{ transient: true, status: 'diagnosed', cause: 'dns-resolution-failed', category: 'network' },
      ...{ severity: 'medium', priority: 3 },
    });
  }
}
