import type { Delivery } from '../../test/support/forges/index.ts';
import type { Random } from './random.ts';

/** A delivery as it is to be sent, of whichever forge. */
export interface Letter {
  readonly delivery: Delivery;
  readonly platform: 'github' | 'gitlab';
}

/** How far a delivery may stray from its place among the others. */
const STRAYS_BY = 7;
const STRAYING = 0.25;

/** Words of an event that tells of something under way: whoever misses it for a while learns the end all the same. */
const UNDER_WAY =
  /^(?:workflow_(?:run|job)\.(?:requested|queued|in_progress)|(?:job|pipeline)\.(?:created|pending|running)) /;
export const isUnderWay = ({ delivery }: Letter): boolean => UNDER_WAY.test(delivery.label);

/** The deliveries of several runs as they happen side by side: each run's own in order. */
export function interleave(runs: readonly (readonly Letter[])[], random: Random): Letter[] {
  const left = runs.map((letters) => [...letters]);
  const order: Letter[] = [];
  for (;;) {
    const total = left.reduce((sum, letters) => sum + letters.length, 0);
    if (total === 0) return order;
    let at = random.int(0, total - 1);
    for (const letters of left) {
      if (at < letters.length) {
        order.push(letters.shift() as Letter);
        break;
      }
      at -= letters.length;
    }
  }
}

/** Moves some of them a few places, as happens to whatever is sent over a network. */
export function reorder(letters: readonly Letter[], random: Random): Letter[] {
  const places = letters.map((letter, index) => ({
    letter,
    place: index + (random.next() < STRAYING ? (random.next() * 2 - 1) * STRAYS_BY : 0),
  }));
  return places.sort((a, b) => a.place - b.place).map(({ letter }) => letter);
}

/** Sends so many of them a second time, at any later place. */
export function duplicate(letters: readonly Letter[], count: number, random: Random): Letter[] {
  const order = [...letters];
  for (const letter of random.pick(letters, count)) {
    order.splice(random.int(order.indexOf(letter) + 1, order.length), 0, letter);
  }
  return order;
}

/** Takes out what comes only later: things under way, whose end comes in time. */
export function holdBack(letters: readonly Letter[], count: number, random: Random): { now: Letter[]; late: Letter[] } {
  const late = random.pick(letters.filter(isUnderWay), count);
  return { now: letters.filter((letter) => !late.includes(letter)), late };
}
