import { describe, expect, it } from 'vitest';
import {
  breakerOf,
  chanceAbove,
  choose,
  posteriorOf,
  randomOf,
  WAIT,
} from '../../shared/remediation/learning/index.ts';
import { simulate, triesUntilOff } from '../support/learning.ts';

const NONE = { successes: 0, failures: 0 };

describe('choosing among playbooks', () => {
  it.each(['one', 'two', 'three'])('comes close to one who knows all rates, and closer with time (seed %s)', (seed) => {
    const { all, last, fixed } = simulate(seed);
    expect(all).toBeGreaterThanOrEqual(0.92);
    expect(last).toBeGreaterThanOrEqual(0.97);
    expect(all).toBeGreaterThan(fixed);
  });

  it('turns off what is worse than waiting within 200 tries, for 95 of 100 seeds', () => {
    const tries = Array.from({ length: 100 }, (_, seed) => triesUntilOff(`demotion ${seed}`));
    expect(tries.filter((count) => count <= 200).length).toBeGreaterThanOrEqual(95);
  });

  it('follows the only playbook until it is known, and then all but a few times while it is good', () => {
    const few = { successes: 10, failures: 9 };
    const early = Array.from({ length: 500 }, (_, seed) =>
      choose([{ playbook: 'p', tally: few }], NONE, { seed: `early ${seed}`, holdOut: 0.02 }),
    );
    expect(early.every(({ choice, why }) => choice === 'p' && why === 'only')).toBe(true);
    const good = { successes: 180, failures: 20 };
    const waited = { successes: 1, failures: 9 };
    const late = Array.from({ length: 5_000 }, (_, seed) =>
      choose([{ playbook: 'p', tally: good }], waited, { seed: `late ${seed}`, holdOut: 0.02 }),
    );
    const share = late.filter(({ choice }) => choice === WAIT).length / late.length;
    expect(share).toBeGreaterThan(0.01);
    expect(share).toBeLessThan(0.03);
  });

  it('is the same for the same seed, and never waits where waiting is not to be learned', () => {
    const arms = [
      { playbook: 'a', tally: { successes: 30, failures: 10 } },
      { playbook: 'b', tally: { successes: 20, failures: 9 } },
    ];
    const once = choose(arms, NONE, { seed: 'x', holdOut: 0 });
    expect(choose(arms, NONE, { seed: 'x', holdOut: 0 })).toEqual(once);
    expect(once.considered).toMatchObject([{ playbook: 'a', successes: 30, failures: 10 }, { playbook: 'b' }]);
    for (let seed = 0; seed < 200; seed++) {
      expect(choose(arms, NONE, { seed: String(seed), holdOut: 0 }).choice).not.toBe(WAIT);
    }
  });
});

describe('what outcomes tell', () => {
  it.each([
    // Of scipy.stats.beta(1 + s, 1 + f).ppf([0.05, 0.95]).
    [0, 0, 0.05, 0.95],
    [1, 0, 0.22361, 0.97468],
    [0, 1, 0.02532, 0.77639],
  ])('%i successes and %i failures: a rate from %d to %d', (successes, failures, low, high) => {
    const posterior = posteriorOf({ successes, failures });
    expect(posterior.low).toBeCloseTo(low, 4);
    expect(posterior.high).toBeCloseTo(high, 4);
    expect(posterior.mean).toBeCloseTo((successes + 1) / (successes + failures + 2), 10);
  });

  it('narrows with what is known, and holds the true rate nine times of ten', () => {
    const random = randomOf('coverage');
    let held = 0;
    for (let round = 0; round < 400; round++) {
      const rate = random();
      const successes = Array.from({ length: 60 }, () => random() < rate).filter(Boolean).length;
      const { low, high } = posteriorOf({ successes, failures: 60 - successes });
      if (low <= rate && rate <= high) held++;
    }
    expect(held / 400).toBeGreaterThan(0.85);
    expect(held / 400).toBeLessThan(0.95);
  });

  it('compares two rates', () => {
    const even = { successes: 5, failures: 5 };
    expect(chanceAbove(even, even)).toBeCloseTo(0.5, 6);
    expect(chanceAbove({ successes: 90, failures: 10 }, even)).toBeGreaterThan(0.99);
    const [one, other] = [
      { successes: 3, failures: 9 },
      { successes: 7, failures: 2 },
    ];
    expect(chanceAbove(one, other) + chanceAbove(other, one)).toBeCloseTo(1, 6);
  });
});

describe('the breaker', () => {
  const now = Date.parse('2026-03-04T05:06:07.000Z');
  const outcomes = (...minutesAgo: [number, boolean][]) =>
    minutesAgo.map(([ago, succeeded]) => ({ at: new Date(now - ago * 60_000).toISOString(), succeeded }));
  const failing = (latest: number, count = 8) =>
    outcomes(...Array.from({ length: count }, (_, index): [number, boolean] => [latest + index, false]));

  it.each([
    ['nothing is known', [], 'closed'],
    ['a few failed', failing(1, 7), 'closed'],
    ['one of them helped', [...failing(1, 7), ...outcomes([9, true]), ...failing(10)], 'closed'],
    ['all failed, the last a moment ago', failing(1), 'open'],
    ['all failed, and rested', failing(15), 'half-open'],
    ['all failed, long ago', failing(361), 'closed'],
    ['the trial helped', [...outcomes([1, true]), ...failing(20)], 'closed'],
    ['the trial failed as well', [...outcomes([1, false]), ...failing(20)], 'open'],
  ])('when %s: %s', (_, known, state) => {
    expect(breakerOf(known, now).state).toBe(state);
  });
});
