import { isEnded, machines, type Run } from '../../model/index.ts';
import { actionOf } from '../../platforms/actions.ts';
import { recentRuns, type Store } from '../../store/index.ts';
import type { RunRecord } from '../../tracking/index.ts';
import { type EngineDeps, Fix } from '../fix.ts';
import { playbookOf } from '../playbooks/index.ts';
import { wantedMode } from '../policy.ts';
import { rateOf } from './evidence.ts';
import { guardOfLearnt, type Learnt, standingOf } from './guards.ts';

/** Runs that newer work has taken the place of are cancelled where it was learnt that they go on for nothing otherwise. */

const WITHIN_MS = 14 * 24 * 3_600_000;
/** So many of them, for so long in all, are worth it. */
const LEAST_RUNS = 3;
const LEAST_MINUTES = 5;

/** The fix of a run that is superseded while it goes on; undefined: there is no reason for one. */
export async function superseding(deps: EngineDeps, record: RunRecord, run: Run): Promise<Fix | undefined> {
  const playbook = playbookOf('cancel-superseded');
  const platform = deps.platforms[run.platform];
  const step = playbook?.steps.find(({ action }) => actionOf(run.platform, action) !== undefined);
  if (playbook?.trigger.on !== 'run-superseded' || platform === undefined || step === undefined) return undefined;
  if (wantedMode(deps.settings, playbook) === 'off' || run.supersededBy === undefined) return undefined;
  if (run.kind !== undefined || !playbook.trigger.events.includes(run.event ?? '')) return undefined;
  const { attempt, externalId } = run;
  const of = (learnt: Learnt): Fix =>
    new Fix({
      ...{ deps, platform, record, run, failures: [], learnt },
      option: {
        ...{ action: step.action, playbook: playbook.id, part: `${attempt}-superseded`, jobs: [] },
        ...{ subject: run.id, externalId, attempt },
      },
      playbook: { ...playbook, steps: [step] },
      marks: { proof: 'run-ended' },
    });
  const about = { kind: playbook.id, platform: run.platform, repository: run.repository, subject: run.name ?? 'runs' };
  const lastsHours = playbook.guardHours ?? 1;
  const learnt = { ...about, kind: 'cancel-superseded', lastsHours } as const;
  const guard = await standingOf(deps.store, guardOfLearnt(learnt));
  const known = of(guard?.learnt ?? { ...learnt, reason: '', evidence: { incidentIds: [] }, chance: 0 });
  const { existing } = known;
  if (existing !== undefined) return machines.remediation.isTerminal(existing.status) ? undefined : known;
  if (isEnded(run.status)) return undefined;
  if (guard !== undefined) return guard.word === 'in-force' ? known : undefined;
  const found = await evidenceOf(deps.store, run);
  return found && of({ ...learnt, ...found });
}

/** What has become of the runs of the same name that were overtaken by newer ones. Undefined: it is not worth anything. */
async function evidenceOf(store: Store, run: Run): Promise<Pick<Learnt, 'reason' | 'evidence' | 'chance'> | undefined> {
  const runs = await recentRuns(store, run);
  const byId = new Map(runs.map((one) => [one.id, one]));
  const since = Date.parse(store.now()) - WITHIN_MS;
  const overtaken = runs.flatMap((one) => {
    const newer = byId.get(one.supersededBy ?? '');
    const goneOn = Date.parse(one.endedAt ?? '') - begun(newer);
    const counts = one.name === run.name && one.event === run.event && one.status !== 'canceled' && begun(one) > since;
    return counts && isEnded(one.status) && goneOn > 0 ? [{ one, goneOn }] : [];
  });
  const minutes = Math.round(overtaken.reduce((sum, { goneOn }) => sum + goneOn, 0) / 60_000);
  if (overtaken.length < LEAST_RUNS || minutes < LEAST_MINUTES) return undefined;
  const failed = overtaken.filter(({ one }) => one.status === 'failed' || one.status === 'timed-out').length;
  const before = { failed, of: overtaken.length };
  return {
    reason: `${before.of} runs of ${run.name ?? run.repository} went on after newer work had taken their place, for ${minutes} minutes in all`,
    evidence: { incidentIds: [], before },
    chance: rateOf(before),
  };
}

const begun = (run: Run | undefined): number =>
  run === undefined ? Number.NaN : Date.parse(run.queuedAt ?? run.startedAt ?? run.createdAt);
