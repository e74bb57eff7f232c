import fc from 'fast-check';
import type { $ZodType } from 'zod/v4/core';
import { type EntityName, machines, ORIGINS } from '../../shared/model/index.ts';

/** A machine without the types of its one entity, for tests that run over all of them. */
export interface LooseMachine {
  readonly order: 'ranked' | 'latest';
  readonly statuses: Record<string, { rank: number; next: readonly string[]; terminal?: boolean }>;
  readonly fields: Record<string, $ZodType>;
  merge(state: Record<string, unknown> | undefined, fact: Record<string, unknown>): Record<string, unknown>;
  allows(from: string, to: string): boolean;
  isTerminal(status: string): boolean;
}

/** Few values, so that facts collide. */
const time = fc.integer({ min: 0, max: 5 }).map((second) => `2026-01-01T00:00:0${second}.000Z`);
const TIME_FIELD = /At$|^leaseUntil$/;

/** Any value that a field's schema admits, from a small domain. */
function valuesOf(name: string, schema: $ZodType): fc.Arbitrary<unknown> {
  const { def } = schema._zod as unknown as { def: { type: string; [key: string]: unknown } };
  switch (def.type) {
    case 'optional':
    case 'nullable': {
      const inner = valuesOf(name, def.innerType as $ZodType);
      return def.type === 'nullable' ? fc.option(inner, { nil: null }) : inner;
    }
    case 'string':
      return TIME_FIELD.test(name) ? time : fc.constantFrom('a', 'b', 'c');
    case 'number':
      return fc.integer({ min: 0, max: 3 });
    case 'boolean':
      return fc.boolean();
    case 'enum':
      return fc.constantFrom(...Object.values(def.entries as Record<string, string>));
    case 'array':
      return fc.uniqueArray(valuesOf(name, def.element as $ZodType), {
        maxLength: 4,
        selector: (item) =>
          item !== null && typeof item === 'object'
            ? ((item as Record<string, unknown>).number ?? (item as Record<string, unknown>).runId)
            : item,
      });
    case 'literal':
      return fc.constantFrom(...(def.values as unknown[]));
    case 'union':
      return fc.oneof(...(def.options as $ZodType[]).map((option) => valuesOf(name, option)));
    case 'record':
      return fc.dictionary(fc.constantFrom('a', 'b', 'c'), valuesOf(name, def.valueType as $ZodType), {
        noNullPrototype: true,
      });
    case 'object':
      return fc.record(
        Object.fromEntries(
          Object.entries(def.shape as Record<string, $ZodType>).map(([key, inner]) => [key, valuesOf(key, inner)]),
        ),
      );
    default:
      throw new Error(`no arbitrary for ${def.type} (${name})`);
  }
}

/** Facts about one and the same entity, as different sources tell them: some with a status, some without, few complete. */
export function arbitraryFact(entity: EntityName): fc.Arbitrary<Record<string, unknown>> {
  const machine = machines[entity] as unknown as LooseMachine;
  const fields = Object.fromEntries(
    Object.entries(machine.fields).map(([name, schema]) => [name, valuesOf(name, schema)]),
  );
  return fc
    .tuple(
      fc.record(fields, { requiredKeys: [] }),
      fc.option(fc.constantFrom(...Object.keys(machine.statuses)), { nil: undefined }),
      time,
      fc.constantFrom(...ORIGINS),
      fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
    )
    .map(([known, status, statusAt, origin, basis]) => ({
      id: 'x',
      statusAt,
      origin,
      ...known,
      ...(status !== undefined && { status, ...(basis !== undefined && { basis }) }),
    }));
}
