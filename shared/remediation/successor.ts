import { isEnded, type Run } from '../model/index.ts';
import type { Store } from '../store/index.ts';
import { readRun } from '../tracking/index.ts';

/** Of newer runs that superseded each other, so many are followed. */
const MOST = 6;

/**
 * The run of newer work, with another commit, that makes an older one's outcome moot: one that has succeeded, or may yet.
 * Where all that came after failed as well, the older one is as good as any. Undefined: there is none.
 */
export async function successorOf(store: Store, run: Run): Promise<{ id: string; succeeded: boolean } | undefined> {
  let undecided: string | undefined;
  let next = run.supersededBy;
  for (let hops = 0; next !== undefined && hops < MOST; hops++) {
    const { runs } = await readRun(store, next);
    const newer = runs.filter(
      ({ commit }) => commit !== undefined && run.commit !== undefined && commit !== run.commit,
    );
    const good = newer.find(({ status }) => status === 'succeeded');
    if (good !== undefined) return { id: good.id, succeeded: true };
    undecided ??= newer.find(({ status }) => !isEnded(status))?.id;
    next = runs.find(({ supersededBy }) => supersededBy !== undefined)?.supersededBy;
  }
  return undecided === undefined ? undefined : { id: undecided, succeeded: false };
}
