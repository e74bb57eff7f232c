import { describe, expect, it } from 'vitest';
import { duplicate, holdBack, interleave, isUnderWay, type Letter, reorder } from '../../../scripts/demo/order.ts';
import { seeded } from '../../../scripts/demo/random.ts';
import { scenario } from '../../../scripts/demo/scenario/index.ts';
import { createWorld } from '../../../scripts/demo/world.ts';

const letter = (label: string): Letter => ({
  platform: 'github',
  delivery: { id: label, event: 'workflow_job', label, headers: {}, body: '' },
});
const runs = ['a', 'b', 'c'].map((run) =>
  ['workflow_run.requested', 'workflow_job.in_progress', 'workflow_job.completed', 'workflow_run.completed'].map(
    (event) => letter(`${event} ${run} #1`),
  ),
);
const labels = (letters: readonly Letter[]): string[] => letters.map(({ delivery }) => delivery.label);
const everything = runs.flat();

describe('the order of a replay', () => {
  it('keeps each run in order while runs happen side by side', () => {
    const order = interleave(runs, seeded('one'));
    expect(labels(order).sort()).toEqual(labels(everything).sort());
    for (const run of runs) expect(order.filter((item) => run.includes(item))).toEqual(run);
  });

  it('moves deliveries, and neither loses nor makes any', () => {
    const order = reorder(everything, seeded('two'));
    expect(labels(order)).not.toEqual(labels(everything));
    expect(labels(order).sort()).toEqual(labels(everything).sort());
  });

  it('repeats as many as it is told, each after the first time', () => {
    const order = duplicate(everything, 5, seeded('three'));
    expect(order.length).toBe(everything.length + 5);
    expect(new Set(order)).toEqual(new Set(everything));
  });

  it('holds back only what is under way', () => {
    const { now, late } = holdBack(everything, 4, seeded('four'));
    expect(late.length).toBe(4);
    expect(late.every(isUnderWay)).toBe(true);
    expect(labels([...now, ...late]).sort()).toEqual(labels(everything).sort());
  });

  it('follows from its seed', () => {
    const shuffled = (seed: string) =>
      labels(duplicate(reorder(interleave(runs, seeded(seed)), seeded(seed)), 3, seeded(seed)));
    expect(shuffled('same')).toEqual(shuffled('same'));
    expect(shuffled('same')).not.toEqual(shuffled('other'));
  });
});

describe('the world of the demo', () => {
  it('has enough under way in every act to hold back, and happens the same for the same seed', async () => {
    const happen = async (): Promise<string[]> => {
      const world = await createWorld({ seed: 'world', speed: 1000, redeliverEveryMs: 1000 });
      const acts = scenario.acts.map((act) => act.runs.flatMap((run) => world.happen(run).letters));
      for (const [index, act] of scenario.acts.entries()) {
        expect(acts[index]?.filter(isUnderWay).length).toBeGreaterThan(act.late ?? 0);
        expect(acts[index]?.length).toBeGreaterThan(act.duplicates);
      }
      await world.close();
      return acts.flat().map(({ delivery }) => `${delivery.id} ${delivery.label}`);
    };
    expect(await happen()).toEqual(await happen());
  });
});
