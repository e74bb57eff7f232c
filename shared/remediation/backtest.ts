import type { Failure, Job, Remediation, Run } from '../model/index.ts';
import type { RemediationSettings } from '../runtime/remediation-settings.ts';
import { BY_HAND } from './by-hand.ts';
import { type Decision, decide, foresees, type Situation } from './decide.ts';
import { narrowed } from './plan/index.ts';
import { playbookOf } from './playbooks/index.ts';

/**
 * What another policy would have decided, by the very function that decided. A fix keeps what its last decision rested on;
 * the rest is in its run and its failures. Nothing is called.
 */

export interface Case {
  readonly fix: Remediation;
  readonly run: Run;
  /** Of the jobs that the fix is for. */
  readonly failures: readonly Failure[];
}

type Verdict = Decision['kind'];

export interface Row {
  readonly id: string;
  readonly repository: string;
  readonly causes: readonly string[];
  readonly at: string;
  readonly was: { readonly verdict: Verdict; readonly rule: string; readonly reason: string };
  readonly would: { readonly verdict: Verdict; readonly rule: string; readonly reason: string };
  /** What came of it; undefined: nothing was done, or nobody knows yet. */
  readonly helped: boolean | undefined;
}

export interface Backtest {
  readonly rows: readonly Row[];
  /** Fixes that cannot be judged again: asked for by hand, or written before decisions were kept. */
  readonly skipped: number;
}

export function backtest(cases: readonly Case[], policy: RemediationSettings): Backtest {
  const able = cases.filter(({ fix }) => fix.decision !== undefined && fix.playbook !== BY_HAND);
  const ledger = new Ledger();
  const rows = [...able]
    .sort((a, b) => order(a).localeCompare(order(b)))
    .flatMap((one): Row[] => {
      const { fix } = one;
      const was = fix.decision;
      const situation = situationOf(one, ledger);
      if (was === undefined || situation === undefined) return [];
      const would = decide(situation, policy);
      ledger.note(fix, situation.now, { was: was.verdict === 'act', would: would.kind === 'act' });
      return [
        {
          id: fix.id,
          repository: fix.repository,
          causes: fix.causes ?? [],
          at: was.at,
          was: { verdict: was.verdict, rule: was.rule, reason: was.reason },
          would: { verdict: would.kind, rule: would.rule, reason: would.reason },
          helped: fix.status === 'succeeded' ? true : fix.status === 'failed' ? false : undefined,
        },
      ];
    });
  return { rows, skipped: cases.length - rows.length };
}

const order = ({ fix }: Case): string => `${fix.decision?.at ?? ''}|${fix.id}`;

function situationOf({ fix, run, failures }: Case, ledger: Ledger): Situation | undefined {
  const { decision } = fix;
  const playbook = playbookOf(fix.playbook);
  if (decision === undefined || playbook === undefined) return undefined;
  const now = Date.parse(decision.at);
  const { outage, broken, heldOut, lastActedAt, supersededBy } = decision;
  return {
    now,
    // What went on then may have ended since.
    run: foresees(playbook.trigger.on) && decision.rule !== 'ended' ? { ...run, status: 'running' } : run,
    // Only how many there are counts.
    jobs: fix.targets as unknown as Job[],
    // In the order of the table, as the first that objects is the one that is named.
    failures: failures.map((failure) => asOf(failure, decision.at)).sort((a, b) => (a.id < b.id ? -1 : 1)),
    playbook:
      fix.step === undefined && playbook.strategy === 'preventive' ? playbook : narrowed(playbook, fix.step ?? 0),
    attempt: fix.attempt,
    latestAttempt: decision.latestAttempt ?? fix.attempt,
    tries: decision.tries ?? 0,
    lastActedAt,
    rival: decision.rival,
    canary: decision.canary,
    guard: decision.guard,
    canaryFailed: decision.canary !== undefined && decision.verdict === 'refuse',
    waited: decision.waited ?? false,
    control: (decision.control ?? 'running') as Situation['control'],
    spent: ledger.spentBy(fix, now, decision.spent ?? { repository: 0, all: 0 }),
    ...(supersededBy !== undefined && { supersededBy }),
    ...(outage !== undefined && { outage: { ...outage, since: decision.at, askAgainAt: now } }),
    ...(broken && { broken: { reason: decision.reason, askAgainAt: now } }),
    ...(decision.suspected && { suspectedUntil: now + 1 }),
    ...(heldOut && { heldOutUntil: now + 1 }),
    ...(decision.rule === 'demoted' && { demoted: decision.reason }),
    heldForOutage: decision.heldForOutage ?? false,
    heldInWindow: decision.heldInWindow ?? false,
    ...(decision.maintenance !== undefined && { maintenance: decision.maintenance }),
    approved: decision.approved ?? false,
    asked: decision.asked ?? false,
  };
}

