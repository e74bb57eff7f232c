import { createHash } from 'node:crypto';
import { advance } from '../incidents/index.ts';
import { machines, type Remediation } from '../model/index.ts';
import { actionOf } from '../platforms/actions.ts';
import { mergeInto, type Store } from '../store/index.ts';
import type { RunRecord } from '../tracking/index.ts';
import { type EngineDeps, Fix } from './fix.ts';
import type { Playbook, Tier } from './playbook.ts';

/**
 * What was done is taken back by the action that undoes it. That is a fix like any other: claimed, carried out once, looked
 * up when its answer is lost. Neither budgets nor modes hold it up; the emergency stop does.
 */

const ROLL_BACK = 'roll-back';
/** How soon one that is being taken back is looked at, should whoever was at it have died. */
const LOOK_MS = 60_000;

const OVER: readonly Remediation['status'][] = ['succeeded', 'failed'];

/** Why a fix cannot be taken back, in a sentence; undefined: it can. */
function obstacle(fix: Remediation): string | undefined {
  if (!OVER.includes(fix.status)) {
    return `It is ${fix.status}: only what was carried out and has come to its end is taken back.`;
  }
  if (actionOf(fix.platform, fix.action)?.inverse === undefined) return `Nothing takes back ${fix.action}.`;
  return fix.unchanged ? 'It was so before, so there is nothing to take back.' : undefined;
}

/** Notes that a fix is to be taken back; whoever hears of it sees to it. Undefined: there is no such fix. */
export async function askForRollback(
  store: Store,
  id: string,
  word: { by: string; reason?: string | undefined },
): Promise<{ readonly refused: string } | { readonly fix: Remediation } | undefined> {
  let refused: string | undefined;
  const { after } = await store.change('remediation', id, (fix) => {
    if (fix?.id !== id) return undefined;
    refused = fix.rollbackAskedAt === undefined ? obstacle(fix) : undefined;
    if (refused !== undefined || fix.rollbackAskedAt !== undefined) return undefined;
    const { by, reason } = word;
    return {
      ...fix,
      ...{ rollbackAskedAt: store.now(), rollbackAskedBy: by, wakeAt: store.now() },
      ...(reason !== undefined && { rollbackReason: reason }),
    };
  });
  if (after?.id !== id) return undefined;
  return refused === undefined ? { fix: after } : { refused };
}

/** What of a run is to be taken back at `now` (milliseconds); of the steps of a plan, the last one first. */
export function toTakeBack({ remediations }: RunRecord, now: number): Remediation[] {
  const all = remediations
    .filter(
      ({ status, rollbackAskedAt, lastsUntil }) =>
        status === 'rolling-back' ||
        (OVER.includes(status) && (rollbackAskedAt !== undefined || Date.parse(lastsUntil ?? '') <= now)),
    )
    .sort((a, b) => (b.step ?? 0) - (a.step ?? 0));
  return all.filter(({ plan }, index) => plan === undefined || all.findIndex((other) => other.plan === plan) === index);
}

/** Says that a fix is being taken back, where it can be; whoever looks at its run next sees to it. False: it cannot be. */
export async function beginRollback(
  store: Store,
  fix: Remediation,
  reason: string,
  of: { harm?: string } = {},
): Promise<boolean> {
  if (obstacle(fix) !== undefined) return false;
  const wakeAt = new Date(Date.parse(store.now()) + LOOK_MS).toISOString();
  return (await write(store, fix, 'rolling-back', reason, { wakeAt, ...of }))?.status === 'rolling-back';
}

/** What takes a fix back. Undefined: nothing does, or it is not to be. */
export async function takeBack(deps: EngineDeps, record: RunRecord, original: Remediation): Promise<Fix | undefined> {
  const platform = deps.platforms[original.platform];
  const run = record.runs.find(({ id }) => id === original.runId);
  const action = actionOf(original.platform, original.action)?.inverse;
  if (platform === undefined || run === undefined || action === undefined) return undefined;
  const isBegun =
    original.status === 'rolling-back' ||
    (await beginRollback(deps.store, original, original.rollbackReason ?? whyOf(original)));
  if (!isBegun) return undefined;
  const { subject, externalId, attempt, parameters, playbook, id } = original;
  const mark = createHash('sha256').update(id).digest('hex').slice(0, 8);
  return new Fix({
    ...{ deps, platform, record, run, failures: [] },
    option: { action, playbook, subject, externalId, attempt, part: `${attempt}-${ROLL_BACK}-${mark}`, jobs: [] },
    playbook: playbookFor(action, (actionOf(original.platform, action)?.tier ?? original.tier ?? 3) as Tier),
    marks: { rollbackOf: id, proof: 'answer', ...(parameters !== undefined && { parameters }) },
  });
}

const whyOf = ({ lastsUntil }: Remediation): string =>
  lastsUntil === undefined ? 'it is taken back' : `its time was up at ${lastsUntil}`;

/** Takes the end of a rollback over to the fix that it is of. What could not be taken back is for the master to see to. */
export async function settleRollback(store: Store, rollback: Remediation | undefined): Promise<void> {
  if (rollback?.rollbackOf === undefined || !machines.remediation.isTerminal(rollback.status)) return;
  const original = await store.get('remediation', rollback.rollbackOf);
  if (original?.status !== 'rolling-back') return;
  const reason = rollback.reason ?? rollback.status;
  if (rollback.status === 'succeeded') {
    await write(store, original, 'rolled-back', `taken back by ${rollback.action}: ${reason}`);
    return;
  }
  const why = `${rollback.action} could not take it back: ${reason}`;
  await Promise.all(original.incidentIds.map((id) => advance(store, id, 'escalated', why, original.origin)));
  await write(store, original, 'not-rolled-back', why);
}

async function write(
  store: Store,
  from: Remediation,
  status: Remediation['status'],
  reason: string,
  fields: { wakeAt?: string; harm?: string } = {},
): Promise<Remediation | undefined> {
  const { after } = await store.change('remediation', from.id, (state) =>
    state?.status !== from.status
      ? undefined
      : mergeInto('remediation', state, {
          ...{ id: state.id, status, statusAt: store.now(), basis: state.basis ?? 0, origin: state.origin, reason },
          ...(state.decision !== undefined && { decision: state.decision }),
          ...(state.result !== undefined && { result: state.result }),
          ...fields,
        }),
  );
  return after;
}

const playbookFor = (action: string, tier: Tier): Playbook => ({
  id: ROLL_BACK,
  version: 1,
  title: 'What takes a fix back',
  why: 'What did not help, or is not wanted any more, does not stay.',
  strategy: 'immediate',
  enabled: true,
  trigger: { on: 'taken-back' },
  preconditions: [],
  steps: [{ action, tier, withinSeconds: 60, rollback: null }],
  verification: { by: 'answer', withinSeconds: 3600 },
  maxTries: 1,
  cooldownSeconds: 0,
  examples: [],
});
