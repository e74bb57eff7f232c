import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { FunctionDefinition } from '../model/index.ts';

const BOOTSTRAP = fileURLToPath(new URL('./worker-bootstrap.cjs', import.meta.url));
/** Lambda gives the init phase ten seconds, and then once more the function's own time-out, within the first invocation. */
const INIT_TIMEOUT_MS = 10_000;

export interface InvocationError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

export type Outcome =
  | { readonly ok: true; readonly payload: string }
  | { readonly ok: false; readonly error: InvocationError };

export interface Invocation {
  readonly id: string;
  readonly event: string;
  readonly traceId: string;
}

export interface Sandbox {
  /** Milliseconds that loading the bundle took, once it is loaded. */
  readonly initMs: number | undefined;
  /** Resolves once the handler is loaded, with the error when it could not be. */
  readonly ready: Promise<InvocationError | undefined>;
  readonly alive: boolean;
  /** One at a time. Never rejects. */
  run(invocation: Invocation): Promise<Outcome>;
  kill(): Promise<void>;
}

export interface SandboxOptions {
  readonly definition: FunctionDefinition;
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: SharedArrayBuffer | undefined;
  /** Whatever the function wrote; not necessarily whole lines. */
  onOutput(text: string): void;
}

type Message =
  | { type: 'ready'; initMs: number }
  | { type: 'init-failed'; error: InvocationError }
  | { type: 'output'; text: string }
  | { type: 'done'; id: string; payload: string }
  | { type: 'failed'; id: string; error: InvocationError };

/** One execution environment: a thread that has loaded one function's bundle with that function's environment. */
export function openSandbox({ definition, environment, clock, onOutput }: SandboxOptions): Sandbox {
  const worker = new Worker(BOOTSTRAP, {
    env: environment,
    // The host's own flags (its TypeScript loader above all) are not the function's.
    execArgv: [],
    argv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: definition.memoryMb },
    workerData: {
      folder: definition.folder,
      handler: definition.handler,
      functionArn: definition.arn,
      clock,
    },
    name: definition.name,
  });
  worker.stdout.on('data', (chunk: Buffer) => onOutput(chunk.toString('utf8')));
  worker.stderr.on('data', (chunk: Buffer) => onOutput(chunk.toString('utf8')));

  let alive = true;
  let initMs: number | undefined;
  let running: { id: string; settle: (outcome: Outcome) => void } | undefined;
  let fatal: Error | undefined;
  let markReady: (error: InvocationError | undefined) => void = () => undefined;
  const ready = new Promise<InvocationError | undefined>((resolve) => {
    markReady = resolve;
  });

  const settle = (outcome: Outcome): void => {
    const current = running;
    running = undefined;
    current?.settle(outcome);
  };
  const initTimeoutMs = INIT_TIMEOUT_MS + definition.timeoutSeconds * 1000;
  const initTimer = setTimeout(() => {
    const errorMessage = `Error: Init phase timed out after ${(initTimeoutMs / 1000).toFixed(2)} seconds`;
    markReady({ errorType: 'Sandbox.Timedout', errorMessage });
    void worker.terminate();
  }, initTimeoutMs);

  worker.on('message', (message: Message) => {
    switch (message.type) {
      case 'ready':
        clearTimeout(initTimer);
        initMs = message.initMs;
        return markReady(undefined);
      case 'init-failed':
        clearTimeout(initTimer);
        markReady(message.error);
        void worker.terminate();
        return;
      case 'output':
        return onOutput(message.text);
      case 'done':
        if (running?.id === message.id) settle({ ok: true, payload: message.payload });
        return;
      case 'failed':
        if (running?.id === message.id) settle({ ok: false, error: message.error });
    }
  });
  worker.on('error', (error) => {
    fatal = error instanceof Error ? error : new Error(String(error));
  });
  worker.on('exit', (code) => {
    alive = false;
    clearTimeout(initTimer);
    const error = describeExit(code, fatal, running?.id);
    if (fatal) onOutput(`${JSON.stringify({ level: 'ERROR', ...error })}\n`);
    markReady(error);
    settle({ ok: false, error });
  });

  return {
    get initMs() {
      return initMs;
    },
    ready,
    get alive() {
      return alive;
    },
    run(invocation) {
      return new Promise((resolve) => {
        if (!alive) return resolve({ ok: false, error: describeExit(1, fatal, invocation.id) });
        const timeoutMs = definition.timeoutSeconds * 1000;
        const timer = setTimeout(() => {
          settle({
            ok: false,
            error: {
              errorType: 'Sandbox.Timedout',
              errorMessage: `RequestId: ${invocation.id} Error: Task timed out after ${definition.timeoutSeconds.toFixed(2)} seconds`,
            },
          });
          alive = false;
          void worker.terminate();
        }, timeoutMs);
        running = {
          id: invocation.id,
          settle: (outcome) => {
            clearTimeout(timer);
            resolve(outcome);
          },
        };
        worker.postMessage({ ...invocation, timeoutMs });
      });
    },
    async kill() {
      alive = false;
      await worker.terminate();
    },
  };
}

function describeExit(code: number, fatal: Error | undefined, requestId = 'init'): InvocationError {
  const before = `RequestId: ${requestId} Error: `;
  if (fatal && 'code' in fatal && fatal.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return { errorType: 'Runtime.OutOfMemory', errorMessage: `${before}Runtime exited with error: signal: killed` };
  }
  if (fatal) {
    return {
      errorType: fatal.name || 'Error',
      errorMessage: fatal.message,
      trace: (fatal.stack ?? '').split('\n'),
    };
  }
  const reason =
    code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${code}`;
  return { errorType: 'Runtime.ExitError', errorMessage: before + reason };
}
