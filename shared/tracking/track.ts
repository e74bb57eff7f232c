import { keepWindows } from '../maintenance/index.ts';
import { canonical, type EntityName, type RunnerFact, type State } from '../model/index.ts';
import type { Platform, PlatformFacts } from '../platforms/port.ts';
import { AWAITED, runKeyOf, runPartition, type Store, stateOf } from '../store/index.ts';
import { trackAutomation, withRuns } from './automations.ts';
import { linkMirrors } from './mirrors.ts';
import { policyOf } from './policy.ts';
import { noteStrain } from './strain.ts';
import { supersede } from './supersede.ts';

/** A pipeline whose facts never settle would be a bug; the message then fails and comes back. */
const PLACINGS = 8;

/** Writes what a delivery tells into runs, jobs, runners and automations. Any order and any repetition ends in the same state. */
export async function track(store: Store, platform: Platform, told: PlatformFacts): Promise<void> {
  const facts = withTimes(platform, told);
  const direct = platform.place === undefined ? news(store, facts) : { runs: [], jobs: [] };
  const known = await store.getMany([
    ...direct.runs.map(({ id }) => ({ entity: 'run' as const, id })),
    ...direct.jobs.map(({ id }) => ({ entity: 'job' as const, id })),
    ...facts.runners.map(({ id }) => ({ entity: 'runner' as const, id })),
    ...facts.automations.map(({ id }) => ({ entity: 'automation' as const, id })),
  ]);
  await Promise.all([
    platform.place === undefined ? mergeAll(store, direct, known) : placeAll(store, platform, platform.place, facts),
    ...facts.runners.map((fact) => trackRunner(store, fact, known.get(`runner ${fact.id}`) as State<'runner'>)),
    ...withRuns(facts).map((fact) =>
      trackAutomation(store, fact, known.get(`automation ${fact.id}`) as State<'automation'>),
    ),
  ]);
  await Promise.all([
    supersede(store, facts.lines ?? []),
    keepWindows(store, facts.windows ?? []),
    policyOf(store).then((policy) => linkMirrors(store, facts, policy)),
  ]);
}

async function trackRunner(store: Store, fact: RunnerFact, known: State<'runner'>): Promise<void> {
  const { after } = await store.merge('runner', fact, known);
  if (after?.trend !== undefined) await noteStrain(store, after);
}

const [LOOK_AFTER_MS, ROUNDED_MS] = [60 * 60_000, 30 * 60_000];

/**
 * A run that has not ended is to be looked at some time, where its platform can be asked. The times are rounded, as each job
 * that starts says anew since when its run is at work, and another time would be another write of the index.
 */
function withTimes(platform: Platform, facts: PlatformFacts): PlatformFacts {
  if (platform.sweeper === undefined) return facts;
  const runs = facts.runs.map((fact) => {
    // A person may take any time to approve; and what somebody reports of a commit is theirs to end.
    if ((fact.status !== 'queued' && fact.status !== 'running') || fact.kind !== undefined) return fact;
    const time = Math.ceil((Date.parse(fact.statusAt) + LOOK_AFTER_MS) / ROUNDED_MS) * ROUNDED_MS;
    return { ...fact, wakeAt: new Date(time).toISOString() };
  });
  return { ...facts, runs };
}

type RunFacts = Pick<PlatformFacts, 'runs' | 'jobs'>;

/**
 * Attempts are inferred from all that is known of a run, and someone else may learn more of it at the same time: place,
 * write, look again, until nothing moves.
 */
async function placeAll(
  store: Store,
  platform: Platform,
  place: NonNullable<Platform['place']>,
  facts: PlatformFacts,
): Promise<void> {
  for (let round = 0; round < PLACINGS; round++) {
    const before = await knownOf(store, facts);
    const known = new Map<string, State>();
    for (const state of [...before.runs, ...before.jobs]) known.set(`${state.entity} ${state.id}`, state);
    if (!(await mergeAll(store, news(store, withTimes(platform, place(facts, before))), known))) return;
  }
  throw new Error(`the attempts of ${facts.runs[0]?.id ?? facts.jobs[0]?.id} do not settle`);
}

/** True when anything changed. */
async function mergeAll(store: Store, facts: RunFacts, known: ReadonlyMap<string, State | null>): Promise<boolean> {
  const changes = await Promise.all([
    ...facts.runs.map((fact) => store.merge('run', fact, known.get(`run ${fact.id}`) as State<'run'>)),
    ...facts.jobs.map((fact) => store.merge('job', fact, known.get(`job ${fact.id}`) as State<'job'>)),
  ]);
  remember(store, facts);
  return changes.some(({ changed }) => changed);
}

/** How many facts a process remembers to have told. */
const REMEMBERED = 5_000;
const told = new WeakMap<Store, Set<string>>();

// What a fact without a status was learnt from has another time each time, which means nothing.
const gist = (entity: string, fact: RunFacts['runs'][number] | RunFacts['jobs'][number]): string =>
  canonical([entity, fact.status === undefined ? { ...fact, statusAt: '' } : fact]);

/**
 * The facts that this process has not merged before: by the laws of merging, the very same fact cannot change anything again.
 * Each job of a run repeats what its run is called and where it belongs, which would be a read each.
 */
function news(store: Store, { runs, jobs }: RunFacts): RunFacts {
  const memory = told.get(store);
  if (memory === undefined) return { runs, jobs };
  return {
    runs: runs.filter((fact) => !memory.has(gist('run', fact))),
    jobs: jobs.filter((fact) => !memory.has(gist('job', fact))),
  };
}

function remember(store: Store, { runs, jobs }: RunFacts): void {
  const known = told.get(store);
  const memory = known === undefined || known.size >= REMEMBERED ? new Set<string>() : known;
  told.set(store, memory);
  for (const fact of runs) memory.add(gist('run', fact));
  for (const fact of jobs) memory.add(gist('job', fact));
}

async function knownOf(store: Store, facts: PlatformFacts): Promise<{ runs: State<'run'>[]; jobs: State<'job'>[] }> {
  const keys = new Set([...facts.runs, ...facts.jobs].map((fact) => runKeyOf(fact.id)));
  const known = await Promise.all([...keys].map((key) => readRun(store, key)));
  return { runs: known.flatMap((run) => run.runs), jobs: known.flatMap((run) => run.jobs) };
}

/** Everything known of one run: its attempts, jobs, failures and fixes, in one consistent read. */
export interface RunRecord {
  runs: State<'run'>[];
  jobs: State<'job'>[];
  failures: State<'failure'>[];
  remediations: State<'remediation'>[];
  /** The fixes of other runs that are proved by the end of this one, by their ids. */
  awaitedBy: string[];
}

/** `id` may be the id of the run, or of anything that belongs to it. */
export async function readRun(store: Store, id: string): Promise<RunRecord> {
  const items = await store.partition(runPartition(id));
  const of = <E extends EntityName>(entity: E): State<E>[] =>
    items.filter((item) => item.entity === entity).map((item) => stateOf(entity, item));
  return {
    ...{ runs: of('run'), jobs: of('job'), failures: of('failure'), remediations: of('remediation') },
    awaitedBy: items.flatMap(({ sk }) => (String(sk).startsWith(AWAITED) ? String(sk).slice(AWAITED.length) : [])),
  };
}
