import type { Remediation } from '../../model/index.ts';
import { readRun } from '../../tracking/index.ts';
import { BY_HAND } from '../by-hand.ts';
import type { Fix } from '../fix.ts';
import { aloneAt, jobName, toldByRoot } from '../plan/index.ts';
import { fellInto, type Outage } from './outage.ts';

/** What has been tried before. */

/**
 * How many of the run's earlier attempts count as tries: those do not that fell into an outage, were for another job, or failed
 * of what has been seen to since.
 */
export function triesOf(fix: Fix, outages: readonly Outage[]): number {
  let tries = 0;
  const names = fix.option.jobs.map(jobName);
  for (let attempt = 1; attempt < fix.run.attempt; attempt++) {
    const alone = aloneAt(fix.record, attempt);
    if (alone !== undefined && !names.some((name) => alone.targets.includes(name))) continue;
    const theirs = fixesOf(fix, attempt);
    const excused = theirs.filter((other) => isExcused(fix, other, outages));
    if (theirs.length > 0 && excused.length === theirs.length) continue;
    tries++;
  }
  return tries;
}

/** How many runs on end were made by fixes, this one the last, where a run is made anew instead of being tried again. */
export async function madeBefore({ deps: { store }, record, playbook }: Fix): Promise<number> {
  let [before, made] = [record, 0];
  for (; made < playbook.maxTries; made++) {
    const makers = await Promise.all(before.awaitedBy.map((id) => store.get('remediation', id)));
    const maker = makers.find((one) => one !== undefined && one.playbook !== BY_HAND);
    if (maker === undefined) break;
    before = await readRun(store, maker.runId);
  }
  return made;
}

const fixesOf = (fix: Fix, attempt: number): Remediation[] => {
  const run = fix.record.runs.find((one) => one.attempt === attempt);
  return fix.record.remediations.filter(
    (other) => other.runId === run?.id && (other.status === 'failed' || other.status === 'verifying'),
  );
};

const isExcused = (fix: Fix, other: Remediation, outages: readonly Outage[]): boolean =>
  other.probe === true ||
  other.excused === true ||
  (fix.root !== undefined && toldByRoot(fix.root, other, fix.record)) ||
  outages.some((outage) => fellInto(outage, other, fix.record.runs));

export const triedInOutage = (fix: Fix, outages: readonly Outage[]): boolean =>
  fix.run.attempt > 1 && fixesOf(fix, fix.run.attempt - 1).some((other) => isExcused(fix, other, outages));

/** When the same jobs were last acted on by an earlier attempt's fix. */
export function lastActedAt(fix: Fix): number | undefined {
  const names = new Set(fix.option.jobs.map((job) => job.name ?? job.externalId));
  const times = fix.record.remediations
    .filter((other) => other.id !== fix.id && ['verifying', 'succeeded', 'failed'].includes(other.status))
    .filter((other) => other.targets.some((name) => names.has(name)))
    .map((other) => Date.parse(other.statusAt));
  return times.length === 0 ? undefined : Math.max(...times);
}
