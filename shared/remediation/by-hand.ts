import { createHash } from 'node:crypto';
import type { Job, Remediation, RemediationFact, Run } from '../model/index.ts';
import { type ActionTraits, type Proof, takes } from '../platforms/action.ts';
import { actionOf, actions, actionsAt } from '../platforms/actions.ts';
import { ids, mergeInto, runKeyOf, type Store } from '../store/index.ts';
import { readRun } from '../tracking/index.ts';
import { noteGuard } from './guards/index.ts';
import type { Playbook, Tier } from './playbook.ts';

/**
 * What the master asks for. It takes the way of every fix: control, budget, claim, act, look-up, proof; only the judgement
 * whether it is wise is the master's own.
 */

export const BY_HAND = 'by-hand';

/** How long the outcome of such a fix is waited for; what makes runs takes as long as they do. */
const WITHIN_SECONDS: Readonly<Record<Proof, number>> = {
  ...{ 'next-attempt': 6 * 3600, 'new-run': 6 * 3600, 'run-ended': 6 * 3600, state: 3600, answer: 3600 },
};

/** Whatever the platforms can do. */
export const handActions = actions;

export interface Asked {
  readonly runId: string;
  readonly action: string;
  readonly jobId?: string | undefined;
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  readonly reason?: string | undefined;
  readonly by: string;
  /** When it is taken back by itself. */
  readonly lastsHours?: number | undefined;
}

/** Why it cannot be asked for, in a sentence; or the fix. */
export type Taken = { readonly refused: string; readonly missing?: true } | { readonly fix: Remediation };

/** Writes down what the master asks for; whoever hears of it carries it out. The same again within a minute is the same. */
export async function askFor(store: Store, asked: Asked): Promise<Taken> {
  const { runs, jobs } = await readRun(store, asked.runId);
  const run = runs.find(({ id }) => id === asked.runId);
  if (run === undefined) return { refused: 'There is no such run.', missing: true };
  const action = actionOf(run.platform, asked.action);
  if (action === undefined) {
    const known = Object.keys(actionsAt(run.platform)).join(', ');
    return { refused: `What can be asked for on ${run.platform}: ${known}.` };
  }
  const job = jobs.find(({ id, runId }) => id === asked.jobId && runId === run.id);
  if (action.on === 'job' && job === undefined)
    return { refused: `${asked.action} takes a job of this run, as jobId.` };
  const parameters = asked.parameters ?? {};
  const lacking = (action.needs ?? []).find((name) => !parameters[name]);
  if (lacking !== undefined) return { refused: `${asked.action} takes the parameter ${lacking}.` };
  if (asked.lastsHours !== undefined && action.inverse === undefined) {
    return { refused: `Nothing takes back ${asked.action}, so it cannot last for a time.` };
  }
  const odd = Object.keys(parameters).find((name) => !takes(action, name));
  if (odd !== undefined) return { refused: `${asked.action} takes no parameter ${odd.slice(0, 100)}.` };
  const id = await write(store, { asked, run, job: action.on === 'job' ? job : undefined, action, jobs });
  const fix = await store.get('remediation', id);
  if (fix === undefined) throw new Error(`${id} is gone`);
  return { fix };
}

async function write(
  store: Store,
  of: { asked: Asked; run: Run; job: Job | undefined; action: ActionTraits; jobs: readonly Job[] },
): Promise<string> {
  const { asked, run, job, action, jobs } = of;
  const at = store.now();
  const { lastsHours, parameters = {} } = asked;
  const what = JSON.stringify([asked.parameters ?? {}, action.proof === 'answer' ? at.slice(0, 16) : '']);
  const mark = createHash('sha256').update(what).digest('hex').slice(0, 8);
  const id = ids.remediation(runKeyOf(run.id), asked.action, `${job?.externalId ?? run.attempt}-${BY_HAND}-${mark}`);
  const failed = jobs.filter(
    ({ runId, status }) => runId === run.id && (status === 'failed' || status === 'timed-out'),
  );
  const targets = job !== undefined ? [job] : action.proof === 'next-attempt' ? failed : [];
  const fact: RemediationFact = {
    ...{ id, status: 'awaiting-approval', statusAt: at, origin: 'live' },
    ...{ platform: run.platform, repository: run.repository, runId: run.id },
    ...(run.repositoryId !== undefined && { repositoryId: run.repositoryId }),
    subject: job?.id ?? run.id,
    externalId: job?.externalId ?? run.externalId,
    attempt: job?.attempt ?? run.attempt,
    ...{ action: asked.action, parameters, playbook: BY_HAND, strategy: 'immediate', tier: action.tier },
    targets: action.proof === 'next-attempt' ? targets.map(({ name, externalId }) => name ?? externalId) : [],
    ...{ incidentIds: [], causes: [], proof: action.proof, reason: asked.reason ?? 'the master asked for it' },
    ...(lastsHours !== undefined && {
      lastsUntil: new Date(Date.parse(at) + lastsHours * 3_600_000).toISOString(),
    }),
    wakeAt: at,
  };
  const { platform, repository } = run;
  const guarded = { ...{ id, platform, repository, parameters }, action: asked.action };
  if (fact.lastsUntil !== undefined) await noteGuard(store, guarded, fact.lastsUntil);
  await store.change('remediation', id, (state) => state ?? mergeInto('remediation', undefined, fact));
  // As a change of its own, as it is what the engine hears.
  await store.change('remediation', id, (state) =>
    state === undefined || state.approvedAt !== undefined
      ? undefined
      : { ...state, approvedAt: at, approvedBy: asked.by },
  );
  return id;
}

/** What the engine follows for what the master asked for. */
export const byHandPlaybook = ({ action, tier = 3, proof = 'next-attempt' }: Remediation): Playbook => ({
  id: BY_HAND,
  version: 1,
  title: 'What the master asks for',
  why: 'The master knows why.',
  strategy: 'immediate',
  enabled: true,
  trigger: { on: 'asked-for' },
  // A rerun of an attempt that has been rerun would be one of another attempt.
  preconditions: proof === 'next-attempt' ? ['latest-attempt'] : [],
  steps: [{ action, tier: tier as Tier, withinSeconds: 60, rollback: null }],
  verification: { by: proof, withinSeconds: WITHIN_SECONDS[proof] },
  maxTries: 1,
  cooldownSeconds: 0,
  examples: [],
});
