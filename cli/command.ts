/** What a command of the command line is. One file each in `commands/`, one line each in `commands/index.ts`. */

/** Where a command reads and writes. The process's own streams, or a test's. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Whether a person looks at the output. */
  readonly isTerminal: boolean;
  /** Aborts on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  /** Writes a line to standard output. */
  out(line: string): void;
  /** Writes a line to standard error. */
  err(line: string): void;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The whole text of `qmoi <name> --help`, from "Usage: …" on. */
  readonly usage: string;
  /** `args` without the command's name. Resolves with the exit code: 0 done, 1 not done, 2 called wrongly. */
  run(args: readonly string[], io: Io): Promise<number>;
}

/** The caller's mistake: printed with a hint at the help, exit code 2. `parseArgs`'s own errors count as such too. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What went wrong, in a sentence for people: printed without a stack, exit code 1. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
}
