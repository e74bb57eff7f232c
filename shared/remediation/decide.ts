import { type Control, type Failure, isEnded, isLive, type Job, type Run } from '../model/index.ts';
import type { Mode, RemediationSettings } from '../runtime/remediation-settings.ts';
import { misfit, type Playbook, tierOf } from './playbook.ts';
import { modeOf, mostRestrictive, wantedMode, windowOf } from './policy.ts';

/** QMOI acts only on what happened less than this long ago (DESIGN.md, rule 6). */
export const FRESH_MS = 30 * 60_000;
/** How long a rerun may take before QMOI stops waiting for its outcome: the limit GitHub sets on a job. */
export const VERIFY_WITHIN_MS = 6 * 3_600_000;
/** How soon a held fix is looked at again when nobody wakes it before. */
const HOLD_MS = 60_000;
/** How long, and how often, the run that superseded one is awaited. */
const SUPERSEDED_MS = 24 * 3_600_000;
const SUPERSEDED_LOOK_MS = 60_000;
/** What was held for maintenance is given up after that, if the maintenance is not over. */
const HELD_MS = 24 * 3_600_000;
const HOUR_MS = 3_600_000;
const RIVAL_MS = 30_000;
const CANARY_LOOK_MS = 30_000;

/** All that a decision depends on, besides the policy; whoever asks has read it consistently. */
export interface Situation {
  readonly now: number;
  readonly run: Run;
  /** The failed jobs that the action would try again. */
  readonly jobs: readonly Job[];
  /** One per job, all diagnosed. */
  readonly failures: readonly Failure[];
  readonly playbook: Playbook;
  /** The attempt of the run or job that would be tried again; absent: the run's. */
  readonly attempt?: number;
  /** The greatest attempt of it that is known. */
  readonly latestAttempt: number;
  /** Earlier attempts that count as tries: those that fell into an outage do not. */
  readonly tries: number;
  /** The run of newer work, with another commit, that has made this one's outcome moot. */
  readonly supersededBy?: string | undefined;
  /** While it is not known whether its last attempt fell into an outage that begins. */
  readonly suspectedUntil?: number | undefined;
  /** What another fix does to the same subject at this moment. */
  readonly rival?: string | undefined;
  /** The job or run that is tried first, unless that is known to have helped; and whether it is known not to. */
  readonly canary?: string | undefined;
  readonly canaryFailed?: boolean;
  /** It has waited for that, and may be tried for longer than others. */
  readonly waited?: boolean;
  /** What the master has said of the guard that it is for: `approved` counts for all that it is for. */
  readonly guard?: 'lifted' | 'approved' | undefined;
  /** When the subject was last acted on. */
  readonly lastActedAt?: number | undefined;
  readonly control: Control['status'];
  /** Actions of this hour, this one not counted. */
  readonly spent: { readonly repository: number; readonly all: number };
  /** The outage that the failures belong to, while nobody knows that it is over. */
  readonly outage?: {
    readonly key: string;
    readonly since: string;
    /** This one may find out whether it is over. */
    readonly mayProbe: boolean;
    readonly askAgainAt: number;
  };
  /** A window of maintenance that events have opened over it; those of the settings are the policy's. */
  readonly maintenance?: { readonly until: number; readonly reason: string } | undefined;
  /** It was once held for maintenance, and is judged anew after that however old it is by then. */
  readonly heldInWindow?: boolean;
  /** It was once held for an outage, and may be recovered for longer than others. */
  readonly heldForOutage?: boolean;
  readonly approved?: boolean;
  /** The master has been asked, so that an answer in time still counts. */
  readonly asked?: boolean;
  /** Why the playbook is off for such failures at present. */
  readonly broken?: { readonly reason: string; readonly askAgainAt: number };
  /** Why the playbook is not followed for such failures any more. */
  readonly demoted?: string;
  /** Only watched, until then. */
  readonly heldOutUntil?: number;
}

/** A plan (`act`, `ask`) or a refusal (`hold`: for now; `refuse`: for good), always with the rule that spoke last. */
export type Decision = { readonly rule: string; readonly reason: string } & (
  | { readonly kind: 'act' }
  /** To be done once the master approves, until `until` (milliseconds since the epoch). */
  | { readonly kind: 'ask'; readonly until: number }
  /** Not now: ask again at `until`. */
  | { readonly kind: 'hold'; readonly until: number }
  /** Not this one, ever. */
  | { readonly kind: 'refuse' }
);

type Rule = (situation: Situation, policy: RemediationSettings) => Decision | undefined;

const refuse = (rule: string, reason: string): Decision => ({ kind: 'refuse', rule, reason });
const hold = (rule: string, reason: string, until: number): Decision => ({ kind: 'hold', rule, reason, until });

/** GitHub refuses more: https://docs.github.com/en/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs */
const MOST_RERUNS: Readonly<Record<string, number>> = { github: 50 };

