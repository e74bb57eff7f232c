import { setTimeout as sleep } from 'node:timers/promises';
import { duplicate, holdBack, interleave, type Letter, reorder } from './order.ts';
import type { Random } from './random.ts';
import type { Act, PlannedRun } from './scenario/index.ts';
import { isTried } from './truth/index.ts';
import type { World } from './world.ts';

/** A forge has many workers, and none of them waits for the others. */
const AT_ONCE = 6;

export interface Pace {
  readonly random: Random;
  /** Between one delivery and the next. */
  readonly everyMs: number;
  readonly onSent: () => void;
}

/** Sends what an act brings, out of order, some of it twice. Returns what comes only later. */
export async function replayAct(
  world: World,
  act: Act,
  overdue: readonly Letter[],
  { random, everyMs, onSent }: Pace,
): Promise<Letter[]> {
  const runs = act.runs.map((run) => world.happen(run).letters);
  const strays = (act.strays ?? []).map((kind) => [world.stray(kind)]);
  const { now, late } = holdBack(interleave(runs, random), act.late ?? 0, random);
  const letters = duplicate(reorder(now, random), act.duplicates, random);
  for (const extra of [...strays.flat(), ...overdue]) letters.splice(random.int(0, letters.length), 0, extra);
  await sendAll(world, letters, everyMs, onSent);
  return late;
}

/** The last word on each rerun comes once more, when all is long settled. */
export async function repeatReruns(world: World, runs: readonly PlannedRun[], pace: Pace): Promise<void> {
  const letters = runs
    .filter((run) => run.jobs.some(isTried))
    .flatMap((run): Letter[] => {
      const delivery = world.runOf(run.key)?.deliveries.at(-1);
      return delivery === undefined ? [] : [{ delivery, platform: run.platform }];
    });
  await sendAll(world, letters, pace.everyMs, pace.onSent);
}

async function sendAll(world: World, letters: readonly Letter[], everyMs: number, onSent: () => void): Promise<void> {
  const underWay = new Set<Promise<unknown>>();
  for (const letter of letters) {
    while (underWay.size >= AT_ONCE) await Promise.race(underWay);
    const sending = world.send(letter).then(onSent);
    underWay.add(sending);
    void sending.finally(() => underWay.delete(sending));
    await sleep(everyMs);
  }
  await Promise.all(underWay);
}
