import { describe, expect, it } from 'vitest';
import { emissions, PUBLISHED, patternOf, type Subscription, subscriptions } from '../../../../shared/events/index.ts';
import { ENTITIES, machines } from '../../../../shared/model/index.ts';

const heard = Object.entries(subscriptions) as [string, readonly Subscription[]][];
const hears = (subscription: Subscription, emission: Subscription) =>
  subscription.entity === emission.entity && subscription.statuses.some((status) => emission.statuses.includes(status));

describe('the subscription graph', () => {
  it('has no loop: no function can hear, through others, what it has caused', () => {
    const next = (name: string) =>
      heard
        .filter(([, list]) => list.some((one) => (emissions[name] ?? []).some((emission) => hears(one, emission))))
        .map(([subscriber]) => subscriber);
    for (const start of Object.keys(emissions)) {
      const seen = new Set<string>();
      const todo = next(start);
      while (todo.length > 0) {
        const name = todo.pop() as string;
        if (seen.has(name)) continue;
        seen.add(name);
        todo.push(...next(name));
      }
      expect(seen.has(start), `${start} hears itself through ${[...seen].join(', ')}`).toBe(false);
    }
  });

  it('only names statuses that exist, and only events that somebody causes', () => {
    for (const [name, list] of heard) {
      for (const { entity, statuses } of list) {
        for (const status of statuses) {
          expect(
            [...Object.keys(machines[entity].statuses), 'due', 'updated'],
            `${name}: ${entity}.${status}`,
          ).toContain(status);
        }
        const caused = Object.values(emissions)
          .flat()
          .some((emission) => hears({ entity, statuses }, emission));
        expect(caused, `${name} waits for ${entity}.${statuses.join('|')}`).toBe(true);
      }
    }
  });

  it('publishes every entity', () => {
    expect([...PUBLISHED].sort()).toEqual([...ENTITIES].sort());
  });

  it('names exact events in its patterns, with the attempt where one is asked for', () => {
    expect(patternOf({ entity: 'run', statuses: ['failed'], attemptAbove: 1 })).toEqual({
      source: ['qmoi'],
      detailType: ['run.failed'],
      detail: { attempt: [{ numeric: ['>', 1] }] },
    });
    expect(patternOf({ entity: 'automation', statuses: ['healthy'], from: ['silent'] })).toEqual({
      source: ['qmoi'],
      detailType: ['automation.healthy'],
      detail: { from: ['silent'] },
    });
  });
});
