import type { Automation, AutomationFact, State } from '../model/index.ts';
import type { PlatformFacts } from '../platforms/port.ts';
import { type Change, mergeInto, type Store } from '../store/index.ts';
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
      return { ...entry, ...(seconds !== undefined && { seconds }), ...(scheduled !== undefined && { scheduled }) };
    });
    return { ...fact, ...(recent !== undefined && { recent }), ...(lastRunAt !== undefined && { lastRunAt }) };
  });
}

function secondsBetween(start: string | undefined, end: string): number | undefined {
  if (start === undefined) return undefined;
  const seconds = Math.round((Date.parse(end) - Date.parse(start)) / 1000);
  return seconds >= 0 ? seconds : undefined;
}

/** An automation's status follows from what is remembered of it, so it is derived after each merge, not merged. */
export function trackAutomation(
  store: Store,
  { status, ...fact }: AutomationFact,
  known?: State<'automation'> | null,
): Promise<Change<'automation'>> {
  // What the platform says of its switch is one more thing to be remembered.
  const told: AutomationFact = {
    recent: [],
    ...fact,
    ...(status !== undefined && { [status === 'disabled' ? 'disabledAt' : 'enabledAt']: fact.statusAt }),
  };
  return store.change(
    'automation',
    fact.id,
    (state) => settled(mergeInto('automation', state, told), store.now()),
    known,
  );
}

/** Looks at an automation whose time has come. */
export const settleAutomation = (store: Store, known: Automation): Promise<Change<'automation'>> =>
  store.change('automation', known.id, (state) => state && settled(state, store.now()), known);

function settled(state: Automation, now: string): Automation {
  const { wakeAt: _, reason: __, ...rest } = state;
  const { wakeAt, reason, ...standing } = standingOf(state, now);
  return {
    ...rest,
    ...standing,
    ...(reason !== undefined && { reason }),
    ...(wakeAt !== undefined && { wakeAt }),
  };
}
