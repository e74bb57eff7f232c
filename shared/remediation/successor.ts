import type { Run } from '../model/index.ts';
import type { Store } from '../store/index.ts';
import { readRun } from '../tracking/index.ts';

/** Of newer runs that superseded each other, so many are followed. */
const MOST = 10;

/** The run that superseded another one with a commit of its own; undefined: none has. */
export async function successorOf(store: Store, run: Run): Promise<Run | undefined> {
  if (run.supersededBy === undefined) return undefined;
  const next = await store.get('run', run.supersededBy);
  return next?.commit !== undefined && run.commit !== undefined && next.commit !== run.commit ? next : undefined;
}

/** Whether any run that came after has succeeded, and which. */
export async function succeededAfter(store: Store, run: Run): Promise<string | undefined> {
  let next = run.supersededBy;
  for (let hops = 0; next !== undefined && hops < MOST; hops++) {
    const { runs } = await readRun(store, next);
    const good = runs.find(({ status }) => status === 'succeeded');
    if (good !== undefined) return good.id;
    next = runs.find(({ supersededBy }) => supersededBy !== undefined)?.supersededBy;
  }
  return undefined;
}
