/** What successes and failures tell of a rate: the posterior Beta(1 + successes, 1 + failures) of a uniform prior. */

export interface Tally {
  readonly successes: number;
  readonly failures: number;
}

export interface Posterior {
  readonly mean: number;
  /** Of the 90 % interval, the same chance beyond either end. */
  readonly low: number;
  readonly high: number;
}

const TAIL = 0.05;

export function posteriorOf({ successes, failures }: Tally): Posterior {
  const [a, b] = [successes + 1, failures + 1];
  return { mean: a / (a + b), low: quantile(TAIL, a, b), high: quantile(1 - TAIL, a, b) };
}

/** The chance that the rate behind `one` is above the rate behind `other`. */
export function chanceAbove(one: Tally, other: Tally): number {
  // E. Miller, Formulas for Bayesian A/B testing: exact, as the parameters are whole numbers.
  const [a, b, c, d] = [other.successes + 1, other.failures + 1, one.successes + 1, one.failures + 1];
  let sum = 0;
  for (let i = 0; i < c; i++) {
    sum += Math.exp(logBeta(a + i, d + b) - Math.log(d + i) - logBeta(1 + i, d) - logBeta(a, b));
  }
  return Math.min(1, Math.max(0, sum));
}

const HALVINGS = 50;

/** Where the distribution Beta(a, b) has the part `p` below it. */
function quantile(p: number, a: number, b: number): number {
  let [low, high] = [0, 1];
  for (let round = 0; round < HALVINGS; round++) {
    const middle = (low + high) / 2;
    if (cumulative(middle, a, b) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The regularised incomplete beta function, by its continued fraction (Lentz). */
function cumulative(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - cumulative(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log(1 - x) - logBeta(a, b)) / a;
  const tiny = 1e-300;
  let [f, c, d] = [1, 1, 0];
  for (let i = 0; i <= 300; i++) {
    const m = Math.floor(i / 2);
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    const numerator = i === 0 ? 1 : i % 2 === 0 ? even : odd;
    d = 1 + numerator * d;
    d = 1 / (Math.abs(d) < tiny ? tiny : d);
    c = 1 + numerator / c;
    if (Math.abs(c) < tiny) c = tiny;
    f *= c * d;
    if (Math.abs(1 - c * d) < 1e-12) break;
  }
  return front * (f - 1);
}

const logBeta = (a: number, b: number): number => logGamma(a) + logGamma(b) - logGamma(a + b);

/** Lanczos' approximation, to 15 digits. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];
function logGamma(x: number): number {
  const t = x + 6.5;
  const series = LANCZOS.reduce((sum, factor, i) => (i === 0 ? factor : sum + factor / (x - 1 + i)), 0);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(series);
}
