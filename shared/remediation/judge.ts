import { openWindows } from '../maintenance/index.ts';
import { isEnded, isLive, type RecordedDecision, type Remediation } from '../model/index.ts';
import { done, type Rest } from '../runtime/rest.ts';
import { refund, spend } from './budget.ts';
import { carryOut } from './carry-out.ts';
import { type Decision, decide, type Situation } from './decide.ts';
import type { Fix } from './fix.ts';
import { found, guardOfLearnt, guardOfOutage, noteHit, standingOf, wordOn } from './guards/index.ts';
import { learned, noteWatched } from './learned.ts';
import {
  isOpen,
  lastActedAt,
  madeBefore,
  noteFailure,
  type OpenOutage,
  type Outage,
  outageKeysOf,
  readOutage,
  review,
  reviewRun,
  suspectedUntil,
  takeProbe,
  triedInOutage,
  triesOf,
} from './outage/index.ts';
import { type Canary, canaryOf, canaryRunOf, giveUp } from './plan/index.ts';
import { modeOf } from './policy.ts';
import { rivalOf } from './rival.ts';
import { successorOf } from './successor.ts';

/** What the held ones of an outage are spread over, once the next probe is due. */
const SPREAD_MS = 60_000;
/** How soon a window is looked at again whose end an event may tell. */
const WINDOW_LOOK_MS = 60_000;

const NOTHING_SPENT = { repository: 0, all: 0 };

/** Gathers the situation, decides, and does what was decided. */
export async function judge(fix: Fix, existing: Remediation | undefined): Promise<Rest> {
  const { deps, run } = fix;
  const { store, settings } = deps;
  const { on } = fix.playbook.trigger;
  const asked = on !== 'run-failed';
  if ((!asked || fix.learnt !== undefined) && modeOf(settings, run) === 'off') return done;
  await noteWatched(fix, existing);
  const outages = await outagesOf(fix, existing);
  for (const outage of outages) await review(deps.store, outage);
  const tries = asked ? 0 : triesOf(fix, outages) + (await madeBefore(fix));
  const base: Situation = {
    now: deps.now(),
    run,
    jobs: fix.option.jobs,
    failures: fix.failures,
    playbook: fix.playbook,
    attempt: fix.option.attempt,
    latestAttempt: fix.latestAttempt(),
    tries,
    suspectedUntil: tries < fix.playbook.maxTries ? undefined : await suspicionOf(fix),
    supersededBy: (await successorOf(store, run))?.id,
    lastActedAt: lastActedAt(fix),
    rival: rivalOf(fix, fix.record.remediations)?.action,
    guard: await guardFor(fix),
    ...waitingFor(fix.root?.awaited ? { name: fix.root.name, failed: false } : canaryOf(fix)),
    waited: existing?.decision?.waited === true || existing?.decision?.rule === 'canary' || fix.root !== undefined,
    control: await fix.control(),
    spent: NOTHING_SPENT,
    maintenance: on === 'taken-back' ? undefined : await maintenanceAt(fix),
    heldInWindow: existing?.decision?.rule === 'maintenance' || existing?.decision?.heldInWindow === true,
    heldForOutage: existing?.outage !== undefined || triedInOutage(fix, outages),
    approved: existing?.approvedAt !== undefined,
    asked: existing?.status === 'awaiting-approval',
  };
  // What costs something is only asked for when all else agrees.
  const open = outages.find(isOpen);
  let situation = base;
  let decision = decide(base, settings);
  if (isPlan(decision) && open !== undefined) {
    situation = { ...base, outage: await probing(fix, open) };
    decision = decide(situation, settings);
  }
  let { choice } = fix;
  if (decision.kind === 'act' && open === undefined && !asked) {
    const known = await learned(fix, existing);
    choice = known.choice ?? choice;
    situation = { ...situation, ...known.says };
    decision = decide(situation, settings);
  }
  // While there is an outage, its probes tell as much.
  if (isPlan(decision) && open === undefined) {
    situation = { ...situation, ...waitingFor(await canaryRunOf(fix)) };
    decision = decide(situation, settings);
  }
  if (decision.kind === 'act' && !asked) {
    const missing = await missingJobs(fix);
    if (missing === undefined) {
      await fix.hold(existing, `${fix.platform.title} does not say which jobs failed`, deps.now() + 60_000);
      return done;
    }
    // One that failed for another cause may forbid the rerun. Its diagnosis comes back here.
    if (missing.length > 0) return done;
  }
  if (decision.kind === 'act' && on !== 'taken-back') {
    situation = { ...situation, spent: await spend(store, fix.action) };
    decision = decide(situation, settings);
    if (decision.kind !== 'act') await refund(store, fix.action);
  }
  fix.decidedTo(decision, { ...inputsOf(situation), ...(choice !== undefined && { choice }) });
  const rest = await follow(fix, existing, decision, situation);
  if (decision.rule === 'tries' && open === undefined) await reviewIfOutage(fix);
  return rest;
}

