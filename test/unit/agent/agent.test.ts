import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { platform } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Command, objectionTo } from '../../../agent/qmoi-agent.mjs';
import { readBeat, resultsIn } from '../../../shared/platforms/heartbeat/beat.ts';
import { signatureOf } from '../../../shared/runners/index.ts';
import { type FakeService, fakeService } from '../../support/fake-service.ts';

const TOKEN = 'web-1~token';
const RUNNER = 'local:machines:web-1';
const seconds = () => Math.floor(Date.now() / 1000);

const signed = (changes: Partial<Command> = {}, token = TOKEN, runnerId = RUNNER): Command => {
  const plain = {
    ...{ id: 'c-1', command: 'restart-runner-service' as const, issuedAt: seconds(), expiresAt: seconds() + 900 },
    ...changes,
  };
  return { ...plain, signature: changes.signature ?? signatureOf(token, runnerId, plain as never) };
};

describe('a command', () => {
  const by = { token: TOKEN, runnerId: RUNNER, now: seconds() };

  it('is done when it was signed just now, for this machine', () => {
    expect(objectionTo(signed(), by)).toBeUndefined();
  });

  it.each<[string, Partial<Record<keyof Command, unknown>>]>([
    ['was signed by another', signed({}, 'web-2~token')],
    ['was signed for another machine', signed({}, TOKEN, 'local:machines:web-2')],
    ['was changed', { ...signed(), id: 'c-2' }],
    ['was signed long ago', signed({ issuedAt: seconds() - 400 })],
    ['is from the future', signed({ issuedAt: seconds() + 400 })],
    ['has expired', signed({ expiresAt: seconds() - 1 })],
    ['is unknown', signed({ command: 'toString' })],
    ['has no signature', { ...signed(), signature: '' }],
    ['has half a signature', { ...signed(), signature: signed().signature.slice(0, 32) }],
    ['is nothing', {}],
  ])('is refused when it %s', (_, command) => {
    expect(objectionTo(command, by)).toEqual(expect.any(String));
  });
});

/** What a request brought. */
interface Told {
  readonly authorization: string | undefined;
  readonly contentType: string;
  readonly body: Buffer;
}

describe.runIf(platform() === 'linux')('an agent', () => {
  let server: Server;
  let url: string;
  let told: Told[];
  let service: FakeService;
  /** The commands of the answers to come, one list each; then none. */
  let orders: unknown[][];
  let status: number;

  beforeEach(async () => {
    [told, orders, status, service] = [[], [], 202, fakeService('failed')];
    server = createServer(async (request, response) => {
      told.push(await toldIn(request));
      response.writeHead(status, { location: 'http://127.0.0.1:9/' });
      response.end(JSON.stringify({ status: 'received', commands: orders.shift() ?? [] }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => void server.close());

  const run = (...args: string[]): Promise<{ code: number | null; err: string }> =>
    new Promise((resolve) => {
      const options = ['--state', join(service.folder, 'memory.json'), '--once', ...args];
      const child = spawn(process.execPath, ['agent/qmoi-agent.mjs', '--url', url, ...options], {
        env: { PATH: service.path, QMOI_HEARTBEAT_TOKEN: TOKEN },
      });
      let err = '';
      child.stderr.on('data', (chunk) => {
        err += chunk;
      });
      child.on('close', (code) => resolve({ code, err }));
    });
  const beats = () => told.map(({ contentType, body }) => readBeat({}, contentType, body));
  const results = () => told.flatMap(({ contentType, body }) => resultsIn(contentType, body));

  it('tells how its machine and its service are, in what QMOI takes', async () => {
    expect(await run('--service', 'ci.service', '--labels', 'linux, big', '--pool', 'build')).toMatchObject({
      code: 0,
    });
    // That they are shares, QMOI sees to.
    const share = expect.any(Number);
    expect(told[0]?.authorization).toBe(`Bearer ${TOKEN}`);
    expect(beats()).toMatchObject([
      {
        beat: {
          ...{ source: 'web-1', platform: 'local', interval: 60 },
          host: {
            ...{ id: 'web-1', cpu: share, memory: share, disk: share, load: expect.any(Number) },
            ...{ pool: 'build', labels: ['linux', 'big'], service: { name: 'ci.service', state: 'failed' } },
          },
        },
      },
    ]);
  });

  it('restarts its service when it is told to, once, and tells what came of it', async () => {
    orders = [[signed(), signed()]];
    expect(await run('--service', 'ci.service')).toMatchObject({ code: 0 });
    expect(service.calls()).toEqual(['restart -- ci.service']);
    expect(results()).toMatchObject([
      { id: 'c-1', outcome: 'done', output: expect.stringContaining('ci.service: active') },
    ]);
    // Another process, told the same again: it tells again, and does nothing.
    orders = [[signed()]];
    await run('--service', 'ci.service');
    expect(service.calls()).toHaveLength(1);
    expect(results()).toHaveLength(2);
  });

  it('restarts nothing that is not signed, and nothing but what it was installed for', async () => {
    orders = [
      [signed({ signature: 'f'.repeat(64) }), { command: 'restart-runner-service' }, null, signed({}, 'other')],
    ];
    expect((await run('--service', 'ci.service')).err.match(/refused a command/g)).toHaveLength(4);
    orders = [[signed()]];
    await run();
    expect(results()).toMatchObject([{ outcome: 'refused' }]);
    orders = [[signed({ id: 'c-2' })]];
    await run('--service', 'ci.service', '--no-commands');
    expect(service.calls()).toEqual([]);
  });

  it('collects diagnostics', async () => {
    orders = [[signed({ command: 'collect-diagnostics' })]];
    await run('--service', 'ci.service');
    const [result] = results();
    expect(result?.outcome).toBe('done');
    expect(result?.output).toContain('the log of');
    expect(result?.output).toContain('$ df -kP /');
  });

  it('says so when it does not get through, and follows to no other address', async () => {
    status = 500;
    expect(await run()).toMatchObject({ code: 1, err: expect.stringContaining('answered 500') });
    status = 302;
    expect((await run()).code).toBe(1);
    expect(told).toHaveLength(2);
  });

  it.each([
    [['--service', '--now']],
    [['--service', 'a; reboot']],
    [['--source', 'a:b']],
    [['--url', 'http://qmoi.example']],
    [['--interval', '0']],
    [['--what']],
  ])('is not started by %j', async (args) => {
    expect(await run(...args)).toMatchObject({ code: 2 });
    expect(told).toEqual([]);
  });
});

async function toldIn(request: IncomingMessage): Promise<Told> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { authorization, 'content-type': contentType = '' } = request.headers;
  return { authorization, contentType, body: Buffer.concat(chunks) };
}
