import type { Remediation } from '../model/index.ts';
import { type ListQuery, listEntities, MAX_LIMIT, type Store } from '../store/index.ts';
import { type RunRecord, readRun } from '../tracking/index.ts';
import type { Case } from './backtest.ts';

/** What was decided in a stretch of time, as the backtest wants it. */

const HOUR_MS = 3_600_000;
/** The longest that a fix waits for its last decision: newer work, or the end of an outage, is awaited for a day. */
const DECIDED_WITHIN_MS = 48 * HOUR_MS;
const AT_ONCE = 16;

/** The fixes whose last decision fell into `[from, to)` (milliseconds), or that have none and came to be in it. */
export async function casesBetween(store: Store, from: number, to: number): Promise<Case[]> {
  const [start, end] = [iso(from), iso(to)];
  const fixes: Remediation[] = [];
  for await (const fix of since(store, iso(from - DECIDED_WITHIN_MS), end)) {
    const at = fix.decision?.at ?? fix.createdAt;
    if (start <= at && at < end) fixes.push(fix);
  }
  const runs = [...new Set(fixes.map(({ runId }) => runId))];
  const records = new Map<string, RunRecord>();
  for (let next = 0; next < runs.length; next += AT_ONCE) {
    const some = runs.slice(next, next + AT_ONCE);
    for (const [index, record] of (await Promise.all(some.map((id) => readRun(store, id)))).entries()) {
      records.set(some[index] ?? '', record);
    }
  }
  return fixes.flatMap((fix) => {
    const record = records.get(fix.runId);
    const run = record?.runs.find(({ id }) => id === fix.runId);
    if (record === undefined || run === undefined) return [];
    const failures = record.failures.filter(
      ({ runId, name, externalId }) => runId === run.id && fix.targets.includes(name ?? externalId),
    );
    return [{ fix, run, failures }];
  });
}

async function* since(store: Store, from: string, until: string): AsyncGenerator<Remediation> {
  for (let cursor: string | undefined | null; cursor !== null; ) {
    const query: ListQuery = { limit: MAX_LIMIT, filters: {}, since: from, until, ...(cursor && { cursor }) };
    const page = await listEntities(store, 'remediation', query);
    yield* page.items;
    cursor = page.nextCursor;
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();
