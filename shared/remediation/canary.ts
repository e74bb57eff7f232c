import type { Remediation } from '../model/index.ts';
import type { Fix } from './fix.ts';

/** Not yet known to have helped, and may still. */
const OPEN: readonly Remediation['status'][] = [
  ...(['proposed', 'awaiting-approval', 'claimed', 'executing', 'unknown', 'verifying', 'failed'] as const),
];

/**
 * The job of an attempt that is tried before the others are, where each job is tried by itself and the playbook wants it;
 * undefined: the way is free. Of a canary that was not tried, nothing can be learned.
 */
export function canaryOf({ playbook, run, record, option }: Fix): string | undefined {
  if (!playbook.canary || option.subject === run.id) return undefined;
  const [canary] = record.jobs
    .filter((job) => job.runId === run.id && job.allowFailure !== true)
    .filter(({ status }) => status === 'failed' || status === 'timed-out')
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (canary === undefined || canary.id === option.subject) return undefined;
  const name = canary.name ?? canary.externalId;
  const theirs = record.remediations
    .filter((fix) => fix.playbook === playbook.id && fix.attempt >= canary.attempt && fix.targets.includes(name))
    .sort((a, b) => a.attempt - b.attempt || (a.step ?? 0) - (b.step ?? 0))
    .at(-1);
  return theirs === undefined || OPEN.includes(theirs.status) ? name : undefined;
}
