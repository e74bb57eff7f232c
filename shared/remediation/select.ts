import type { RecordedDecision, Remediation } from '../model/index.ts';
import type { RetryOption } from '../platforms/port.ts';
import { ids, runKeyOf } from '../store/index.ts';
import type { RunRecord } from '../tracking/index.ts';
import type { EngineDeps } from './fix.ts';
import { wordOn } from './guards/index.ts';
import { choose, firstOf, tallyOf } from './learning/index.ts';
import {
  jobName,
  leaderOf,
  type PlannedStep,
  plannedStep,
  type Root,
  seeTo,
  standingOf,
  standingOfRoot,
  suspectedRoot,
} from './plan/index.ts';
import { misfit, type Playbook, RETRY_STEP } from './playbook.ts';
import { playbookOf, playbooks } from './playbooks/index.ts';
import { wantedMode } from './policy.ts';

const ENDED: readonly Remediation['status'][] = ['refused', 'expired', 'failed', 'succeeded', 'rolled-back'];

export interface Selected {
  readonly playbook: Playbook;
  readonly option: RetryOption;
  readonly choice?: RecordedDecision['choice'];
  readonly marks?: PlannedStep['marks'];
  readonly root?: Root;
}

/**
 * The playbook that is followed for a way of trying failed jobs again: the platform's plain one, unless the settings want
 * others that fit as well. Of several, what came of each decides. Once chosen, it stays: two fixes of one attempt would fight.
 * Undefined: the platform has no plain one, and the settings want no other.
 */
export async function select(
  deps: EngineDeps,
  record: RunRecord,
  option: RetryOption,
  failures: RunRecord['failures'],
): Promise<Selected | undefined> {
  const plain = option.playbook === undefined ? undefined : playbookOf(option.playbook);
  if (plain === undefined && option.playbook !== undefined) throw new Error(`there is no playbook ${option.playbook}`);
  const { settings, store } = deps;
  const wanted = (one: Playbook): boolean => one.trigger.on === 'run-failed' && wantedMode(settings, one) !== 'off';
  const openOne = record.remediations.find(
    ({ subject, attempt, playbook, status }) =>
      subject === option.subject &&
      attempt === option.attempt &&
      !ENDED.includes(status) &&
      playbookOf(playbook) !== undefined,
  );
  // What was begun is brought to an end, though what has become known since may be against it.
  const underWay = openOne && playbookOf(openOne.playbook);
  const fitting = playbooks.filter(
    (one) => one.id !== plain?.id && wanted(one) && suits(one, option) && misfit(one, failures) === undefined,
  );
  const others = fitting.filter((one) => rootOf(one) === undefined);
  const { platform = '', repository = '' } = option.jobs[0] ?? {};
  const circumstances = {
    ...{ platform, repository, jobs: option.jobs, failures, fixes: record.remediations },
    follows: leaderOf(record, option) !== undefined,
    idOf: (action: string, part: string) => ids.remediation(runKeyOf(option.subject), action, part),
  };
  const of = (
    chosen: Playbook | undefined,
    choice?: Selected['choice'],
    at: { plan?: string; step?: number } = {},
  ): Selected | undefined => {
    const planned = chosen && plannedStep(chosen, at.step ?? 0, option, { ...circumstances, plan: at.plan });
    const { marks = {} } = planned ?? {};
    const playbook = planned?.playbook ?? plain;
    if (chosen === undefined || playbook === undefined) return undefined;
    return {
      ...{ playbook, marks },
      option: { ...(planned?.option ?? option), playbook: chosen.id },
      ...(choice !== undefined && { choice }),
    };
  };
  const standing = standingOf(record, option);
  const judged = record.remediations.some(
    ({ subject, attempt, playbook }) =>
      subject === option.subject && attempt === option.attempt && playbookOf(playbook) !== undefined,
  );
  /** What many failures have in common is seen to once, before each of them is. Undefined: that changes nothing here. */
  const behindRoot = async (atRoot: Playbook, name: string): Promise<Selected | undefined> => {
    const behind = (awaited: boolean, at: { plan?: string; step?: number } = { step: 1 }): Selected | undefined => {
      const selected = of(atRoot, undefined, at);
      return selected && { ...selected, root: { name, awaited } };
    };
    const waits = openOne === undefined || openOne.status === 'proposed';
    const seenTo = await standingOfRoot(store, name);
    if (standing !== undefined && standing !== 'over' && standing.playbook === atRoot) {
      if (standing.step > 0 && seenTo === 'left' && waits) return of(plain);
      return behind(standing.step > 0 && seenTo === 'awaited', standing);
    }
    const names = new Set(option.jobs.map(jobName));
    const isTried = record.remediations.some(
      ({ playbook, step = 0, targets }) => playbook === atRoot.id && step > 0 && targets.some((one) => names.has(one)),
    );
    const isFor = seenTo === 'seen-to' || (seenTo === 'awaited' && underWay === atRoot);
    if (isFor && waits && !isTried) return behind(seenTo === 'awaited');
    if (underWay === atRoot && waits) return of(plain);
    const first = behind(false, { step: 0 });
    if (first?.marks?.step !== 0 || standing !== undefined || judged) return undefined;
    const guard = { ...{ platform, repository }, action: first.option.action, ...first.marks };
    // Without the guard that the master has lifted, the rest of it is a plain rerun.
    if ((await wordOn(store, guard)) !== undefined) return undefined;
    const now = await seeTo(store, name, first.marks.plan ?? '');
    if (now === 'left') return undefined;
    return now === 'ours' ? first : behind(now === 'awaited');
  };
  const atRoot = fitting.find((one) => rootOf(one) !== undefined);
  const root = atRoot && (await suspectedRoot(store, option, failures));
  const selected = atRoot && root && (await behindRoot(atRoot, root));
  if (selected) return selected;
  if (openOne !== undefined && underWay !== undefined) {
    const { plan, step = 0 } = openOne;
    return of(underWay, undefined, { step, ...(plan !== undefined && { plan }) });
  }
  if (standing === 'over') return of(plain);
  if (standing !== undefined) return of(standing.playbook, undefined, standing);
  if (others.length === 0) return of(plain);
  const alike = plain !== undefined && wanted(plain) && misfit(plain, failures) === undefined ? [plain] : [];
  const candidates = [...alike, ...others];
  const begun = record.remediations.find(
    ({ subject, attempt, playbook }) =>
      subject === option.subject && attempt === option.attempt && candidates.some(({ id }) => id === playbook),
  );
  const kept = candidates.find(({ id }) => id === begun?.playbook);
  const [only, second] = candidates;
  if (kept !== undefined || only === undefined) return of(kept ?? plain);
  if (second === undefined) return of(only);
  const cause = failures[0]?.cause ?? 'unknown';
  const arms = await Promise.all(
    candidates.map(async ({ id }) => ({ playbook: id, tally: await tallyOf(store, { cause, playbook: id }) })),
  );
  const seed = `${option.subject} ${option.attempt}`;
  const choice = choose(arms, { successes: 0, failures: 0 }, { seed, holdOut: 0 });
  const first = await firstOf(store, `playbook of ${seed}`, choice.choice);
  return of(candidates.find(({ id }) => id === first) ?? plain, choice);
}

/** What tries jobs again is of no use where a platform knows no such thing. */
const suits = ({ steps }: Playbook, { playbook }: RetryOption): boolean =>
  playbook !== undefined || steps.every(({ action }) => action !== RETRY_STEP);

const rootOf = ({ trigger }: Playbook): string | undefined => (trigger.on === 'run-failed' ? trigger.root : undefined);
