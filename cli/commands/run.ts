import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { type Command, CommandFailure, type Io, UsageError } from '../command.ts';

const TIMEOUT_MS = 10_000;
/** Of what the command prints: more than a heartbeat keeps. */
const TAIL_BYTES = 8_000;

export const run: Command = {
  name: 'run',
  summary: 'run a command and tell QMOI how it went',
  usage: `Usage: qmoi run NAME [options] -- COMMAND [ARGUMENTS]

Runs a command as it is, and sends heartbeats of its beginning and its end: how long it took, its exit code, and when it
failed the end of what it printed. Its exit code is this command's, whether QMOI hears of it or not.

  0 3 * * *  qmoi run backup --cron '0 3 * * *' -- /usr/local/bin/backup.sh

  --url URL        QMOI's address (or QMOI_SERVER_URL); the token is QMOI_HEARTBEAT_TOKEN
  --platform NAME  custom, local or qcity (default: custom)
  --cron FIELDS    when it should be heard of, with --zone NAME; or --every DURATION, such as 15m
  --grace DURATION how late it may be`,
  async run(args, io) {
    const end = args.indexOf('--');
    const [file, ...rest] = end < 0 ? [] : args.slice(end + 1);
    const text = { type: 'string' } as const;
    const { values, positionals } = parseArgs({
      args: end < 0 ? [...args] : args.slice(0, end),
      allowPositionals: true,
      options: { url: text, platform: text, cron: text, zone: text, every: text, grace: text },
    });
    const [source, ...others] = positionals;
    if (source === undefined || others.length > 0) throw new UsageError('One name is needed.');
    if (file === undefined) throw new UsageError('The command comes after "--".');
    const tell = teller(source, values, io);
    const { cron, zone, every, grace } = values;
    const declared = cron !== undefined || every !== undefined;
    const runId = randomUUID();
    // The command does not wait for QMOI; only its end does, which has to come after.
    const told = tell({ run: 'start', runId, ...(declared && { schedule: { cron, zone, every, grace } }) });
    const started = performance.now();
    const { code, tail } = await carryOut(file, rest, io);
    const duration = Math.round(performance.now() - started) / 1000;
    await told;
    await tell({ run: 'finish', runId, exitCode: code, duration, ...(code !== 0 && { message: tail }) });
    return code;
  },
};

/** Sends a heartbeat; what keeps it from getting through is said, and stops nothing. */
function teller(source: string, { url, platform }: { url?: string; platform?: string }, io: Io) {
  const base = (url ?? io.env.QMOI_SERVER_URL ?? '').replace(/\/+$/, '');
  const token = io.env.QMOI_HEARTBEAT_TOKEN?.trim();
  if (!URL.canParse(base)) throw new CommandFailure('Say with --url or QMOI_SERVER_URL where QMOI is.');
  if (!token) throw new CommandFailure('QMOI_HEARTBEAT_TOKEN is not set.');
  return async (beat: object): Promise<void> => {
    try {
      const response = await fetch(`${base}/heartbeats`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'idempotency-key': randomUUID(),
        },
        body: JSON.stringify({ source, ...(platform !== undefined && { platform }), ...beat }),
        // Another address would get the token as well.
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (!response.ok) throw new Error(`${response.status} ${(await response.text()).slice(0, 200)}`);
    } catch (error) {
      const { cause, message } = error as Error;
      io.err(`qmoi run: QMOI was not told: ${cause instanceof Error && cause.message ? cause.message : message}`);
    }
  };
}

/** What a shell says of a command that is not there. */
const NOT_FOUND = 127;
/** And of one that a signal ended, beside the signal's number. */
const BY_SIGNAL = 128;

/** Runs the command, without a shell. Its output goes where this command's goes; the end of it is kept. */
function carryOut(file: string, args: readonly string[], io: Io): Promise<{ code: number; tail: string }> {
  return new Promise((resolve) => {
    let tail = Buffer.alloc(0);
    const keep = (chunk: Buffer) => {
      tail = Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
    };
    const child = spawn(file, args, {
      cwd: io.cwd,
      env: io.env as NodeJS.ProcessEnv,
      stdio: ['inherit', 'pipe', 'pipe'],
    });
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const) {
      from.on('data', keep);
      from.pipe(to, { end: false });
    }
    // A terminal's Ctrl-C reaches the command by itself; what is sent to this process alone does not.
    const end = () => child.kill('SIGTERM');
    io.signal.addEventListener('abort', end, { once: true });
    const over = (code: number, text: string) => {
      io.signal.removeEventListener('abort', end);
      resolve({ code, tail: text });
    };
    child.once('error', (error) => over(NOT_FOUND, error.message));
    child.once('close', (code, signal) =>
      over(code ?? BY_SIGNAL + (signal === null ? 0 : constants.signals[signal]), tail.toString('utf8')),
    );
  });
}
