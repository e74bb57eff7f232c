import { mergeInto, type Store } from '../../store/index.ts';
import { readRun } from '../../tracking/index.ts';
import { isProvedByNext } from '../fix.ts';
import { withdrawOutcome } from '../learning/index.ts';
import { failedBeforeKnown, fellInto, keysOfFix, noteReviewed, type Outage } from './outage.ts';
import { reopen } from './reopen.ts';

/**
 * That an outage is one is known once many runs have failed of it. The first of them were tried again to no avail and given
 * up by then: they are judged anew, and what was tried says nothing of the fix.
 */

const AT_ONCE = 10;

/** Judges the first runs of an outage anew. Safe to call at any time, any number of times. */
export async function review(store: Store, outage: Outage): Promise<void> {
  if (outage.knownAt === undefined || outage.reviewedAt !== undefined) return;
  const early = await failedBeforeKnown(store, outage);
  for (let start = 0; start < early.length; start += AT_ONCE) {
    await Promise.all(early.slice(start, start + AT_ONCE).map((run) => reviewRun(store, run, outage)));
  }
  await noteReviewed(store, outage);
}

/** Excuses the fixes of a run that fell into an outage, and has what was refused for them judged anew. */
export async function reviewRun(store: Store, id: string, outage: Outage): Promise<void> {
  const record = await readRun(store, id);
  const theirs = record.remediations.filter((fix) => keysOfFix(fix, record.failures).includes(outage.key));
  const fell = theirs.filter(
    (fix) => fix.status === 'failed' && isProvedByNext(fix) && fellInto(outage, fix, record.runs),
  );
  for (const fix of fell.filter(({ excused }) => !excused)) {
    await withdrawOutcome(store, fix);
    await store.change('remediation', fix.id, (state) => {
      if (state === undefined || state.excused) return undefined;
      const { statusAt, origin } = state;
      return mergeInto('remediation', state, { id: fix.id, statusAt, origin, excused: true });
    });
  }
  const latest = record.runs.reduce((greatest, { attempt }) => Math.max(greatest, attempt), 0);
  const last = record.runs.find(({ attempt }) => attempt === latest);
  if (fell.length === 0) return;
  const reason = `to be judged anew: ${outage.key} has been failing everywhere since ${outage.since}`;
  for (const fix of theirs.filter(({ runId, decision }) => runId === last?.id && decision?.rule === 'tries')) {
    await reopen(store, fix, reason, { outage: outage.key });
  }
}
