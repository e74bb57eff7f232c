import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { fixtureAssembly } from '../../../support/host-fixture/index.ts';

const ROOT = join(import.meta.dirname, '../../../..');

/** `npm start` as a real process, on the fixture's stack. */
describe('the host as a process', () => {
  let folder: string;
  let assemblyDir: string;
  const children: ChildProcess[] = [];

  interface Started {
    readonly child: ChildProcess;
    readonly output: () => string;
    readonly errors: () => string;
    readonly ended: Promise<{ code: number | null; signal: string | null }>;
    url(): Promise<string>;
  }
  const start = (
    env: Record<string, string> = {},
    command = [process.execPath, '--import', 'tsx', 'infra/local/main.ts'],
  ): Started => {
    const { npm_lifecycle_event: _, ...inherited } = process.env;
    const child = spawn(command[0] as string, command.slice(1), {
      cwd: ROOT,
      env: { ...inherited, PORT: '0', QMOI_DATA_DIR: join(folder, 'data'), QMOI_ASSEMBLY_DIR: assemblyDir, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    let output = '';
    let errors = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    const ended = once(child, 'exit').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as string | null,
    }));
    return {
      child,
      output: () => output,
      errors: () => errors,
      ended,
      url: () =>
        vi.waitFor(
          () => {
            const url = /^QMOI is ready at (\S+)$/m.exec(output)?.[1];
            if (!url) throw new Error(`Not ready: ${output}${errors}`);
            return url;
          },
          { timeout: 20_000, interval: 20 },
        ),
    };
  };
  const token = () => readFileSync(join(folder, 'data', 'master-token'), 'utf8').trim();
  const post = (url: string, body: string) =>
    fetch(`${url}/webhooks/github`, { method: 'POST', body, headers: { 'content-type': 'text/plain' } });
  const status = async (url: string) =>
    (await (await fetch(`${url}/_local`, { headers: { authorization: `Bearer ${token()}` } })).json()) as {
      idle: boolean;
      calls: Record<string, number>;
    };
  /** Processes whose command line speaks of this test's folder. */
  const leftovers = () =>
    execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(folder) && !line.includes('ps -eo'));

  beforeAll(async () => {
    assemblyDir = await fixtureAssembly();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qmoi-main-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    }
    await vi.waitFor(() => expect(leftovers()).toEqual([]), { timeout: 5_000 });
    rmSync(folder, { recursive: true, force: true });
  });

  it('says when it is ready, and on SIGTERM lets work end, exits 0 and leaves nothing behind', async () => {
    const host = start();
    const url = await host.url();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await vi.waitFor(() => expect(host.output()).toContain(join(folder, 'data', 'master-token')));
    expect(host.output()).not.toContain(token());
    const request = httpRequest(`${url}/webhooks/github`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'content-length': '5', expect: '100-continue' },
    });
    // The host has the request, and not yet all of it.
    request.flushHeaders();
    await once(request, 'continue');
    host.child.kill('SIGTERM');
    host.child.kill('SIGTERM');
    await vi.waitFor(() => expect(host.output()).toContain('SIGTERM'));
    request.end('hello');
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(202);
    answer.resume();
    expect(await host.ended).toEqual({ code: 0, signal: null });
    expect(readdirSync(join(folder, 'data'))).not.toContain('lock');
    expect(leftovers()).toEqual([]);
  });

  it('goes on with what was under way when it was killed', async () => {
    const first = start();
    const url = await first.url();
    const accepted = await Promise.all(Array.from({ length: 8 }, () => post(url, 'publish')));
    expect(accepted.every((answer) => answer.status === 202)).toBe(true);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = start();
    const again = await second.url();
    const headers = { authorization: `Bearer ${token()}` };
    await vi.waitFor(
      async () => {
        expect((await status(again)).idle).toBe(true);
        const outbox = (await (await fetch(`${again}/v1/outbox`, { headers })).json()) as { items: unknown[] };
        expect(outbox.items.length).toBeGreaterThanOrEqual(8);
      },
      { timeout: 20_000, interval: 50 },
    );
  });

  it('names the process that holds its data directory', async () => {
    const first = start();
    await first.url();
    const second = start();
    expect((await second.ended).code).toBe(1);
    expect(second.errors()).toContain(`in use by process ${first.child.pid}`);
    expect(second.errors().trim().split('\n')).toHaveLength(1);
  }, 30_000);

  it('says which port is taken and what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const host = start({ PORT: String(port) });
    expect((await host.ended).code).toBe(1);
    other.close();
    expect(host.errors().trim()).toBe(
      `Port ${port} is in use. Stop what uses it, or choose another one: PORT=${port + 1} npm start`,
    );
  });

  it.each([
    [{ PORT: 'many' }, /PORT is a number/],
    [{ QMOI_LOCAL_CLOCK: 'fast' }, /QMOI_LOCAL_CLOCK is "real" or "manual"/],
    [{ QMOI_ASSEMBLY_DIR: '/nonexistent' }, /no CDK cloud assembly in \/nonexistent/],
  ])('refuses %j with one sentence', async (env, reason) => {
    const host = start(env);
    expect((await host.ended).code).toBe(1);
    expect(host.errors()).toMatch(reason);
    expect(host.errors().trim().split('\n')).toHaveLength(1);
  });

  it('exits at once when npm, which started it, is killed', async () => {
    // Stands for npm: it sets the variable npm sets and puts a shell in between.
    const script = join(folder, 'npm.mjs');
    writeFileSync(
      script,
      `import { spawn } from 'node:child_process';
       spawn('sh', ['-c', '"$0" --import tsx infra/local/main.ts; true', process.execPath], {
         stdio: 'inherit', env: { ...process.env, npm_lifecycle_event: 'start' } });`,
    );
    const npm = start({}, [process.execPath, script]);
    const url = await npm.url();
    expect((await post(url, 'x')).status).toBe(202);
    npm.child.kill('SIGKILL');
    await npm.ended;
    await vi.waitFor(
      async () =>
        expect(
          await post(url, 'x').then(
            () => 'up',
            () => 'down',
          ),
        ).toBe('down'),
      { timeout: 5_000 },
    );
  });
});
