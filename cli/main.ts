import { existsSync } from 'node:fs';
import { type Command, CommandFailure, type Io, UsageError } from './command.ts';
import { commands as ours } from './commands/index.ts';

type Commands = Readonly<Record<string, () => Promise<Command>>>;

/** Runs one command line. Resolves with the exit code: 0 done, 1 not done, 2 called wrongly. */
export async function main(args: readonly string[], io: Io, commands: Commands = ours): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const topic = name === 'help' ? rest[0] : undefined;
    return topic === undefined ? overview(commands, io) : help(topic, commands, io);
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) return unknown(name, commands, io);
  if (wantsHelp(rest)) return help(name, commands, io);
  const command = await load();
  try {
    return await command.run(rest, io);
  } catch (error) {
    if (io.signal.aborted) return 130;
    if (error instanceof CommandFailure) {
      io.err(error.message);
      return 1;
    }
    if (!isUsageError(error)) throw error;
    io.err(`${error.message}\n\nqmoi ${name} --help tells how it is called.`);
    return 2;
  }
}

/** What comes after a `--` is no option of ours. */
function wantsHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}

const isUsageError = (error: unknown): error is Error =>
  error instanceof UsageError ||
  (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_'));

async function overview(commands: Commands, io: Io): Promise<number> {
  const all = await Promise.all(Object.values(commands).map((load) => load()));
  const width = Math.max(...all.map((command) => command.name.length));
  const lines = all.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
  io.out(`QMOI, an on-call engineer for CI/CD.\n\nUsage: qmoi <command> [options]\n\n${lines.join('\n')}\n`);
  io.out('qmoi <command> --help tells more of each.');
  return 0;
}

async function help(name: string, commands: Commands, io: Io): Promise<number> {
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) return unknown(name, commands, io);
  io.out((await load()).usage);
  return 0;
}

function unknown(name: string, commands: Commands, io: Io): number {
  const near = Object.keys(commands).find((known) => known.startsWith(name.slice(0, 3)));
  const hint =
    near === undefined ? 'qmoi --help lists the commands.' : `Did you mean "${near}"? qmoi --help lists all.`;
  io.err(`There is no command "${name}". ${hint}`);
  return 2;
}

/** What Node says of a reader that went away, as `head` does. */
const BROKEN_PIPE = 'EPIPE';

/** This process as a command. */
export async function runProcess(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === BROKEN_PIPE) process.exit(0);
      throw error;
    });
  }
  process.exitCode = await main(process.argv.slice(2), {
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    isTerminal: process.stdout.isTTY === true,
    signal: ending.signal,
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
  });
}
