import { expect, it } from 'vitest';
import type { Origin } from '../../shared/model/index.ts';
import { type PlatformFacts, platforms } from '../../shared/platforms/index.ts';
import { Store } from '../../shared/store/index.ts';
import { track } from '../../shared/tracking/index.ts';
import { MemoryTable } from '../support/memory-table.ts';
import { recordDay, type Told } from '../support/recorded-day.ts';

/**
 * A recorded day comes in any interleaving, some of it twice or more, some late, some lost and recovered later, to several
 * processes that work on several deliveries at once, each step of which may come between any two of the others'.
 */

const SCHEDULES = Number(process.env.QMOI_TEST_SCHEDULES ?? 1_000);
/** Every so many schedules have the whole day, the others one or two runs of it. */
const WHOLE_DAY_EVERY = 100;
const SEED = Number(process.env.QMOI_TEST_SEED ?? Date.now() % 1_000_000);

type Choose = (limit: number) => number;
/** Mulberry32: seeds that follow each other make numbers that do not. */
function chooser(seed: number): Choose {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return limit <= 1 ? 0 : ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const AFTERWARDS = Date.parse('2026-03-04T23:00:00.000Z');
const RECEIVED = '2026-03-04T22:00:00.000Z';
const RECOVERED = '2026-03-04T22:30:00.000Z';

interface Letter {
  readonly told: Told;
  readonly origin: Origin;
}

const known = new Map<Letter['told'], Map<Origin, PlatformFacts>>();
function factsOf({ told, origin }: Letter): PlatformFacts {
  const ofTold = known.get(told) ?? new Map<Origin, PlatformFacts>();
  known.set(told, ofTold);
  const { event, body, contentType, platform } = told;
  const facts =
    ofTold.get(origin) ??
    platforms[platform]?.normalise({
      ...{ event, contentType, origin, body: Buffer.from(body) },
      receivedAt: origin === 'live' ? RECEIVED : RECOVERED,
    });
  if (facts === undefined) throw new Error(`there is no platform ${platform}`);
  ofTold.set(origin, facts);
  return facts;
}

interface Schedule {
  readonly letters: readonly Letter[];
  /** Deliveries that are worked on at once. */
  readonly workers: number;
  readonly processes: number;
}

function scheduleOf(day: readonly Told[], choose: Choose): Schedule {
  const lost: Letter[] = [];
  const placed: { at: number; letter: Letter }[] = [];
  // From nearly in order to no order at all.
  const disorder = [2, 10, day.length][choose(3)] ?? 1;
  const losses = [0, 5, 20, 60][choose(4)] ?? 0;
  for (const [index, told] of day.entries()) {
    if (choose(100) < losses) {
      lost.push({ told, origin: 'recovered' });
      continue;
    }
    for (let times = choose(8) === 0 ? 2 + choose(2) : 1; times > 0; times--) {
      placed.push({ at: index + choose(disorder + 1) + choose(997) / 1_000, letter: { told, origin: 'live' } });
    }
  }
  placed.sort((a, b) => a.at - b.at);
  const letters = placed.map(({ letter }) => letter);
  // What a sweep finds comes in the order of the API, at any later time.
  for (const letter of lost) letters.splice(choose(letters.length + 1), 0, letter);
  return { letters, workers: [1, 2, 4][choose(3)] ?? 1, processes: 1 + choose(2) };
}

async function record({ letters, workers, processes }: Schedule, choose: Choose): Promise<MemoryTable> {
  const turns: (() => void)[] = [];
  const alone = workers === 1;
  const table = new MemoryTable(alone ? undefined : () => new Promise((resolve) => turns.push(resolve)));
  const stores = Array.from(
    { length: processes },
    () => new Store({ client: table.client, tableName: 'day', now: () => AFTERWARDS }),
  );
  const waiting = [...letters];
  let working = workers;
  const work = async (): Promise<void> => {
    for (let letter = waiting.shift(); letter !== undefined; letter = waiting.shift()) {
      const platform = platforms[letter.told.platform];
      const store = stores[choose(processes)];
      if (platform !== undefined && store !== undefined) await track(store, platform, factsOf(letter));
    }
  };
  const all = Promise.all(Array.from({ length: workers }, () => work().finally(() => working--)));
  while (!alone && working > 0) {
    // Whatever follows from the last step has happened once the loop comes round.
    await new Promise(setImmediate);
    turns.splice(choose(turns.length), 1)[0]?.();
  }
  await all;
  return table;
}

/** How it was come by is no part of what is known. */
const HOW = new Set(['version', 'createdAt', 'updatedAt', 'origin', 'lp', 'ls', 'expiresAt']);
const TRACKED = new Set(['run', 'job', 'runner', 'automation']);

function stateOf(table: MemoryTable): Record<string, unknown> {
  const items = table.all().filter(({ pk, entity }) => TRACKED.has(String(entity)) || pk.startsWith('line#'));
  const without = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(without);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => !HOW.has(name))
        .map(([name, inner]) => [name, without(inner)]),
    );
  };
  return Object.fromEntries(items.map((item) => [`${item.pk} ${item.sk}`, without(item)]).sort());
}

it(`ends in one state in ${SCHEDULES} random schedules (QMOI_TEST_SEED=${SEED})`, { timeout: 600_000 }, async () => {
  console.info(`seed of the schedules: ${SEED}`);
  const day = await recordDay();
  const runs = [...new Set(day.map(({ run }) => run))];
  expect(day.length).toBeGreaterThan(100);
  const references = new Map<string, Record<string, unknown>>();
  for (let index = 0; index < SCHEDULES; index++) {
    const choose = chooser(SEED + index);
    const first = choose(runs.length);
    const some = [runs[first], ...(index % 2 === 0 ? [runs[choose(runs.length)]] : [])];
    const told = index % WHOLE_DAY_EVERY === 0 ? day : day.filter(({ run }) => some.includes(run));
    const name = [...new Set(told.map(({ run }) => run))].join();
    let expected = references.get(name);
    if (expected === undefined) {
      const inOrder = told.map((one): Letter => ({ told: one, origin: 'live' }));
      expected = stateOf(await record({ letters: inOrder, workers: 1, processes: 1 }, () => 0));
      references.set(name, expected);
    }
    const schedule = scheduleOf(told, choose);
    const state = stateOf(await record(schedule, choose));
    expect(state, `schedule ${index} of seed ${SEED}`).toEqual(expected);
  }
  expect(references.size).toBeGreaterThan(runs.length);
  // The day is worth its while: attempts, runs that were overtaken, automations that are one.
  const states = JSON.stringify([...references.values()]);
  for (const text of ['"attempt":3', '"supersededBy":', '"mirrorOf":', '"status":"failed"'])
    expect(states).toContain(text);
  for (const state of references.values()) expect(Object.keys(state).length).toBeGreaterThan(3);
});
