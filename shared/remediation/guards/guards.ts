import type { Remediation } from '../../model/index.ts';
import { expiry, guardPartition, hashOf, hitPartition, type Store } from '../../store/index.ts';
import { isOpen, type Outage, readOutage, readOutages, sayOver } from '../outage/index.ts';
import { askForRollback } from '../rollback.ts';
import { type Evidence, machineEvidence, NO_EVIDENCE, rateOf } from './evidence.ts';

/**
 * A guard is what was learned, kept in force for a time so that it does not fail again: a machine that takes no jobs, reruns
 * that are held back. Each tells what it rests on, how often it had its say, and how many failures that is likely to have spared.
 */

export const GUARD_KINDS = [
  'quarantine-runner',
  'hold-queue',
  'cancel-superseded',
  'restart-runner',
  'lasting-change',
] as const;
export type GuardKind = (typeof GUARD_KINDS)[number];

export const GUARD_STATUSES = ['in-force', 'lifting', 'lifted'] as const;

export interface Guard {
  readonly id: string;
  readonly kind: GuardKind;
  /** `lifting`: being taken back. `lifted`: by the master, who is not gone against until its time is up. */
  readonly status: (typeof GUARD_STATUSES)[number];
  readonly platform?: string | undefined;
  readonly repository?: string | undefined;
  /** What it is about: a machine, or what is failing everywhere. */
  readonly subject: string;
  readonly reason: string;
  readonly createdAt: string;
  readonly lastsUntil: string;
  /** The fix that put it in force. */
  readonly remediationId?: string | undefined;
  readonly evidence: Evidence;
  /** How often it had its say, by its kind; undefined: that cannot be counted. */
  readonly hits?: number | undefined;
  /** Of a hit, to have been a failure without it: from 0 to 1. */
  readonly chance?: number | undefined;
}

/** What was likely spared: of so many hits, each would have been a failure by that chance. */
export const preventedBy = ({ hits, chance }: Guard): number | undefined =>
  hits === undefined || chance === undefined ? undefined : Math.round(hits * chance * 10) / 10;

/** Why something is done before it fails. The first fix for it puts its guard in force, and each one is a hit of it. */
export interface Learnt {
  readonly kind: GuardKind;
  readonly platform: string;
  readonly repository: string;
  readonly subject: string;
  readonly reason: string;
  readonly evidence: Evidence;
  readonly chance: number;
  readonly lastsHours: number;
  /** What the outcomes of it are counted under. */
  readonly cause?: string;
}

interface Kept {
  readonly id: string;
  readonly kind: GuardKind;
  readonly subject: string;
  /** Only of what is in force by itself, rather than by a change that lasts. */
  readonly learnt?: Learnt;
  readonly version?: number;
  readonly createdAt: string;
  readonly lastsUntil: string;
  readonly remediationId: string;
  readonly liftedAt?: string;
}

/** Longer than any is looked at after its time. */
const KEPT_DAYS = 2;
const MOST = 200;
const AT_ONCE = 20;
const HOLD = 'hold-queue:';

type Lasting = Pick<Remediation, 'id' | 'action' | 'platform' | 'repository' | 'parameters'>;

const keyOf = (id: string) => ({ pk: guardPartition, sk: id });

/** Which guard a fix is, or would be if it lasted: the same for all that change the same thing. */
export function guardOf({ action, platform, repository, parameters = {} }: Omit<Lasting, 'id'>): {
  readonly id: string;
  readonly kind: GuardKind;
  readonly subject: string;
} {
  if (action === 'pause-runner') {
    const subject = String(parameters.runner);
    return { id: `quarantine-runner:${platform}:${subject}`, kind: 'quarantine-runner', subject };
  }
  const what = JSON.stringify([repository, action, parameters]);
  return { id: `lasting-change:${platform}:${hashOf(what).slice(0, 16)}`, kind: 'lasting-change', subject: action };
}

export const guardOfLearnt = ({
  kind,
  platform,
  repository,
  subject,
}: Pick<Learnt, 'kind' | 'platform' | 'repository' | 'subject'>): string =>
  `${kind}:${platform}:${hashOf(`${repository}\n${subject}`).slice(0, 16)}`;

/** What is in force for something that was learnt: `asked` while the master has not answered, `declined` once the answer was no. */
export interface Standing {
  readonly word: 'asked' | 'declined' | 'lifted' | 'in-force';
  readonly learnt: Learnt;
  readonly remediationId: string;
  readonly approved: boolean;
}