async function guardFor(fix: Fix): Promise<Situation['guard']> {
  const { store } = fix.deps;
  if (fix.learnt !== undefined) {
    const standing = await standingOf(store, guardOfLearnt(fix.learnt));
    if (standing?.word === 'lifted' || standing?.word === 'declined') return 'lifted';
    return standing?.word === 'in-force' && standing.approved ? 'approved' : undefined;
  }
  const lasts = fix.playbook.steps[0]?.lastsHours !== undefined;
  return lasts ? wordOn(store, { ...fix.request, platform: fix.run.platform }) : undefined;
}

const waitingFor = (canary: Canary | undefined): Pick<Situation, 'canary' | 'canaryFailed'> =>
  canary === undefined ? {} : { canary: canary.name, canaryFailed: canary.failed };

const isPlan = ({ kind }: Decision): boolean => kind === 'act' || kind === 'ask';

async function follow(
  fix: Fix,
  existing: Remediation | undefined,
  decision: Decision,
  situation: Situation,
): Promise<Rest> {
  switch (decision.kind) {
    case 'act':
      return carryOut(fix, await asProbe(fix, existing, situation), decision.reason);
    case 'ask': {
      // A question that was put once is not put off by being looked at.
      if (existing?.status === 'awaiting-approval') return expireUnanswered(fix, existing);
      // One question for all that a guard is for.
      if (fix.learnt !== undefined && !(await found(fix.deps.store, fix.learnt, fix.id))) return done;
      const approvalUntil = new Date(decision.until).toISOString();
      await fix.write(existing, 'awaiting-approval', {
        reason: decision.reason,
        approvalUntil,
        wakeAt: approvalUntil,
        ...outageFields(situation),
      });
      return done;
    }
    case 'hold':
      if (existing?.status === 'awaiting-approval' && existing.approvedAt === undefined) {
        return expireUnanswered(fix, existing);
      }
      if (decision.rule === 'outage' && situation.outage !== undefined && existing?.decision?.rule !== 'outage') {
        await noteHit(fix.deps.store, guardOfOutage(situation.outage), fix.id);
      }
      await fix.hold(existing, decision.reason, decision.until + spreadOf(fix, decision), {
        ...outageFields(situation),
        ...(decision.rule === 'hold-out' && { heldOut: true }),
      });
      return done;
    case 'refuse': {
      // A fix that was held for too long is one the master counted on; otherwise a refusal is only an explanation.
      const counted =
        existing !== undefined &&
        existing.decision?.rule !== 'suspected' &&
        fix.latestAttempt() === fix.option.attempt &&
        decision.rule !== 'superseded';
      const isLater = (fix.marks.step ?? 0) > 0 && fix.latestAttempt() === fix.option.attempt;
      if (counted) await giveUp(fix, existing, 'expired', `held, then given up: ${decision.reason}`);
      else if (isLater && decision.rule !== 'superseded') await giveUp(fix, existing, 'refused', decision.reason);
      else await fix.write(existing, 'refused', { reason: decision.reason });
      return done;
    }
  }
}

/** All that wait for the next hour, or for the next step after one outage, would come at once. */
function spreadOf(fix: Fix, { rule }: Decision): number {
  if (rule === 'budget') return fix.jitter(SPREAD_MS);
  const pause = (fix.playbook.steps[0]?.afterSeconds ?? 0) * 1000;
  return rule === 'cooldown' && pause > 0 ? fix.jitter(pause / 2) : 0;
}

/** No answer in time is a no. */
async function expireUnanswered(fix: Fix, existing: Remediation): Promise<Rest> {
  if (fix.deps.now() >= Date.parse(existing.approvalUntil ?? existing.statusAt)) {
    await giveUp(fix, existing, 'expired', 'nobody approved it in time');
  }
  return done;
}

/** A probe is marked as such before anything is claimed, so that whoever proves it knows. */
async function asProbe(
  fix: Fix,
  existing: Remediation | undefined,
  situation: Situation,
): Promise<Remediation | undefined> {
  if (situation.outage === undefined || existing?.probe) return existing;
  const now = fix.deps.now();
  const held = await fix.hold(existing, `a probe whether ${situation.outage.key} is over`, now, {
    ...outageFields(situation),
    probe: true,
  });
  return held ?? existing;
}

const outageFields = ({ outage }: Situation): { outage?: string } =>
  outage === undefined ? {} : { outage: outage.key };

