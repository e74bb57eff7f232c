import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CommandFailure } from '../../../cli/command.ts';
import { main } from '../../../cli/main.ts';
import { type Rereadable, withRereadable } from '../../../cli/read-log.ts';
import { ioOf } from './io.ts';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'qmoi-read-log-'));
});
afterAll(() => rmSync(cwd, { recursive: true }));

const root = fileURLToPath(new URL('../../..', import.meta.url));
const MEGABYTE = 2 ** 20;

/** Prints what was diagnosed, and the most memory that the process ever had so far, in MB, for each file. */
const SCRIPT = `
const { main } = await import('./cli/main.ts');
let last;
const out = (line) => { last = line; };
const io = { env: {}, cwd: process.argv[1], stdin: [], isTerminal: false, signal: new AbortController().signal, out, err: console.error };
for (const file of ['small.gz', 'large.gz']) {
  for (const command of ['templates', 'diagnose']) if ((await main([command, file, '--json'], io)) !== 0) process.exit(1);
  console.log(JSON.parse(last).cause, process.resourceUsage().maxRSS / 1024);
}`;

it('unpacks 200 MB without holding them, in one line or in many', async () => {
  // A packed file may consist of several.
  const line = gzipSync('x'.repeat(MEGABYTE));
  const lines = gzipSync(`${'x'.repeat(64 * 1024 - 1)}\n`.repeat(16));
  const end = gzipSync('\nnpm error code ENOSPC\n');
  writeFileSync(join(cwd, 'small.gz'), Buffer.concat([line, lines, end]));
  writeFileSync(join(cwd, 'large.gz'), Buffer.concat([...Array(150).fill(line), ...Array(50).fill(lines), end]));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', SCRIPT, cwd],
    { cwd: root },
  );
  const [small, large] = stdout.split('\n').map((line) => line.split(' '));
  expect([small?.[0], large?.[0]]).toEqual(['disk-full', 'disk-full']);
  expect(Number(large?.[1]) - Number(small?.[1])).toBeLessThan(80);
});

it('reads a log to its end, however long', async () => {
  const quiet = Buffer.alloc(MEGABYTE, `all is well${' '.repeat(4_000)}\n`);
  const stdin = async function* () {
    for (let megabyte = 0; megabyte < 258; megabyte++) yield quiet;
    yield Buffer.from('\nnpm error code ENOSPC\n');
  };
  const io = ioOf({ cwd, stdin: stdin() });
  expect(await main(['diagnose', '-', '--json'], io)).toBe(0);
  expect(JSON.parse(io.texts().out)).toMatchObject({ cause: 'disk-full' });
});

/** All that a log holds. */
async function textOf(log: Rereadable | undefined): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of log?.read() ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

it('reads what comes through a pipe as often as it is asked, and leaves nothing behind', async () => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('qmoi-'));
  const io = ioOf({ cwd, stdin: [gzipSync('one')] as unknown as AsyncIterable<Uint8Array> });
  const texts = await withRereadable(['-'], io, async ([log]) => [await textOf(log), await textOf(log)]);
  expect(texts).toEqual(['one', 'one']);
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith('qmoi-'))).toEqual(before);
});

it('says in words what cannot be read, under the name it was called by', async () => {
  const read = (file: string, stdin: Uint8Array[] = []) =>
    withRereadable([file], ioOf({ cwd, stdin: stdin as unknown as AsyncIterable<Uint8Array> }), ([log]) => textOf(log));
  const because = (reason: string) => new CommandFailure(reason);
  await expect(read('gone.log')).rejects.toThrow(because('gone.log cannot be read: there is no such file.'));
  await expect(read('.')).rejects.toThrow(because('. cannot be read: it is a folder.'));
  const half = gzipSync('one and two').subarray(0, 15);
  await expect(read('-', [half])).rejects.toThrow(
    because('Standard input cannot be read: its compressed data ends too early.'),
  );
});
