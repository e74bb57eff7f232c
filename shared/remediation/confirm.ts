import { isEnded, type Remediation } from '../model/index.ts';
import type { Shown } from '../platforms/port.ts';
import { again, done, type Rest } from '../runtime/rest.ts';
import { awaitedKey, expiry, type Store } from '../store/index.ts';
import { type Fix, PROVED_SOON_MS } from './fix.ts';
import { goesOn, prepared } from './plan/index.ts';
import { prepares } from './playbook.ts';

/**
 * What came of a fix whose proof is no later attempt: the end of the run that it made, as events tell it, else what the
 * platform says when it is asked, ever more seldom. What nothing has shown by its time is lost, after one last look. It is
 * written down for whoever concludes fixes.
 */

/** Longer than anything is waited for. */
const KEPT_DAYS = 2;

const SHOWN: ReadonlySet<Remediation['proof']> = new Set(['new-run', 'run-ended', 'state'] as const);

/** The run that a fix has made leads back to it. Without that, it is only looked at later. */
export async function awaitMade(store: Store, fix: Remediation | undefined): Promise<void> {
  if (fix?.made === undefined) return;
  await store.putItem({ ...awaitedKey(fix.made, fix.id), expiresAt: expiry(store.now(), KEPT_DAYS) });
}

export async function confirm(fix: Fix, existing: Remediation): Promise<Rest> {
  const { proof, verifyUntil, statusAt } = existing;
  if (!SHOWN.has(proof) || existing.shown !== undefined) return done;
  const { store, now } = fix.deps;
  const found = (await madeBy(store, existing)) ?? (await probed(fix, existing));
  const over = now() >= Date.parse(verifyUntil ?? statusAt);
  if ((found === undefined || found.status === 'pending') && !over) return done;
  const at = store.now();
  const [step] = fix.playbook.steps;
  if (found?.status === 'succeeded' && step !== undefined && prepares(fix.playbook, step)) {
    return (await prepared(fix, existing, { result: found.detail })) ? again(1, 'the next step') : done;
  }
  const shown: NonNullable<Remediation['shown']> =
    found === undefined || found.status === 'pending'
      ? { at, status: 'lost', detail: `in time, nothing has shown that it helped (${found?.detail ?? 'no answer'})` }
      : { at, status: found.status, detail: found.detail };
  if (shown.status !== 'succeeded' && goesOn(existing, fix.record, false)) {
    await fix.write(existing, 'failed', { reason: shown.detail, result: existing.result, shown });
    return again(1, 'the next step');
  }
  // Whoever concludes fixes is woken.
  await store.change('remediation', existing.id, (state) =>
    state?.status === 'verifying' && state.shown === undefined ? { ...state, shown, wakeAt: at } : undefined,
  );
  return done;
}

/** What its events say of the run that it has made. */
async function madeBy(store: Store, { made }: Remediation): Promise<Shown | undefined> {
  const run = made === undefined ? undefined : await store.get('run', made);
  if (run === undefined || !isEnded(run.status)) return undefined;
  return { status: run.status === 'succeeded' ? 'succeeded' : 'failed', detail: `${run.id} ${run.status}` };
}

async function probed(fix: Fix, { statusAt }: Remediation): Promise<Shown | undefined> {
  const { now, read } = fix.deps;
  if (now() - Date.parse(statusAt) < PROVED_SOON_MS) return undefined;
  return (await fix.platform.client(read))?.probe?.(fix.request);
}
