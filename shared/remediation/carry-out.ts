import type { Remediation } from '../model/index.ts';
import type { ActOutcome } from '../platforms/port.ts';
import { again, done, type Rest } from '../runtime/rest.ts';
import { readRun } from '../tracking/index.ts';
import { refund } from './budget.ts';
import { awaitMade } from './confirm.ts';
import { holdLease, releaseLease } from './control.ts';
import { FRESH_MS } from './decide.ts';
import { type Fix, isProvedByNext } from './fix.ts';
import { noteActed } from './guards/index.ts';
import { canaryRunOf, giveUp, goesOn, prepared } from './plan/index.ts';
import { rivalOf } from './rival.ts';

/** Claim, act, record: an act happens once, whoever dies when (DESIGN.md, rule 7). */

/** Longer than any call to a platform may take (10 s), so that an expired lease means that nothing is on its way. */
export const LEASE_MS = 15_000;
/** What must be left of a lease when a call begins: the time-out of calls, and a little. */
const CALL_MS = 11_000;
/** Negative look-ups are believed once the call that may still arrive has timed out. */
const LOOK_UP_AFTER_SECONDS = 5;
/** Longer than a lease, and then some, so that two that gave way do not meet again. */
const GIVE_WAY_MS = 20_000;

export async function carryOut(fix: Fix, existing: Remediation | undefined, reason: string): Promise<Rest> {
  const { store, now } = fix.deps;
  const client = await fix.platform.client(fix.deps.read);
  if (client === undefined) {
    await giveUp(fix, existing, 'refused', `no token for ${fix.platform.title} is configured`);
    return done;
  }
  const until = new Date(now() + LEASE_MS).toISOString();
  // The lease goes before the claim: whoever stops QMOI reads the leases after writing the stop, and this worker reads
  // the stop after writing its lease, so that at least one of them sees the other.
  const lease = await holdLease(store, { ...fix.action, until });
  // What may still be on its way to the platform is over once its lease is.
  let onItsWay = false;
  try {
    const claimed = await fix.write(existing, 'claimed', { reason, ...leaseFields(fix, until) });
    if (claimed === undefined) return again(1, 'someone else was faster');
    const record = await readRun(store, fix.run.id);
    const rival = rivalOf(fix, record.remediations);
    if (rival !== undefined) {
      await refund(store, fix.action);
      await fix.hold(claimed, `${rival.action} is under way on it`, now() + GIVE_WAY_MS + fix.jitter(GIVE_WAY_MS));
      return done;
    }
    // Somebody has run it again since it was judged; this would run that attempt again.
    if (fix.playbook.preconditions.includes('latest-attempt') && fix.latestAttempt(record) > fix.option.attempt) {
      await refund(store, fix.action);
      await fix.hold(claimed, 'a later attempt has begun', now());
      return again(1, 'to be judged anew');
    }
    // Another run may have taken the first place since.
    const canary = claimed.probe ? undefined : await canaryRunOf(fix);
    if (canary !== undefined) {
      await refund(store, fix.action);
      await fix.hold(claimed, `${canary.name} is tried first`, now() + GIVE_WAY_MS);
      return again(1, 'to be judged anew');
    }
    await fix.advanceIncidents('fixing', reason);
    const control = await fix.control();
    if (control !== 'running') {
      await refund(store, fix.action);
      await fix.hold(claimed, `the master has QMOI ${control} here`, now() + 60_000);
      return done;
    }
    const executing = await fix.write(claimed, 'executing', { reason, ...leaseFields(fix, until) });
    if (executing === undefined) return again(1, 'the claim was lost');
    if (leaseLeft(fix, executing) < CALL_MS) {
      await refund(store, fix.action);
      await fix.hold(executing, 'too little was left of its lease for a call', now());
      return again(1, 'to be judged anew');
    }
    onItsWay = true;
    const outcome = await client.act(fix.request);
    onItsWay = outcome.kind === 'unknown';
    return await settle(fix, executing, outcome);
  } finally {
    if (!onItsWay) await releaseLease(store, lease);
  }
}

