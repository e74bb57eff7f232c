import { isObject } from './invalid.ts';
import type { FieldTest, Leaf } from './values.ts';

/** One field of a pattern with where it stands; a dot in a path may also be part of a key. */
export interface Field extends FieldTest {
  readonly path: string;
}

/**
 * A conjunction of fields. All fields that pass through one array must be satisfied by the same element of it
 * ("array-consistent" matching, as EventBridge does it), in the order of their paths.
 */
export type Conjunction = (event: Readonly<Record<string, unknown>>) => boolean;

/** Which element of an array a value was found under. */
interface Membership {
  readonly array: readonly unknown[];
  readonly index: number;
  /** How many parts of the path lead to the array. */
  readonly depth: number;
  readonly outer: Membership | null;
}

/** Elements already settled on, by array; `until` is the last field that may pass through that array. */
type Choice = ReadonlyMap<readonly unknown[], { readonly index: number; readonly until: number }>;

interface Step extends FieldTest {
  readonly parts: readonly string[];
  /** Per depth, the index of the last step with the same first parts. */
  readonly lastSharing: readonly number[];
}

const NOTHING_CHOSEN: Choice = new Map();

export function compileConjunction(fields: readonly Field[]): Conjunction {
  const sorted = fields
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, ...test }) => ({ parts: path.split('.'), ...test }));
  const steps: Step[] = sorted.map((field) => ({
    ...field,
    lastSharing: Array.from({ length: field.parts.length + 1 }, (_, depth) =>
      sorted.findLastIndex(
        ({ parts }) => parts.length >= depth && field.parts.slice(0, depth).every((part, i) => part === parts[i]),
      ),
    ),
  }));

  return (event) => {
    let choices: Choice[] = [NOTHING_CHOSEN];
    for (let i = 0; i < steps.length; i++) {
      choices = advance(steps[i] as Step, i, choices, event);
      if (choices.length === 0) return false;
    }
    return true;
  };
}

function advance(
  step: Step,
  index: number,
  choices: readonly Choice[],
  event: Readonly<Record<string, unknown>>,
): Choice[] {
  const found: { value: Leaf; member: Membership | null }[] = [];
  find(event, step.parts, 0, null, (value, member) => found.push({ value, member }));
  const matching = found.filter(({ value }) => step.test(value));

  const next: Choice[] = [];
  const seen = new Set<string>();
  const keep = (choice: Choice) => {
    const key = choice.size === 0 ? '' : keyOf(choice);
    if (!seen.has(key)) {
      seen.add(key);
      next.push(choice);
    }
  };
  for (const choice of choices) {
    for (const { member } of matching) {
      if (agrees(choice, member)) keep(settle(choice, member, step, index));
    }
    if (step.absent && !found.some(({ member }) => agrees(choice, member))) keep(settle(choice, null, step, index));
  }
  return next;
}

/** EventBridge looks no deeper into arrays of arrays either; it keeps hostile events from exhausting the stack. */
const MAX_NESTING = 1_000;

/** Calls `emit` with each leaf at the path. Only leaves count: an empty object or array is as good as absent. */
function find(
  node: unknown,
  parts: readonly string[],
  from: number,
  member: Membership | null,
  emit: (value: Leaf, member: Membership | null) => void,
  nesting = 0,
): void {
  if (Array.isArray(node)) {
    if (nesting > MAX_NESTING) return;
    for (let index = 0; index < node.length; index++) {
      const element: unknown = node[index];
      const nested = typeof element === 'object' && element !== null;
      const inner = nested ? { array: node, index, depth: from, outer: member } : member;
      find(element, parts, from, inner, emit, nesting + 1);
    }
  } else if (isObject(node)) {
    let key = '';
    for (let to = from; to < parts.length; to++) {
      key = to === from ? (parts[to] as string) : `${key}.${parts[to]}`;
      if (Object.hasOwn(node, key)) find(node[key], parts, to + 1, member, emit, nesting);
    }
  } else if (from === parts.length && node !== undefined) {
    emit(node as Leaf, member);
  }
}

function agrees(choice: Choice, member: Membership | null): boolean {
  for (let m = member; m !== null; m = m.outer) {
    const chosen = choice.get(m.array);
    if (chosen !== undefined && chosen.index !== m.index) return false;
  }
  return true;
}

/** Adds the member's elements; what no later field can pass through is forgotten, which keeps the choices few. */
function settle(choice: Choice, member: Membership | null, step: Step, index: number): Choice {
  if (member === null && choice.size === 0) return NOTHING_CHOSEN;
  const settled = new Map<readonly unknown[], { index: number; until: number }>();
  for (const [array, chosen] of choice) if (chosen.until > index) settled.set(array, chosen);
  for (let m = member; m !== null; m = m.outer) {
    const until = step.lastSharing[m.depth] as number;
    if (until > index) settled.set(m.array, { index: m.index, until });
  }
  return settled;
}

const arrayIds = new WeakMap<readonly unknown[], number>();
let nextArrayId = 0;

function keyOf(choice: Choice): string {
  const parts: string[] = [];
  for (const [array, { index }] of choice) {
    let id = arrayIds.get(array);
    if (id === undefined) {
      id = nextArrayId++;
      arrayIds.set(array, id);
    }
    parts.push(`${id}:${index}`);
  }
  return parts.sort().join();
}
