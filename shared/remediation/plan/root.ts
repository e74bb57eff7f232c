import { incidentsWith, runsOf } from '../../incidents/index.ts';
import type { Job, Remediation } from '../../model/index.ts';
import type { RetryOption } from '../../platforms/port.ts';
import { expiry, type Store, treatmentKey } from '../../store/index.ts';
import { type RunRecord, readRun } from '../../tracking/index.ts';
import { VERIFY_WITHIN_MS } from '../decide.ts';
import { reopen } from '../outage/index.ts';
import { misfit, type Playbook } from '../playbook.ts';
import { hasFailed, jobName } from './alone.ts';

/**
 * What several incidents are suspected to have in common is seen to once, by one fix. Whatever else failed of it waits for
 * that, and what was tried and given up before is tried again after it.
 */

/** `awaited`: a fix is at it. `left`: the master, or the platform, will not have it seen to. `free`: nobody is at it. */
type Standing = 'awaited' | 'seen-to' | 'left' | 'free';

/** What is behind a failure, as a fix that is for it knows it. */
export interface Root {
  readonly name: string;
  /** It is not seen to yet. */
  readonly awaited: boolean;
}

const HOLDS_MS = 24 * 3_600_000;
/** A fix is written within this time after it was made the one, or its worker is dead. */
const BEGUN_WITHIN_MS = 60_000;
const KEPT_DAYS = 3;
const ROUNDS = 8;
const MOST_RUNS = 500;
const AT_ONCE = 10;

const OPEN: readonly Remediation['status'][] = [
  ...(['proposed', 'awaiting-approval', 'claimed', 'executing', 'unknown', 'verifying'] as const),
];
/** Why a fix is refused that may be worth a try elsewhere. */
const REFUSED_FOR_NOW = ['tries', 'cause', 'fresh', 'canary'];

const machineOf = ({ platform, runner }: Job): string | undefined => runner && `runner:${platform}/${runner.name}`;

/** The machine that all of the jobs failed on, where it is what their incidents are suspected to have in common with others. */
export async function suspectedRoot(
  store: Store,
  { jobs }: RetryOption,
  failures: RunRecord['failures'],
): Promise<string | undefined> {
  const [machine, another] = new Set(jobs.map(machineOf));
  if (machine === undefined || another !== undefined) return undefined;
  const ids = [...new Set(failures.map(({ incidentId }) => incidentId ?? ''))];
  const incidents = await Promise.all(ids.map((id) => store.get('incident', id)));
  return incidents.every((incident) => incident?.suspectedRoot === machine) ? machine : undefined;
}

export async function standingOfRoot(store: Store, root: string): Promise<Standing> {
  return (await treatmentOf(store, root)).standing;
}

/** Makes a fix the one that sees to a root, unless there is one. `ours`: it is. */
export async function seeTo(store: Store, root: string, fix: string): Promise<Exclude<Standing, 'free'> | 'ours'> {
  for (let round = 0; round < ROUNDS; round++) {
    const known = await treatmentOf(store, root);
    if (known.fix === fix) return 'ours';
    if (known.standing !== 'free') return known.standing;
    const at = store.now();
    const item = {
      ...treatmentKey(root),
      fix,
      at,
      version: (known.version ?? 0) + 1,
      expiresAt: expiry(at, KEPT_DAYS),
    };
    if (await store.putOver(item, known.version)) return 'ours';
  }
  throw new Error(`who sees to ${root} is contended`);
}

async function treatmentOf(
  store: Store,
  root: string,
): Promise<{ standing: Standing; fix?: string; version?: number }> {
  const known = await store.getItem(treatmentKey(root));
  if (known === undefined) return { standing: 'free' };
  const [fix, version] = [String(known.fix), known.version as number];
  const standing = standingBy(await store.get('remediation', fix), String(known.at), Date.parse(store.now()));
  return { fix, version, standing };
}

function standingBy(fix: Remediation | undefined, takenAt: string, now: number): Standing {
  if (fix === undefined) return now - Date.parse(takenAt) < BEGUN_WITHIN_MS ? 'awaited' : 'free';
  const { status, statusAt, decision, lastsUntil } = fix;
  // Newer work has taken the place of the run that it was for: another one has to see to it.
  if (OPEN.includes(status)) return decision?.rule === 'superseded' ? 'free' : 'awaited';
  if (now - Date.parse(statusAt) > HOLDS_MS || Date.parse(lastsUntil ?? '') <= now) return 'free';
  if (status === 'succeeded') return 'seen-to';
  // Of what was neither asked for nor carried out, only its own run was the reason.
  return decision?.verdict === 'ask' || decision?.verdict === 'act' ? 'left' : 'free';
}

/** Whether what came of a fix was told by a machine that is seen to by now, so that it tells nothing of the fix. */
export const toldByRoot = ({ name }: Root, fix: Remediation, { jobs }: Pick<RunRecord, 'jobs'>): boolean =>
  jobs.some(
    (job) =>
      job.attempt === fix.attempt + 1 &&
      fix.targets.includes(jobName(job)) &&
      hasFailed(job) &&
      machineOf(job) === name,
  );

/** Has all that failed of a root and was given up judged anew, as far as a playbook is for it. Safe to do again. */
export async function retryBehind(store: Store, root: string, playbook: Playbook): Promise<void> {
  const runs = new Set<string>();
  for (const id of await incidentsWith(store, root)) {
    const incident = await store.get('incident', id);
    if (incident?.status === 'resolved' || incident?.suspectedRoot !== root) continue;
    for await (const run of runsOf(store, id)) {
      if (runs.size >= MOST_RUNS) break;
      runs.add(run);
    }
  }
  const all = [...runs];
  for (let start = 0; start < all.length; start += AT_ONCE) {
    await Promise.all(all.slice(start, start + AT_ONCE).map((run) => retryRun(store, run, root, playbook)));
  }
}

async function retryRun(store: Store, id: string, root: string, playbook: Playbook): Promise<void> {
  const { runs, jobs, failures, remediations } = await readRun(store, id);
  const last = runs.reduce((a, b) => (a.attempt > b.attempt ? a : b), runs[0] as RunRecord['runs'][number]);
  const since = new Date(Date.parse(store.now()) - VERIFY_WITHIN_MS).toISOString();
  for (const fix of remediations) {
    if (fix.runId !== last?.id || !REFUSED_FOR_NOW.includes(fix.decision?.rule ?? '')) continue;
    const theirs = jobs.filter((job) => job.runId === fix.runId && fix.targets.includes(jobName(job)));
    const why = failures.filter(({ jobId }) => theirs.some((job) => job.id === jobId));
    const isOver = why.every(({ resolvedAt, failedAt }) => resolvedAt !== undefined || failedAt < since);
    if (isOver || misfit(playbook, why) !== undefined) continue;
    if (!theirs.every((job) => machineOf(job) === root)) continue;
    const { id: followed, strategy } = playbook;
    await reopen(store, fix, `to be judged anew: ${root} is seen to`, { playbook: followed, strategy });
  }
}