/** Undefined: nothing is. */
export async function standingOf(store: Store, id: string): Promise<Standing | undefined> {
  const kept = (await store.getItem(keyOf(id))) as Kept | undefined;
  if (kept?.learnt === undefined || kept.lastsUntil <= store.now()) return undefined;
  const { learnt, remediationId } = kept;
  const founder = await store.get('remediation', remediationId);
  const word = kept.liftedAt !== undefined ? 'lifted' : founder && wordBy(founder);
  return word && { word, learnt, remediationId, approved: founder?.approvedAt !== undefined };
}

function wordBy({ status, approvedAt, decision }: Remediation): Standing['word'] | undefined {
  if (status === 'awaiting-approval' && approvedAt === undefined) return 'asked';
  if (status !== 'refused' && status !== 'expired') return 'in-force';
  return approvedAt === undefined && decision?.verdict === 'ask' ? 'declined' : undefined;
}

/** Puts a guard in force, or asks for it, by a fix that is about to be written. False: another fix has. */
export async function found(store: Store, learnt: Learnt, remediationId: string): Promise<boolean> {
  const id = guardOfLearnt(learnt);
  const known = (await store.getItem(keyOf(id))) as Kept | undefined;
  if (known?.remediationId === remediationId) return true;
  if ((await standingOf(store, id)) !== undefined) return false;
  const createdAt = store.now();
  const lastsUntil = new Date(Date.parse(createdAt) + learnt.lastsHours * 3_600_000).toISOString();
  const { kind, subject } = learnt;
  const kept: Kept = {
    id,
    kind,
    subject,
    learnt,
    createdAt,
    lastsUntil,
    remediationId,
    version: (known?.version ?? 0) + 1,
  };
  return store.putOver({ ...keyOf(id), ...kept, expiresAt: expiry(lastsUntil, KEPT_DAYS) }, known?.version);
}

/** Notes that something learnt was acted on: the guard is in force from the first time on, and has had its say once more. */
export async function noteActed(store: Store, learnt: Learnt, remediationId: string): Promise<void> {
  await found(store, learnt, remediationId);
  const id = guardOfLearnt(learnt);
  const kept = (await store.getItem(keyOf(id))) as Kept | undefined;
  if (kept !== undefined) await noteHit(store, { id, since: kept.createdAt }, remediationId);
}

/** Notes that a fix lasts until then, before it does: whoever lists guards looks at the fix itself. */
export async function noteGuard(store: Store, fix: Lasting, lastsUntil: string): Promise<void> {
  const guard = guardOf(fix);
  const kept: Kept = { ...guard, createdAt: store.now(), lastsUntil, remediationId: fix.id };
  await store.putItem({ ...keyOf(guard.id), ...kept, expiresAt: expiry(lastsUntil, KEPT_DAYS) });
}

/** What the master has said of the guard that a lasting fix would put in force: `lifted`, as long as it would have lasted. */
export async function wordOn(store: Store, fix: Omit<Lasting, 'id'>): Promise<'lifted' | undefined> {
  const { id } = guardOf(fix);
  const kept = (await store.getItem(keyOf(id))) as Kept | undefined;
  return kept?.liftedAt !== undefined && kept.lastsUntil > store.now() ? 'lifted' : undefined;
}

/** The guards that are in force, being lifted, or lifted before their time; those whose time is up next come first. */
export async function readGuards(store: Store): Promise<Guard[]> {
  const kept = (await store.partition(guardPartition)) as unknown as Kept[];
  const outages = (await readOutages(store)).filter(isOpen);
  const readers = [
    ...kept.map((one) => ({ until: one.lastsUntil, read: () => keptGuard(store, one) })),
    ...outages.map((one) => ({ until: endOf(one), read: () => outageGuard(store, one) })),
  ].sort((a, b) => (a.until < b.until ? -1 : 1));
  const guards: Guard[] = [];
  for (let start = 0; start < Math.min(readers.length, MOST); start += AT_ONCE) {
    const some = await Promise.all(readers.slice(start, start + AT_ONCE).map(({ read }) => read()));
    guards.push(...some.filter((guard) => guard !== undefined));
  }
  return guards.slice(0, MOST);
}

export async function readGuard(store: Store, id: string): Promise<Guard | undefined> {
  if (id.startsWith(HOLD)) {
    const outage = await readOutage(store, id.slice(HOLD.length));
    return isOpen(outage) ? outageGuard(store, outage) : undefined;
  }
  const kept = (await store.getItem(keyOf(id))) as Kept | undefined;
  return kept && keptGuard(store, kept);
}

