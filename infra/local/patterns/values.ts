import { invalidPattern, isObject } from './invalid.ts';
import { cidrRange, ipDigits } from './ip.ts';
import { compileWildcard } from './wildcard.ts';

export type Leaf = string | number | boolean | null;
export type LeafTest = (value: Leaf) => boolean;

/** What one field of a pattern wants: any of the tests on a value it has, or that it has none. */
export interface FieldTest {
  readonly test: LeafTest;
  readonly absent: boolean;
}

export function compileValues(values: readonly unknown[]): FieldTest {
  if (values.length === 0) throw invalidPattern('Empty arrays are not allowed');
  const exact = new Set<Leaf>();
  const tests: LeafTest[] = [];
  let absent = false;
  for (const value of values) {
    if (isObject(value)) {
      const test = compileExpression(value);
      if (test === ABSENT) absent = true;
      else tests.push(test);
    } else if (Array.isArray(value) || value === undefined) {
      throw invalidPattern('Match value must be String, number, true, false, or null');
    } else {
      exact.add(value as Leaf);
      const address = typeof value === 'string' ? ipDigits(value) : undefined;
      // An address is compared as one, so that other spellings of it match too.
      if (address !== undefined) tests.push((other) => typeof other === 'string' && ipDigits(other) === address);
    }
  }
  const test =
    tests.length === 0
      ? (value: Leaf) => exact.has(value)
      : (value: Leaf) => exact.has(value) || tests.some((t) => t(value));
  return { test, absent };
}

const ABSENT: LeafTest = () => false;
const PRESENT: LeafTest = () => true;

function compileExpression(expression: Readonly<Record<string, unknown>>): LeafTest {
  const [entry, ...more] = Object.entries(expression);
  if (entry === undefined) throw invalidPattern('Match expression name not found');
  if (more.length > 0) throw invalidPattern('Only one key allowed in match expression');
  const [name, operand] = entry;
  switch (name) {
    case 'exactly': {
      const wanted = text(operand, 'exact match pattern must be a string');
      return (value) => value === wanted;
    }
    case 'prefix':
    case 'suffix':
      return onStrings(
        isObject(operand)
          ? ignoringCase(name, operand)
          : affix(name, text(operand, `${name} match pattern must be a string`)),
      );
    case 'equals-ignore-case':
      return onStrings(equalsIgnoreCase(text(operand, 'equals-ignore-case match pattern must be a string')));
    case 'wildcard':
      return onStrings(compileWildcard(text(operand, 'wildcard match pattern must be a string')));
    case 'numeric':
      return compileNumeric(operand);
    case 'exists':
      if (typeof operand !== 'boolean') throw invalidPattern('exists match pattern must be either true or false.');
      return operand ? PRESENT : ABSENT;
    case 'cidr':
      return compileCidr(text(operand, 'cidr match pattern must be a string'));
    case 'anything-but':
      return compileAnythingBut(operand);
    default:
      throw invalidPattern(`Unrecognized match type ${name}`);
  }
}

type TextTest = (value: string) => boolean;

const onStrings =
  (test: TextTest): LeafTest =>
  (value) =>
    typeof value === 'string' && test(value);

const affix = (name: 'prefix' | 'suffix', wanted: string): TextTest =>
  name === 'prefix' ? (value) => value.startsWith(wanted) : (value) => value.endsWith(wanted);

function equalsIgnoreCase(wanted: string): TextTest {
  const lower = wanted.toLowerCase();
  return (value) => value.toLowerCase() === lower;
}

function ignoringCase(name: 'prefix' | 'suffix', operand: Readonly<Record<string, unknown>>): TextTest {
  const [entry, ...more] = Object.entries(operand);
  if (entry?.[0] !== 'equals-ignore-case' || more.length > 0)
    throw invalidPattern(`Unsupported ${name} pattern: ${Object.keys(operand).join(', ')}`);
  const lower = text(entry[1], 'equals-ignore-case match pattern must be a string').toLowerCase();
  const test = affix(name, lower);
  return (value) => test(value.toLowerCase());
}

