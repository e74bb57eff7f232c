import type { Source } from '../model/index.ts';
import { type Platform, PlatformUnavailable } from '../platforms/port.ts';
import { OverBudget } from '../platforms/sweeper.ts';
import { ids } from '../store/index.ts';
import { enterSource } from '../tracking/index.ts';
import { type OpenMeter, openMeter } from './limit.ts';
import type { ReconcileDeps } from './reconcile.ts';
import { recover } from './recover.ts';
import { type Cursor, cursorsOf, freshCursor, keepCursor, sourcesOf } from './sources.ts';

/** Of one platform and tick. Whoever has waited longest comes first, so that all get their turn. */
const MAX_LOOKS = 40;
/** What a look may ask of a platform. */
const CALLS = 2;
/** How long something is left alone that its platform does not know: it may come, and nobody says so. */
const [FIRST_REST_MS, LONGEST_REST_MS] = [10 * 60_000, 24 * 3_600_000];

/** Looks at everything of a platform whose webhooks do not tell all of it, and puts what is new into the ledger. */
export async function lookAround(platform: Platform, deps: ReconcileDeps): Promise<void> {
  const { store, read, settings, now, count, logger } = deps;
  const { name } = platform;
  if (platform.look === undefined || platform.sweeper !== undefined) return;
  for (const repository of settings.repositories[name] ?? []) await enterSource(store, name, repository);
  const sources = await sourcesOf(store, name);
  if (sources.length === 0 || (await platform.client(read)) === undefined) return;
  let meter: OpenMeter | undefined;
  try {
    meter = await openMeter(store, name, { callsPerHour: settings.callsPerHour, now });
    await lookInTurn(platform.look, sources, meter, deps);
  } catch (error) {
    if (error instanceof OverBudget) return;
    if (!(error instanceof PlatformUnavailable)) throw error;
    meter?.failed(error);
    logger.warn('look broken off', { platform: name, reason: error.message });
    count('SweepsBrokenOff', { platform: name });
  } finally {
    await meter?.settle();
    count('SweepCalls', { platform: name }, meter?.calls ?? 0);
  }
}

async function lookInTurn(
  look: NonNullable<Platform['look']>,
  sources: readonly Source[],
  meter: OpenMeter,
  { store, read, now, deadline, count }: ReconcileDeps,
): Promise<void> {
  const cursors = await cursorsOf(store, sources[0]?.platform ?? '');
  const waiting = sources
    .map((source) => ({ source, cursor: cursors.get(source.repository) ?? freshCursor }))
    .filter(({ cursor }) => cursor.nextAt === undefined || Date.parse(cursor.nextAt) <= now())
    .sort((a, b) => ((a.cursor.sweptAt ?? '') < (b.cursor.sweptAt ?? '') ? -1 : 1));
  for (const { source, cursor } of waiting.slice(0, MAX_LOOKS)) {
    if (now() >= deadline) return;
    for (let call = 0; call < CALLS; call++) await meter.admit();
    const { platform, repository } = source;
    const known = await store.get('automation', ids.automation(platform, repository));
    const told = await look(
      { externalId: repository, status: known?.status ?? 'healthy' },
      { read, now: new Date(now()).toISOString(), known: (id) => store.get('run', id) },
    );
    for (const each of told ?? []) {
      if (await recover(store, source, each)) count('FactsRecovered', { platform });
    }
    await keepCursor(store, source, looked(cursor, told !== undefined, now()));
  }
}

function looked(cursor: Cursor, found: boolean, now: number): Cursor {
  const sweptAt = new Date(now).toISOString();
  if (found) return { ...cursor, sweptAt, refusals: 0, nextAt: undefined };
  const rest = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(cursor.refusals, 10));
  return { ...cursor, sweptAt, refusals: cursor.refusals + 1, nextAt: new Date(now + rest).toISOString() };
}
