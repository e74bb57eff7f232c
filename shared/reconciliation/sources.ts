import type { Source } from '../model/index.ts';
import type { Definition } from '../platforms/sweeper.ts';
import { type Store, sourcePartition, stateOf, sweepCursor } from '../store/index.ts';

/** Which repositories there are to sweep, and how far each was swept. */

export async function sourcesOf(store: Store, platform: string): Promise<Source[]> {
  const items = await store.partition(sourcePartition(platform));
  return items.map((item) => stateOf('source', item));
}

/** How far a source was swept. */
export interface Cursor {
  /** When the last sweep that saw everything began. */
  readonly sweptAt?: string | undefined;
  /** Of the first page of the list of runs. */
  readonly etag?: string | undefined;
  /** When the oldest run was created that had not ended. */
  readonly openSince?: string | undefined;
  /** Hours in which something was missing. */
  readonly pending: readonly string[];
  /** How many jobs the runs of one definition have, as far as the platform has told. */
  readonly expected: Readonly<Record<string, number>>;
  /** When its webhooks were last looked at. */
  readonly hooksAt?: string | undefined;
  /** Its workflows or schedules as they were last told, by their ids; null: its platform lets it run. And when that was asked. */
  readonly definitions?: Readonly<Record<string, NonNullable<Definition['off']> | null>> | undefined;
  readonly definitionsAt?: string | undefined;
  readonly definitionsEtag?: string | undefined;
  /** How long a job may run unless it says so itself, in milliseconds. */
  readonly jobTimeoutMs?: number | undefined;
  /** How often in a row the platform would not tell of it. */
  readonly refusals: number;
  /** Not before. */
  readonly nextAt?: string | undefined;
}

export const freshCursor: Cursor = { pending: [], expected: {}, refusals: 0 };

export async function cursorsOf(store: Store, platform: string): Promise<Map<string, Cursor>> {
  const items = await store.partition(sweepCursor(platform, '').pk);
  return new Map(items.map((item) => [String(item.sk), { ...freshCursor, ...item } as Cursor]));
}

/** Two sweeps at once each leave a cursor that is true; the later one stays. */
export async function keepCursor(store: Store, { platform, repository }: Source, cursor: Cursor): Promise<void> {
  await store.putItem({ ...sweepCursor(platform, repository), ...cursor });
}
