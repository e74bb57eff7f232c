import type { Run } from '../model/index.ts';
import { byRepository } from './keys.ts';
import { fetchItems, keysOf } from './read-index.ts';
import { type Store, stateOf } from './table.ts';

const LOOKED_AT = 200;

/** The latest runs of a run's repository, newest first. */
export async function recentRuns(
  store: Store,
  { platform, repository }: Pick<Run, 'platform' | 'repository'>,
): Promise<Run[]> {
  const keys = [];
  for await (const key of keysOf(store, 'by', byRepository('run', platform, repository), {}, { pageSize: LOOKED_AT })) {
    keys.push(key);
    if (keys.length === LOOKED_AT) break;
  }
  return (await fetchItems(store, keys)).map((item) => stateOf('run', item));
}
