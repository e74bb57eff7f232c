import {
  chanceAbove,
  isDemoted,
  type Posterior,
  PRICES,
  posteriorOf,
  readEffects,
  rounded,
  type Tally,
  tallyOf,
  WAIT,
  type Worth,
  worthIn,
} from '../../shared/remediation/learning/index.ts';
import type { Store } from '../../shared/store/index.ts';
import type { Operation } from './operations.ts';

/** How many causes × playbooks are told of; an installation has some dozens. */
const MOST = 500;
const AT_ONCE = 10;

interface Told extends Tally, Posterior, Worth {
  readonly cause: string;
  readonly playbook: string;
  readonly tries: number;
  /** The chance that it helps more often than waiting does; null: nothing is known of waiting. */
  readonly betterThanWaiting: number | null;
  readonly demoted: boolean;
}

async function tell(store: Store, effect: { cause: string; playbook: string }): Promise<Told> {
  const [tally, waited, worth] = await Promise.all([
    tallyOf(store, effect),
    tallyOf(store, { ...effect, playbook: WAIT }),
    worthIn(store, effect),
  ]);
  const known = effect.playbook !== WAIT && waited.successes + waited.failures > 0;
  return {
    ...effect,
    tries: tally.successes + tally.failures,
    ...tally,
    ...posteriorOf(tally),
    ...{ ...worth, spentMoney: rounded(worth.spentMoney), savedMoney: rounded(worth.savedMoney) },
    betterThanWaiting: known ? chanceAbove(tally, waited) : null,
    demoted: effect.playbook !== WAIT && isDemoted(tally, waited),
  };
}

const number = { type: 'number' };
const count = { type: 'integer' };
const told = {
  cause: { type: 'string' },
  playbook: { type: 'string', description: '`wait`: what got well by itself' },
  tries: { ...count, description: 'the newest 200 at most' },
  successes: count,
  failures: count,
  mean: { ...number, description: 'of the posterior' },
  low: { ...number, description: 'of the 90 % interval' },
  high: number,
  betterThanWaiting: { type: ['number', 'null'], description: 'the chance that it helps more often than waiting' },
  demoted: { type: 'boolean' },
  spentMinutes: {
    ...number,
    description: "of runners, on what the fixes ran again, billed by each job's whole minutes",
  },
  spentMoney: { ...number, description: 'for these, by the price list' },
  savedMinutes: {
    ...number,
    description: 'of people, who had nothing to look at: remediation.prices.personMinutes each',
  },
  savedMoney: { ...number, description: 'for these: remediation.prices.personPerHour' },
};

export const effectivenessOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: '/v1/effectiveness',
    id: 'get-effectiveness',
    summary: 'How often each playbook helped each cause',
    description: 'Of the last 90 days, beside what got well by itself (`wait`), and what that saved and spent.',
    answers: {
      200: {
        means: 'One item a cause and playbook.',
        schema: {
          type: 'object',
          required: ['items', 'prices'],
          properties: {
            prices: {
              type: 'object',
              description: 'The list prices: since when, and in which currency.',
              properties: { asOf: { type: 'string' }, currency: { type: 'string' } },
            },
            items: { type: 'array', items: { type: 'object', properties: told, required: Object.keys(told) } },
          },
        },
      },
    },
    problems: [],
    async run({ store }) {
      const effects = (await readEffects(store)).slice(0, MOST);
      const items: Told[] = [];
      for (let start = 0; start < effects.length; start += AT_ONCE) {
        items.push(...(await Promise.all(effects.slice(start, start + AT_ONCE).map((effect) => tell(store, effect)))));
      }
      return { status: 200, body: { items, prices: { asOf: PRICES.asOf, currency: PRICES.currency } } };
    },
  },
];