const inputsOf = (situation: Situation): Omit<RecordedDecision, 'at' | 'verdict' | 'rule' | 'reason'> => ({
  spent: { ...situation.spent },
  control: situation.control,
  latestAttempt: situation.latestAttempt,
  tries: situation.tries,
  ...(situation.supersededBy !== undefined && { supersededBy: situation.supersededBy }),
  ...(situation.rival !== undefined && { rival: situation.rival }),
  ...(situation.canary !== undefined && { canary: situation.canary }),
  ...(situation.guard !== undefined && { guard: situation.guard }),
  ...(situation.suspectedUntil !== undefined && { suspected: true }),
  ...(situation.waited && { waited: true }),
  ...(situation.lastActedAt !== undefined && { lastActedAt: situation.lastActedAt }),
  ...(situation.heldForOutage && { heldForOutage: true }),
  ...(situation.maintenance !== undefined && { maintenance: situation.maintenance }),
  ...(situation.heldInWindow && { heldInWindow: true }),
  ...(situation.approved && { approved: true }),
  ...(situation.asked && { asked: true }),
  ...(situation.broken !== undefined && { broken: true }),
  ...(situation.heldOutUntil !== undefined && { heldOut: true }),
  ...(situation.outage !== undefined && {
    outage: { key: situation.outage.key, mayProbe: situation.outage.mayProbe },
  }),
});

/** The window that events have opened over what a fix is about. They may end it any time, so it is looked at again soon. */
async function maintenanceAt({ deps, run, option, request }: Fix): Promise<Situation['maintenance']> {
  const named = request.parameters?.runner;
  const runners = [
    ...option.jobs.flatMap(({ runner }) => (runner === undefined ? [] : [runner.id, runner.name])),
    ...(named === undefined ? [] : [String(named)]),
  ];
  const { platform, repository, environment } = run;
  const [window] = await openWindows(deps.store, { platform, repository, environment, runners, runId: run.id });
  const until = Math.min(Date.parse(window?.until ?? ''), deps.now() + WINDOW_LOOK_MS);
  return window && { until, reason: window.reason };
}

/** The outages, past or present, of what this fix is for. A run counts once for each of its causes. */
async function outagesOf(fix: Fix, existing: Remediation | undefined): Promise<Outage[]> {
  const { store, settings } = fix.deps;
  const found = await Promise.all(
    outageKeysFor(fix).map((key) =>
      existing === undefined ? noteFailure(store, key, failedOf(fix), settings.outage) : readOutage(store, key),
    ),
  );
  return found.filter((outage) => outage !== undefined);
}

/** History makes no outage of today. */
const outageKeysFor = ({ run, failures }: Fix): string[] =>
  isLive(run.origin) ? outageKeysOf(failures.filter(({ transient }) => transient === true)) : [];

const failedOf = ({ run }: Fix): { id: string; failedAt: string } => ({
  id: run.id,
  failedAt: run.endedAt ?? run.statusAt,
});

async function suspicionOf(fix: Fix): Promise<number | undefined> {
  const { store, settings } = fix.deps;
  const until = await Promise.all(
    outageKeysFor(fix).map((key) => suspectedUntil(store, key, failedOf(fix), settings.outage)),
  );
  return until.find((one) => one !== undefined);
}

/** An outage that became known while this was refused has missed it. */
async function reviewIfOutage(fix: Fix): Promise<void> {
  const { store } = fix.deps;
  for (const key of outageKeysFor(fix)) {
    const outage = await readOutage(store, key);
    if (isOpen(outage)) await reviewRun(store, fix.run.id, outage);
  }
}

async function probing(fix: Fix, outage: OpenOutage): Promise<Situation['outage']> {
  const { store, now } = fix.deps;
  const mayProbe =
    outage.nextProbeAt <= store.now() || outage.probe === fix.id ? await takeProbe(store, outage.key, fix.id) : false;
  const next = Math.max(Date.parse(outage.nextProbeAt), now());
  return { key: outage.key, since: outage.since, mayProbe, askAgainAt: next + 1_000 + fix.jitter(SPREAD_MS) };
}

/**
 * Failed jobs that the platform knows and nobody has told of: the end of a job can trail the end of its run. Only asked
 * for while a job of the attempt is not known to have ended. Undefined: the platform does not say.
 */
async function missingJobs(fix: Fix): Promise<readonly string[] | undefined> {
  const jobs = fix.record.jobs.filter((job) => job.runId === fix.run.id);
  if (!jobs.some((job) => job.status === 'queued' || job.status === 'running')) return [];
  const client = await fix.platform.client(fix.deps.read);
  if (client?.failedJobs === undefined) return [];
  const failed = await client.failedJobs(fix.request);
  return failed?.filter((id) => !jobs.some((job) => job.externalId === id && isEnded(job.status)));
}
