import { tmpdir } from 'node:os';
import type { Io } from '../../../cli/command.ts';

/** A command's surroundings that remember what it wrote. */
export function ioOf(given: Partial<Io> & { input?: string } = {}): Io & { texts(): { out: string; err: string } } {
  const written = { out: '', err: '' };
  const { input, ...rest } = given;
  return {
    env: {},
    // Nothing of this machine's own is found there.
    cwd: tmpdir(),
    stdin: (async function* () {
      if (input !== undefined) yield Buffer.from(input);
    })(),
    isTerminal: false,
    signal: new AbortController().signal,
    ...rest,
    out: (line) => {
      written.out += `${line}\n`;
    },
    err: (line) => {
      written.err += `${line}\n`;
    },
    texts: () => ({ ...written }),
  };
}