/** What was made good later was not good yet. */
const asOf = (failure: Failure, at: string): Failure => {
  const { resolvedAt, ...before } = failure;
  return resolvedAt !== undefined && resolvedAt <= at ? failure : before;
};

/** How many more or fewer actions than in truth each hour has seen so far. */
class Ledger {
  private readonly more = new Map<string, number>();

  private static keys(fix: Remediation, now: number): [string, string] {
    const hour = new Date(now).toISOString().slice(0, 13);
    return [`${fix.platform}/${fix.repository} ${hour}`, `all ${hour}`];
  }
  spentBy(fix: Remediation, now: number, truly: Situation['spent']): Situation['spent'] {
    const [repository, all] = Ledger.keys(fix, now).map((key) => this.more.get(key) ?? 0) as [number, number];
    return { repository: truly.repository + repository, all: truly.all + all };
  }
  note(fix: Remediation, now: number, { was, would }: { was: boolean; would: boolean }): void {
    if (was === would) return;
    for (const key of Ledger.keys(fix, now)) this.more.set(key, (this.more.get(key) ?? 0) + (would ? 1 : -1));
  }
}

export interface Summary {
  readonly same: number;
  readonly changed: number;
  /** How often each verdict was given, and would be. */
  readonly was: Readonly<Record<Verdict, number>>;
  readonly would: Readonly<Record<Verdict, number>>;
  /** By `<was> → <would>`. */
  readonly moves: Readonly<Record<string, number>>;
  /** Done then and not under the policy: how many of them helped. */
  readonly lost: { readonly actions: number; readonly helped: number };
  /** Not done then and done under the policy: how many would help, by how often their causes were helped in this history. */
  readonly won: { readonly actions: number; readonly wouldHelp: number };
}

export function summarise(rows: readonly Row[]): Summary {
  const moves: Record<string, number> = {};
  const [wasOf, wouldBe] = [
    { act: 0, ask: 0, hold: 0, refuse: 0 },
    { act: 0, ask: 0, hold: 0, refuse: 0 },
  ];
  const rates = new Map<string, { helped: number; of: number }>();
  for (const { was, would, causes, helped } of rows) {
    const move = `${was.verdict} → ${would.verdict}`;
    moves[move] = (moves[move] ?? 0) + 1;
    wasOf[was.verdict]++;
    wouldBe[would.verdict]++;
    if (helped === undefined) continue;
    for (const cause of causes) {
      const rate = rates.get(cause) ?? { helped: 0, of: 0 };
      rates.set(cause, { helped: rate.helped + Number(helped), of: rate.of + 1 });
    }
  }
  // A cause that nothing is known of is as likely to be helped as not.
  const rateOf = ({ causes }: Row): number =>
    Math.min(1, ...causes.map((cause) => ((rates.get(cause)?.helped ?? 0) + 1) / ((rates.get(cause)?.of ?? 0) + 2)));
  const changed = rows.filter(({ was, would }) => was.verdict !== would.verdict);
  const lost = changed.filter(({ was }) => was.verdict === 'act');
  const won = changed.filter(({ would }) => would.verdict === 'act');
  return {
    same: rows.length - changed.length,
    changed: changed.length,
    was: wasOf,
    would: wouldBe,
    moves,
    lost: { actions: lost.length, helped: lost.filter(({ helped }) => helped === true).length },
    won: { actions: won.length, wouldHelp: won.reduce((sum, row) => sum + rateOf(row), 0) },
  };
}
