import { chanceAbove, type Tally } from './beta.ts';
import { randomOf, sampleBeta, shareOf } from './random.ts';

/**
 * Which playbook is followed, learned from what came of each. Every choice is determined by what is known and by its seed,
 * and carries the numbers behind it.
 */

/** Doing nothing, which sometimes helps as well. */
export const WAIT = 'wait';

export interface Arm {
  readonly playbook: string;
  readonly tally: Tally;
}

export interface Choice {
  /** A playbook's id, or `wait`. */
  readonly choice: string;
  readonly why: 'only' | 'sampled' | 'held-out' | 'demoted';
  readonly considered: {
    readonly playbook: string;
    readonly successes: number;
    readonly failures: number;
    readonly sample: number;
    readonly demoted: boolean;
  }[];
}

/** A playbook is compared with waiting once it has been tried so often; before, it is simply followed. */
export const COMPARED_AFTER = 20;
/** Demotion needs both to be known, and the playbook to be better with less than this chance. */
const WAITS_AT_LEAST = 8;
const CHANCE_LEFT = 0.05;
/**
 * How much narrower than the posterior the samples are. With a few hundred incidents a cause, exploring as much as the
 * posterior would costs more than it finds.
 */
const SHARPEN = 1.6;

const triesOf = ({ successes, failures }: Tally): number => successes + failures;

/** Whether a playbook is worse than waiting, as far as anyone can tell. */
export const isDemoted = (tally: Tally, baseline: Tally): boolean =>
  triesOf(tally) >= COMPARED_AFTER && triesOf(baseline) >= WAITS_AT_LEAST && chanceAbove(tally, baseline) < CHANCE_LEFT;

/**
 * Chooses among the playbooks that are eligible (at least one), by Thompson sampling. `baseline`: what came of waiting.
 * `holdOut`: the share of cases that are only watched, once the playbooks are known.
 */
export function choose(
  arms: readonly Arm[],
  baseline: Tally,
  { seed, holdOut }: { seed: string; holdOut: number },
): Choice {
  const random = randomOf(seed);
  const known = arms.every(({ tally }) => triesOf(tally) >= COMPARED_AFTER);
  const considered = [...arms, ...(known && holdOut > 0 ? [{ playbook: WAIT, tally: baseline }] : [])].map(
    ({ playbook, tally }) => ({
      playbook,
      successes: tally.successes,
      failures: tally.failures,
      sample: sampleBeta(1 + SHARPEN * tally.successes, 1 + SHARPEN * tally.failures, random),
      demoted: playbook !== WAIT && isDemoted(tally, baseline),
    }),
  );
  const able = considered.filter(({ demoted }) => !demoted);
  const best = able.reduce((a, b) => (b.sample > a.sample ? b : a), able[0] ?? { playbook: WAIT, sample: 0 });
  if (able.every(({ playbook }) => playbook === WAIT)) return { choice: WAIT, why: 'demoted', considered };
  if (known && shareOf(`hold-out ${seed}`) < holdOut) return { choice: WAIT, why: 'held-out', considered };
  return { choice: best.playbook, why: considered.length === 1 ? 'only' : 'sampled', considered };
}
