import {
  type Failure,
  FLIPS_KEPT,
  type Flake,
  type FlakeKind,
  type Flip,
  isEnded,
  isLive,
  type Job,
  type Sample,
} from '../model/index.ts';
import type { TestReport } from '../platforms/port.ts';
import { ids, listEntities, MAX_LIMIT, mergeInto, type Store } from '../store/index.ts';
import { readRun } from '../tracking/index.ts';
import { suspectedCauseOf } from './suspect.ts';

const DAY_MS = 86_400_000;
/** So many flips within so long make a job or test flaky; it is stable again only after a longer quiet (hysteresis). */
const FLAKY_FLIPS = 2;
const FLAKY_WITHIN_MS = 14 * DAY_MS;
const STABLE_AFTER_MS = 30 * DAY_MS;
/** A run that fails in hundreds of tests and then passes says little of each of them. */
const MAX_TESTS = 20;
/** Whoever trusts one flip trusts it half; every further one halves the doubt. */
const DOUBT = 0.5;
/** What a rerun does not fix by its cause was mended by something else, as a cache. */
const DETERMINISTIC = 0.5;

interface Subject {
  readonly kind: FlakeKind;
  readonly name: string;
  readonly failure: Failure;
}

/**
 * Notes a job that has passed after it had failed at the same commit, and the tests that did. A flip that is known already is not
 * written again. `reportOf` is asked once at most, and only where tests had failed.
 */
export async function noteFlips(
  store: Store,
  passedJobId: string,
  reportOf: (job: Job) => Promise<TestReport | undefined>,
): Promise<void> {
  const { jobs, failures } = await readRun(store, passedJobId);
  const job = jobs.find(({ id }) => id === passedJobId);
  if (job?.status !== 'succeeded') return;
  let report: Promise<TestReport | undefined> | undefined;
  for (const failure of failures) {
    if (failure.status !== 'diagnosed' || !isLive(failure.origin) || !madeGood(failure, job)) continue;
    const subjects = subjectsOf(failure);
    if (subjects.some(({ kind }) => kind === 'test')) report ??= reportOf(job);
    for (const subject of byReport(subjects, await report, failure)) await note(store, subject);
  }
}

/** The job is a later attempt, at the commit that it had failed at. */
const madeGood = (failure: Failure, job: Job): boolean =>
  job.name === failure.name &&
  job.attempt > failure.attempt &&
  (job.commit === undefined || failure.commit === undefined || job.commit === failure.commit);

/**
 * Without the tests that did not pass with their job: it left them out, or puts up with their failing. And with those that only
 * passed when they were run again. A report that knows none of the tests calls them otherwise than the log did, and tells nothing.
 */
function byReport(subjects: readonly Subject[], report: TestReport | undefined, failure: Failure): Subject[] {
  if (report === undefined) return [...subjects];
  const { failed, passed, skipped, retried } = report;
  const knows = (name: string): boolean => passed.has(name) || failed.has(name) || skipped.has(name);
  const tests = subjects.filter(({ kind }) => kind === 'test');
  const alike = tests.some(({ name }) => knows(name));
  const names = new Set(tests.filter(({ name }) => !alike || passed.has(name)).map(({ name }) => name));
  for (const name of [...retried, ...failed]) if (names.size < MAX_TESTS && passed.has(name)) names.add(name);
  return [
    ...subjects.filter(({ kind }) => kind === 'job'),
    ...[...names].map((name) => ({ kind: 'test' as const, name, failure })),
  ];
}

/** Where the machine or the net failed, the tests are not to blame. */
const BLAMES_TESTS = new Set<Failure['category']>(['automation', 'performance', 'unknown']);

function subjectsOf(failure: Failure): Subject[] {
  const subjects: Subject[] = [];
  if (failure.name !== undefined) subjects.push({ kind: 'job', name: failure.name, failure });
  const tests = failure.tests ?? [];
  if (BLAMES_TESTS.has(failure.category) && tests.length <= MAX_TESTS)
    subjects.push(...tests.map((name) => ({ kind: 'test' as const, name, failure })));
  return subjects;
}

/** Runs read for one failure, to see whether they are of the same automation. */
const MAX_RUNS = 20;

/**
 * Notes the flips that no later attempt tells: a job that has just failed and passed in another run of the same automation at the
 * same commit, and what the latest jobs of the repository say of that job at earlier commits.
 */
export async function noteFlipsAcrossRuns(store: Store, failure: Failure): Promise<void> {
  if (failure.name === undefined || failure.commit === undefined || !isLive(failure.origin)) return;
  if (!BLAMES_TESTS.has(failure.category)) return;
  const ends = await endsOf(store, failure);
  const bothWays = await ofAutomation(store, failure, ends);
  const passed = new Set(bothWays.filter((job) => !failed(job)).map(({ commit }) => commit));
  const flips = bothWays
    .filter((job) => failed(job) && job.id !== failure.id && passed.has(job.commit))
    .map((job) => flipOf(job.id, job.endedAt ?? job.statusAt, 'unknown', job));
  if (!passed.has(failure.commit)) return noteAll(store, { kind: 'job', name: failure.name, failure }, flips, ends);
  const own = flipOf(failure.id, failure.failedAt, suspectedCauseOf(failure), failure);
  for (const subject of subjectsOf(failure)) {
    await noteAll(store, subject, subject.kind === 'job' ? [...flips, own] : [own], ends);
  }
}

