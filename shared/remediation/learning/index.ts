export { chanceAbove, type Posterior, posteriorOf, type Tally } from './beta.ts';
export { type Breaker, breakerOf, type Outcome } from './breaker.ts';
export { type Arm, type Choice, COMPARED_AFTER, choose, isDemoted, WAIT } from './choose.ts';
export {
  type Effect,
  firstOf,
  outcomesIn,
  readEffects,
  recordOutcome,
  tallyOf,
  tryOnce,
  withdrawOutcome,
  worthIn,
} from './outcomes.ts';
export { PRICES, rounded, type Worth, worthOf } from './prices.ts';
export { type Random, randomOf, shareOf } from './random.ts';
