import type { Job, Remediation } from '../../model/index.ts';
import type { RetryOption } from '../../platforms/port.ts';
import { canaryPartition, expiry, runKeyOf } from '../../store/index.ts';
import { type RunRecord, readRun } from '../../tracking/index.ts';
import { FRESH_MS } from '../decide.ts';
import type { Fix } from '../fix.ts';
import { hasFailed, isAlone, jobName } from './alone.ts';
import { goesOn } from './plan.ts';

/**
 * Of what failed alike one is tried first, and the others once that has helped: one job of a run, and one run of an incident.
 * Of a canary that was not tried, nothing can be learned, and the way is free.
 */

/** What is waited for; `failed`: in vain. */
export interface Canary {
  readonly name: string;
  readonly failed: boolean;
}

/** Not yet known to have helped, and may still. */
const OPEN: readonly Remediation['status'][] = [
  ...(['proposed', 'awaiting-approval', 'claimed', 'executing', 'unknown', 'verifying'] as const),
];
const UNDER_WAY: readonly Remediation['status'][] = OPEN.filter((status) => status !== 'proposed');
/** A run that was to be tried first and has not been for as long may be passed over. */
const PATIENCE_MS = 120_000;
const KEPT_DAYS = 2;
const ROUNDS = 8;

/** The job that is tried before those of an option are; undefined: it is among them, or they need not wait for any. */
export function leaderOf(
  { jobs, remediations }: Pick<RunRecord, 'jobs' | 'remediations'>,
  option: RetryOption,
): string | undefined {
  const own = option.jobs.find(({ id }) => id === option.subject);
  if (own === undefined) return undefined;
  const isOut = ({ id }: Job): boolean =>
    remediations.some(({ subject, status }) => subject === id && (status === 'refused' || status === 'expired'));
  const [leader] = jobs
    .filter((job) => job.runId === own.runId && job.allowFailure !== true && hasFailed(job) && !isOut(job))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  return leader === undefined || option.jobs.includes(leader) ? undefined : jobName(leader);
}

/** The job of the run that is tried before what a fix is for. Undefined: the way is free. */
export function canaryOf({ playbook, run, record, option }: Fix): Canary | undefined {
  const { targets = 'all' } = playbook.steps[0] ?? {};
  const whole = option.subject === run.id;
  if (targets === 'all' || (whole && targets === 'one')) return undefined;
  const leader = leaderOf(record, option);
  const theirs = inOrder(
    record.remediations.filter((fix) =>
      whole
        ? isAlone(fix) && fix.attempt < option.attempt
        : fix.playbook === playbook.id && fix.attempt >= option.attempt && fix.targets.includes(leader ?? ''),
    ),
  );
  const last = theirs.at(-1);
  const name = leader ?? last?.targets[0];
  if (name === undefined || last?.status === 'succeeded') return undefined;
  if (last === undefined || OPEN.includes(last.status)) return { name, failed: false };
  if (!theirs.some(({ status }) => status === 'failed')) return whole ? { name, failed: true } : undefined;
  return { name, failed: whole || last.status !== 'failed' || !mayGoOn(last, record) };
}

/**
 * The run of the same incident that is tried before this one. Undefined: the way is free, or this is the one, which is noted.
 * What failed after another had been proved, or had not helped, is none of what waited for that: it begins anew.
 */
export async function canaryRunOf(fix: Fix): Promise<Canary | undefined> {
  const { run, playbook, deps } = fix;
  const [incident] = fix.incidents;
  if (playbook.steps[0]?.targets !== 'one' || incident === undefined) return undefined;
  const { store } = deps;
  const key = { pk: canaryPartition(incident), sk: playbook.id };
  const mine = runKeyOf(run.id);
  for (let round = 0; round < ROUNDS; round++) {
    const noted = await store.getItem(key);
    const name = String(noted?.run ?? mine);
    if (name !== mine) {
      const verdict = verdictOf(await readRun(store, name), { incident, playbook: playbook.id, now: deps.now() });
      const fresh = deps.now() - Date.parse(String(noted?.at)) < PATIENCE_MS;
      if (verdict === 'open' || (verdict === 'untried' && fresh)) return { name, failed: false };
      if (verdict !== 'untried' && (run.endedAt ?? run.statusAt) <= verdict.at) {
        return verdict.helped ? undefined : { name, failed: true };
      }
    }
    const version = noted?.version as number | undefined;
    const item = { ...key, run: mine, at: new Date(deps.now()).toISOString(), version: (version ?? 0) + 1 };
    if (await store.putOver({ ...item, expiresAt: expiry(store.now(), KEPT_DAYS) }, version)) return undefined;
  }
  throw new Error(`the canary of ${incident} is contended`);
}

/** What a run's being tried first has come to. */
function verdictOf(
  record: RunRecord,
  of: { incident: string; playbook: string; now: number },
): 'open' | 'untried' | { readonly helped: boolean; readonly at: string } {
  const fixes = inOrder(
    record.remediations.filter(
      ({ playbook, incidentIds }) => playbook === of.playbook && incidentIds.includes(of.incident),
    ),
  );
  const last = fixes.at(-1);
  if (last === undefined) return 'untried';
  const good = record.failures.filter(({ incidentId }) => incidentId === of.incident).map((one) => one.resolvedAt);
  if (good.length > 0 && good.every((at) => at !== undefined)) return { helped: true, at: good.sort().at(-1) ?? '' };
  if (fixes.some(({ status }) => UNDER_WAY.includes(status))) return 'open';
  const tried = fixes.filter(({ status }) => status === 'failed' || status === 'succeeded');
  // What comes next may never come.
  const waits = of.now - Date.parse(last.statusAt) < FRESH_MS;
  if (tried.length === 0 || (last.excused && !waits)) return 'untried';
  if (waits && (last.status === 'proposed' || (tried.includes(last) && mayGoOn(last, record)))) return 'open';
  return { helped: last.status === 'succeeded', at: last.statusAt };
}

const mayGoOn = (fix: Remediation, record: RunRecord): boolean =>
  fix.excused === true || goesOn(fix, record, fix.status === 'succeeded');

const inOrder = (fixes: readonly Remediation[]): Remediation[] =>
  [...fixes].sort((a, b) => a.attempt - b.attempt || (a.step ?? 0) - (b.step ?? 0));
