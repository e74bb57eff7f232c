import { createWriteStream, existsSync, mkdirSync, renameSync, statSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../kernel.ts';
import type { Metrics } from './metrics.ts';

const ROTATE_ABOVE = 8 * 1024 * 1024;
const LONGEST_LINE = 256 * 1024;

export interface FunctionLog {
  /** Takes what a function wrote, in any pieces. */
  write(text: string): void;
}

export interface LogFolder {
  open(functionName: string): FunctionLog;
  close(): Promise<void>;
}

/** One file of JSON lines per function, kept to two files of 8 MiB each. EMF lines also count in `metrics`. */
export function openLogFolder(folder: string, clock: Clock, metrics: Metrics): LogFolder {
  mkdirSync(folder, { recursive: true });
  const open: { end(): Promise<void> }[] = [];
  return {
    open(functionName) {
      const file = new RotatedFile(join(folder, `${functionName}.log`));
      open.push(file);
      let rest = '';
      const take = (line: string): void => {
        if (line.length === 0) return;
        if (line.startsWith('{') && line.endsWith('}')) {
          if (line.includes('"_aws"')) metrics.take(functionName, line);
          file.append(`${line}\n`);
          return;
        }
        const message = line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
        file.append(`${JSON.stringify({ timestamp: new Date(clock.now()).toISOString(), message })}\n`);
      };
      return {
        write(text) {
          const lines = (rest + text).split('\n');
          rest = lines.pop() ?? '';
          if (rest.length > LONGEST_LINE) {
            lines.push(rest);
            rest = '';
          }
          for (const line of lines) take(line);
        },
      };
    },
    async close() {
      await Promise.all(open.map((file) => file.end()));
    },
  };
}

class RotatedFile {
  private readonly path: string;
  private stream: WriteStream | undefined;
  private size = 0;
  private ended = false;

  constructor(path: string) {
    this.path = path;
  }

  append(text: string): void {
    // What a dying worker still says after the host closed its logs has no reader.
    if (this.ended) return;
    if (!this.stream) {
      this.size = existsSync(this.path) ? statSync(this.path).size : 0;
      this.stream = this.create();
    }
    this.stream.write(text);
    this.size += text.length;
    if (this.size > ROTATE_ABOVE) {
      this.stream.end();
      renameSync(this.path, `${this.path}.1`);
      this.size = 0;
      this.stream = this.create();
    }
  }

  end(): Promise<void> {
    this.ended = true;
    return new Promise((resolve) => {
      if (this.stream) this.stream.end(resolve);
      else resolve();
    });
  }

  private create(): WriteStream {
    const stream = createWriteStream(this.path, { flags: 'a' });
    // A full disk must not take the host down for the sake of a log line.
    stream.on('error', () => undefined);
    return stream;
  }
}
