import {
  type AutomationFact,
  automationStatusOf,
  canonical,
  type EntityName,
  type Fact,
  type State,
} from '../model/index.ts';
import type { Platform, PlatformFacts } from '../platforms/port.ts';
import { mergeInto, runKeyOf, runPartition, type Store, stateOf } from '../store/index.ts';

/** A pipeline whose facts never settle would be a bug; the message then fails and comes back. */
const PLACINGS = 8;

/** Writes what a delivery tells into runs, jobs, runners and automations. Any order and any repetition ends in the same state. */
export async function track(store: Store, platform: Platform, facts: PlatformFacts): Promise<void> {
  await Promise.all([
    trackRuns(store, platform, facts),
    ...facts.runners.map((fact) => store.merge('runner', fact)),
    ...facts.automations.map((fact) => trackAutomation(store, fact)),
  ]);
}

async function trackRuns(store: Store, platform: Platform, facts: PlatformFacts): Promise<void> {
  if (platform.place === undefined) {
    await mergeAll(store, facts);
    return;
  }
  // Attempts are inferred from all that is known of a run, and someone else may learn more of it at the same time:
  // place, write, look again, until nothing moves.
  for (let round = 0; round < PLACINGS; round++) {
    const placed = platform.place(facts, await knownOf(store, facts));
    if (!(await mergeAll(store, placed))) return;
  }
  throw new Error(`the attempts of ${facts.runs[0]?.id ?? facts.jobs[0]?.id} do not settle`);
}

/** True when anything changed. */
async function mergeAll(store: Store, facts: PlatformFacts): Promise<boolean> {
  const changes = await Promise.all([
    ...facts.runs.map((fact) => tell(store, 'run', fact)),
    ...facts.jobs.map((fact) => tell(store, 'job', fact)),
  ]);
  return changes.some((changed) => changed);
}

/** How many facts a process remembers to have told. */
const REMEMBERED = 5_000;
const told = new WeakMap<Store, Set<string>>();

/**
 * Merges a fact, unless this process has merged the very same one: by the laws of merging, it cannot change anything again.
 * Each job of a run repeats what its run is called and where it belongs, which would be a read each.
 */
async function tell<E extends 'run' | 'job'>(store: Store, entity: E, fact: Fact<E>): Promise<boolean> {
  const memory = told.get(store) ?? new Set<string>();
  told.set(store, memory);
  // What a fact without a status was learnt from has another time each time, which means nothing.
  const key = canonical([entity, fact.status === undefined ? { ...fact, statusAt: '' } : fact]);
  if (memory.has(key)) return false;
  const { changed } = await store.merge(entity, fact);
  if (memory.size >= REMEMBERED) memory.clear();
  memory.add(key);
  return changed;
}

async function knownOf(store: Store, facts: PlatformFacts): Promise<{ runs: State<'run'>[]; jobs: State<'job'>[] }> {
  const keys = new Set([...facts.runs, ...facts.jobs].map((fact) => runKeyOf(fact.id)));
  const known = await Promise.all([...keys].map((key) => readRun(store, key)));
  return { runs: known.flatMap((run) => run.runs), jobs: known.flatMap((run) => run.jobs) };
}

/** An automation's status follows from the runs it remembers, so it is derived after each merge, not merged. */
function trackAutomation(store: Store, fact: AutomationFact) {
  return store.change('automation', fact.id, (state) => {
    const merged = mergeInto('automation', state, fact);
    const last = merged.recent.at(-1);
    return last === undefined
      ? merged
      : { ...merged, status: automationStatusOf(merged.recent), statusAt: last.endedAt };
  });
}

/** Everything known of one run: its attempts, jobs, failures and fixes, in one consistent read. */
export interface RunRecord {
  runs: State<'run'>[];
  jobs: State<'job'>[];
  failures: State<'failure'>[];
  remediations: State<'remediation'>[];
}

/** `id` may be the id of the run, or of anything that belongs to it. */
export async function readRun(store: Store, id: string): Promise<RunRecord> {
  const items = await store.partition(runPartition(id));
  const of = <E extends EntityName>(entity: E): State<E>[] =>
    items.filter((item) => item.entity === entity).map((item) => stateOf(entity, item));
  return { runs: of('run'), jobs: of('job'), failures: of('failure'), remediations: of('remediation') };
}
