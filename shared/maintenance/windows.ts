import { isEnded, type Run } from '../model/index.ts';
import type { WindowFact } from '../platforms/port.ts';
import { expiry, maintenancePartition, runKeyOf, type Store } from '../store/index.ts';

/**
 * Windows of maintenance that events have opened: a machine that says that it goes down, an incident that people are at, a
 * deployment under way. An event ends each of them, or its time. One item for each thing that such events are about, so that
 * there are never many.
 */

export interface Window extends Pick<WindowFact, 'covers' | 'runId'> {
  readonly key: string;
  readonly reason: string;
  /** RFC 3339, as is `until`: when it is over though nobody says so. */
  readonly openedAt: string;
  readonly until: string;
}

interface Kept extends Partial<Omit<Window, 'key' | 'covers'>>, Pick<Window, 'key' | 'covers'> {
  readonly closedAt?: string;
  readonly version: number;
}

/** What may lie in a window. */
export interface Place {
  readonly platform: string;
  readonly repository: string;
  readonly environment?: string | undefined;
  /** The machines that it is about, by ids and names. */
  readonly runners: readonly string[];
  readonly runId: string;
}

/** Kept for as long after its end, so that word of before does not open it again. */
const KEPT_DAYS = 7;
/** Each round somebody else would have to write in between. */
const ROUNDS = 8;

/** Takes word of windows, in any order and any number of times: the latest beginning and the latest end of each count. */
export async function keepWindows(store: Store, facts: readonly WindowFact[]): Promise<void> {
  for (const fact of facts) await keep(store, fact);
}

async function keep(store: Store, fact: WindowFact): Promise<void> {
  const key = { pk: maintenancePartition, sk: fact.key };
  for (let round = 0; round < ROUNDS; round++) {
    const known = (await store.getItem(key)) as unknown as Kept | undefined;
    const wanted = joined(known, fact);
    if (wanted === undefined) return;
    const expiresAt = expiry(wanted.until ?? fact.at, KEPT_DAYS);
    const item = { ...key, ...wanted, version: (known?.version ?? 0) + 1, expiresAt };
    if (await store.putOver(item, known?.version)) return;
  }
  throw new Error(`the window ${fact.key} is contended`);
}

/** Undefined: it is no news. */
function joined(
  known: Kept | undefined,
  { key, at, covers, open, runId }: WindowFact,
): Omit<Kept, 'version'> | undefined {
  const { version: _, ...before } = known ?? { key, covers, version: 0 };
  if (open === undefined) return at > (before.closedAt ?? '') ? { ...before, closedAt: at } : undefined;
  // Of two that begin at once, the same one counts in any order.
  const order = (openedAt: string, until = '', run = '', why = '') => [openedAt, until, run, why].join(' ');
  const last = before.openedAt && order(before.openedAt, before.until, before.runId, before.reason);
  if (last && order(at, open.until, runId, open.reason) <= last) return undefined;
  return { ...before, openedAt: at, ...open, ...(runId !== undefined && { runId }) };
}

/** Whether a place lies in a window: all that the window names is the place's too. */
export function covers({ covers: wanted, runId }: Pick<Window, 'covers' | 'runId'>, place: Place): boolean {
  const same = (a: string, b: string | undefined) => a.toLowerCase() === b?.toLowerCase();
  const { platform, repository, environment, runner } = wanted;
  return (
    // What deploys is not held up by itself.
    (runId === undefined || runKeyOf(runId) !== runKeyOf(place.runId)) &&
    (platform === undefined || same(platform, place.platform)) &&
    (repository === undefined || same(repository, place.repository)) &&
    (environment === undefined || same(environment, place.environment)) &&
    (runner === undefined || place.runners.some((one) => same(runner, one) || same(runner, one.split(':').at(-1))))
  );
}

/** The windows that are open at present, of `place` or of anything; the one that ends last comes first. */
export async function openWindows(store: Store, place?: Place): Promise<Window[]> {
  const now = store.now();
  const kept = (await store.partition(maintenancePartition)) as unknown as Kept[];
  const open: Window[] = [];
  for (const { key, covers: wanted, openedAt, until, reason, closedAt = '', runId } of kept) {
    if (openedAt === undefined || until === undefined || openedAt <= closedAt || until <= now) continue;
    const window: Window = {
      key,
      covers: wanted,
      openedAt,
      until,
      reason: reason ?? 'maintenance',
      ...(runId && { runId }),
    };
    if (place !== undefined && !covers(window, place)) continue;
    const run = runId === undefined ? undefined : await store.get('run', runId);
    if (!isOver(run, place)) open.push(window);
  }
  return open.sort((a, b) => (a.until < b.until ? 1 : -1));
}

/** A deployment says by itself that it has ended; and the run that deploys is not held up by it. */
const isOver = (run: Run | undefined, place: Place | undefined): boolean =>
  run !== undefined &&
  (isEnded(run.status) ||
    (place !== undefined && run.parentRunId !== undefined && runKeyOf(run.parentRunId) === runKeyOf(place.runId)));
