import type { Source } from '../model/index.ts';
import { type Platform, PlatformUnavailable, type ReadParameters } from '../platforms/port.ts';
import { OverBudget, PlatformRefusal, type Sweeper } from '../platforms/sweeper.ts';
import type { ReconciliationSettings } from '../runtime/settings.ts';
import type { Store } from '../store/index.ts';
import { enterSource } from '../tracking/index.ts';
import { checkDefinitions } from './check-definitions.ts';
import { checkHooks } from './check-hooks.ts';
import { type OpenMeter, openMeter } from './limit.ts';
import { lookAround } from './look.ts';
import { type Cursor, cursorsOf, freshCursor, keepCursor, sourcesOf } from './sources.ts';
import { sweepSource } from './sweep.ts';

export interface ReconcileDeps {
  readonly store: Store;
  readonly platforms: Readonly<Record<string, Platform>>;
  readonly read: ReadParameters;
  readonly settings: ReconciliationSettings;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** No sweep of a source begins later. */
  readonly deadline: number;
  readonly count: (name: string, dimensions: Readonly<Record<string, string>>, value?: number) => void;
  readonly logger: { warn(message: string, context: Record<string, string | Error>): void };
}

/** Sweeps, or looks at, every source of every platform whose turn it is. Each platform goes at its own pace: none waits for another. */
export async function reconcile(deps: ReconcileDeps): Promise<void> {
  const swept = await Promise.allSettled(
    Object.values(deps.platforms).flatMap((platform) => [sweepPlatform(platform, deps), lookAround(platform, deps)]),
  );
  const failed = swept.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function sweepPlatform(platform: Platform, deps: ReconcileDeps): Promise<void> {
  const { store, read, now, settings, count } = deps;
  if (platform.sweeper === undefined) return;
  const { name } = platform;
  for (const repository of settings.repositories[name] ?? []) await enterSource(store, name, repository);
  const sources = await sourcesOf(store, name);
  if (sources.length === 0) return;
  const meter = await openMeter(store, name, { callsPerHour: settings.callsPerHour, now }).catch(stopOn(OverBudget));
  if (meter === undefined) return;
  try {
    const sweeper = await platform.sweeper(read, meter);
    if (sweeper === undefined) return;
    const cursors = await cursorsOf(store, name);
    await sweepInTurn(sweeper, sources, cursors, meter, deps);
  } finally {
    await meter.settle();
    count('SweepCalls', { platform: name }, meter.calls);
  }
}

/** Whoever has waited longest comes first. */
async function sweepInTurn(
  sweeper: Sweeper,
  sources: readonly Source[],
  cursors: ReadonlyMap<string, Cursor>,
  meter: OpenMeter,
  deps: ReconcileDeps,
): Promise<void> {
  const { store, now, deadline, count, logger } = deps;
  const waiting = sources
    .map((source) => ({ source, cursor: cursors.get(source.repository) ?? freshCursor }))
    .filter(({ cursor }) => cursor.nextAt === undefined || Date.parse(cursor.nextAt) <= now())
    .sort((a, b) => ((a.cursor.sweptAt ?? '') < (b.cursor.sweptAt ?? '') ? -1 : 1));
  for (const { source, cursor } of waiting) {
    if (now() >= deadline) return;
    const { platform, repository } = source;
    try {
      await sweepOne(sweeper, source, cursor, deps);
    } catch (error) {
      if (error instanceof OverBudget) return;
      if (error instanceof PlatformUnavailable) {
        meter.failed(error);
        logger.warn('sweep broken off', { platform, reason: error.message });
        count('SweepsBrokenOff', { platform });
        return;
      }
      if (error instanceof PlatformRefusal) await tell(store, source, 'unreachable', error.message);
      else logger.warn('sweep failed', { platform, repository, error: error as Error });
      await keepCursor(store, source, {
        ...cursor,
        refusals: cursor.refusals + 1,
        nextAt: new Date(now() + restMs(cursor.refusals)).toISOString(),
      });
    }
  }
}

async function sweepOne(sweeper: Sweeper, source: Source, cursor: Cursor, deps: ReconcileDeps): Promise<void> {
  const { store, now, count } = deps;
  const { platform } = source;
  const swept = await sweepSource(store, sweeper, source, cursor, now());
  if (swept.recovered > 0) count('FactsRecovered', { platform }, swept.recovered);
  let kept: Cursor = { ...cursor, ...swept.cursor, nextAt: undefined };
  const keep = async (more: Partial<Cursor>): Promise<void> => {
    kept = { ...kept, ...more };
    await keepCursor(store, source, kept);
  };
  await keep({});
  const isDue = (since: string | undefined, everyMs: number): boolean =>
    since === undefined || Date.parse(since) + everyMs <= now();
  if (isDue(cursor.hooksAt, HOOKS_EVERY_MS)) {
    const hooksAt = new Date(now()).toISOString();
    const { status, reason, redelivered } = await checkHooks(store, sweeper.hooks, source, now(), cursor.hooksAt);
    if (redelivered > 0) count('DeliveriesRequested', { platform }, redelivered);
    await tell(store, source, status, reason);
    await keep({ hooksAt });
  } else if (source.status === 'unreachable') await tell(store, source, 'active');
  if (isDue(cursor.definitionsAt, DEFINITIONS_EVERY_MS)) {
    const checked = await checkDefinitions(store, sweeper, source, kept, now());
    if (checked.news) count('FactsRecovered', { platform });
    await keep(checked.cursor);
  }
}

/** A workflow is switched off after 60 days. */
const DEFINITIONS_EVERY_MS = 24 * 60 * 60_000;
/** Sweeps find what was lost; that a webhook is broken need not be known as soon. */
const HOOKS_EVERY_MS = 60 * 60_000;

const [FIRST_REST_MS, LONGEST_REST_MS] = [10 * 60_000, 24 * 3_600_000];
/** How long a source that could not be swept is left alone. */
const restMs = (refusals: number): number => Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(refusals, 10));

/** A source's state changes by this alone, so it is written only when it does. */
export async function tell(store: Store, source: Source, status: Source['status'], reason?: string): Promise<void> {
  if (source.status === status && source.reason === reason) return;
  await store.merge('source', { id: source.id, status, statusAt: store.now(), origin: 'live', reason });
}

const stopOn =
  (kind: new (...args: never[]) => Error) =>
  (error: unknown): undefined => {
    if (!(error instanceof kind)) throw error;
    return undefined;
  };
