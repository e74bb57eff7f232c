import { type Diagnosis, diagnose, diagnoseWithoutLog } from '../../shared/diagnosis/index.ts';
import { noteFlips, noteFlipsAcrossRuns } from '../../shared/flakiness/index.ts';
import {
  attach,
  closeIfGood,
  correlate,
  priorityOf,
  severityOf,
  stayAttached,
  termsOf,
} from '../../shared/incidents/index.ts';
import { type Failure, type FailureFact, isLive, type Job } from '../../shared/model/index.ts';
import {
  LogNotReady,
  LogUnavailable,
  type Platform,
  type PlatformClient,
  PlatformUnavailable,
  type ReadParameters,
} from '../../shared/platforms/port.ts';
import { type Book, bookOf, noteHit, noteUnknown, type OwnRules } from '../../shared/rulebook/index.ts';
import type { Count } from '../../shared/runtime/observability.ts';
import { again, done, type Rest } from '../../shared/runtime/rest.ts';
import { mergeInto, type Store } from '../../shared/store/index.ts';
import { greenLog } from './green-log.ts';
import { reportOf, withReport } from './test-report.ts';

export interface DiagnoseDeps {
  store: Store;
  platforms: Readonly<Record<string, Platform>>;
  read: ReadParameters;
  now: () => number;
  /** The rules of the settings. */
  declared?: OwnRules;
  count?: Count;
}

/** More than any log a person would read; the reader keeps only what explains the failure. */
const MAX_LOG_BYTES = 64 * 1024 * 1024;
/** A log that is not there is asked for as often as this, however late the first question comes. */
const ENOUGH_LOOKS = 5;
/** After an outage of the platform of this length nobody waits for the diagnosis any more. */
const OUTAGE_PATIENCE_MS = 6 * 3_600_000;
/** `wake` comes back to a failure whose messages were used up by waiting. */
const WAKE_AFTER_MS = 5 * 60_000;
/** Logs appear within seconds of a job's end, so the first ones are watched closely: seconds, in fewer looks than a message lives. */
const WAITS = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 5, 5, 10, 20, 60];

/** Items are small; who fails in more tests than that is not flaky. */
const MAX_TESTS = 50;
const MAX_TEST_NAME = 300;

/** The share of unknowns is a metric. */
const KNOWN: Readonly<Record<string, string>> = { unknown: 'unknown', 'log-unavailable': 'no-log' };

/** `id` is the job's, and so the failure's. */
export async function diagnoseJob(id: string, receives: number, deps: DiagnoseDeps): Promise<Rest> {
  const { store, now } = deps;
  const job = await store.get('job', id);
  if (job === undefined || (job.status !== 'failed' && job.status !== 'timed-out')) return done;
  // What is replayed or filled in later was diagnosed in its time, or is of no use to anyone now.
  if (!isLive(job.origin)) return done;
  const { after: failure } = await store.change(
    'failure',
    id,
    (state) => state ?? mergeInto('failure', undefined, detected(job, now())),
  );
  if (failure === undefined || failure.status === 'diagnosed') return done;
  const [client, book] = await Promise.all([
    deps.platforms[job.platform]?.client(deps.read),
    bookOf(store, deps.declared ?? {}),
  ]);
  const read = await readLog(job, failure, receives, { ...deps, client, book });
  if ('again' in read) return read;
  // Before the failure is known to be diagnosed, as the message may come again. A hit decides nothing, and holds nothing up.
  if (read.cause === 'unknown' && read.template !== '') {
    const { platform, repository, failedAt } = failure;
    await noteUnknown(store, { id, template: read.template, repository: `${platform}/${repository}`, failedAt });
  }
  const diagnosis = await withReport(read, job, { store, client, now });
  const { cause } = read;
  const explained = book.rules.some((rule) => rule.id === cause);
  await Promise.all([settle(store, failure, job, diagnosis), explained && noteHit(store, cause, failure)]);
  deps.count?.('Diagnoses', { cause: KNOWN[cause] ?? 'known' });
  return done;
}

/** A later attempt of a job has passed, by its id: it is flaky, and so may be tests of it. */
export async function noteRecovery(id: string, deps: DiagnoseDeps): Promise<Rest> {
  const { store, now } = deps;
  const client = async (job: Job) => deps.platforms[job.platform]?.client(deps.read);
  await noteFlips(store, id, async (job) => reportOf(job, { store, now, client: await client(job) }));
  return done;
}

