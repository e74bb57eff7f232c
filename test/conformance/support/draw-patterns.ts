import type { Draw, Json } from './draw.ts';

// Few keys and values, so that patterns and events meet often; the odd ones are where matchers tend to differ. No character
// outside the basic plane: event-ruler does not find those when it ignores case.
const KEYS = ['a', 'a', 'a', 'b', 'b', 'b', 'c'];
const PATTERN_KEYS = [...KEYS, 'a.b'];
// A dotted key stands for a path too, but not beside the path itself: event-ruler mixes the two up.
const DOTTED_KEYS = ['a.b', 'a.b', 'b', 'c'];
const WORDS = [
  '',
  'x',
  'X',
  'xy',
  'xyz',
  'yx',
  'abc',
  'ABC',
  'a*c',
  'a\\c',
  'é',
  'É',
  'true',
  'null',
  '3',
  '"x"',
  '漢',
];
const FILLED = WORDS.filter((word) => word !== '');
const ADDRESSES = [
  '10.0.0.1',
  '10.0.0.255',
  '10.0.1.0',
  '192.168.0.9',
  '2001:db8::1',
  '2001:0db8:0:0:0:0:0:1',
  '2001:db8:1::f',
  '::1',
  '::ffff:a00:1',
  '1.2.3',
];
const NUMBERS = [0, 1, -1, 3, 2.5, -2.5, 0.1, 0.3, 100, 1e6, 4999999999, -5e9, 0.000001, 123456789012];
const BOUNDS = [-5e9, -2.5, -1, 0, 0.1, 0.000001, 1, 2.5, 3, 100];
const WILDCARDS = ['*', 'x*', '*z', 'a*c', '*b*', 'a\\*c', 'a\\\\c', 'x*y*z', 'xyz', '', '*é', '*x*x*'];
// No block of /0: event-ruler lets one match numbers and the other family's addresses as well.
const BLOCKS = ['10.0.0.0/24', '10.0.0.7/8', '192.168.0.8/31', '2001:db8::/32', '2001:db8::1/127', '::ffff:a00:0/24'];

const numeric = (operand: Json) => ({ numeric: operand });
const anythingBut = (operand: Json) => ({ 'anything-but': operand });
const INVALID_EXCLUSIONS: Json[] = [
  ...[
    ['x', 3],
    [],
    null,
    true,
    [null],
    {},
    { cidr: '10.0.0.0/8' },
    { prefix: '' },
    { suffix: [''] },
    { wildcard: 'a**' },
  ],
  ...[{ prefix: 'x', suffix: 'y' }, { 'equals-ignore-case': 3 }, { prefix: { 'equals-ignore-case': 'x' } }],
];
const INVALID: Json[] = [
  {},
  ...[
    { prefix: 'x', suffix: 'y' },
    { regex: 'x' },
    { exists: 'yes' },
    { exists: null },
    { prefix: 3 },
    { wildcard: null },
    ['x'],
  ],
  ...[{ prefix: { prefix: 'x' } }, { suffix: { 'equals-ignore-case': 3 } }, { 'equals-ignore-case': ['x'] }],
  ...[
    '3',
    [],
    ['='],
    ['<', 3, '>', 1],
    ['>', 3, '<', 1],
    ['>', 1, '<', 1],
    ['>', 1, '>', 3],
    ['=', 1, '<', 3],
    ['=', 'x'],
  ].map(numeric),
  ...['10.0.0.1/32', '10.0.0.0', 'x/8', '10.0.0.0/-1', '10.0.0.0/x', '::/128', '10.0.0.0/8/8'].map((cidr) => ({
    cidr,
  })),
  ...['a**c', 'a\\x', '\\'].map((wildcard) => ({ wildcard })),
  ...INVALID_EXCLUSIONS.map(anythingBut),
];

function leaf(draw: Draw): Json {
  return draw.one<() => Json>(
    () => draw.of(WORDS),
    () => draw.of(WORDS),
    () => draw.of(NUMBERS),
    () => draw.of(ADDRESSES),
    () => draw.of([null, true, false]),
  )();
}

