import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { main } from '../../../cli/main.ts';
import { ioOf } from './io.ts';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'qmoi-templates-'));
  writeFileSync(
    join(cwd, 'a.log'),
    'job 1 of x.example.org took 3 s\r\ndisk full\r\njob 22 of y.example.org took 40 s\r\n',
  );
  writeFileSync(join(cwd, 'b.log.gz'), gzipSync('job 7 of z.example.org took 1 s\n'));
});
afterAll(() => rmSync(cwd, { recursive: true }));

const call = async (args: readonly string[], input?: string) => {
  const io = ioOf({ cwd, ...(input !== undefined && { input }) });
  return { code: await main(['templates', ...args], io), ...io.texts() };
};
const objects = (out: string) =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

it('prints one object a line of input', async () => {
  const { code, out } = await call(['a.log', '--json']);
  const [first, second, third] = objects(out);
  expect(code).toBe(0);
  expect(first).toEqual({
    number: 1,
    templateId: expect.stringMatching(/^[0-9a-f]+$/),
    template: 'job <*> of <*> took <*>',
  });
  expect(second).toMatchObject({ number: 2, template: 'disk full' });
  expect(third).toEqual({ ...first, number: 3 });
});

it('reads standard input and packed files as well, and says of which file a line is', async () => {
  const { out } = await call(['-', 'b.log.gz', '--json'], 'job 5 of q.example.org took 2 s');
  const [piped, packed] = objects(out);
  expect(piped).toMatchObject({ file: '-', number: 1 });
  expect(packed).toEqual({ ...piped, file: 'b.log.gz' });
});

it('lists templates by how many lines they have', async () => {
  const { out } = await call(['a.log']);
  expect(
    out
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().split('  ')),
  ).toEqual([
    ['2', expect.any(String), 'job <*> of <*> took <*>'],
    ['1', expect.any(String), 'disk full'],
  ]);
});

it('keeps ids from call to call in a state, though a template has become more general', async () => {
  const [first] = objects((await call(['-', '--json', '--state', 'known.json'], 'session opened for user root')).out);
  const more = ['news', 'test', 'git'].map((user) => `session opened for user ${user}`).join('\n');
  const [second] = objects((await call(['-', '--json', '--state', 'known.json'], more)).out);
  expect(second).toMatchObject({ templateId: first?.templateId, template: 'session opened for user <*>' });
});

it('leaves a state alone that it does not understand', async () => {
  writeFileSync(join(cwd, 'notes.txt'), 'mine');
  expect(await call(['a.log', '--state', 'notes.txt'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('notes.txt'),
  });
  expect(readFileSync(join(cwd, 'notes.txt'), 'utf8')).toBe('mine');
});

it('says so of a file that is not there, and of no file at all', async () => {
  expect(await call(['missing.log'])).toMatchObject({ code: 1, err: expect.stringContaining('missing.log') });
  expect(await call([])).toMatchObject({ code: 2 });
});