/** The diagnosis, or how long to wait for the log. */
async function readLog(
  job: Job,
  failure: Failure,
  receives: number,
  { store, now, client, book }: DiagnoseDeps & { client: PlatformClient | undefined; book: Book },
): Promise<Diagnosis | Rest> {
  const failedStep = job.steps.find((step) => step.status === 'failed' || step.status === 'timed-out')?.name;
  const context = {
    platform: job.platform,
    jobName: job.name ?? job.externalId,
    ...(failedStep !== undefined && { failedStep }),
    ...(job.runner !== undefined && { runnerName: job.runner.name }),
  };
  const outcome = job.status === 'timed-out' ? 'timed-out' : 'failed';
  if (client === undefined) return diagnoseWithoutLog(outcome, context);
  const { rules, preferred, demoted } = book;
  try {
    // First, as an answer that has begun has to be read to its end within seconds.
    const success = await greenLog(job, { store, client, rules, now });
    const log = await client.jobLog(job, { maxBytes: MAX_LOG_BYTES });
    const diagnosis = await diagnose(log, context, {
      rules,
      preferred,
      demoted,
      ...(success !== undefined && { success }),
    });
    return diagnosis.cause === 'unknown' && outcome === 'timed-out' ? diagnoseWithoutLog(outcome, context) : diagnosis;
  } catch (error) {
    if (error instanceof LogUnavailable) return diagnoseWithoutLog(outcome, context);
    if (!(error instanceof LogNotReady || error instanceof PlatformUnavailable)) throw error;
    if (givenUp(error, now() - Date.parse(failure.createdAt), receives)) return diagnoseWithoutLog(outcome, context);
    // Once the waits are used up, the failure's `wakeAt` carries on.
    const wait = WAITS[receives - 1];
    if (wait === undefined) return done;
    return again(Math.max(wait, (error instanceof PlatformUnavailable && error.retryAfter) || 0), error.message);
  }
}

const givenUp = (error: LogNotReady | PlatformUnavailable, waitedMs: number, looks: number): boolean =>
  error instanceof LogNotReady
    ? waitedMs > error.patienceSeconds * 1000 && looks >= ENOUGH_LOOKS
    : waitedMs > OUTAGE_PATIENCE_MS;

function detected(job: Job, now: number): FailureFact {
  const { id, platform, externalId, repository, name, branch, commit, url, runId, attempt, origin } = job;
  const failedAt = job.endedAt ?? job.statusAt;
  return {
    ...{ id, origin, platform, externalId, repository, name, branch, commit, url, jobId: id, runId, attempt, failedAt },
    status: 'detected',
    statusAt: failedAt,
    wakeAt: new Date(now + WAKE_AFTER_MS).toISOString(),
  };
}

async function settle(store: Store, failure: Failure, job: Job, diagnosis: Diagnosis): Promise<void> {
  const { cause, category, transient, remedy, excerpt, template, fingerprint, confidence, caches = [] } = diagnosis;
  const tests = diagnosis.tests.slice(0, MAX_TESTS).map((name) => name.slice(0, MAX_TEST_NAME));
  const terms = termsOf({ severity: diagnosis.severity, branch: failure.branch, ...(await purposeOf(store, job)) });
  const [severity, priority] = [severityOf(terms), priorityOf(terms)];
  const seen = {
    fingerprint,
    title: `${cause} in ${job.name ?? job.externalId} of ${failure.repository}`,
    cause,
    category,
    terms,
    remedy,
    platform: failure.platform,
    repository: failure.repository,
    origin: failure.origin,
    seenAt: failure.failedAt,
  };
  const fact = (incidentId?: string): FailureFact => ({
    id: failure.id,
    status: 'diagnosed',
    statusAt: failure.failedAt,
    origin: failure.origin,
    ...{ cause, category, transient, severity, priority, terms, remedy, excerpt, template, fingerprint, confidence },
    ...(tests.length > 0 && { tests }),
    ...(caches.length > 0 && { caches }),
    ...(incidentId !== undefined && { incidentId }),
  });
  if (job.allowFailure === true) {
    // Its pipeline goes on without it, by its owner's wish: it is known why it failed, and nobody is told.
    await store.merge('failure', fact());
    return;
  }
  // Whoever reads a log for long may find that the same message has led somewhere meanwhile, even to the incident's end.
  if ((await store.get('failure', failure.id))?.status === 'diagnosed') return;
  const incidentId = await attach(store, seen);
  await correlate(store, incidentId, {
    ...{ platform: failure.platform, repository: failure.repository, category, commit: failure.commit },
    ...{ runner: job.runner?.name, labels: job.labels, lines: diagnosis.lines.map(({ text }) => text) },
    at: failure.failedAt,
  });
  const { after } = await store.change('failure', failure.id, (state) =>
    state?.status === 'diagnosed' ? undefined : mergeInto('failure', state, fact(incidentId)),
  );
  if (after !== undefined) await noteFlipsAcrossRuns(store, after);
  if (after?.incidentId !== incidentId)
    return closeIfGood(store, incidentId, 'its failure belongs elsewhere', failure.origin);
  await stayAttached(store, failure.id, incidentId, seen);
}

/** What the failed run was for, as far as it is known. */
async function purposeOf(store: Store, job: Job): Promise<{ environment?: string; automation?: string }> {
  const run = await store.get('run', job.runId);
  const automation = run?.automationId === undefined ? undefined : await store.get('automation', run.automationId);
  const category = automation?.category ?? (run?.kind === 'deployment' ? 'deployment' : undefined);
  return {
    ...(run?.environment !== undefined && { environment: run.environment }),
    ...(category !== undefined && { automation: category }),
  };
}
