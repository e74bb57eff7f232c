import { randomUUID } from 'node:crypto';
import type { Control } from '../model/index.ts';
import { PLATFORM_NAMES } from '../platforms/names.ts';
import { expiry, keyOf, leasePartition, mergeInto, type Store, stateOf } from '../store/index.ts';

/**
 * What QMOI may do where, and how it is stopped for certain.
 *
 * Whoever acts writes a lease first, then reads the controls, then sends. Whoever stops writes `stopping` first, then reads
 * the leases. All reads are consistent, so at least one of the two sees the other: once no lease is left, nothing is under
 * way and nothing starts (DESIGN.md, rule 7).
 */

/** What a control covers, or what an action is aimed at. */
export interface Target {
  readonly platform: string;
  readonly repository: string;
}

export interface Lease extends Target {
  /** Of the remediation that is carried out. */
  readonly id: string;
  /** RFC 3339. Nothing is on its way any more after it. */
  readonly until: string;
}
/** A lease as it is held: its key is the holder's own, so that nobody ends another one's. */
export interface HeldLease extends Lease {
  readonly sk: string;
}

/** Lowest first. */
const RESTRICTION = ['running', 'paused', 'stopping', 'stopped'] as const satisfies readonly Control['status'][];
/** Two functions' clocks agree to within this. */
const CLOCK_SKEW_MS = 1_000;
/** When `wake` looks at a stopping control again: after any lease that was held as the stop was written. */
const SETTLED_AFTER_MS = 15_000 + CLOCK_SKEW_MS;
const LEASE_KEPT_DAYS = 1;

const REPOSITORY = /^repository:[^\s/]+(?:\/[^\s/]+)+$/;
const MAX_SCOPE = 300;

/**
 * The id of the control of a scope, or undefined when there is no such scope. Platforms compare repository names without
 * case, and a stop that misses for its case would be no stop.
 */
export function controlId(scope: string): string | undefined {
  const id = scope.toLowerCase();
  if (id === 'all') return id;
  if (id.startsWith('platform:')) {
    return (PLATFORM_NAMES as readonly string[]).includes(id.slice('platform:'.length)) ? id : undefined;
  }
  return id.length <= MAX_SCOPE && REPOSITORY.test(id) ? id : undefined;
}

/** Whether a scope covers a target. One that nobody understands covers everything: the stop fails closed. */
function covers(scope: string, target: Target): boolean {
  const id = scope.toLowerCase();
  if (id.startsWith('platform:')) return id === `platform:${target.platform.toLowerCase()}`;
  if (id.startsWith('repository:')) return id === `repository:${target.repository.toLowerCase()}`;
  return true;
}

/** What holds for a target: the most restrictive control that covers it. Pure. */
export function effectiveControl(controls: readonly Control[], target: Target): Control['status'] {
  const ranks = controls
    .filter((control) => covers(control.id, target))
    .map((control) => RESTRICTION.indexOf(control.status));
  return RESTRICTION[Math.max(0, ...ranks)] ?? 'stopped';
}

/** The leases in a control's scope that may still be acted under at `now` (milliseconds since the epoch). Pure. */
export const openLeases = (control: Pick<Control, 'id'>, leases: readonly Lease[], now: number): Lease[] =>
  leases.filter((lease) => covers(control.id, lease) && !(Date.parse(lease.until) + CLOCK_SKEW_MS <= now));

/** What becomes of a stopping control, given the leases read after it was written. Any other is settled already. Pure. */
export const settleStop = (
  control: Pick<Control, 'id' | 'status'>,
  leases: readonly Lease[],
  now: number,
): Control['status'] =>
  control.status === 'stopping' && openLeases(control, leases, now).length === 0 ? 'stopped' : control.status;

/** All controls, consistently. Throws when one cannot be read: whoever acts must not guess. */
export async function readControls(store: Store): Promise<Control[]> {
  const items = await store.partition(keyOf('control', '').pk);
  return items.map((item) => stateOf('control', item));
}

/** All leases that are held or were left behind, consistently. */
export async function readLeases(store: Store): Promise<HeldLease[]> {
  return (await store.partition(leasePartition)) as unknown as HeldLease[];
}

/** Announces an action. Comes before its claim and before the controls are read. */
export async function holdLease(store: Store, lease: Lease): Promise<HeldLease> {
  const { id, platform, repository, until } = lease;
  const held = { id, platform, repository, until, sk: `${id}|${randomUUID()}` };
  await store.putItem({ pk: leasePartition, ...held, expiresAt: expiry(until, LEASE_KEPT_DAYS) });
  return held;
}

/** The action has ended, whatever came of it. */
export const releaseLease = (store: Store, lease: Pick<HeldLease, 'sk'>): Promise<void> =>
  store.deleteItem({ pk: leasePartition, sk: lease.sk });

/** Later words win by time alone, so two of one millisecond must not have the same time. */
const laterThan = (control: Control | undefined, now: string): string => {
  if (control === undefined || control.statusAt < now) return now;
  return new Date(Date.parse(control.statusAt) + 1).toISOString();
};

const statusFact = (
  store: Store,
  control: Control | undefined,
  word: { id: string; status: Control['status']; reason: string | undefined; actor: string | undefined },
) => {
  const statusAt = laterThan(control, store.now());
  return {
    id: word.id,
    scope: control?.scope ?? word.id,
    status: word.status,
    statusAt,
    origin: 'live' as const,
    ...(word.reason !== undefined && { reason: word.reason }),
    ...(word.actor !== undefined && { actor: word.actor }),
    ...(word.status === 'stopping' && {
      wakeAt: new Date(Date.parse(statusAt) + SETTLED_AFTER_MS).toISOString(),
    }),
  };
};

export interface Word {
  readonly status: 'running' | 'paused' | 'stopped';
  readonly reason?: string | undefined;
  readonly actor: string;
}

/** A stop asked for again is no news, whether it has been reached or not. */
const saysTheSame = (control: Control | undefined, word: Word): boolean =>
  control?.status === word.status || (control?.status === 'stopping' && word.status === 'stopped');

/**
 * Writes the master's word on a scope. A stop is written as `stopping`; `settle` makes it `stopped`. The same word again
 * changes nothing.
 */
export async function setControl(store: Store, id: string, word: Word): Promise<Control> {
  const { status, reason, actor } = word;
  const { after } = await store.change('control', id, (state) =>
    saysTheSame(state, word)
      ? undefined
      : mergeInto(
          'control',
          state,
          statusFact(store, state, { id, status: status === 'stopped' ? 'stopping' : status, reason, actor }),
        ),
  );
  if (after === undefined) throw new Error(`control ${id} is gone`);
  return after;
}

/** Makes a stopping control `stopped` once nothing in its scope is under way; returns it as it is then. */
export async function settleControl(store: Store, control: Control): Promise<Control> {
  if (control.status !== 'stopping') return control;
  const leases = await readLeases(store);
  if (settleStop(control, leases, Date.parse(store.now())) !== 'stopped') return control;
  const { after } = await store.change('control', control.id, (state) =>
    // Another stop than the one whose leases were read is settled by its own reading.
    state?.status === 'stopping' && state.statusAt === control.statusAt
      ? mergeInto(
          'control',
          state,
          statusFact(store, state, { id: state.id, status: 'stopped', reason: state.reason, actor: state.actor }),
        )
      : undefined,
  );
  return after ?? control;
}
