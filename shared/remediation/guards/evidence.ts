import { incidentsWith } from '../../incidents/index.ts';
import type { Job, Remediation } from '../../model/index.ts';
import { countJobsSince, recentJobs, type Store } from '../../store/index.ts';
import { posteriorOf } from '../learning/index.ts';

/** What guards rest on: how often things failed before, and how often elsewhere. Recomputed from what is stored, never counted on. */

export interface Count {
  readonly failed: number;
  readonly of: number;
}

export interface Evidence {
  readonly incidentIds: readonly string[];
  /** What the guard is against, as it went before. */
  readonly before?: Count;
  /** And what it is compared with. */
  readonly otherwise?: Count;
}

export const NO_EVIDENCE: Evidence = { incidentIds: [] };

const BEFORE_MS = 24 * 3_600_000;

/** The mean of what is to be believed of a rate of failures, after so many of so many; half, where nothing was seen. */
export const rateOf = ({ failed, of }: Count): number => posteriorOf({ successes: failed, failures: of - failed }).mean;

/**
 * What a machine did in the day before it was taken out of service, beside the others of the repository. A hit is a job that
 * came since, and went elsewhere; that the machine would have had it, and failed it where another did not, is its chance.
 */
export async function machineEvidence(
  store: Store,
  fix: Remediation,
  { machine, at }: { machine: string; at: string },
): Promise<{ evidence: Evidence; hits: number; chance: number }> {
  const from = new Date(Date.parse(at) - BEFORE_MS).toISOString();
  const jobs = (await recentJobs(store, fix, { from, before: at })).filter(({ runner }) => runner !== undefined);
  const isThere = ({ runner }: Job): boolean => runner?.id.split(':').at(-1) === machine;
  const before = counted(jobs.filter(isThere));
  const otherwise = counted(jobs.filter((job) => !isThere(job)));
  const share = jobs.length === 0 ? 0 : before.of / jobs.length;
  return {
    evidence: { incidentIds: await incidentsBehind(store, fix), before, otherwise },
    hits: await countJobsSince(store, fix, at),
    chance: share * Math.max(0, rateOf(before) - rateOf(otherwise)),
  };
}

const counted = (jobs: readonly Job[]): Count => ({
  failed: jobs.filter(({ status }) => status === 'failed' || status === 'timed-out').length,
  of: jobs.length,
});

/** The incidents of a fix, and those that are suspected to have the same root. */
async function incidentsBehind(store: Store, { incidentIds }: Remediation): Promise<string[]> {
  const incidents = await Promise.all(incidentIds.map((id) => store.get('incident', id)));
  const roots = new Set(incidents.flatMap((incident) => incident?.suspectedRoot ?? []));
  const others = await Promise.all([...roots].map((root) => incidentsWith(store, root)));
  return [...new Set([...incidentIds, ...others.flat()])].sort();
}
