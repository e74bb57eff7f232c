import { compileConjunction, type Field } from './fields.ts';
import { invalidPattern, isObject } from './invalid.ts';
import { compileValues } from './values.ts';

/** EventBridge event patterns; also Lambda's FilterCriteria and SNS filter policies, which share their semantics. */
export type Matcher = (event: unknown) => boolean;

/** EventBridge refuses patterns whose `$or`s multiply to more. */
const MAX_COMBINATIONS = 1_000;
/** Names that EventBridge keeps for match types and will not take for fields inside `$or`. */
const RESERVED_IN_OR = new Set(
  (
    'exactly equals-ignore-case prefix suffix anything-but exists wildcard numeric cidr html = < <= > >= regex not-wildcard ' +
    'not-equals-ignore-case date-after date-on-or-after date-before date-on-or-before in-date-range ip-address-in-range ip-address-not-in-range'
  ).split(' '),
);

/** Compiles a pattern (object or its JSON text). Throws `AwsFault` InvalidEventPatternException with the reason. */
export function compilePattern(pattern: unknown): Matcher {
  const parsed = typeof pattern === 'string' ? parse(pattern) : pattern;
  if (!isObject(parsed)) throw invalidPattern('Filter is not an object');
  const alternatives = combinations(parsed, '', false).map(compileConjunction);
  return (event) => isObject(event) && alternatives.some((matches) => matches(event));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidPattern('not valid JSON');
  }
}

/** The pattern as a list of alternatives, each a list of fields that must all match. */
function combinations(pattern: Readonly<Record<string, unknown>>, prefix: string, insideOr: boolean): Field[][] {
  const entries = Object.entries(pattern);
  if (entries.length === 0) throw invalidPattern('Empty objects are not allowed');
  let alternatives: Field[][] = [[]];
  for (const [name, value] of entries) {
    if (insideOr && RESERVED_IN_OR.has(name))
      throw invalidPattern(`${name} is a reserved name which cannot be used inside $or.`);
    const path = `${prefix}${name}`;
    const more = name === '$or' ? disjunction(value, prefix) : fieldAlternatives(path, value, insideOr);
    alternatives = alternatives.flatMap((fields) => more.map((others) => [...fields, ...others]));
    if (alternatives.length > MAX_COMBINATIONS)
      throw invalidPattern(`The pattern has more than ${MAX_COMBINATIONS} combinations`);
  }
  for (const fields of alternatives) {
    const paths = fields.map(({ path }) => path);
    const twice = paths.find((path, i) => paths.indexOf(path) !== i);
    // AWS's matcher lets the later one win without a word; a pattern that says two things of one field is a mistake.
    if (twice !== undefined) throw invalidPattern(`Path \`${twice}\` cannot be allowed multiple times`);
  }
  return alternatives;
}

function fieldAlternatives(path: string, value: unknown, insideOr: boolean): Field[][] {
  if (isObject(value)) return combinations(value, `${path}.`, insideOr);
  if (Array.isArray(value)) return [[{ path, ...compileValues(value) }]];
  throw invalidPattern(`"${path}" must be an object or an array`);
}

function disjunction(value: unknown, prefix: string): Field[][] {
  if (!Array.isArray(value)) throw invalidPattern('It must be an Array followed with $or.');
  if (value.length < 2) throw invalidPattern('There must have at least 2 Objects in $or relationship.');
  return value.flatMap((alternative) => {
    if (!isObject(alternative)) throw invalidPattern('Only JSON object is allowed in array of $or relationship.');
    return combinations(alternative, prefix, true);
  });
}
