import { machines, type Remediation, type Run, type Runner } from '../../model/index.ts';
import { MACHINES } from '../../platforms/heartbeat/index.ts';
import type { Platform, Shown } from '../../platforms/port.ts';
import { ids, runKeyOf, type Store } from '../../store/index.ts';
import { type RunRecord, readRun } from '../../tracking/index.ts';
import { type EngineDeps, Fix } from '../fix.ts';
import { firstOf, recordOutcome, type Tally, tallyOf, WAIT } from '../learning/index.ts';
import { playbookOf } from '../playbooks/index.ts';
import { wantedMode } from '../policy.ts';
import { rateOf } from './evidence.ts';
import { guardOfLearnt, type Learnt, standingOf } from './guards.ts';

/**
 * Machines that are about to fail are seen to before a job fails on them. What is done for a machine is kept as for a run,
 * under a name that no run has; the occasion stands where the run would.
 */

/** No source of heartbeats begins so. */
const MARK = '~';
/** What the outcomes of such occasions are kept under. */
const CAUSE = 'memory-used-up';
const ACTED: readonly Remediation['status'][] = ['executing', 'unknown', 'verifying', 'succeeded', 'failed'];

const keyOf = ({ platform, externalId }: Runner): string => `${platform}:${MARK}${externalId}`;

/** The machine that something is kept for; undefined: it is kept for a run. */
export function machineIn(id: string): string | undefined {
  const [platform = '', name = ''] = runKeyOf(id).split(':');
  return name.startsWith(MARK) ? ids.runner(platform, MACHINES, name.slice(MARK.length)) : undefined;
}

/** What is, or would be, done for a machine. Also takes note of what became of it where nothing was done. */
export async function restarting(deps: EngineDeps, runnerId: string): Promise<Fix[]> {
  const { store, settings } = deps;
  const runner = await store.get('runner', runnerId);
  const platform = deps.platforms[runner?.platform ?? ''];
  const playbook = playbookOf('restart-runner');
  const [step] = playbook?.steps ?? [];
  if (runner?.strain === undefined || platform === undefined || playbook === undefined || step === undefined) return [];
  const record = await readRun(store, keyOf(runner));
  const idOf = (part: string): string => ids.remediation(keyOf(runner), step.action, part);
  const latest = idOf(partOf(runner.strain));
  const existing = record.remediations.find(({ id }) => id === latest);
  if (existing === undefined || !ACTED.includes(existing.status)) await noteWaited(store, runner);
  const learnt = await learntOf(store, runner, playbook.guardHours ?? 1);
  const guard = await standingOf(store, guardOfLearnt(learnt));
  const open = record.remediations.filter(({ status }) => !machines.remediation.isTerminal(status));
  const parts = open.map(({ id }) => id.slice(idOf('').length));
  const isNew = existing === undefined && !runner.strain.over && isThere(runner);
  const isWanted = wantedMode(settings, playbook) !== 'off' && (guard === undefined || guard.word === 'in-force');
  if (isNew && isWanted) parts.push(partOf(runner.strain));
  return parts.map((part) => {
    // One that was for an earlier occasion is none any more.
    const run = occasionOf(runner, learnt.reason, runner.strain?.over === true || idOf(part) !== latest);
    return new Fix({
      ...{ deps, platform: provedBy(platform, store, runner.id, part), run, playbook, failures: [] },
      record: { ...record, runs: [run] } satisfies RunRecord,
      learnt: guard?.learnt ?? learnt,
      option: {
        ...{ action: step.action, playbook: playbook.id, part, jobs: [] },
        ...{ subject: runner.id, externalId: runner.externalId, attempt: 1 },
      },
      // The next occasion is another restart.
      marks: { proof: 'state', parameters: { runner: runner.id, key: part } },
    });
  });
}

const partOf = ({ since }: Pick<NonNullable<Runner['strain']>, 'since'>): string => String(Date.parse(since) / 1000);

const isThere = ({ status }: Runner): boolean => status !== 'offline' && status !== 'stale' && status !== 'removed';

/** A strain goes on as a run does, until it is over. */
function occasionOf(runner: Runner, reason: string, over: boolean): Run {
  const { vitals, platform, origin, name, externalId } = runner;
  const { schema, version, createdAt, updatedAt, statusAt } = runner;
  const common = { schema, version, createdAt, updatedAt, platform, origin, reason } as const;
  return {
    ...{ ...common, entity: 'run', id: `${keyOf(runner)}:1`, externalId: `${MARK}${externalId}`, attempt: 1 },
    ...{ repository: name ?? externalId, name: name ?? externalId, statusAt: vitals?.at ?? statusAt },
    status: over ? 'succeeded' : 'running',
  };
}

async function learntOf(store: Store, runner: Runner, lastsHours: number): Promise<Learnt> {
  const { platform, name, externalId, strain } = runner;
  const [waited, acted] = await Promise.all(
    [WAIT, 'restart-runner'].map(async (playbook) => countOf(await tallyOf(store, { cause: CAUSE, playbook }))),
  );
  const [before, otherwise] = [waited ?? NOBODY, acted ?? NOBODY];
  const minutes = Math.round((Date.parse(strain?.usedUpAt ?? '') - Date.parse(strain?.since ?? '')) / 60_000);
  return {
    ...{ kind: 'restart-runner', platform, repository: name ?? externalId, subject: runner.id, lastsHours },
    reason: `${Math.round((strain?.memory ?? 0) * 100)} % of its memory were in use, and all would be in ${minutes} minutes`,
    evidence: { incidentIds: [], before, otherwise },
    chance: Math.max(0, rateOf(before) - rateOf(otherwise)),
    cause: CAUSE,
  };
}

const NOBODY = { failed: 0, of: 0 };
const countOf = ({ successes, failures }: Tally) => ({ failed: failures, of: successes + failures });

/** Notes what became of a machine that was left alone: it came right, or it was lost. What was known first counts. */
async function noteWaited(store: Store, runner: Runner): Promise<void> {
  const { strain, platform, name, externalId } = runner;
  if (strain === undefined || (!strain.over && isThere(runner))) return;
  const id = `${runner.id}@${strain.since}`;
  const word = await firstOf(store, `strain of ${id}`, strain.over ? 'relieved' : 'lost');
  const place = { platform, repository: name ?? externalId, playbook: WAIT };
  await recordOutcome(store, { ...place, id, causes: [CAUSE], at: strain.since }, word === 'relieved');
}

/** That the agent has done it is not enough: memory has to be free again. */
const provedBy = (platform: Platform, store: Store, runnerId: string, part: string): Platform => ({
  ...platform,
  async client(read) {
    const client = await platform.client(read);
    return (
      client && {
        ...client,
        async probe(of): Promise<Shown | undefined> {
          const told = await client.probe?.(of);
          if (told?.status !== 'succeeded') return told;
          const strain = (await store.get('runner', runnerId))?.strain;
          const isOver = strain !== undefined && (strain.over === true || partOf(strain) !== part);
          return isOver ? { status: 'succeeded', detail: 'memory is free again' } : { ...told, status: 'pending' };
        },
      }
    );
  },
});
