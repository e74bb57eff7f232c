import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../../../infra/local/patterns/index.ts';

type Json = unknown;
/** What it shows, the pattern, events that match, events that do not. */
type Case = [string, Json, Json[], Json[]];

const CASES: Case[] = [
  [
    'one value',
    { source: ['qmoi'] },
    [{ source: 'qmoi' }, { source: 'qmoi', more: 1 }],
    [{ source: 'QMOI' }, { source: 'qmoi2' }, {}],
  ],
  [
    'any of several values',
    { status: ['failed', 'timed-out'] },
    [{ status: 'failed' }, { status: 'timed-out' }],
    [{ status: 'canceled' }],
  ],
  ['all of several fields', { a: ['x'], b: ['y'] }, [{ a: 'x', b: 'y' }], [{ a: 'x' }, { b: 'y' }, { a: 'x', b: 'x' }]],
  [
    'nested fields',
    { detail: { job: { status: ['failed'] } } },
    [{ detail: { job: { status: 'failed' } } }],
    [{ detail: { status: 'failed' } }, { detail: 'failed' }],
  ],
  [
    'an array in the event: any element',
    { tags: ['b', 'd'] },
    [{ tags: ['a', 'b'] }, { tags: 'b' }],
    [{ tags: ['a', 'c'] }, { tags: [] }],
  ],
  ['numbers and strings apart', { n: [3] }, [{ n: 3 }, { n: 3.0 }], [{ n: '3' }, { n: 3.1 }]],
  ['a string of digits', { n: ['3'] }, [{ n: '3' }], [{ n: 3 }]],
  ['null is a value, not absence', { n: [null] }, [{ n: null }], [{}, { n: '' }, { n: 'null' }, { n: 0 }]],
  ['true and false', { on: [true] }, [{ on: true }], [{ on: false }, { on: 'true' }, { on: 1 }]],
  ['the empty string', { name: [''] }, [{ name: '' }], [{ name: ' ' }, { name: null }, {}]],
  [
    'a character outside the basic plane',
    { name: [{ 'equals-ignore-case': '😀a' }] },
    [{ name: '😀A' }],
    [{ name: '😀' }],
  ],
  [
    'prefix',
    { region: [{ prefix: 'eu-' }] },
    [{ region: 'eu-west-1' }, { region: 'eu-' }],
    [{ region: 'us-east-1' }, { region: 'EU-west-1' }, { region: 5 }],
  ],
  [
    'prefix, ignoring case',
    { region: [{ prefix: { 'equals-ignore-case': 'eU-' } }] },
    [{ region: 'EU-west-1' }],
    [{ region: 'us-EU-' }],
  ],
  [
    'suffix',
    { file: [{ suffix: '.log' }] },
    [{ file: 'a.log' }],
    [{ file: 'a.LOG' }, { file: 'a.log.gz' }, { file: 0 }],
  ],
  [
    'suffix, ignoring case',
    { file: [{ suffix: { 'equals-ignore-case': '.log' } }] },
    [{ file: 'a.LoG' }],
    [{ file: 'a.log.gz' }],
  ],
  [
    'equals, ignoring case',
    { user: [{ 'equals-ignore-case': 'alice' }] },
    [{ user: 'ALICE' }],
    [{ user: 'alice2' }, { user: null }],
  ],
  ['exactly', { user: [{ exactly: 'alice' }] }, [{ user: 'alice' }], [{ user: 'Alice' }]],
  [
    'wildcard',
    { key: [{ wildcard: 'a/*/c*.log' }] },
    [{ key: 'a/b/c.log' }, { key: 'a//cx.log' }, { key: 'a/b/b/c.log.log' }],
    [{ key: 'a/c.log' }, { key: 'xa/b/c.log' }, { key: 'a/b/c.logx' }],
  ],
  [
    'wildcard with escapes',
    { key: [{ wildcard: 'a\\*b\\\\*' }] },
    [{ key: 'a*b\\' }, { key: 'a*b\\c' }],
    [{ key: 'axb\\' }, { key: 'a*b' }],
  ],
  ['wildcard that overlaps itself', { key: [{ wildcard: 'aba*aba' }] }, [{ key: 'abaaba' }], [{ key: 'ababa' }]],
  ['wildcard without a star', { key: [{ wildcard: 'abc' }] }, [{ key: 'abc' }], [{ key: 'abcd' }, { key: 'ab' }]],
  [
    'anything but a string',
    { state: [{ 'anything-but': 'idle' }] },
    [{ state: 'busy' }, { state: 3 }, { state: null }, { state: '' }],
    [{ state: 'idle' }, {}, { state: {} }],
  ],
  [
    'anything but a number',
    { code: [{ 'anything-but': 0 }] },
    [{ code: 1 }, { code: '0' }, { code: null }],
    [{ code: 0 }],
  ],
  [
    'anything but a list of strings',
    { state: [{ 'anything-but': ['idle', 'busy'] }] },
    [{ state: 'stale' }],
    [{ state: 'idle' }, { state: 'busy' }],
  ],
  ['anything but a list of numbers', { code: [{ 'anything-but': [0, 1] }] }, [{ code: 2 }], [{ code: 0 }, { code: 1 }]],
  [
    'anything but, in an array: one other element is enough',
    { tags: [{ 'anything-but': 'a' }] },
    [{ tags: ['a', 'b'] }],
    [{ tags: ['a'] }, { tags: [] }],
  ],
  [
    'anything but a prefix',
    { ref: [{ 'anything-but': { prefix: 'refs/tags/' } }] },
    [{ ref: 'refs/heads/main' }, { ref: 1 }],
    [{ ref: 'refs/tags/v1' }],
  ],
  [
    'anything but some prefixes',
    { ref: [{ 'anything-but': { prefix: ['a', 'b'] } }] },
    [{ ref: 'c' }],
    [{ ref: 'ax' }, { ref: 'bx' }],
  ],
  ['anything but a suffix', { file: [{ 'anything-but': { suffix: '.md' } }] }, [{ file: 'a.ts' }], [{ file: 'a.md' }]],
  [
    'anything but some suffixes',
    { file: [{ 'anything-but': { suffix: ['.md', '.txt'] } }] },
    [{ file: 'a.ts' }],
    [{ file: 'a.md' }, { file: 'a.txt' }],
  ],
  [
    'anything but, ignoring case',
    { s: [{ 'anything-but': { 'equals-ignore-case': ['idle', 'BUSY'] } }] },
    [{ s: 'stale' }],
    [{ s: 'IDLE' }, { s: 'busy' }],
  ],
  [
    'anything but a wildcard',
    { key: [{ 'anything-but': { wildcard: '*/lib/*' } }] },
    [{ key: 'a/bin/b' }, { key: 3 }],
    [{ key: 'a/lib/b' }],
  ],
  [
    'anything but some wildcards',
    { key: [{ 'anything-but': { wildcard: ['*/lib/*', 'x*'] } }] },
    [{ key: 'a' }],
    [{ key: '/lib/' }, { key: 'xy' }],
  ],
  ['numeric equality', { n: [{ numeric: ['=', 300] }] }, [{ n: 300 }, { n: 3e2 }], [{ n: 301 }, { n: '300' }]],
  [
    'numeric bounds',
    { n: [{ numeric: ['>', 0, '<=', 5] }] },
    [{ n: 0.000001 }, { n: 5 }],
    [{ n: 0 }, { n: 5.1 }, { n: null }],
  ],
  ['numeric, one side', { n: [{ numeric: ['<', -1.5] }] }, [{ n: -1.6 }], [{ n: -1.5 }, { n: '-2' }]],
  [
    'later attempts',
    { detail: { attempt: [{ numeric: ['>', 1] }] } },
    [{ detail: { attempt: 2 } }],
    [{ detail: { attempt: 1 } }],
  ],
  [
    'exists',
    { detail: { error: [{ exists: true }] } },
    [{ detail: { error: 'x' } }, { detail: { error: null } }, { detail: { error: [1] } }],
    [{ detail: {} }, { detail: { error: {} } }, { detail: { error: [] } }],
  ],
  [
    'does not exist',
    { detail: { error: [{ exists: false }] } },
    [{ detail: {} }, {}, { detail: { error: { code: 1 } } }],
    [{ detail: { error: null } }],
  ],
  ['does not exist, or has a value', { a: [{ exists: false }, 'x'] }, [{}, { a: 'x' }], [{ a: 'y' }]],
  [
    'an IPv4 block',
    { ip: [{ cidr: '10.1.0.0/23' }] },
    [{ ip: '10.1.0.0' }, { ip: '10.1.1.255' }],
    [{ ip: '10.1.2.0' }, { ip: '10.1' }, { ip: 'x' }, { ip: 10 }],
  ],
  [
    'an IPv6 block',
    { ip: [{ cidr: '2001:db8::/33' }] },
    [{ ip: '2001:db8:7fff::1' }, { ip: '2001:0DB8::' }],
    [{ ip: '2001:db8:8000::1' }, { ip: '32.1.13.184' }],
  ],
  [
    'an address, however it is spelled',
    { ip: ['2001:db8::1'] },
    [{ ip: '2001:0db8:0:0:0:0:0:1' }, { ip: '2001:db8::1' }],
    [{ ip: '2001:db8::2' }],
  ],
  [
    'different matchers for one field',
    { a: [{ prefix: 'x' }, { numeric: ['>', 5] }, null] },
    [{ a: 'xy' }, { a: 6 }, { a: null }],
    [{ a: 'y' }, { a: 5 }, {}],
  ],
  [
    '$or beside other fields',
    { source: ['s'], $or: [{ a: ['x'] }, { b: [{ numeric: ['>', 5] }] }] },
    [
      { source: 's', a: 'x' },
      { source: 's', b: 6 },
    ],
    [{ source: 's' }, { a: 'x' }, { source: 's', b: 5 }],
  ],
  [
    '$or within a field and within $or',
    { detail: { $or: [{ a: ['x'] }, { b: { $or: [{ c: [1] }, { d: [2] }] } }] } },
    [{ detail: { a: 'x' } }, { detail: { b: { c: 1 } } }, { detail: { b: { d: 2 } } }],
    [{ a: 'x' }, { detail: { b: { c: 2 } } }],
  ],
  [
    'two $or multiply',
    { x: { $or: [{ a: [1] }, { b: [1] }] }, y: { $or: [{ a: [1] }, { b: [1] }] } },
    [{ x: { b: 1 }, y: { a: 1 } }],
    [{ x: { a: 1 } }],
  ],
  ['a key with a dot', { 'a.b': [1] }, [{ 'a.b': 1 }, { a: { b: 1 } }], [{ a: 1 }]],
  ['a key that every object inherits', { toString: [{ exists: false }] }, [{}], [{ toString: 'x' }]],
  [
    'objects in an array: one element must satisfy all',
    { steps: { name: ['build'], status: ['failed'] } },
    [
      {
        steps: [
          { name: 'test', status: 'failed' },
          { name: 'build', status: 'failed' },
        ],
      },
    ],
    [
      {
        steps: [
          { name: 'test', status: 'failed' },
          { name: 'build', status: 'passed' },
        ],
      },
    ],
  ],
  [
    'arrays in arrays: one element at each level',
    { runs: { id: [1], jobs: { name: ['a'], ok: [false] } } },
    [
      {
        runs: [
          {
            id: 1,
            jobs: [
              { name: 'a', ok: true },
              { name: 'a', ok: false },
            ],
          },
        ],
      },
    ],
    [
      {
        runs: [
          { id: 1, jobs: [{ name: 'a', ok: true }] },
          { id: 2, jobs: [{ name: 'a', ok: false }] },
        ],
      },
      {
        runs: [
          {
            id: 1,
            jobs: [
              { name: 'a', ok: true },
              { name: 'b', ok: false },
            ],
          },
        ],
      },
    ],
  ],
  [
    'separate arrays do not bind each other',
    { a: { x: [1] }, b: { x: [2] } },
    [{ a: [{ x: 0 }, { x: 1 }], b: [{ x: 2 }, { x: 0 }] }],
    [{ a: [{ x: 1 }], b: [{ x: 1 }] }],
  ],
  [
    "Lambda's filter on a stream record",
    { eventName: ['INSERT', 'MODIFY'], dynamodb: { NewImage: { entity: { S: ['job', 'run'] } } } },
    [{ eventName: 'INSERT', dynamodb: { NewImage: { entity: { S: 'job' }, pk: { S: 'x' } } } }],
    [
      { eventName: 'REMOVE', dynamodb: { OldImage: { entity: { S: 'job' } } } },
      { eventName: 'INSERT', dynamodb: { NewImage: { entity: { S: 'lease' } } } },
    ],
  ],
];

