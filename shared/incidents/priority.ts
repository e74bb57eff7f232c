import type { Severity } from '../model/index.ts';

const BASE: Record<Severity, number> = { critical: 1, high: 2, medium: 3, low: 4 };
/** Branches whose failures hold everybody up. */
const SHARED_BRANCH = /^(?:main|master|trunk|develop|production|release(?:[/-].*)?)$/;

/** 1 (now) to 5 (some day): the severity's rank, one step later on a branch that only its author works on. */
export function priorityOf(failure: { severity: Severity; branch?: string | undefined }): number {
  const alone = failure.branch !== undefined && !SHARED_BRANCH.test(failure.branch);
  return BASE[failure.severity] + (alone ? 1 : 0);
}
