import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { root, sharedAssembly } from './assembly.ts';
import { Client, until } from './client.ts';
import type { Forge } from './forges/index.ts';

/** The embedded host as a user starts it: a process, its output and its signals. */

const READY = /^QMOI is ready at (http:\/\/\S+)$/m;
export const TOKEN = 'master-token-of-the-process';

export interface ProcessOptions {
  readonly dataDir: string;
  /** `npm start`, or the host's own process. */
  readonly by: 'npm' | 'node';
  readonly port?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly forges?: readonly Forge[];
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class HostProcess {
  readonly child: ChildProcess;
  readonly dataDir: string;
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  private readonly forges: readonly Forge[];

  private constructor(child: ChildProcess, options: ProcessOptions) {
    this.child = child;
    this.dataDir = options.dataDir;
    this.forges = options.forges ?? [];
    child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString('utf8');
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString('utf8');
    });
    this.ended = once(child, 'close').then(([code, signal]) => ({ code, signal }) as Ended);
  }

  static async spawn(options: ProcessOptions): Promise<HostProcess> {
    const { dataDir, by, port = 0, environment = {}, forges = [] } = options;
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(QMOI_|npm_|VITEST|NODE_ENV|PORT$|HOST$)/.test(name),
    );
    const [command, ...parameters] =
      by === 'npm' ? ['npm', 'start'] : [process.execPath, '--import', 'tsx', 'infra/local/main.ts'];
    const child = spawn(command as string, parameters, {
      cwd: root,
      // A group of its own, so that whatever it leaves behind can be found and ended.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...Object.fromEntries(inherited),
        QMOI_DATA_DIR: dataDir,
        QMOI_ASSEMBLY_DIR: await sharedAssembly(),
        QMOI_MASTER_TOKEN: TOKEN,
        PORT: String(port),
        ...Object.assign({}, ...forges.map((forge) => forge.settings)),
        ...environment,
      },
    });
    return new HostProcess(child, options);
  }

  /** The client of the host, once it says that it is ready. */
  async ready(): Promise<Client> {
    const url = await until('the ready line', () => {
      if (this.child.exitCode !== null) throw new Error(`it ended with ${this.child.exitCode}: ${this.stderr}`);
      return READY.exec(this.stdout)?.[1];
    });
    for (const forge of this.forges) forge.target(url);
    return new Client(url, TOKEN);
  }

  /** The host's own process, which is not npm's. */
  get hostPid(): number {
    return (JSON.parse(readFileSync(join(this.dataDir, 'lock'), 'utf8')) as { pid: number }).pid;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  endedWithin(ms: number): Promise<Ended> {
    return until('its end', () => (this.child.exitCode ?? this.child.signalCode) !== null && this.ended, ms);
  }

  /** Ends whatever is left of it, however it went. */
  clear(): void {
    try {
      process.kill(-(this.child.pid as number), 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** Processes that belong to it and are still there. */
  leftovers(): string[] {
    const left = new Set<string>();
    try {
      process.kill(-(this.child.pid as number), 0);
      left.add(`the process group ${this.child.pid}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    if (!existsSync('/proc')) return [...left];
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8');
        if (line.includes(this.dataDir)) left.add(line.slice(0, 200).replaceAll('\0', ' '));
      } catch {
        // Gone meanwhile, or somebody else's.
      }
    }
    return [...left];
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