describe('a pattern', () => {
  it.each(CASES)('%s', (_name, pattern, matching, others) => {
    for (const matches of [compilePattern(pattern), compilePattern(JSON.stringify(pattern))]) {
      for (const event of matching) expect(matches(event), JSON.stringify(event)).toBe(true);
      for (const event of others) expect(matches(event), JSON.stringify(event)).toBe(false);
    }
  });

  it('matches nothing that is no object', () => {
    const matches = compilePattern({ a: [{ exists: false }] });
    for (const event of [null, undefined, 'text', 3, [{}]]) expect(matches(event)).toBe(false);
  });
});

const INVALID: [string, Json, string][] = [
  ['no JSON', '{', 'not valid JSON'],
  ['no object', ['a'], 'not an object'],
  ['nothing in it', {}, 'Empty objects'],
  ['an empty object', { a: {} }, 'Empty objects'],
  ['an empty list', { a: [] }, 'Empty arrays'],
  ['a bare value', { a: 'x' }, '"a" must be an object or an array'],
  ['a list in a list', { a: [['x']] }, 'Match value must be'],
  ['an unknown match type', { a: [{ regex: 'x' }] }, 'Unrecognized match type regex'],
  ['an empty match expression', { a: [{}] }, 'Match expression name not found'],
  ['two match types at once', { a: [{ prefix: 'x', suffix: 'y' }] }, 'Only one key'],
  ['a prefix that is no string', { a: [{ prefix: 3 }] }, 'must be a string'],
  ['an unknown nested prefix', { a: [{ prefix: { wildcard: 'x' } }] }, 'Unsupported prefix pattern'],
  ['two stars in a row', { a: [{ wildcard: 'a**b' }] }, 'Consecutive wildcard characters at pos 1'],
  ['a stray backslash', { a: [{ wildcard: 'a\\b' }] }, 'Invalid escape character at pos 1'],
  ['a backslash at the end', { a: [{ wildcard: 'a\\' }] }, 'Invalid escape character at pos 1'],
  ['exists of something', { a: [{ exists: 'yes' }] }, 'either true or false'],
  ['a block without a mask', { a: [{ cidr: '10.0.0.0' }] }, "one '/' required"],
  ['a block of one address', { a: [{ cidr: '10.0.0.0/32' }] }, 'mask bits must be < 32'],
  ['a block of nonsense', { a: [{ cidr: 'host/8' }] }, 'Nonstandard IP address'],
  ['a numeric range that is no list', { a: [{ numeric: '>3' }] }, 'must be an array'],
  ['a numeric operator nobody knows', { a: [{ numeric: ['~', 3] }] }, 'Unrecognized numeric range operator'],
  ['a numeric bound that is no number', { a: [{ numeric: ['>', '3'] }] }, 'must be numeric'],
  ['an upside-down range', { a: [{ numeric: ['>', 3, '<', 1] }] }, 'Bottom must be less than top'],
  ['an upper bound first', { a: [{ numeric: ['<', 3, '>', 1] }] }, 'Bad numeric range operator'],
  ['half a range', { a: [{ numeric: ['>', 3, '<'] }] }, 'Too many or too few'],
  ['a number out of range', { a: [{ numeric: ['>', 5e9 + 1] }] }, 'between -5.0E9 and 5.0E9'],
  ['a number too fine', { a: [{ numeric: ['>', 0.0000001] }] }, 'up to 6 decimals'],
  ['anything but nothing', { a: [{ 'anything-but': [] }] }, 'must be an array or single'],
  ['anything but null', { a: [{ 'anything-but': null }] }, 'must be an array or single'],
  ['anything but strings and numbers', { a: [{ 'anything-but': ['x', 3] }] }, 'mixed type is not supported'],
  ['anything but an empty prefix', { a: [{ 'anything-but': { prefix: '' } }] }, 'Null prefix/suffix'],
  ['anything but no prefix at all', { a: [{ 'anything-but': { prefix: [] } }] }, 'Empty arrays'],
  ['anything but a block', { a: [{ 'anything-but': { cidr: '10.0.0.0/8' } }] }, 'Unsupported anything-but pattern'],
  ['$or of one', { $or: [{ a: [1] }] }, 'at least 2'],
  ['$or that is no list', { $or: { a: [1] } }, 'must be an Array'],
  ['$or of values', { $or: [1, 2] }, 'Only JSON object'],
  ['a reserved name in $or', { $or: [{ a: [1] }, { prefix: [1] }] }, 'reserved name'],
  ['one path twice', { a: [1], $or: [{ a: [2] }, { b: [3] }] }, 'cannot be allowed multiple times'],
  ['one path twice, once with a dot', { 'a.b': [1], a: { b: [2] } }, 'cannot be allowed multiple times'],
  [
    'too many combinations',
    Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`f${i}`, { $or: [{ a: [1] }, { b: [1] }] }])),
    'more than 1000 combinations',
  ],
];

