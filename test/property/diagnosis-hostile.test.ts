import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { diagnose as command } from '../../cli/commands/diagnose.ts';
import { type Diagnosis, diagnose } from '../../shared/diagnosis/index.ts';
import { plantedSecrets } from '../support/planted-secrets.ts';

const context = { platform: 'github', jobName: 'build' };
const DNS = 'npm error network request failed, reason: getaddrinfo ENOTFOUND registry.npmjs.org';

const ENDS = ['\n', '\r\n', '\r', '\r\u001b[0K\n', '\n\n', '\r\r\n'];
const NOISE = [
  ...['\u0000', '\u001b[31m', '\u001b[', '\u001b]0;title\u0007', '\u001b]', '\u001b_bk;t=1\u0007', '\u0007', '\u007f'],
  ...['\ufeff', '\u2028', '\ud800', 'é', '✗ ', '● ', '\t', ' ', 'x'.repeat(300), '|'.repeat(20), '50%', '\u0085'],
];
const WORDS = [
  ...['error: cannot find part', 'FAILED tests/a.py::test_b', '--- FAIL: TestX', '  3 failing', '  1) suite', DNS],
  ...['2024-01-01T00:00:00.0000000Z ##[error]boom', '2024-01-01T00:00:00.0000000Z error: x', '2024-01-01T'],
  ...['##[error]boom', '##[group]Run npm test', 'section_start:1:step_script', 'section_end:1:step_script', 'retrying'],
  ...['Tests in error: ', 'not ok 3 - thing', 'BUILD FAILURE', 'travis_fold:start:x', 'The command "x" exited with 1'],
];

const word = fc.oneof(fc.constantFrom(...WORDS), fc.constantFrom(...NOISE), fc.string({ maxLength: 30 }));
const text = fc.array(word, { maxLength: 6 }).map((parts) => parts.join('').replace(/[\r\n]/g, ''));
const lines = fc.array(fc.tuple(text, fc.constantFrom(...ENDS)), { minLength: 1, maxLength: 120 });

/** As everyone counts them, who reads the log with the numbers in hand. */
const split = (log: string): string[] => log.split(/\r\n|\n|\r/);

function inPieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

const shown = ({ lines, excerpt, tests, template }: Diagnosis): string[] => [
  ...lines.map((line) => line.text),
  ...excerpt.split('\n'),
  ...tests,
  template,
];

function keepsItsBounds(found: Diagnosis, count: number): void {
  const total = found.ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0);
  expect(total).toBeLessThanOrEqual(50);
  expect(found.lines.length).toBeLessThanOrEqual(10);
  expect(Buffer.byteLength(found.excerpt)).toBeLessThanOrEqual(4096);
  let last = 0;
  for (const { start, end } of found.ranges) {
    expect(start).toBeGreaterThan(last);
    expect(end).toBeGreaterThanOrEqual(start);
    last = end;
  }
  for (const number of [last, ...found.lines.map((line) => line.number)]) expect(number).toBeLessThanOrEqual(count);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be shown
  for (const one of shown(found)) expect(one).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f]/);
}

it('a log of odd bytes is read the same in whatever pieces, and its lines are where it says', async () => {
  await fc.assert(
    fc.asyncProperty(lines, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), async (parts, sizes) => {
      const numbered = parts.map(([line, end], i) => `${line} mark-${i}-${end}`).join('');
      const bytes = Buffer.from(numbered);
      const whole = await diagnose([bytes], context);
      expect(await diagnose(inPieces(bytes, sizes), context)).toEqual(whole);
      const rows = split(bytes.toString('utf8'));
      keepsItsBounds(whole, rows.length);
      for (const { number, text: one } of whole.lines) {
        const mark = /mark-\d+-/.exec(one)?.[0];
        if (mark) expect(rows[number - 1]).toContain(mark);
      }
    }),
    { numRuns: 60 },
  );
});

it('bytes that are no text at all keep the bounds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 4000 }), async (bytes) => {
      const found = await diagnose([bytes], context);
      keepsItsBounds(found, split(Buffer.from(bytes).toString('latin1')).length);
    }),
    { numRuns: 60 },
  );
});

