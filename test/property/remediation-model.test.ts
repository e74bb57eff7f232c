import { expect, it } from 'vitest';
import { type Sights, Violation } from './remediation-model-machinery.ts';
import { World } from './remediation-model-world.ts';

/**
 * The engine against a world of failures, people, crashes, lost answers, a clock and several workers, in any order: what was
 * done is done once, by one at a time, never after the stop was confirmed, and everything that was begun ends.
 */

const SEED = process.env.QMOI_MODEL_SEED ?? String(Date.now() % 1_000_000);
const STEPS = Number(process.env.QMOI_MODEL_STEPS ?? 60_000);
/** Of one world; many small worlds see more than a large one. */
const STEPS_A_WORLD = 3_000;
/** Of each of these something has to come about: no answer, one before others, an end of what lasts. */
const SELDOM = [
  ['answer lost', 'gave up early', 'crash in flight'],
  ['one is sent', 'rest is sent', 'waits for a run', 'waits for a job'],
  ['a guard is taken back', 'remediation.rolling-back'],
];
/** Only this one, to see it again. */
const ONLY = process.env.QMOI_MODEL_WORLD;

it(
  'does everything once, one at a time, nothing after a stop, and ends whatever it began',
  async () => {
    process.stderr.write(`The model has seed ${SEED}; QMOI_MODEL_SEED=${SEED} repeats it.\n`);
    const sights: Sights = {};
    let steps = 0;
    for (let number = Number(ONLY ?? 0); steps < STEPS; number++) {
      const world = new World(`${SEED}/${number}`);
      try {
        await world.live(STEPS_A_WORLD);
      } catch (error) {
        if (!(error instanceof Violation)) throw error;
        const again = `QMOI_MODEL_SEED=${SEED} QMOI_MODEL_WORLD=${number}`;
        throw new Error(`${error.message}\n${again}\n${world.trace.slice(-80).join('\n')}`);
      }
      steps += world.steps;
      for (const [what, count] of Object.entries(world.sights)) sights[what] = (sights[what] ?? 0) + count;
      if (ONLY !== undefined) break;
    }
    const told = Object.entries(sights)
      .sort()
      .map(([what, count]) => `${what} ${count}`);
    process.stderr.write(`${steps} steps: ${told.join(', ')}\n`);
    if (ONLY !== undefined) return;
    // Where none of this came about, nothing was shown.
    const wanted = ['executing', 'unknown', 'awaiting-approval', 'proposed'].map((status) => `remediation.${status}`);
    const ends = ['succeeded', 'failed', 'refused'].map((status) => `ended ${status}`);
    for (const what of ['crash', 'a person meddled', 'control.stopped', ...wanted, ...ends]) {
      expect(sights, what).toHaveProperty([what]);
    }
    for (const some of SELDOM) {
      expect(
        some.filter((what) => what in sights),
        some.join(', '),
      ).not.toEqual([]);
    }
  },
  60_000 + STEPS * 4,
);
