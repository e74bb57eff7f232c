import { VALUE } from './mask.ts';

/** A masked line, once however often it came. */
export interface Shape {
  readonly tokens: readonly string[];
}

/** How many different words at one place make the place a value. */
const DIFFERENT_VALUES = 5;
/** Of plain words more are needed: `started`, `stopped`, `paused` are different messages. */
const DIFFERENT_WORDS = 10;
/** Of what follows the same `key=`. */
const DIFFERENT_SETTINGS = 4;
/** Of names after `for`, `from`, `by` … where all else is the same. */
const DIFFERENT_NAMES = 3;
/** Of the words of a template at least so many are the same in all of its lines. */
const COMMON = 0.5;

const WORD = /^[^\w]*(?:[A-Z]*[a-z]+(?:['-][a-z]+)*|[A-Z]+(?:_[A-Z]+)*)[^\w]*$/;
const NAME = /^[^\w<]*(?:[a-z][a-z0-9_]*(?:[.-]+[a-z0-9_]+)*|<\*>)[^\w>]*$/;
const NAMED = /^(?:user|username|host|hostname|node|file|directory|path)[:=]?$/i;
const PREPOSITION = /^(?:for|from|by|of|to|on|at)$/;
const SWITCH = /^[^\w]*(?:true|false|on|off|yes|no|null|none)[^\w]*$/i;
const SETS = /[=:(]$/;

interface Column {
  readonly at: number;
  readonly values: readonly string[];
}

/**
 * Splits shapes of one length into templates: along the column of fewest words, over and over, until what still differs looks like
 * values and enough stays the same (the idea of IPLoM, with Brain's rule that the number of different words at a place tells
 * constants from variables). The outcome depends on the set of shapes alone, not on their order.
 */
export function partition<S extends Shape>(group: readonly S[]): S[][] {
  const [first] = group;
  if (first === undefined) return [];
  if (group.length === 1) return [[first]];
  const columns: Column[] = [];
  let same = 0;
  let sameWords = 0;
  for (let at = 0; at < first.tokens.length; at++) {
    const values = new Set<string>();
    for (const shape of group) values.add(shape.tokens[at] as string);
    if (values.size > 1) columns.push({ at, values: [...values] });
    else {
      same++;
      if (/[A-Za-z]{2}/.test(first.tokens[at] as string)) sameWords++;
    }
  }
  if (columns.length === 0) return [[...group]];
  const alone = columns.length === 1;
  const varying = new Set(columns.map(({ at }) => at));
  // Where the word before differs as well, it says nothing of all.
  const before = ({ at }: Column): string => (varying.has(at - 1) ? '' : (first.tokens[at - 1] ?? ''));
  const constants = columns.filter((column) => !isVariable(column, before(column), alone));
  if (constants.length === 0 && sameWords > 0 && same >= COMMON * first.tokens.length) return [[...group]];
  const { at } = (constants.length > 0 ? constants : columns).reduce((a, b) =>
    b.values.length < a.values.length ? b : a,
  );
  const parts = new Map<string, S[]>();
  for (const shape of group) {
    const token = shape.tokens[at] as string;
    const part = parts.get(token);
    if (part) part.push(shape);
    else parts.set(token, [shape]);
  }
  return [...parts.values()].flatMap(partition);
}

function isVariable({ at, values }: Column, previous: string, alone: boolean): boolean {
  if (aroundValue(values)) return true;
  if (NAMED.test(previous)) return true;
  if (
    values.every((value) => SWITCH.test(value)) &&
    (SETS.test(previous) || values.every((value) => SETS.test(value[0] ?? '')))
  )
    return true;
  const key = keyOf(values[0] as string);
  if (key !== '' && values.every((value) => keyOf(value) === key)) return values.length >= DIFFERENT_SETTINGS;
  if (alone && PREPOSITION.test(previous) && values.every((value) => NAME.test(value)))
    return values.length >= DIFFERENT_NAMES;
  const words = values.filter((value) => WORD.test(value)).length;
  if (words > values.length / 2) return at > 0 && values.length >= DIFFERENT_WORDS;
  return values.length >= DIFFERENT_VALUES;
}

const keyOf = (token: string): string => {
  const at = token.indexOf('=');
  return at > 0 ? token.slice(0, at) : '';
};

/** One of the tokens holds a value, and all others fit around it: `()` and `(<*>)`, `rhost=` and `rhost=<*>`. */
function aroundValue(values: readonly string[]): boolean {
  for (const value of values) {
    const at = value.indexOf(VALUE);
    if (at < 0) continue;
    const before = value.slice(0, at);
    const after = value.slice(value.lastIndexOf(VALUE) + VALUE.length).replace(/[,;.]$/, '');
    if (values.every((other) => other.startsWith(before) && (after === '' || other.includes(after, before.length))))
      return true;
  }
  return false;
}

/** What the shapes of a group have in common, with `<*>` where they differ. */
export function templateOf(group: readonly Shape[]): string[] {
  const [first, ...others] = group;
  if (first === undefined) return [];
  return first.tokens.map((token, at) => {
    if (others.every((shape) => shape.tokens[at] === token)) return token;
    const key = keyOf(token);
    return key !== '' && others.every((shape) => keyOf(shape.tokens[at] as string) === key) ? `${key}=${VALUE}` : VALUE;
  });
}
