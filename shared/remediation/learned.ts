import type { RecordedDecision, Remediation } from '../model/index.ts';
import type { Situation } from './decide.ts';
import type { Fix } from './fix.ts';
import {
  breakerOf,
  COMPARED_AFTER,
  choose,
  outcomesIn,
  recordOutcome,
  tallyOf,
  tryOnce,
  WAIT,
} from './learning/index.ts';
import { tierOf } from './playbook.ts';

/** How long a case is only watched; it is still fresh enough to be acted on after that. */
const WATCH_MS = 20 * 60_000;
const OTHERS_LOOK_MS = 2 * 60_000;
const SPREAD_MS = 60_000;

export interface Learned {
  readonly says: Pick<Situation, 'broken' | 'heldOutUntil' | 'demoted'>;
  readonly choice?: RecordedDecision['choice'];
}

/** What earlier outcomes say of a fix that would be carried out now. */
export async function learned(fix: Fix, existing: Remediation | undefined): Promise<Learned> {
  const { store, settings, now } = fix.deps;
  const breaker = breakerOf(await outcomesIn(store, fix.playbook.id, fix.run), now());
  if (breaker.state === 'open' || breaker.state === 'half-open') {
    const occasion =
      breaker.state === 'half-open' ? `${fix.playbook.id} ${fix.run.repository} ${breaker.since}` : undefined;
    if (occasion === undefined || !(await tryOnce(store, occasion, fix.id))) {
      const until = breaker.state === 'open' ? breaker.until : now() + OTHERS_LOOK_MS;
      const reason = `${fix.playbook.id} failed ${breaker.failures} times on end in ${fix.run.repository}; it rests`;
      return { says: { broken: { reason, askAgainAt: until + fix.jitter(SPREAD_MS) } } };
    }
  }
  if (existing?.heldOut) return { says: { heldOutUntil: heldOutUntil(existing) } };
  const cause = fix.failures[0]?.cause;
  if (cause === undefined) return { says: {} };
  const tally = await tallyOf(store, { cause, playbook: fix.playbook.id });
  if (tally.successes + tally.failures < COMPARED_AFTER) return { says: {} };
  const baseline = await tallyOf(store, { cause, playbook: WAIT });
  const mayWatch = tierOf(fix.playbook) <= 1 && !fix.marks.step && existing?.approvedAt === undefined;
  const choice = choose([{ playbook: fix.playbook.id, tally }], baseline, {
    seed: fix.id,
    holdOut: mayWatch ? settings.holdOut : 0,
  });
  if (choice.why === 'demoted') {
    const reason = `${fix.playbook.id} helps ${cause} less often than waiting: ${tally.successes} of ${tally.successes + tally.failures}, against ${baseline.successes} of ${baseline.successes + baseline.failures}`;
    return { says: { demoted: reason }, choice };
  }
  return choice.choice === WAIT ? { says: { heldOutUntil: now() + WATCH_MS }, choice } : { says: {}, choice };
}

const heldOutUntil = (held: Remediation): number => Date.parse(held.createdAt) + WATCH_MS;

/** Takes note of what became of a case that was only watched, once that is known. */
export async function noteWatched(fix: Fix, existing: Remediation | undefined): Promise<void> {
  const { store, now } = fix.deps;
  if (!existing?.heldOut || existing.status !== 'proposed') return;
  const good = fix.failures.every(({ resolvedAt }) => resolvedAt !== undefined);
  if (!good && now() < heldOutUntil(existing)) return;
  await recordOutcome(
    store,
    { ...existing, playbook: WAIT, causes: existing.causes ?? [], at: existing.createdAt },
    good,
  );
}
