import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostStatus } from '../../infra/local/index.ts';
import { editedAssembly, root } from '../support/assembly.ts';

const TOKEN = 'bench-master-token';

/** The embedded host as its users run it: a process of its own, so that the load does not run on its threads. */
export interface BenchHost {
  readonly url: string;
  status(): Promise<HostStatus>;
  /** Bytes that the functions have logged. */
  logBytes(): number;
  /** Processor time that the host's process has used, with the functions in it and without the engine. */
  cpuSeconds(): number;
  /** Waits until nothing is left to do; returns the seconds it took. */
  idle(): Promise<number>;
  /** The same for what could be done now: a message that waits for its time is not a backlog. */
  caughtUp(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a host with an empty data directory, without throttling and budgets: the bench looks for other limits. */
export async function startBenchHost(settings: Record<string, string>): Promise<BenchHost> {
  const assembly = await editedAssembly((template) => {
    for (const { Type, Properties = {} } of Object.values(template.Resources)) {
      if (Type === 'AWS::ApiGatewayV2::Stage') {
        Properties.DefaultRouteSettings = { ThrottlingRateLimit: 100_000, ThrottlingBurstLimit: 100_000 };
      }
      const variables = (Properties.Environment as { Variables?: Record<string, unknown> } | undefined)?.Variables;
      if (variables?.REMEDIATION !== undefined) {
        variables.REMEDIATION = JSON.stringify({ budgets: { perRepositoryPerHour: 100_000, perHour: 100_000 } });
      }
    }
  });
  const dataDir = mkdtempSync(join(tmpdir(), 'qmoi-bench-'));
  const child = spawn(process.execPath, ['--import', 'tsx', 'infra/local/main.ts'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0' },
      ...{ QMOI_DATA_DIR: dataDir, QMOI_ASSEMBLY_DIR: assembly, QMOI_MASTER_TOKEN: TOKEN },
      ...settings,
    },
  });
  const url = await readyUrl(child);
  const status = async (): Promise<HostStatus> => {
    const response = await fetch(`${url}/_local`, { headers: { authorization: `Bearer ${TOKEN}` } });
    return (await response.json()) as HostStatus;
  };
  const until = async (reached: (status: HostStatus) => boolean): Promise<number> => {
    const started = performance.now();
    while (!reached(await status())) await sleep(50);
    return (performance.now() - started) / 1000;
  };
  return {
    url,
    status,
    logBytes: () =>
      readdirSync(join(dataDir, 'logs')).reduce((sum, file) => sum + statSync(join(dataDir, 'logs', file)).size, 0),
    cpuSeconds: () => {
      // User and system time, in ticks of 10 ms, behind the name in brackets: proc_pid_stat(5).
      const [, , , , , , , , , , , user, system] = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      return (Number(user) + Number(system)) / 100;
    },
    idle: () => until(({ idle }) => idle),
    caughtUp: () =>
      until(
        ({ pending: { messages: _, ...atWork }, queues }) =>
          Object.values(atWork).every((count) => count === 0) && queues.every(({ visible }) => visible === 0),
      ),
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      for (const folder of [dataDir, assembly]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the host ended with ${code} before it was ready`)));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /^QMOI is ready at (\S+)$/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}
