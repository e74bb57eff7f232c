/** A playbook that fails again and again in one place is let rest there, then tried once, then trusted again. */

export interface Outcome {
  /** RFC 3339. */
  readonly at: string;
  readonly succeeded: boolean;
}

export type Breaker =
  | { readonly state: 'closed' }
  /** Nothing goes through until then. */
  | { readonly state: 'open'; readonly until: number; readonly failures: number }
  /** One may go through; `since` names the occasion, so that it is one. */
  | { readonly state: 'half-open'; readonly since: string; readonly failures: number };

/** So many failures on end, the last of them lately. */
const FAILURES = 8;
const LATELY_MS = 6 * 3_600_000;
const REST_MS = 15 * 60_000;

/** `outcomes`: the latest first. Pure. */
export function breakerOf(outcomes: readonly Outcome[], now: number): Breaker {
  const firstGood = outcomes.findIndex(({ succeeded }) => succeeded);
  const failures = firstGood === -1 ? outcomes.length : firstGood;
  const [last] = outcomes;
  if (last === undefined || failures < FAILURES) return { state: 'closed' };
  const at = Date.parse(last.at);
  if (now - at > LATELY_MS) return { state: 'closed' };
  const until = at + REST_MS;
  return now < until ? { state: 'open', until, failures } : { state: 'half-open', since: last.at, failures };
}