/** Of the jobs at commits that saw both outcomes, those of the failure's automation: two workflows may each have a job of a name. */
async function ofAutomation(store: Store, failure: Failure, ends: readonly Job[]): Promise<Job[]> {
  const outcomes = new Map<string, Set<boolean>>([[failure.commit ?? '', new Set([true])]]);
  for (const job of ends) {
    if (job.commit === undefined) continue;
    const known = outcomes.get(job.commit) ?? new Set();
    outcomes.set(job.commit, known.add(failed(job)));
  }
  const candidates = ends.filter(({ commit }) => commit !== undefined && outcomes.get(commit)?.size === 2);
  if (candidates.length === 0) return [];
  const automationOf = async (runId: string): Promise<string | undefined> =>
    (await store.get('run', runId))?.automationId;
  const own = await automationOf(failure.runId);
  const runs = [...new Set(candidates.map(({ runId }) => runId))].slice(-MAX_RUNS);
  const known = await Promise.all(runs.map(async (runId) => [runId, await automationOf(runId)] as const));
  const same = new Set(known.filter(([, automation]) => automation === own).map(([runId]) => runId));
  return candidates.filter(({ runId }) => same.has(runId));
}

const flipOf = (
  failureId: string,
  at: string,
  suspected: string,
  of: { commit?: string | undefined; cause?: string | undefined },
): Flip => ({
  failureId,
  at,
  suspected,
  ...(of.commit !== undefined && { commit: of.commit }),
  ...(of.cause !== undefined && { cause: of.cause }),
});

const note = (store: Store, subject: Subject): Promise<void> => {
  const { failure } = subject;
  return noteAll(store, subject, [flipOf(failure.id, failure.failedAt, suspectedCauseOf(failure), failure)]);
};

/** Adds flips to what is known of a job or test; nothing is written where all of them are known. */
async function noteAll(
  store: Store,
  { kind, name, failure }: Subject,
  flips: readonly Flip[],
  ends?: readonly Job[],
): Promise<void> {
  const { platform, repository } = failure;
  const id = ids.flake(kind, platform, repository, name);
  if (flips.length === 0) return;
  const known = await store.get('flake', id);
  const news = flips.filter(({ failureId }) => !known?.flips.some((flip) => flip.failureId === failureId));
  const oldest = known !== undefined && known.flips.length >= FLIPS_KEPT ? (known.flips[0]?.at ?? '') : '';
  if (!news.some(({ at }) => at > oldest)) return;
  const sample = failure.name === undefined ? undefined : sampleOf(store.now(), ends ?? (await endsOf(store, failure)));
  await store.change(
    'flake',
    id,
    (state) =>
      derive(
        mergeInto('flake', state, {
          ...{ id, kind, platform, repository, name, origin: failure.origin, statusAt: failure.failedAt },
          flips: news,
          ...(kind === 'test' && failure.name !== undefined && { jobName: failure.name }),
          ...(sample !== undefined && { sample }),
        }),
        failure.transient === false ? DETERMINISTIC : 1,
        store.now(),
      ),
    known ?? null,
  );
}

/** Everything else of a flake follows from its flips. */
function derive(flake: Flake, weight: number, now: string): Flake {
  const last = flake.flips.at(-1);
  if (last === undefined) return flake;
  const since = (time: number): number =>
    flake.flips.filter(({ at }) => Date.parse(last.at) - Date.parse(at) <= time).length;
  const trials = flake.sample === undefined ? 0 : flake.sample.runs - 1;
  const { wakeAt: _, ...rest } = flake;
  return {
    ...rest,
    status: flake.status === 'flaky' || since(FLAKY_WITHIN_MS) >= FLAKY_FLIPS ? 'flaky' : 'suspected',
    statusAt: last.at > flake.statusAt ? last.at : flake.statusAt || now,
    wakeAt: new Date(Date.parse(last.at) + STABLE_AFTER_MS).toISOString(),
    lastSeenAt: last.at,
    suspectedCause: mostFrequent(flake.flips.map(({ suspected }) => suspected)),
    confidence: rounded(weight * (1 - DOUBT ** since(STABLE_AFTER_MS))),
    ...(flake.sample !== undefined && trials > 0 && { flipRate: rounded(flake.sample.flips / trials) }),
  };
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

function mostFrequent(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) if (word !== 'unknown') counts.set(word, (counts.get(word) ?? 0) + 1);
  const [first] = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return first?.[0] ?? 'unknown';
}

/** How a job ended in the latest jobs of its repository, whatever their runs and commits; oldest first. */
async function endsOf(store: Store, { platform, repository, name }: Failure): Promise<Job[]> {
  const { items } = await listEntities(store, 'job', {
    filters: { platform: [platform], repository: [repository] },
    limit: MAX_LIMIT,
  });
  return items
    .filter((job) => job.name === name && (job.status === 'succeeded' || failed(job)))
    .sort((a, b) => (endOf(a) < endOf(b) ? -1 : 1));
}

function sampleOf(at: string, ends: readonly Job[]): Sample {
  const flips = ends.filter((job, index) => index > 0 && failed(job) !== failed(ends[index - 1] as Job)).length;
  return { at, runs: ends.length, failures: ends.filter(failed).length, flips };
}

const failed = ({ status }: Job): boolean => isEnded(status) && (status === 'failed' || status === 'timed-out');
const endOf = (job: Job): string => `${job.endedAt ?? job.statusAt}|${job.id}`;

/** What is owed to a flake that was due: it is stable when it has not flipped for long enough. */
export async function settleFlake(store: Store, id: string): Promise<void> {
  await store.change('flake', id, (state) => {
    if (state === undefined || state.status === 'stable' || state.lastSeenAt === undefined) return undefined;
    const quiet = Date.parse(store.now()) - Date.parse(state.lastSeenAt);
    const { wakeAt: _, ...rest } = state;
    return quiet < STABLE_AFTER_MS ? undefined : { ...rest, status: 'stable', statusAt: store.now(), confidence: 0 };
  });
}
