import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRule, diagnose, type Rule, redact, rules } from '../../../../shared/diagnosis/index.ts';
import {
  announcesRetry,
  errorScore,
  isGeneric,
  isPassing,
  isQuoted,
  isWarning,
  surrenders,
} from '../../../../shared/diagnosis/lines.ts';
import { salience } from '../../../../shared/diagnosis/salience.ts';
import { templateOf } from '../../../../shared/diagnosis/template.ts';

/**
 * Nothing here is timed: at this length anything quadratic takes 10^10 steps and more, which outlasts the test's own limit,
 * while all that is linear is done at once.
 */
const LENGTH = 200_000;
const FRAGMENTS = [
  ...[
    '"',
    "'",
    '`',
    ' ',
    '\t',
    'a',
    'A',
    '0',
    '.',
    ':',
    '::',
    '-',
    '_',
    '=',
    '/',
    '\\',
    '(',
    ')',
    '[',
    '{',
    '<',
    '@',
    '|',
  ],
  ...['a.', 'A.b', '1:', ': ', 'a=', 'a/', 'at ', 'é', '\u0000', '\u001b[', '\u001b]0;', '12:34:56 ', 'f0f0'],
  ...['error: ', 'Error', ' FAILED', ' > ', '... ', 'ok ', 'retry ', 'attempt 1 of ', 'exited with ', 'The command "'],
  ...[
    'password=',
    'token: ',
    'authorization: ',
    'cookie: ',
    '://',
    'x://a:b',
    'a@b.',
    'eyJ',
    '-----BEGIN ',
    '-----BEGIN RSA PRIVATE KEY',
  ],
  ...['##[error]', 'section_start:1:', 'travis_fold:', '● ', '✗ ', '  1) ', 'expected but ', 'no such file '],
];
const HEADS = ['', 'error: ', '    ', 'FAIL '];
const TAILS = ['', '!', ' FAILED', '" exited with 1', '\u0007'];
const made = (head: string, fragment: string, tail: string, length = LENGTH): string =>
  (head + fragment.repeat(Math.ceil(length / fragment.length))).slice(0, length) + tail;

describe('long lines of one thing over and over', () => {
  it.each([
    ['redact', redact],
    ['isPassing', isPassing],
    ['isQuoted', isQuoted],
    ['isWarning', isWarning],
    ['isGeneric', isGeneric],
    ['announcesRetry', announcesRetry],
    ['surrenders', surrenders],
    ['errorScore', errorScore],
    ['salience', salience],
    ['templateOf', templateOf],
  ] as const)('%s', (_, read) => {
    for (const [i, fragment] of FRAGMENTS.entries()) {
      const line = made(HEADS[i % HEADS.length] ?? '', fragment, TAILS[i % TAILS.length] ?? '');
      expect(read(line)).toBeDefined();
    }
  });

  it('a whole diagnosis, with the lines around it read', async () => {
    const log = FRAGMENTS.map((fragment, i) =>
      made(HEADS[i % HEADS.length] ?? '', fragment, TAILS[i % TAILS.length] ?? '', 40_000),
    ).join('\n');
    const { bytes } = await diagnose(`2 failing\n${log}\nTests in error:\n${log}`, {
      platform: 'github',
      jobName: 'x',
    });
    expect(bytes).toBeGreaterThan(Buffer.byteLength(log));
  });

  it('lines that are mixed at random', async () => {
    const piece = fc.tuple(fc.constantFrom(...FRAGMENTS), fc.integer({ min: 1, max: 2000 }));
    const line = fc
      .array(piece, { minLength: 1, maxLength: 6 })
      .map((parts) => parts.map(([text, n]) => text.repeat(n)).join(''));
    await fc.assert(
      fc.asyncProperty(line, async (text) => {
        const { lines } = await diagnose(`${text}\nerror: ${text}`, { platform: 'github', jobName: 'x' });
        expect(lines.every((one) => one.text.length <= 500)).toBe(true);
        redact(text);
      }),
      { numRuns: 40 },
    );
  });
});

describe('rules that somebody else writes', () => {
  const rule: Rule = {
    ...{ id: 'moon-phase', category: 'system', transient: null, severity: 'low', tier: 'cause' },
    remedy: 'Wait for the full moon.',
    pattern: '^error: wrong phase \\d+$',
    literals: ['wrong phase'],
    examples: ['error: wrong phase 3', 'error: wrong phase 4'],
    nearMisses: ['wrong phase 3'],
  };

  it('are taken when they keep what they promise', async () => {
    expect(await checkRule(rule)).toEqual([]);
    for (const own of rules) expect(await checkRule(own), own.id).toEqual([]);
  });

  it.each([
    ['a back-reference', { pattern: '(a+)\\1' }, 'pattern is no RE2 pattern'],
    ['a look-ahead', { pattern: '^(?=.*a)(?=.*b)' }, 'pattern is no RE2 pattern'],
    ['a look-behind', { exclude: '(?<=a)b' }, 'exclude is no RE2 pattern'],
    ['a pattern beyond all measure', { pattern: `a{1,900}${'b'.repeat(30_000)}` }, 'longer than'],
    ['an example that does not match', { examples: ['error: right phase'] }, 'does not match its example'],
    ['a near miss that matches', { nearMisses: ['error: wrong phase 5'] }, 'matches its near miss'],
    ['a literal that is everywhere', { literals: ['ph'] }, 'too short'],
    ['no literal', { literals: [] }, 'no literals'],
    ['a name with blanks', { id: 'Moon phase' }, 'kebab-case'],
  ])('are refused for %s', async (_, change, problem) => {
    expect((await checkRule({ ...rule, ...change })).join(' ')).toContain(problem);
  });

  it('cannot be made slow: what backtracks exponentially elsewhere is done at once', async () => {
    const slow: Rule = {
      ...rule,
      pattern: '^(?:a+)+$|(?:x*)*y|(?:.*.*)*z$',
      literals: ['aaaa'],
      examples: ['aaaa'],
      nearMisses: ['b'],
    };
    expect(await checkRule(slow)).toEqual([]);
    const log = `${'a'.repeat(15_000)}!\n`.repeat(20);
    expect((await diagnose(log, { platform: 'x', jobName: 'x' }, { rules: [slow] })).cause).toBe('unknown');
  });
});
