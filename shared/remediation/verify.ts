import { makeGood } from '../incidents/index.ts';
import { type Failure, isEnded, type Remediation, type Run } from '../model/index.ts';
import { type RemediationSettings, remediationSettings } from '../runtime/remediation-settings.ts';
import { again, done, type Rest } from '../runtime/rest.ts';
import { mergeInto, type Store } from '../store/index.ts';
import { type RunRecord, readRun } from '../tracking/index.ts';
import { BY_HAND } from './by-hand.ts';
import { VERIFY_WITHIN_MS } from './decide.ts';
import { escalate } from './escalate.ts';
import { isProvedByNext } from './fix.ts';
import { takeBackHarmful } from './guards/index.ts';
import { recordOutcome, worthOf } from './learning/index.ts';
import { fellInto, keysOfFix, readOutage, suspectedUntil, tellOutcome } from './outage/index.ts';
import { endPlan, goesOn, isAlone } from './plan/index.ts';
import { playbookOf } from './playbooks/index.ts';
import { proof } from './proof.ts';
import { settleRollback } from './rollback.ts';
import { successorOf } from './successor.ts';

/** The deliveries about a run's jobs may trail the one about its end by this much. */
const JOBS_TRAIL_MS = 120_000;
const LOOK_AGAIN_SECONDS = 10;

/** Fixes that may have been carried out and whose effect is not known. */
const OPEN: readonly Remediation['status'][] = ['executing', 'unknown', 'verifying'];

/**
 * Takes the outcome of a fix from the attempt that followed it, and notes what a later attempt made good, whoever started
 * it. Safe to call at any time, any number of times.
 */
export async function verifyRun(
  id: string,
  deps: { store: Store; now: () => number; settings?: Pick<RemediationSettings, 'prices' | 'outage'> },
): Promise<Rest> {
  const { store, now, settings = remediationSettings.parse({}) } = deps;
  const record = await readRun(store, id);
  const good = record.failures.filter((failure) => madeGood(failure, record));
  if (good.length > 0) {
    const [first] = good;
    await makeGood(store, good, `a later attempt succeeded: ${first?.name ?? first?.jobId}`, first?.origin ?? 'live');
  }
  await makeSupersededGood(store, record);
  await takeBackHarmful(store, record);
  let rest: Rest = done;
  for (const fix of record.remediations.filter((remediation) => OPEN.includes(remediation.status))) {
    const next = fix.subject === fix.runId ? record.runs.find((run) => run.attempt === fix.attempt + 1) : undefined;
    const ended = next !== undefined && isEnded(next.status);
    const overdue = ended && now() - Date.parse(next.endedAt ?? next.statusAt) > JOBS_TRAIL_MS;
    const outcome =
      (isProvedByNext(fix)
        ? proof(fix, { run: next, jobs: record.jobs }, { runAlone: overdue && tellsOf(next, fix) })
        : toldBy(fix, record)) ?? timedOut(fix, now());
    if (outcome !== undefined) await conclude({ store, settings }, fix, outcome, record);
    else if (ended && !overdue && isProvedByNext(fix))
      rest = again(LOOK_AGAIN_SECONDS, 'the ends of the jobs are not known yet');
  }
  return rest;
}

/** Whether the end of an attempt tells of what was tried in it: a bad one may be that of what was left as it was. */
const tellsOf = ({ status }: Run, fix: Remediation): boolean => status === 'succeeded' || !isAlone(fix);

/** What newer work has taken the place of is good again once that has succeeded. */
async function makeSupersededGood(store: Store, { remediations, runs, failures }: RunRecord): Promise<void> {
  const held = remediations.filter(({ status, decision }) => status === 'proposed' && decision?.rule === 'superseded');
  for (const runId of new Set(held.map((fix) => fix.runId))) {
    const run = runs.find(({ id }) => id === runId);
    const newer = run && (await successorOf(store, run));
    if (run === undefined || newer?.succeeded !== true) continue;
    const theirs = failures.filter((failure) => failure.runId === runId);
    await makeGood(store, theirs, `${newer.id}, which took its place, succeeded`, run.origin);
  }
}

/** Failures that are noted as such count again: a crash may have come between the note and the end of their incident. */
function madeGood(failure: Failure, record: RunRecord): boolean {
  const job = record.jobs.some(
    (candidate) =>
      candidate.name === failure.name && candidate.attempt > failure.attempt && candidate.status === 'succeeded',
  );
  return job || record.runs.some((run) => run.attempt > failure.attempt && run.status === 'succeeded');
}

/** Of an act whose effect no later attempt tells: by what was shown of it, by its run, or by the platform's answer alone. */
function toldBy(fix: Remediation, { runs }: RunRecord): { succeeded: boolean; reason: string } | undefined {
  if (fix.status !== 'verifying') return undefined;
  if (fix.shown !== undefined) return { succeeded: fix.shown.status === 'succeeded', reason: fix.shown.detail };
  if (fix.proof === 'answer') return { succeeded: true, reason: fix.result ?? 'accepted' };
  const run = runs.find(({ id }) => id === fix.runId);
  if (fix.proof !== 'run-ended' || run === undefined || !isEnded(run.status)) return undefined;
  return { succeeded: true, reason: `the run is ${run.status}` };
}