it.each([
  ['with a mark', `\ufeffa\r\nb\r\n${DNS}\r\nend\r\n`, 'le'],
  ['with a mark, the other way round', `\ufeffa\r\nb\r\n${DNS}\r\nend\r\n`, 'be'],
  ['without one', `a1\r\nb\r\n${DNS}\r\nend\r\n`, 'le'],
] as const)('UTF-16 as PowerShell writes it, %s', async (_, log, order) => {
  const bytes = Buffer.from(log, 'utf16le');
  if (order === 'be') bytes.swap16();
  for (const sizes of [[1], [3, 5], [bytes.length]]) {
    const found = await diagnose(inPieces(bytes, sizes), context);
    expect(found.cause).toBe('dns-resolution-failed');
    expect(found.lines[0]).toMatchObject({ number: 3, text: DNS });
  }
});

it('a line of a hundred megabytes is one line, and the error behind it is found', async () => {
  const part = Buffer.from('y'.repeat(999_999).replace(/y{100}/g, (ys) => `${ys} `));
  function* log(): Generator<Buffer> {
    for (let i = 0; i < 100; i++) yield part;
    yield Buffer.from(`\n${DNS}\n`);
  }
  const found = await diagnose(log(), context);
  expect(found).toMatchObject({ cause: 'dns-resolution-failed', truncated: false });
  expect(found.lines[0]?.number).toBe(2);
});

it('an error in the middle of a long line is the text that is shown of it', async () => {
  const long = `${'ok, '.repeat(9000)}${' '.repeat(2000)}${DNS}`;
  const start = long.length - DNS.length;
  // Well inside a piece, wherever the pieces are cut, and not in the first one.
  const padded = ' '.repeat(16_384 - (start % 16_384) + 300) + long;
  const found = await diagnose(`first\n${padded}\nlast`, context);
  expect(found.lines[0]?.number).toBe(2);
  expect(found.lines[0]?.text).toContain('getaddrinfo ENOTFOUND');
});

it('no part of a secret is shown, wherever a text is cut', async () => {
  for (const length of [380, 395, 400, 480, 495, 500, 990, 1995, 2000, 16_370, 16_384])
    for (const [kind, secret, line] of plantedSecrets.filter((_, i) => i % 4 === length % 4)) {
      const whole = line(secret);
      const padding = 'word '.repeat(Math.ceil(length / 5)).slice(0, Math.max(0, length - whole.indexOf(secret) - 8));
      const log = [
        `error: ${padding} ${whole}`,
        `  1) ${padding}${whole}`,
        `not ok 1 ${padding} ${whole}`,
        `✗ ${padding} ${whole}`,
      ];
      const found = await diagnose(`  3 failing\n${log.join('\n')}\n`, context);
      const all = JSON.stringify([found.lines, found.excerpt, found.tests, found.template]);
      for (let from = 0; from + 14 <= secret.length; from += 7)
        expect(all.includes(secret.slice(from, from + 14)), `${kind} at ${length}`).toBe(false);
    }
});

it('what has the marks of a time stamp where they belong, and line ends between them, is so many lines', async () => {
  const odd = '2\n\n\n-\n\n-\n\nT\n\n:\n\n:abcdefghijZ';
  const found = await diagnose(`${'quiet\n'.repeat(20)}${odd}\n${DNS}\n`, context);
  expect(found.lines[0]).toMatchObject({ number: 20 + odd.split('\n').length + 1, text: DNS });
});

it('more failing steps than are remembered leave the last of them to be shown', async () => {
  const log = Array.from({ length: 2000 }, (_, i) => `##[group]Run step ${i}\n##[endgroup]\n##[error]boom ${i}`).join(
    '\n',
  );
  const found = await diagnose(log, context);
  expect(found.lines[0]?.number).toBe(6000);
});

it('a small file that unpacks to more than anyone reads ends at the limit', async () => {
  const { Readable } = await import('node:stream');
  const member = gzipSync(Buffer.alloc(10_000_000, 'all is quiet\n'));
  const bomb = Buffer.concat([gzipSync(`${DNS}\n`), ...Array.from({ length: 30 }, () => member)]);
  expect(bomb.length).toBeLessThan(1_000_000);
  const printed: string[] = [];
  const code = await command.run(['-', '--json'], {
    ...{ out: (line: string) => printed.push(line), err: (line: string) => printed.push(line), cwd: '/' },
    ...{ stdin: Readable.from([bomb]), env: {}, signal: new AbortController().signal },
  } as unknown as Parameters<typeof command.run>[1]);
  expect(code).toBe(0);
  expect(printed[0]).toContain('more than 200 times its size');
  expect(JSON.parse(printed.at(-1) ?? '')).toMatchObject({ cause: 'dns-resolution-failed', bytes: 256 * 1024 * 1024 });
});