const stopped: Rule = ({ now, control }) =>
  control === 'running' ? undefined : hold('control', `the master has QMOI ${control} here`, now + HOLD_MS);
const contested: Rule = ({ now, rival }) =>
  rival === undefined ? undefined : hold('rival', `${rival} is under way on it`, now + RIVAL_MS);

/** What was done may be taken back whatever it was done under: only the stop, and who is at it already, come before. */
const restoring: readonly Rule[] = [stopped, contested];

/** In this order, the first that objects decides. What can never change comes before what may pass. */
const rules: readonly Rule[] = [
  ({ run, playbook }) =>
    playbook.preconditions.includes('live') && !isLive(run.origin)
      ? refuse('live', `its facts are ${run.origin}, not live`)
      : undefined,
  ({ run, playbook, tries, suspectedUntil }) => {
    if (tries >= playbook.maxTries && suspectedUntil === undefined) {
      return refuse(
        'tries',
        playbook.maxTries === 1 ? 'only a first attempt is retried' : `it was tried ${tries} times`,
      );
    }
    const most = MOST_RERUNS[run.platform];
    return most !== undefined && run.attempt > most
      ? refuse('platform-limit', `${run.platform} allows ${most} reruns`)
      : undefined;
  },
  ({ run, attempt = run.attempt, playbook, latestAttempt }) =>
    playbook.preconditions.includes('latest-attempt') && latestAttempt > attempt
      ? refuse('latest-attempt', `attempt ${latestAttempt} is already known`)
      : undefined,
  ({ jobs, failures, playbook }) => {
    if (playbook.trigger.on !== 'run-failed') return undefined;
    if (jobs.length === 0 || failures.length < jobs.length)
      return refuse('diagnosed', 'not every failed job is diagnosed');
    const stubborn = misfit(playbook, failures);
    if (stubborn === undefined) return undefined;
    const { transient, cause } = stubborn;
    const why =
      transient === false
        ? 'which a rerun does not fix'
        : transient === true
          ? `which ${playbook.id} is not for`
          : 'which nobody knows that a rerun would fix';
    return refuse('cause', `${stubborn.name ?? stubborn.jobId} failed of ${cause}, ${why}`);
  },
  ({ run, playbook, supersededBy }) => {
    const { on } = playbook.trigger;
    if (!foresees(on)) return undefined;
    if (isEnded(run.status)) return refuse('ended', 'it has ended by itself');
    return on === 'run-superseded' && supersededBy === undefined
      ? refuse('current', 'no newer work that may succeed has taken its place')
      : undefined;
  },
  ({ now, run, failures, playbook, supersededBy }) => {
    if (!playbook.preconditions.includes('not-superseded') || supersededBy === undefined) return undefined;
    const reason = `${supersededBy} has taken its place with another commit`;
    const age = now - Date.parse(run.endedAt ?? run.statusAt);
    // Whether what failed is good again is known once the newer one has succeeded.
    return failures.every(({ resolvedAt }) => resolvedAt !== undefined) || age > SUPERSEDED_MS
      ? refuse('superseded', reason)
      : hold('superseded', reason, now + SUPERSEDED_LOOK_MS);
  },
  ({ now, run, playbook, approved, asked, heldForOutage, heldInWindow, outage, canary, waited }, policy) => {
    if (!playbook.preconditions.includes('fresh')) return undefined;
    const age = now - Date.parse(run.endedAt ?? run.statusAt);
    const within = Math.max(
      FRESH_MS,
      approved || asked ? policy.approvalWithinMinutes * 60_000 + FRESH_MS : 0,
      heldInWindow ? HELD_MS : 0,
      heldForOutage || outage !== undefined ? policy.outage.recoverWithinHours * 3_600_000 : 0,
      waited || canary !== undefined ? VERIFY_WITHIN_MS : 0,
    );
    return age < within
      ? undefined
      : refuse('fresh', `it ended ${Math.round(age / 60_000)} minutes ago; QMOI acts within ${within / 60_000}`);
  },
  (situation, policy) => {
    const mode = modeFor(situation, policy);
    // The master's own word is above the mode, and below the controls.
    const asked = situation.playbook.trigger.on === 'asked-for';
    if (!asked && (mode === 'observe' || mode === 'off')) return refuse('mode', `the mode here is ${mode}`);
    const tier = tierOf(situation.playbook);
    return tier > policy.tiers.max
      ? refuse('tier', `it is of tier ${tier}, and nothing beyond tier ${policy.tiers.max} is done here`)
      : undefined;
  },
  ({ guard }) => (guard === 'lifted' ? refuse('guard', 'the master has lifted this guard before its time') : undefined),
  stopped,
  contested,
  ({ now, run, canary, canaryFailed }) => {
    if (canary === undefined) return undefined;
    // What takes long is looked at ever more seldom.
    const wait = Math.max(CANARY_LOOK_MS, (now - Date.parse(run.endedAt ?? run.statusAt)) / 8);
    return canaryFailed
      ? refuse('canary', `${canary} was tried first, and that did not help`)
      : hold('canary', `${canary} is tried first`, now + wait);
  },
  ({ now, run, maintenance }, policy) => {
    const window = windowOf(policy, run, now) ?? maintenance;
    return window && hold('maintenance', `maintenance: ${window.reason}`, window.until);
  },
  ({ now, playbook, lastActedAt }, policy) => {
    if (lastActedAt === undefined) return undefined;
    const until = lastActedAt + Math.max(playbook.cooldownSeconds * 1000, policy.cooldownMinutes * 60_000);
    return now < until ? hold('cooldown', 'it was acted on a moment ago', until) : undefined;
  },
  ({ outage }) =>
    outage === undefined || outage.mayProbe
      ? undefined
      : hold('outage', `held: ${outage.key} has been failing everywhere since ${outage.since}`, outage.askAgainAt),
  ({ suspectedUntil }) =>
    suspectedUntil === undefined
      ? undefined
      : hold('suspected', 'others fail of the same: whether it is an outage will be known soon', suspectedUntil),
  ({ demoted }) => (demoted === undefined ? undefined : refuse('demoted', demoted)),
  ({ broken }) => broken && hold('breaker', broken.reason, broken.askAgainAt),
  ({ now, heldOutUntil }) =>
    heldOutUntil !== undefined && now < heldOutUntil
      ? hold('hold-out', 'only watched for now, to learn what gets well by itself', heldOutUntil)
      : undefined,
  (situation, policy) => {
    if (situation.approved || situation.guard === 'approved') return undefined;
    const { now, run } = situation;
    const tier = tierOf(situation.playbook);
    const byTier = tier >= policy.tiers.askFrom;
    if (!byTier && modeFor(situation, policy) !== 'approve') return undefined;
    const until = now + policy.approvalWithinMinutes * 60_000;
    const why = byTier ? `tier ${tier} waits for the master` : `the mode for ${run.repository} is approve`;
    return { kind: 'ask', rule: 'approval', reason: `${occasionOf(situation)}: ${why}${forHow(situation)}`, until };
  },
  ({ now, spent }, policy) => {
    const over = (what: string, count: number) =>
      hold('budget', `${count} actions this hour use up ${what}`, (Math.floor(now / HOUR_MS) + 1) * HOUR_MS);
    const { perRepositoryPerHour, perHour } = policy.budgets;
    if (spent.repository >= perRepositoryPerHour) return over("the repository's budget", spent.repository);
    return spent.all >= perHour ? over('the budget', spent.all) : undefined;
  },
];

