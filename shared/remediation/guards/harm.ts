import { advance } from '../../incidents/index.ts';
import type { Remediation, Run } from '../../model/index.ts';
import { recentRuns, type Store } from '../../store/index.ts';
import type { RunRecord } from '../../tracking/index.ts';
import { BY_HAND } from '../by-hand.ts';
import { chanceAbove, recordOutcome, type Tally } from '../learning/index.ts';
import { beginRollback } from '../rollback.ts';

/** What lasts may do harm: where runs fail more often since than before, beyond chance, it is taken back and counted as a failure. */

const BEFORE_MS = 24 * 3_600_000;
/** Fewer runs than this, before or since, tell nothing. */
const LEAST = 5;
const CERTAIN = 0.99;

const total = ({ successes, failures }: Tally): number => successes + failures;

/** Of runs that failed and that did not; in that order, as it is the rate of failures that is compared. */
const failing = (runs: readonly Run[]): Tally => {
  const failures = runs.filter(({ status }) => status === 'succeeded').length;
  return { successes: runs.filter(({ status }) => status === 'failed' || status === 'timed-out').length, failures };
};

/** Why a fix is taken to have done harm, by the runs before and since. Pure. */
export function harmIn(runs: readonly Run[], fix: Pick<Remediation, 'statusAt'>): string | undefined {
  const at = Date.parse(fix.statusAt);
  const before = failing(
    runs.filter(({ statusAt }) => Date.parse(statusAt) <= at && at - Date.parse(statusAt) < BEFORE_MS),
  );
  const since = failing(runs.filter(({ statusAt }) => Date.parse(statusAt) > at));
  if (total(before) < LEAST || total(since) < LEAST || chanceAbove(since, before) < CERTAIN) return undefined;
  return `${since.successes} of ${total(since)} runs failed since, and ${before.successes} of ${total(before)} before`;
}

/** Takes back what has done harm. Only of what is meant to last, and was not the master's own wish. */
export async function takeBackHarmful(store: Store, { remediations, runs }: RunRecord): Promise<void> {
  const lasting = remediations.filter(
    ({ status, lastsUntil, playbook }) => status === 'succeeded' && lastsUntil !== undefined && playbook !== BY_HAND,
  );
  for (const fix of lasting) {
    const name = runs.find(({ id }) => id === fix.runId)?.name;
    const harm = harmIn(
      (await recentRuns(store, fix)).filter((run) => run.name === name),
      fix,
    );
    if (harm === undefined) continue;
    await recordOutcome(store, { ...fix, causes: fix.causes ?? [], at: fix.statusAt }, false);
    const reason = `${fix.action} seems to have done harm: ${harm}`;
    await Promise.all(fix.incidentIds.map((id) => advance(store, id, 'escalated', reason, fix.origin)));
    await beginRollback(store, fix, reason, { harm });
  }
}
