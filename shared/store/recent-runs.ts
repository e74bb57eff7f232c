import type { Job, Run } from '../model/index.ts';
import { byRepository } from './keys.ts';
import { fetchItems, keysOf, type Range } from './read-index.ts';
import { type Store, stateOf } from './table.ts';

const LOOKED_AT = 200;
const COUNTED = 2_000;

type Place = Pick<Run, 'platform' | 'repository'>;

/** The latest runs of a run's repository, newest first. */
export const recentRuns = (store: Store, place: Place): Promise<Run[]> => recent(store, 'run', place, {});

/** The latest jobs of a repository that came to be in a stretch of time, newest first. */
export const recentJobs = (store: Store, place: Place, range: Range): Promise<Job[]> =>
  recent(store, 'job', place, range);

async function recent<E extends 'run' | 'job'>(store: Store, entity: E, { platform, repository }: Place, range: Range) {
  const keys = [];
  const options = { pageSize: LOOKED_AT };
  for await (const key of keysOf(store, 'by', byRepository(entity, platform, repository), range, options)) {
    keys.push(key);
    if (keys.length === LOOKED_AT) break;
  }
  return (await fetchItems(store, keys)).map((item) => stateOf(entity, item));
}

/** How many jobs of a repository have come to be since; no more than 2,000 are counted. */
export async function countJobsSince(store: Store, { platform, repository }: Place, from: string): Promise<number> {
  let count = 0;
  const options = { pageSize: COUNTED };
  for await (const _ of keysOf(store, 'by', byRepository('job', platform, repository), { from }, options)) {
    count++;
    if (count === COUNTED) break;
  }
  return count;
}
