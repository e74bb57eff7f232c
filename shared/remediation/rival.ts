import type { Remediation } from '../model/index.ts';
import type { Fix } from './fix.ts';

/** Claimed, sent, or not known whether it was. Whatever has a lease yet may still arrive. */
const UNDER_WAY: readonly Remediation['status'][] = ['claimed', 'executing', 'unknown'];

/**
 * Another fix that is under way on the same thing: a run and its jobs are one thing, two jobs of a run are not. Whoever
 * claims looks for one after the claim: of two that claim at once, at least one sees the other, and gives way.
 */
export const rivalOf = (fix: Fix, all: readonly Remediation[]): Remediation | undefined =>
  all.find(
    (other) =>
      other.id !== fix.id &&
      other.runId === fix.run.id &&
      (UNDER_WAY.includes(other.status) || Date.parse(other.leaseUntil ?? '') > fix.deps.now()) &&
      (other.subject === fix.option.subject || [other.subject, fix.option.subject].includes(fix.run.id)),
  );