async function settle(fix: Fix, executing: Remediation, outcome: ActOutcome): Promise<Rest> {
  switch (outcome.kind) {
    case 'done':
      await acted(fix);
      if (isStep(fix)) return onward(await prepared(fix, executing, { ...outcome, result: outcome.detail }));
      await awaitMade(fix.deps.store, await fix.verifying(executing, outcome.detail, outcome));
      return done;
    case 'refused':
      // What the platform does not do is left out of a plan, unless there is no attempt that the next step could be for.
      if (!isProvedByNext(executing) && goesOn(executing, fix.record, false)) {
        await fix.write(executing, 'failed', { reason: outcome.reason });
        return again(1, 'the next step');
      }
      await giveUp(fix, executing, 'refused', outcome.reason);
      return done;
    case 'retry-later':
      await refund(fix.deps.store, fix.action);
      await fix.hold(executing, outcome.reason, fix.deps.now() + outcome.seconds * 1000);
      return again(outcome.seconds, outcome.reason);
    case 'unknown':
      await fix.write(executing, 'unknown', {
        reason: outcome.reason,
        leaseUntil: executing.leaseUntil,
        wakeAt: fix.in(LEASE_MS),
      });
      return again(LOOK_UP_AFTER_SECONDS, outcome.reason);
  }
}

/** Someone claimed this and has not said how it ended: still at work, or dead. */
export async function afterCrash(fix: Fix, existing: Remediation): Promise<Rest> {
  const left = leaseLeft(fix, existing);
  if (left > 0) return again(left / 1000, 'another worker holds the claim');
  if (existing.status === 'claimed') {
    await fix.hold(existing, 'its worker was lost before anything was sent', fix.deps.now());
    return again(1, 'to be judged anew');
  }
  const unknown = await fix.write(existing, 'unknown', { reason: 'its worker was lost', wakeAt: fix.in(LEASE_MS) });
  return unknown === undefined ? again(1, 'someone else was faster') : lookUp(fix, unknown);
}

export async function lookUp(fix: Fix, existing: Remediation): Promise<Rest> {
  const { store, now, read } = fix.deps;
  const client = await fix.platform.client(read);
  const answer = client === undefined ? 'unclear' : await client.lookUp(fix.request);
  if (answer === 'happened') {
    await acted(fix);
    const result = 'found at the platform: it had happened';
    if (isStep(fix)) return onward(await prepared(fix, existing, { result }));
    const made = (await client?.probe?.(fix.request))?.made;
    await awaitMade(store, await fix.verifying(existing, result, { ...(made !== undefined && { made }) }));
    return done;
  }
  // Counted from the act: what waited for an approval or for the end of an outage may be long after its run.
  if (now() - Date.parse(existing.decision?.at ?? fix.run.endedAt ?? fix.run.statusAt) > FRESH_MS) {
    await giveUp(fix, existing, 'refused', 'whether it happened could not be found out');
    return done;
  }
  const left = leaseLeft(fix, existing);
  if (answer === 'unclear' || left > 0) return again(Math.max(left / 1000, LOOK_UP_AFTER_SECONDS), 'not yet certain');
  await refund(store, fix.action);
  await fix.hold(existing, 'looked up at the platform: it did not happen', now());
  return again(1, 'to be judged anew');
}

const acted = async ({ learnt, deps, id }: Fix): Promise<void> => {
  if (learnt !== undefined) await noteActed(deps.store, learnt, id);
};

/** Over with its answer; the attempt after a later step is what tells. */
const isStep = ({ marks: { plan, proof } }: Fix): boolean => plan !== undefined && proof === 'answer';
const onward = (more: boolean): Rest => (more ? again(1, 'the next step') : done);

const leaseFields = (fix: Fix, until: string): Pick<Remediation, 'leaseUntil' | 'leaseOwner' | 'wakeAt'> => ({
  leaseOwner: fix.deps.owner,
  leaseUntil: until,
  wakeAt: until,
});

const leaseLeft = (fix: Fix, existing: Remediation): number =>
  existing.leaseUntil === undefined ? 0 : Date.parse(existing.leaseUntil) - fix.deps.now();
