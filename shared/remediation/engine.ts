import type { Remediation } from '../model/index.ts';
import { done, type Rest } from '../runtime/rest.ts';
import { ids, mergeInto, runKeyOf } from '../store/index.ts';
import { readRun } from '../tracking/index.ts';
import { BY_HAND, byHandPlaybook } from './by-hand.ts';
import { afterCrash, lookUp } from './carry-out.ts';
import { confirm } from './confirm.ts';
import { type EngineDeps, Fix } from './fix.ts';
import { machineIn, restarting, superseding } from './guards/index.ts';
import { judge } from './judge.ts';
import { leftOver } from './plan/index.ts';
import { playbookOf } from './playbooks/index.ts';
import { ready } from './ready.ts';
import { settleRollback, takeBack, toTakeBack } from './rollback.ts';
import { select } from './select.ts';

/**
 * Does whatever is owed to one run: judges its failed jobs once all are diagnosed and the run has ended, and carries out,
 * looks up or gives up the fix. Safe to call at any time, any number of times, from anywhere.
 */
export async function remediateRun(id: string, deps: EngineDeps): Promise<Rest> {
  const machine = machineIn(id);
  if (machine !== undefined) return remediateMachine(machine, deps);
  const record = await readRun(deps.store, id);
  const rests: Rest[] = [];
  for (const run of record.runs) {
    const platform = deps.platforms[run.platform];
    const join = ready(run, record.jobs, record.failures, leftOver(run, record));
    if (platform === undefined || join === undefined) continue;
    for (const option of platform.retryOptions(run, join.jobs)) {
      const failures = join.failures.filter((failure) => option.jobs.some((job) => job.id === failure.jobId));
      const selected = await select(deps, record, option, failures);
      if (selected === undefined) continue;
      const fix = new Fix({ deps, platform, record, run, failures, ...selected });
      await dropOthers(fix);
      rests.push(await proceed(fix));
    }
  }
  for (const run of record.runs) {
    const fix = await superseding(deps, record, run);
    if (fix !== undefined) rests.push(await proceed(fix));
  }
  for (const asked of record.remediations.filter(({ playbook }) => playbook === BY_HAND)) {
    const run = record.runs.find(({ id: runId }) => runId === asked.runId);
    const platform = deps.platforms[asked.platform];
    if (run === undefined || platform === undefined) continue;
    const jobs = record.jobs.filter(
      (job) => job.runId === run.id && asked.targets.includes(job.name ?? job.externalId),
    );
    const option = { ...asked, part: partOf(asked), jobs };
    rests.push(
      await proceed(new Fix({ deps, platform, record, run, option, playbook: byHandPlaybook(asked), failures: [] })),
    );
  }
  for (const original of toTakeBack(record, deps.now())) {
    const fix = await takeBack(deps, record, original);
    if (fix !== undefined) rests.push(await proceed(fix));
    if (fix !== undefined) await settleRollback(deps.store, await deps.store.get('remediation', fix.id));
  }
  for (const fixId of record.awaitedBy) {
    const fix = await deps.store.get('remediation', fixId);
    if (fix?.status === 'verifying') rests.push(await remediateRun(fix.runId, deps));
  }
  return rests.find((rest) => rest.again) ?? done;
}

/** The same for a machine, before anything fails on it. */
export async function remediateMachine(id: string, deps: EngineDeps): Promise<Rest> {
  const rests: Rest[] = [];
  for (const fix of await restarting(deps, id)) rests.push(await proceed(fix));
  return rests.find((rest) => rest.again) ?? done;
}

/** What of its id comes after its run and its action. */
const partOf = ({ id, runId, action }: Remediation): string =>
  id.slice(ids.remediation(runKeyOf(runId), action, '').length);

/** Two that knew different facts may have begun a fix each for one attempt: what is not followed, and was not sent, ends. */
async function dropOthers({ id, option, record, deps: { store } }: Fix): Promise<void> {
  const others = record.remediations.filter(
    (other) =>
      other.id !== id &&
      other.subject === option.subject &&
      other.attempt === option.attempt &&
      (other.status === 'proposed' || other.status === 'awaiting-approval') &&
      playbookOf(other.playbook)?.trigger.on === 'run-failed',
  );
  for (const { id: otherId, version } of others) {
    await store.change('remediation', otherId, (state) =>
      state?.version !== version
        ? undefined
        : mergeInto('remediation', state, {
            ...{ id: otherId, status: 'refused', statusAt: store.now(), basis: state.basis ?? 0, origin: state.origin },
            ...{ reason: `${option.action} is what is followed here` },
            ...(state.decision !== undefined && { decision: state.decision }),
          }),
    );
  }
}

/** Takes a fix on from whatever point of its life it is at. */
async function proceed(fix: Fix): Promise<Rest> {
  const { existing } = fix;
  switch (existing?.status) {
    case undefined:
    case 'proposed':
    case 'awaiting-approval':
      return judge(fix, existing);
    case 'claimed':
    case 'executing':
      return afterCrash(fix, existing);
    case 'unknown':
      return lookUp(fix, existing);
    case 'verifying':
      return confirm(fix, existing);
    default:
      return done;
  }
}