/** Ends a guard at the master's word. Undefined: there is none; or why it cannot be ended, in a sentence. */
export async function liftGuard(
  store: Store,
  id: string,
  by: string,
): Promise<{ readonly guard: Guard } | { readonly refused: string } | undefined> {
  if (id.startsWith(HOLD)) {
    const outage = await sayOver(store, id.slice(HOLD.length));
    return outage && { guard: { ...(await outageGuard(store, outage)), status: 'lifted' } };
  }
  const kept = (await store.getItem(keyOf(id))) as (Kept & ReturnType<typeof keyOf>) | undefined;
  const guard = kept && (await keptGuard(store, kept));
  if (kept === undefined || guard === undefined) return undefined;
  const isLasting = kept.learnt === undefined;
  if (guard.status === 'in-force' && isLasting) {
    const taken = await askForRollback(store, kept.remediationId, { by, reason: 'the guard was lifted' });
    if (taken !== undefined && 'refused' in taken) return taken;
  }
  await store.putItem({ ...kept, liftedAt: kept.liftedAt ?? store.now() });
  return {
    guard: {
      ...guard,
      status: guard.status === 'in-force' && isLasting ? 'lifting' : guard.status === 'lifting' ? 'lifting' : 'lifted',
    },
  };
}

/** Notes that a guard had its say about something; saying it again changes nothing. */
export const noteHit = (store: Store, guard: { id: string; since: string }, about: string): Promise<void> =>
  store.putItem({ pk: hitPartition(guard.id, guard.since), sk: about, expiresAt: expiry(store.now(), 30) });

export const guardOfOutage = ({ key, since }: Pick<Outage, 'key' | 'since'>): { id: string; since: string } => ({
  id: `${HOLD}${key}`,
  since,
});

async function standingGuard(store: Store, kept: Kept, learnt: Learnt): Promise<Guard | undefined> {
  const standing = await standingOf(store, kept.id);
  if (standing === undefined || standing.word === 'asked') return undefined;
  const { id, createdAt, lastsUntil, remediationId } = kept;
  const { lastsHours: _, cause: __, ...known } = learnt;
  return {
    ...{ ...known, id, createdAt, lastsUntil, remediationId },
    status: standing.word === 'in-force' ? 'in-force' : 'lifted',
    hits: (await store.partition(hitPartition(id, createdAt))).length,
  };
}

async function keptGuard(store: Store, kept: Kept): Promise<Guard | undefined> {
  if (kept.learnt !== undefined) return standingGuard(store, kept, kept.learnt);
  const fix = await store.get('remediation', kept.remediationId);
  if (fix === undefined) return undefined;
  const { status, unchanged } = fix;
  const inForce = status === 'succeeded' && unchanged !== true;
  const isLifting = status === 'rolling-back' || (inForce && fix.rollbackAskedAt !== undefined);
  if (!inForce && !isLifting && (kept.liftedAt === undefined || kept.lastsUntil <= store.now())) return undefined;
  const { id, kind, subject, createdAt, lastsUntil, remediationId } = kept;
  return {
    ...{ id, kind, subject, createdAt, lastsUntil, remediationId },
    status: isLifting ? 'lifting' : inForce ? 'in-force' : 'lifted',
    platform: fix.platform,
    repository: fix.repository,
    reason: fix.decision?.reason ?? fix.reason ?? fix.action,
    ...(kind === 'quarantine-runner'
      ? await machineEvidence(store, fix, { machine: subject, at: createdAt })
      : { evidence: { ...NO_EVIDENCE, incidentIds: fix.incidentIds } }),
  };
}

async function outageGuard(store: Store, outage: Outage): Promise<Guard> {
  const { key, since, probes, probe, overAt } = outage;
  const { id } = guardOfOutage(outage);
  const failed = Math.max(0, probes - (probe !== undefined ? 1 : 0) - (overAt !== undefined ? 1 : 0));
  return {
    ...{ id, kind: 'hold-queue', status: 'in-force', subject: key, createdAt: since, lastsUntil: endOf(outage) },
    reason: `${key} has been failing everywhere since ${since}, so that reruns are held and a few are let through as probes`,
    evidence: { ...NO_EVIDENCE, before: { failed, of: failed } },
    hits: (await store.partition(hitPartition(id, since))).length,
    chance: rateOf({ failed, of: failed }),
  };
}

/** It is forgotten then, if no probe has shown before that it is over. */
const endOf = ({ expiresAt, since }: Outage): string =>
  expiresAt === undefined ? since : new Date(expiresAt * 1000).toISOString();