describe('a pattern is refused', () => {
  it.each(INVALID)('%s', (_name, pattern, reason) => {
    expect(() => compilePattern(pattern)).toThrow(reason);
    expect(() => compilePattern(pattern)).toThrow(expect.objectContaining({ code: 'InvalidEventPatternException' }));
  });
});

describe('properties', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '\\', '.'), maxLength: 12 });

  it('a pattern made of an event matches it', () => {
    const leaf = fc.oneof(fc.string(), fc.integer({ min: -1000, max: 1000 }), fc.boolean(), fc.constant(null));
    const event = fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.dictionary(fc.constantFrom('x', 'y'), leaf, { minKeys: 1 }),
      { minKeys: 1 },
    );
    const asPattern = (node: unknown): unknown =>
      typeof node === 'object' && node !== null
        ? Object.fromEntries(Object.entries(node).map(([k, v]) => [k, asPattern(v)]))
        : [node];
    fc.assert(fc.property(event, (e) => compilePattern(asPattern(e))(e)));
  });

  it('anything-but is the opposite of each matcher on strings', () => {
    const matcher = fc.oneof(
      fc.record({ prefix: text.filter((t) => t !== '') }),
      fc.record({ suffix: text.filter((t) => t !== '') }),
      fc.record({ 'equals-ignore-case': text }),
      fc.record({ wildcard: fc.constantFrom('*', 'a*', '*b', 'a*b*a', '\\*', 'ab') }),
    );
    fc.assert(
      fc.property(
        matcher,
        text,
        (m, value) =>
          compilePattern({ f: [m] })({ f: value }) !== compilePattern({ f: [{ 'anything-but': m }] })({ f: value }),
      ),
    );
  });

  it('a wildcard finds exactly what a regular expression finds', () => {
    const parts = fc
      .array(fc.oneof(fc.constant('*'), text), { maxLength: 6 })
      .filter((p) => p.every((part, i) => part !== '*' || p.slice(i + 1).find((next) => next !== '') !== '*'));
    fc.assert(
      fc.property(parts, text, (p, value) => {
        const wildcard = p.map((part) => (part === '*' ? '*' : part.replace(/[*\\]/g, '\\$&'))).join('');
        const regex = new RegExp(
          `^${p.map((part) => (part === '*' ? '.*' : part.replace(/[*\\.]/g, '\\$&'))).join('')}$`,
          's',
        );
        return compilePattern({ f: [{ wildcard }] })({ f: value }) === regex.test(value);
      }),
    );
  });

  it('the order of an array does not matter', () => {
    const element = fc.record({ x: fc.nat(2), y: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(element, { maxLength: 5 }), fc.nat(2), fc.nat(2), (elements, x, y) => {
        const matches = compilePattern({ list: { x: [x], y: [y] } });
        expect(matches({ list: elements })).toBe(elements.some((e) => e.x === x && e.y === y));
        expect(matches({ list: elements.toReversed() })).toBe(matches({ list: elements }));
      }),
    );
  });

  it('arrays nested without end exhaust nothing', () => {
    const text = `${'['.repeat(200_000)}1${']'.repeat(200_000)}`;
    expect(compilePattern({ a: [1] })(JSON.parse(`{"a":${text}}`))).toBe(false);
    expect(compilePattern({ a: [1] })({ a: [[[[1]]]] })).toBe(true);
  });

  it('many independent arrays of objects do not multiply', () => {
    const names = Array.from({ length: 12 }, (_, i) => `f${i}`);
    const matches = compilePattern(
      Object.fromEntries(names.map((name) => [name, { x: [{ numeric: ['>=', 0] }], y: [{ exists: true }] }])),
    );
    const elements = Array.from({ length: 50 }, (_, i) => ({ x: i, y: i }));
    expect(matches(Object.fromEntries(names.map((name) => [name, elements])))).toBe(true);
  });
});