function timedOut(fix: Remediation, now: number): { succeeded: boolean; reason: string } | undefined {
  // Of these, the platform is asked once more before they are given up.
  if (fix.status !== 'verifying' || fix.proof === 'new-run' || fix.proof === 'state') return undefined;
  const waited = Date.parse(fix.verifyUntil ?? '') - Date.parse(fix.statusAt) || VERIFY_WITHIN_MS;
  if (now - Date.parse(fix.statusAt) < waited) return undefined;
  return { succeeded: false, reason: `no outcome within ${waited / 60_000} minutes` };
}

/** The incidents first, the fix last: after a crash in between, the fix is still open and all of it is done again. */
async function conclude(
  { store, settings }: { store: Store; settings: Pick<RemediationSettings, 'prices' | 'outage'> },
  fix: Remediation,
  outcome: { succeeded: boolean; reason: string },
  record: RunRecord,
): Promise<void> {
  // What no attempt comes of would never be tried again.
  const excused = (await tellOutage(store, fix, outcome.succeeded, record)) && isProvedByNext(fix);
  const more = goesOn(fix, record, outcome.succeeded);
  const ended = !excused && !outcome.succeeded && !more;
  if (outcome.succeeded && mends(fix)) {
    const theirs = record.failures.filter(
      ({ runId, name, externalId }) => runId === fix.runId && fix.targets.includes(name ?? externalId),
    );
    await makeGood(store, theirs, `${fix.action}: ${outcome.reason}`, fix.origin);
  }
  if (ended && (await mayBeOutage(store, fix, record, settings.outage))) return;
  if (ended && fix.plan !== undefined) {
    await endPlan(store, record, fix, outcome.reason);
  } else if (!excused && !more && fix.playbook !== BY_HAND && fix.rollbackOf === undefined) {
    const ran = record.jobs.filter((job) => job.attempt === fix.attempt + 1 && fix.targets.includes(job.name ?? ''));
    const worth = worthOf(ran, outcome.succeeded, settings.prices);
    await recordOutcome(store, { ...fix, causes: fix.causes ?? [], at: fix.statusAt }, outcome.succeeded, worth);
  }
  // What failed in an outage is tried again after it: nobody but the platform can do anything about it.
  if (ended) {
    await escalate(store, fix, record, outcome.reason);
  }
  const { after } = await store.change('remediation', fix.id, (state) =>
    state === undefined || !OPEN.includes(state.status)
      ? undefined
      : mergeInto('remediation', state, {
          id: fix.id,
          status: outcome.succeeded ? 'succeeded' : 'failed',
          statusAt: store.now(),
          basis: state.basis ?? 0,
          origin: fix.origin,
          reason: outcome.reason,
          ...(excused && { excused }),
          ...(outcome.succeeded && state.lastsUntil !== undefined && !state.unchanged && { wakeAt: state.lastsUntil }),
          ...(state.decision !== undefined && { decision: state.decision }),
          ...(state.result !== undefined && { result: state.result }),
          ...(state.leaseUntil !== undefined && { leaseUntil: state.leaseUntil }),
        }),
  );
  await settleRollback(store, after);
}

/** Whether the failures of a run are made good by what was shown of the fix, and by no later attempt. */
const mends = ({ playbook, proof }: Remediation): boolean =>
  playbookOf(playbook) !== undefined && (proof === 'new-run' || proof === 'state');

/** Whether it will only be known later that a fix did not fall into an outage. Has it looked at again by then. */
async function mayBeOutage(
  store: Store,
  fix: Remediation,
  record: RunRecord,
  limits: RemediationSettings['outage'],
): Promise<boolean> {
  const again = record.jobs.filter((job) => job.attempt === fix.attempt + 1 && fix.targets.includes(job.name ?? ''));
  const failedAt = again
    .map(({ endedAt, statusAt }) => endedAt ?? statusAt)
    .sort()
    .at(-1);
  if (failedAt === undefined || !isProvedByNext(fix)) return false;
  for (const key of keysOfFix(fix, record.failures)) {
    const until = await suspectedUntil(store, key, { id: fix.runId, failedAt }, limits);
    if (until === undefined) continue;
    const wakeAt = new Date(until).toISOString();
    await store.change('remediation', fix.id, (state) =>
      state?.status === fix.status && state.wakeAt !== wakeAt ? { ...state, wakeAt } : undefined,
    );
    return true;
  }
  return false;
}

/** Tells the outage what its probe came to. True: the fix failed in an outage, which says nothing of the fix. */
async function tellOutage(store: Store, fix: Remediation, succeeded: boolean, record: RunRecord): Promise<boolean> {
  let fell = fix.probe === true;
  for (const key of keysOfFix(fix, record.failures)) {
    if (succeeded || fix.probe) await tellOutcome(store, key, { id: fix.id, actedAt: fix.statusAt }, succeeded);
    if (!succeeded) fell ||= fellInto(await readOutage(store, key), fix, record.runs);
  }
  return fell && !succeeded;
}
