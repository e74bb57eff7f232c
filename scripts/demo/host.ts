import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { cp, mkdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureAssembly } from '../../infra/local/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Kept between demos, so that only the first one builds anything. */
const ASSEMBLY = join(root, 'node_modules/.cache/qmoi/assembly');
const READY = /^QMOI is ready at (\S+)$/m;
/** Settings of the shell that hold for the demo too. */
const PASSED_ON = new Set(['QMOI_LOCAL_CHAOS', 'QMOI_DYNAMODB_ENDPOINT']);
/** The contract's limit for a stop, and a little. */
const STOP_WITHIN_MS = 25_000;

export interface HostSetup {
  readonly dataDir: string;
  readonly port: number;
  readonly token: string;
  /** `QMOI_…` variables of the platforms. */
  readonly settings: Readonly<Record<string, string>>;
}

/** The host as a process of its own, which may be killed at any instant and started again on the same state. */
export interface HostProcess {
  readonly url: string;
  readonly log: string;
  /** Resolves once it takes webhooks; rejects with the end of its output when it ends before that. */
  ready(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** Lets it end, if it has not. Throws when it does not in time, or not well. */
  stop(): Promise<void>;
  /** The last lines it said. */
  lastWords(): Promise<string>;
  /** Undefined while it runs. */
  ended(): string | undefined;
}

/** Builds what has changed since the last demo, and returns a copy: another demo may build while this one's host loads. */
export async function assemble(dataDir: string, say: (line: string) => void): Promise<string> {
  const folder = join(resolve(dataDir), 'assembly');
  await cp(await ensureAssembly({ root, folder: ASSEMBLY, say }), folder, { recursive: true, force: true });
  return folder;
}

export async function launchHost(setup: HostSetup, assemblyDir: string): Promise<HostProcess> {
  const dataDir = resolve(setup.dataDir);
  await mkdir(dataDir, { recursive: true });
  const log = join(dataDir, 'host.log');
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), join(root, 'infra/local/main.ts')], {
    // Not the checkout: the .env there holds the secrets of the real platforms.
    cwd: dataDir,
    env: environment(setup, dataDir, assemblyDir),
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C ends the demo, and the demo ends the host.
    detached: true,
  });
  const file = createWriteStream(log, { flags: 'a' });
  for (const stream of [child.stdout, child.stderr]) stream?.pipe(file, { end: false });
  const exit = once(child, 'exit').then(([code, signal]) => {
    file.end();
    return signal === null ? `exit code ${code}` : `signal ${signal}`;
  });
  let ended: string | undefined;
  void exit.then((how) => {
    ended = how;
  });
  const early = exit.then(async (how) => {
    throw new Error(`the host ended (${how}) before it was ready:\n${await tail(log)}`);
  });
  const ready = Promise.race([untilReady(child), early]);
  // Whoever kills it without waiting for it is told nothing.
  ready.catch(() => undefined);
  const orphan = (): void => void child.kill('SIGKILL');
  process.once('exit', orphan);
  void exit.finally(() => process.off('exit', orphan));

  return {
    url: `http://127.0.0.1:${setup.port}`,
    log,
    ready: () => ready,
    async kill() {
      child.kill('SIGKILL');
      await exit;
    },
    async stop() {
      if (ended !== undefined) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
      const how = await exit;
      clearTimeout(timer);
      if (how !== 'exit code 0') throw new Error(`the host did not end well (${how}):\n${await tail(log)}`);
    },
    lastWords: () => tail(log),
    ended: () => ended,
  };
}

function environment(setup: HostSetup, dataDir: string, assemblyDir: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('QMOI_') || PASSED_ON.has(name));
  return {
    ...Object.fromEntries(inherited),
    ...setup.settings,
    QMOI_MASTER_TOKEN: setup.token,
    QMOI_DATA_DIR: dataDir,
    QMOI_ASSEMBLY_DIR: assemblyDir,
    HOST: '127.0.0.1',
    PORT: String(setup.port),
    // By this the host knows that it belongs to whoever started it, and ends when that one is killed.
    npm_lifecycle_event: 'demo',
  };
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    let said = '';
    const listen = (chunk: Buffer): void => {
      said += chunk.toString('utf8');
      if (!READY.test(said)) return;
      child.stdout?.off('data', listen);
      done();
    };
    child.stdout?.on('data', listen);
  });
}

async function tail(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-15).join('\n');
}

/** A port that was free a moment ago. The host needs to know it before it starts, as it comes back on the same one. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
