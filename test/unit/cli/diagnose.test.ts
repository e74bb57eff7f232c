import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { main } from '../../../cli/main.ts';
import { ioOf } from './io.ts';

const LOG = [
  'compiling',
  'fetching a mirror',
  "fatal: unable to access 'https://github.com/acme/app.git/': Could not resolve host: github.com",
  '##[error]Process completed with exit code 128.',
  '',
].join('\n');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'qmoi-diagnose-'));
  writeFileSync(join(folder, 'a.log'), LOG);
  writeFileSync(join(folder, 'b.log.gz'), gzipSync(LOG));
  writeFileSync(join(folder, 'cut.log.gz'), gzipSync(LOG.repeat(50)).subarray(0, 60));
});
afterAll(() => rmSync(folder, { recursive: true }));

const call = async (args: string[], input?: string) => {
  const io = ioOf({ cwd: folder, ...(input !== undefined && { input }) });
  return { code: await main(['diagnose', ...args], io), ...io.texts() };
};

it('prints one object a line and file', async () => {
  const { code, out } = await call(['a.log', 'b.log.gz', '--json', '--platform', 'github']);
  const [plain, packed] = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(code).toBe(0);
  expect(Object.keys(plain)).toEqual([
    ...['file', 'cause', 'category', 'transient', 'severity', 'confidence', 'lines', 'excerpt', 'tests'],
    ...['template', 'fingerprint', 'bytes', 'ms'],
  ]);
  expect(plain).toMatchObject({
    file: 'a.log',
    cause: 'dns-resolution-failed',
    category: 'network',
    transient: true,
    lines: [{ number: 3 }, ...Array(plain.lines.length - 1).fill({})],
    bytes: LOG.length,
  });
  expect(plain.excerpt).toContainEqual({ start: 3, end: 3 });
  const { ms: _, file: __, ...rest } = plain;
  expect(packed).toMatchObject(rest);
});

it('reads standard input, packed or not', async () => {
  expect(JSON.parse((await call(['-', '--json'], LOG)).out)).toMatchObject({
    file: '-',
    cause: 'dns-resolution-failed',
  });
  expect(JSON.parse((await call(['-', '--json'], '')).out)).toMatchObject({ cause: 'unknown', lines: [], excerpt: [] });
});

it('tells people the cause, the remedy and where it stands', async () => {
  const { out } = await call(['a.log']);
  expect(out).toContain('a.log: dns-resolution-failed (network, a rerun may pass');
  expect(out).toContain('Could not resolve host: github.com');
});

it('gives lines of the successful log no rank', async () => {
  writeFileSync(join(folder, 'green.log'), 'error: the linter is not configured\ndone in 12s\n');
  writeFileSync(
    join(folder, 'red.log'),
    'error: the linter is not configured\nthe moon is in the wrong phase\ndone in 9s\n',
  );
  const { out } = await call(['red.log', '--success-log', 'green.log', '--json']);
  expect(JSON.parse(out)).toMatchObject({ lines: [{ number: 2 }], excerpt: [{ start: 1, end: 2 }] });
});

it('goes on after a file that cannot be read', async () => {
  const { code, out, err } = await call(['gone.log', 'cut.log.gz', 'a.log', '--json']);
  expect(code).toBe(1);
  expect(err).toBe(
    'gone.log cannot be read: there is no such file.\ncut.log.gz cannot be read: its compressed data ends too early.\n',
  );
  expect(JSON.parse(out).file).toBe('a.log');
});

it.each([[[]], [['-', '-']], [['a.log', '--nonsense']]])('refuses %j', async (args) => {
  expect((await call(args)).code).toBe(2);
});
