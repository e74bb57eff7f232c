import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { readBeat } from '../../../shared/platforms/heartbeat/beat.ts';

let server: Server;
let url: string;
let told: { authorization: string | undefined; beat: unknown }[];
beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { authorization, 'content-type': contentType = '' } = request.headers;
    told.push({ authorization, beat: readBeat({}, contentType, Buffer.concat(chunks)) });
    response.writeHead(202).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());
beforeEach(() => {
  told = [];
});

const call = (args: readonly string[], { end = false, to = url } = {}) =>
  new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    const env = { PATH: process.env.PATH, QMOI_HEARTBEAT_TOKEN: 'secret', QMOI_SERVER_URL: to };
    const child = spawn(process.execPath, ['bin/qmoi.mjs', 'run', ...args], { env });
    const [out, err]: [string[], string[]] = [[], []];
    child.stdout.on('data', (chunk) => {
      out.push(String(chunk));
      if (end) child.kill('SIGTERM');
    });
    child.stderr.on('data', (chunk) => err.push(String(chunk)));
    child.once('close', (code) => resolve({ code, out: out.join(''), err: err.join('') }));
  });
const node = (script: string) => ['--', process.execPath, '-e', script];

it('tells of a command that fails, and is as it was', async () => {
  const script = 'console.log("working"); console.error("disk is full"); process.exit(3)';
  expect(await call(['backup', '--cron', '0 3 * * *', ...node(script)])).toEqual({
    code: 3,
    out: 'working\n',
    err: 'disk is full\n',
  });
  const runId = expect.stringMatching(/^[\w-]{36}$/);
  expect(told).toMatchObject([
    {
      authorization: 'Bearer secret',
      beat: { beat: { source: 'backup', run: 'start', runId, schedule: { cron: '0 3 * * *' } } },
    },
    {
      beat: {
        beat: {
          run: 'finish',
          exitCode: 3,
          message: expect.stringContaining('disk is full'),
          duration: expect.any(Number),
        },
      },
    },
  ]);
});

it('tells no more of one that goes well than that', async () => {
  expect(await call(['backup', ...node('console.log("--help")')])).toMatchObject({ code: 0, out: '--help\n' });
  expect(told[1]).toMatchObject({ beat: { beat: { run: 'finish', exitCode: 0 } } });
  expect(JSON.stringify(told)).not.toContain('message');
});

it('tells of one that is not there, and of one that is ended', async () => {
  expect((await call(['a', '--', 'no-such-program-anywhere'])).code).toBe(127);
  expect((await call(['a', ...node('console.log(1); setInterval(() => {}, 1000)')], { end: true })).code).toBe(143);
  expect(told.map(({ beat }) => (beat as { beat: { exitCode?: number } }).beat.exitCode)).toEqual([
    undefined,
    127,
    undefined,
    143,
  ]);
});

it('runs the command whether QMOI hears of it or not, but not without its name', async () => {
  expect(await call(['a', ...node('console.log("done")')], { to: 'http://127.0.0.1:1' })).toMatchObject({
    code: 0,
    out: 'done\n',
    err: expect.stringContaining('QMOI was not told'),
  });
  expect((await call(node('1'))).code).toBe(2);
  expect((await call(['a'])).code).toBe(2);
});