export function event(draw: Draw, depth = 0): { [key: string]: Json } {
  const keys = depth === 0 && draw.chance(0.1) ? DOTTED_KEYS : KEYS;
  return draw.record(keys, 1, 3, () => node(draw, depth + 1));
}

function node(draw: Draw, depth: number): Json {
  if (depth > 3 || draw.chance(0.5)) return leaf(draw);
  return draw.one<() => Json>(
    () => draw.list(0, 3, () => leaf(draw)),
    () => event(draw, depth),
    () => draw.list(0, 3, () => event(draw, depth)),
    () => draw.list(0, 2, () => node(draw, depth + 1)),
  )();
}

function expression(draw: Draw): Json {
  const some = (values: readonly Json[]): Json =>
    draw.chance(0.5) ? draw.of(values) : draw.list(1, 3, () => draw.of(values));
  const text = (): Json => (draw.chance(0.5) ? draw.of(WORDS) : { 'equals-ignore-case': draw.of(WORDS) });
  return draw.one<() => Json>(
    () => ({ prefix: text() }),
    () => ({ suffix: text() }),
    () => ({ 'equals-ignore-case': draw.of(WORDS) }),
    () => numeric([draw.of(['=', '<', '<=', '>', '>=']), draw.of(BOUNDS)]),
    () => {
      const low = draw.below(BOUNDS.length - 1);
      const high = low + 1 + draw.below(BOUNDS.length - low - 1);
      return numeric([draw.of(['>', '>=']), BOUNDS[low] as number, draw.of(['<', '<=']), BOUNDS[high] as number]);
    },
    () => ({ exists: draw.chance(0.5) }),
    () => ({ cidr: draw.of(BLOCKS) }),
    () => anythingBut(some(WORDS)),
    () => anythingBut(some(BOUNDS)),
    () => ({ wildcard: draw.of(WILDCARDS) }),
    () => anythingBut({ wildcard: some(WILDCARDS) }),
    () => anythingBut({ [draw.of(['prefix', 'suffix', 'equals-ignore-case'])]: some(FILLED) }),
  )();
}

function values(draw: Draw): Json {
  return draw.list(1, 4, () =>
    draw.chance(0.02) ? draw.of(INVALID) : draw.chance(0.4) ? leaf(draw) : expression(draw),
  );
}

export function pattern(draw: Draw, depth = 0): { [key: string]: Json } {
  const fields = draw.record(PATTERN_KEYS, 1, 2, () =>
    depth < 2 && draw.chance(0.25) ? pattern(draw, depth + 1) : values(draw),
  );
  // event-ruler's time and memory are exponential in the number of disjunctions.
  return depth === 0 && draw.chance(0.2) ? { ...fields, $or: draw.list(2, 3, () => pattern(draw, 1)) } : fields;
}

/**
 * The pattern as simple ones, one value to a field and no `$or`, of which any must match: what a pattern means by definition.
 * Undefined when there are too many of them.
 */
export function alternatives(pattern: { [key: string]: Json }): Json[] | undefined {
  let found: { [key: string]: Json }[] = [{}];
  for (const [name, value] of Object.entries(pattern)) {
    const branches = branchesOf(name, value);
    if (branches === undefined || found.length * branches.length > 2_000) return undefined;
    found = found.flatMap((fields) => branches.map((branch) => merged(fields, branch)));
  }
  return found;
}

function branchesOf(name: string, value: Json): { [key: string]: Json }[] | undefined {
  if (name === '$or') {
    const all = (value as { [key: string]: Json }[]).map(alternatives);
    return all.includes(undefined) ? undefined : (all.flat() as { [key: string]: Json }[]);
  }
  if (Array.isArray(value)) return value.map((one) => ({ [name]: [one] }));
  return alternatives(value as { [key: string]: Json })?.map((inner) => ({ [name]: inner }));
}

function merged(a: { [key: string]: Json }, b: { [key: string]: Json }): { [key: string]: Json } {
  const result = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const other = result[name];
    const both = isRecord(other) && isRecord(value);
    result[name] = both ? merged(other, value) : value;
  }
  return result;
}

const isRecord = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
