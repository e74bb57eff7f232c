import type { Automation, AutomationFact, State } from '../model/index.ts';
import { present } from '../platforms/clean.ts';
import type { PlatformFacts } from '../platforms/port.ts';
import { type Change, type ListQuery, listEntities, mergeInto, type Page, type Store } from '../store/index.ts';
import { categoryOf, type Policy, policyOf, scheduleOf } from './policy.ts';
import { standingOf } from './standing.ts';

/**
 * Adds what the runs of a delivery tell of their automations. How long a run took and what started it are remembered with its
 * end, when the last one began with the automation.
 */
export function withRuns({ automations, runs }: Pick<PlatformFacts, 'automations' | 'runs'>): AutomationFact[] {
  return automations.map((fact) => {
    const its = runs.filter((run) => run.automationId === fact.id);
    const [lastRunAt] = its
      .flatMap((run) => run.queuedAt ?? run.startedAt ?? [])
      .sort()
      .reverse();
    const recent = fact.recent?.map((entry) => {
      const run = its.find(({ id }) => id === entry.runId);
      const seconds = entry.seconds ?? secondsBetween(run?.startedAt, entry.endedAt);
      const scheduled = entry.scheduled ?? (run?.event === 'schedule' || undefined);
      return present({ ...entry, seconds, scheduled, branch: run?.branch, environment: run?.environment });
    });
    return { ...fact, ...(recent !== undefined && { recent }), ...(lastRunAt !== undefined && { lastRunAt }) };
  });
}

function secondsBetween(start: string | undefined, end: string): number | undefined {
  if (start === undefined) return undefined;
  const seconds = Math.round((Date.parse(end) - Date.parse(start)) / 1000);
  return seconds >= 0 ? seconds : undefined;
}

/** What follows from what is remembered of an automation is derived after each merge, not merged. */
export async function trackAutomation(
  store: Store,
  { status, reason, ...fact }: AutomationFact,
  known?: State<'automation'> | null,
): Promise<Change<'automation'>> {
  const isOff = status === 'disabled' || status === 'silent';
  // What the platform says of its switch is one more thing to be remembered.
  const told: AutomationFact = {
    recent: [],
    ...fact,
    ...(isOff ? { disabledAt: fact.statusAt } : status !== undefined && { enabledAt: fact.statusAt }),
    ...(isOff && reason !== undefined && { off: { at: fact.statusAt, status, reason } }),
  };
  const policy = await policyOf(store);
  return store.change(
    'automation',
    fact.id,
    (state) => settled(mergeInto('automation', state, told), policy, store.now()),
    known,
  );
}

/** Looks at an automation anew: its time has come, or the rules have changed. */
export async function settleAutomation(store: Store, known: Automation): Promise<Change<'automation'>> {
  const policy = await policyOf(store);
  return store.change('automation', known.id, (state) => state && settled(state, policy, store.now()), known);
}

function settled(state: Automation, policy: Policy, now: string): Automation {
  const { wakeAt: _, reason: __, category: ___, schedule: ____, ...rest } = state;
  // What newer rules said is not taken back by whoever has not heard of them.
  const outdated = (state.rulesVersion ?? 0) > policy.version;
  const category = outdated ? state.category : categoryOf(state, policy.categories);
  const schedule = outdated ? state.schedule : scheduleOf(state, policy);
  const { wakeAt, reason, ...standing } = standingOf({ ...rest, schedule }, now);
  return {
    ...rest,
    ...standing,
    ...(policy.version > 0 && !outdated && { rulesVersion: policy.version }),
    ...(category !== undefined && { category }),
    ...(schedule !== undefined && { schedule }),
    ...(reason !== undefined && { reason }),
    ...(wakeAt !== undefined && { wakeAt }),
  };
}

/** Of one page; the automations of a master are hundreds, seldom thousands. */
const PAGE = 200;
const AT_ONCE = 10;

/** Applies rules that have changed to every automation there is. */
export async function settleAll(store: Store): Promise<void> {
  let cursor: string | null = null;
  do {
    const query: ListQuery = { filters: {}, limit: PAGE, ...(cursor !== null && { cursor }) };
    const page: Page<Automation> = await listEntities(store, 'automation', query);
    for (let start = 0; start < page.items.length; start += AT_ONCE) {
      await Promise.all(page.items.slice(start, start + AT_ONCE).map((item) => settleAutomation(store, item)));
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
}
