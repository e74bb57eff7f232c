import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENTITIES, type EntityName, machines, ORIGINS } from '../../shared/model/index.ts';
import { arbitraryFact, type LooseMachine } from '../support/arbitrary-facts.ts';

const RUNS = 300;

describe.each(ENTITIES)('merge of %s', (entity: EntityName) => {
  const machine = machines[entity] as unknown as LooseMachine;
  const fact = arbitraryFact(entity);
  const fold = (facts: readonly object[]) => {
    let state: Record<string, unknown> | undefined;
    for (const next of facts) state = machine.merge(state, next as never);
    return state;
  };

  it('gives the same state for every order and any repetition of the same facts', () => {
    fc.assert(
      fc.property(
        fc
          .array(fact, { minLength: 1, maxLength: 6 })
          .chain((facts) =>
            fc.tuple(
              fc.constant(facts),
              fc.shuffledSubarray([...facts, ...facts], { minLength: 2 * facts.length, maxLength: 2 * facts.length }),
            ),
          ),
        ([facts, shuffled]) => {
          expect(fold(shuffled)).toEqual(fold(facts));
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('is associative: merging what two groups of facts came to equals merging all facts', () => {
    fc.assert(
      fc.property(
        fc.array(fact, { minLength: 1, maxLength: 4 }),
        fc.array(fact, { minLength: 1, maxLength: 4 }),
        (left, right) => {
          const rightState = fold(right) as Record<string, unknown>;
          const bare = rightState.statusAt === '';
          const asFact = Object.fromEntries(
            Object.entries(rightState).filter(
              ([name]) =>
                !['version', 'createdAt', 'updatedAt', 'entity', 'schema'].includes(name) &&
                !(bare && name === 'status'),
            ),
          );
          expect(machine.merge(fold(left), asFact)).toEqual(fold([...left, ...right]));
        },
      ),
      { numRuns: RUNS },
    );
  });

  // A fix can be taken back after its end; its writers hold the versions they have read, so nothing else overtakes one.
  if (machine.order === 'ranked' && entity !== 'remediation') {
    it('never leaves a terminal status for one that is not', () => {
      fc.assert(
        fc.property(fc.array(fact, { minLength: 2, maxLength: 8 }), (facts) => {
          let state: Record<string, unknown> | undefined;
          for (const next of facts) {
            const before = state;
            state = machine.merge(state, { ...next, basis: undefined });
            if (before !== undefined && before.statusAt !== '' && machine.isTerminal(String(before.status))) {
              expect(machine.isTerminal(String(state.status))).toBe(true);
            }
          }
        }),
        { numRuns: RUNS },
      );
    });
  }

  it('keeps the liveliest origin once anybody has seen it live', () => {
    fc.assert(
      fc.property(fc.array(fact, { minLength: 1, maxLength: 6 }), (facts) => {
        const best = Math.max(...facts.map((one) => ORIGINS.indexOf((one as { origin: 'live' }).origin)));
        expect(fold(facts)?.origin).toBe(ORIGINS[best]);
      }),
      { numRuns: RUNS },
    );
  });
});
