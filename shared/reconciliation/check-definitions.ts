import type { Source } from '../model/index.ts';
import { toldOfDefinitions } from '../platforms/definitions.ts';
import { type Definition, type Definitions, PlatformRefusal, type Sweeper } from '../platforms/sweeper.ts';
import { ids, type Store } from '../store/index.ts';
import { recover } from './recover.ts';
import type { Cursor } from './sources.ts';

const GONE = { status: 'disabled', reason: 'its platform has it no more' } as const;

export interface DefinitionsChecked {
  /** What the cursor of the source has to remember of it. */
  readonly cursor: Pick<Cursor, 'definitions' | 'definitionsAt' | 'definitionsEtag' | 'jobTimeoutMs'>;
  /** Whether there was anything new. */
  readonly news: boolean;
}

/**
 * Asks a platform for the workflows or schedules of a source, as no webhook tells that one was switched off, does not start,
 * or is back. Only what is news is put into the ledger: a look has no time of its own, and telling it again would only be a
 * later time of the same.
 */
export async function checkDefinitions(
  store: Store,
  sweeper: Sweeper,
  source: Source,
  cursor: Cursor,
  now: number,
): Promise<DefinitionsChecked> {
  const at = new Date(now).toISOString();
  const known = cursor.definitions ?? {};
  let found: Definitions | undefined;
  try {
    found = await sweeper.definitions(source, { etag: cursor.definitionsEtag, now });
  } catch (error) {
    // To read them takes rights that QMOI can do without.
    if (error instanceof PlatformRefusal) return { cursor: { ...cursor, definitionsAt: at }, news: false };
    throw error;
  }
  const listed: Definition[] =
    found === undefined
      ? Object.entries(known).map(([externalId, off]) => ({ externalId, off: off ?? undefined }))
      : [...found.listed];
  if (found?.complete) {
    const there = new Set(listed.map(({ externalId }) => externalId));
    for (const externalId of Object.keys(known)) if (!there.has(externalId)) listed.push({ externalId, off: GONE });
  }
  const news: Definition[] = [];
  for (const one of listed) if (await isNews(store, source.platform, one, known)) news.push(one);
  if (news.length > 0) await recover(store, source, toldOfDefinitions(source.repository, at, news));
  return {
    cursor: {
      definitions: Object.fromEntries(listed.map(({ externalId, off }) => [externalId, off ?? null])),
      definitionsAt: at,
      definitionsEtag: found === undefined ? cursor.definitionsEtag : found.etag,
      jobTimeoutMs: found === undefined ? cursor.jobTimeoutMs : found.jobTimeoutMs,
    },
    news: news.length > 0,
  };
}

async function isNews(
  store: Store,
  platform: string,
  { externalId, off }: Definition,
  known: NonNullable<Cursor['definitions']>,
): Promise<boolean> {
  const before = known[externalId];
  if (before === undefined || before?.status !== off?.status || before?.reason !== off?.reason) return true;
  if (off === undefined) return false;
  // A run that had begun before it was switched off, and ended after that, has made it look as if it were on.
  const automation = await store.get('automation', ids.automation(platform, externalId));
  return automation?.status !== off.status;
}