/** Everything that is there and is none of the values; what is of another type is none of them. */
function compileAnythingBut(operand: unknown): LeafTest {
  if (isObject(operand)) {
    const [entry, ...more] = Object.entries(operand);
    if (entry === undefined || more.length > 0) throw invalidPattern('anything-but takes exactly one match type');
    const [name, values] = entry;
    const tests = listOf(values).map((value) => compileExcluded(name, value));
    if (tests.length === 0) throw invalidPattern('Empty arrays are not allowed');
    return (value) => typeof value !== 'string' || !tests.some((test) => test(value));
  }
  const excluded = new Set(listOf(operand));
  const types = new Set(Array.from(excluded, (value) => typeof value));
  if (excluded.size === 0 || ![...types].every((type) => type === 'string' || type === 'number')) {
    throw invalidPattern('Value of anything-but must be an array or single string/number value.');
  }
  if (types.size > 1) {
    throw invalidPattern(
      'Inside anything but list, either all values are number or string, mixed type is not supported',
    );
  }
  for (const value of excluded) if (typeof value === 'number') comparable(value);
  return (value) => !excluded.has(value);
}

function compileExcluded(name: string, value: unknown): TextTest {
  const wanted = text(value, `${name} match pattern must be a string`);
  switch (name) {
    case 'prefix':
    case 'suffix':
      if (wanted === '') throw invalidPattern('Null prefix/suffix not allowed');
      return affix(name, wanted);
    case 'equals-ignore-case':
      return equalsIgnoreCase(wanted);
    case 'wildcard':
      return compileWildcard(wanted);
    default:
      throw invalidPattern(`Unsupported anything-but pattern: ${name}`);
  }
}

function compileCidr(block: string): LeafTest {
  const range = cidrRange(block);
  if (typeof range === 'string') throw invalidPattern(range);
  const { first, last } = range;
  return onStrings((value) => {
    const address = ipDigits(value);
    return address !== undefined && address.length === first.length && address >= first && address <= last;
  });
}

type NumberTest = (value: number) => boolean;

const COMPARISONS: Readonly<Record<string, (bound: number) => NumberTest>> = {
  '=': (bound) => (value) => value === bound,
  '<': (bound) => (value) => value < bound,
  '<=': (bound) => (value) => value <= bound,
  '>': (bound) => (value) => value > bound,
  '>=': (bound) => (value) => value >= bound,
};

/** One comparison, or a lower bound followed by an upper one. */
function compileNumeric(operand: unknown): LeafTest {
  if (!Array.isArray(operand)) throw invalidPattern('Value of numeric must be an array.');
  if (operand.length !== 2 && operand.length !== 4)
    throw invalidPattern('Too many or too few elements in numeric expression');
  const tests: NumberTest[] = [];
  for (let i = 0; i < operand.length; i += 2) {
    const [operator, bound] = [operand[i], operand[i + 1]];
    const comparison = typeof operator === 'string' ? COMPARISONS[operator] : undefined;
    if (comparison === undefined) throw invalidPattern(`Unrecognized numeric range operator: ${String(operator)}`);
    if (typeof bound !== 'number') throw invalidPattern(`Value of ${operator} must be numeric`);
    tests.push(comparison(comparable(bound)));
  }
  if (operand.length === 4) {
    if (!operand[0].startsWith('>') || !operand[2].startsWith('<'))
      throw invalidPattern(`Bad numeric range operator: ${operand[2]}`);
    if (operand[1] >= operand[3]) throw invalidPattern('Bottom must be less than top');
  }
  return (value) => typeof value === 'number' && tests.every((test) => test(value));
}

/** The bounds of a pattern keep to what EventBridge documents, ±5e9 with up to six decimals; an event may hold any number. */
function comparable(value: number): number {
  const digits = String(value);
  const decimals = Number.isInteger(value) ? 0 : digits.length - digits.indexOf('.') - 1;
  if (Math.abs(value) > 5e9 || decimals > 6 || (decimals > 0 && digits.includes('e'))) {
    throw invalidPattern('Value must be between -5.0E9 and 5.0E9, inclusive, with up to 6 decimals');
  }
  return value;
}

function text(value: unknown, otherwise: string): string {
  if (typeof value !== 'string') throw invalidPattern(otherwise);
  return value;
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