/** Whether it is something that has not failed. */
export const foresees = (on: Playbook['trigger']['on']): boolean =>
  on === 'run-superseded' || on === 'machine-strained';

const modeFor = ({ run, playbook }: Situation, policy: RemediationSettings): Mode =>
  mostRestrictive([modeOf(policy, run), wantedMode(policy, playbook)]);

const occasionOf = (situation: Situation): string => {
  const { on } = situation.playbook.trigger;
  if (on === 'machine-strained') return situation.run.reason ?? 'it will fail before long';
  return on === 'run-superseded' ? `${situation.supersededBy} has taken its place` : causesOf(situation);
};

const forHow = ({ playbook: { guardHours } }: Situation): string =>
  guardHours === undefined ? '' : `, whose word counts for such cases for ${guardHours} hours`;

const causesOf = ({ failures }: Situation): string => [...new Set(failures.map((failure) => failure.cause))].join(', ');

/**
 * Whether a playbook is followed for the failed jobs of a run, and why. Pure, and the only place that says yes: whoever
 * replays history asks it too. Everything that is not certain is refused or held: filters, budgets and the stop fail closed.
 */
export function decide(situation: Situation, policy: RemediationSettings): Decision {
  const { on } = situation.playbook.trigger;
  for (const rule of on === 'taken-back' ? restoring : rules) {
    const objection = rule(situation, policy);
    if (objection !== undefined) return objection;
  }
  const { outage, approved, tries } = situation;
  if (on === 'asked-for') return { kind: 'act', rule: on, reason: 'the master asked for it' };
  if (on === 'taken-back') return { kind: 'act', rule: on, reason: 'what was done is taken back' };
  if (foresees(on)) {
    const by = approved || situation.guard === 'approved' ? ', approved by the master' : '';
    return { kind: 'act', rule: 'prevention', reason: `${occasionOf(situation)}${by}` };
  }
  const reasons = [
    `${causesOf(situation)}: ${situation.failures.every(({ transient }) => transient === true) ? 'transient' : 'not known to last'}`,
    tries === 0 ? 'first attempt' : `tried ${tries} times before`,
    ...(approved ? ['approved by the master'] : []),
    ...(outage === undefined ? [] : [`a probe whether ${outage.key} is over`]),
  ];
  return { kind: 'act', rule: outage === undefined ? 'plan' : 'probe', reason: reasons.join(', ') };
}
