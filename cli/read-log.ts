import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { CommandFailure, type Io } from './command.ts';

/** What unpacks to more than so much, and to so many times its size, is no log: logs become about twenty times smaller. */
const [MAX_UNPACKED, MAX_RATIO] = [256 * 1024 * 1024, 200];

/** The bytes of a log, unpacked where it begins as gzip does; `-` is standard input. Fails in words for people. */
export const readLog = (file: string, io: Io): AsyncIterable<Uint8Array> =>
  guarded(ungzipped(file === '-' ? io.stdin : streamOf(resolve(io.cwd, file), io), file, io), file, io);

export interface Rereadable {
  /** As it was called. */
  readonly file: string;
  read(): AsyncIterable<Uint8Array>;
}

/**
 * Logs that are read more than once. What is no plain file, as standard input or a pipe, is kept as it comes, still packed, in a
 * folder that is gone once `use` is done.
 */
export async function withRereadable<T>(
  files: readonly string[],
  io: Io,
  use: (logs: readonly Rereadable[]) => Promise<T>,
): Promise<T> {
  let folder: string | undefined;
  const logs: Rereadable[] = [];
  try {
    for (const [at, file] of files.entries()) {
      const path = resolve(io.cwd, file);
      if (file !== '-' && (await isPlain(path))) {
        logs.push({ file, read: () => readLog(file, io) });
        continue;
      }
      folder ??= await mkdtemp(join(tmpdir(), 'qmoi-'));
      const copy = join(folder, String(at));
      await pipeline(guarded(file === '-' ? io.stdin : streamOf(path, io), file, io), createWriteStream(copy));
      logs.push({ file, read: () => guarded(ungzipped(streamOf(copy, io), file, io), file, io) });
    }
    return await use(logs);
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true });
  }
}

/** A file that is not there is told of when it is read. */
const isPlain = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile() || found.isDirectory(),
    () => true,
  );

const streamOf = (path: string, { signal }: Io): Readable => createReadStream(path, { signal });

async function* guarded(source: AsyncIterable<Uint8Array>, file: string, { signal }: Io): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    if (signal.aborted) throw error;
    throw new CommandFailure(`${file === '-' ? 'Standard input' : file} cannot be read: ${reason(error)}.`);
  }
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EISDIR: 'it is a folder',
    EACCES: 'permission is denied',
    Z_BUF_ERROR: 'its compressed data ends too early',
    Z_DATA_ERROR: 'its compressed data is damaged',
  };
  return known[code] ?? (error instanceof Error ? error.message : String(error));
}

/** Unpacks what begins as gzip does, whatever it is called. Says so where it ends early. */
async function* ungzipped(source: AsyncIterable<Uint8Array>, file: string, io: Io): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let ended = false;
  while (head.length < 2 && !ended) {
    const next = await iterator.next();
    if (next.done) ended = true;
    else head = Buffer.concat([head, next.value]);
  }
  let taken = 0;
  const whole = (async function* () {
    taken = head.length;
    yield head;
    if (ended) return;
    for await (const chunk of { [Symbol.asyncIterator]: () => iterator }) {
      taken += chunk.length;
      yield chunk;
    }
  })();
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    yield* whole;
    return;
  }
  const packed = Readable.from(whole, { objectMode: false });
  const unpacked = createGunzip();
  packed.on('error', (error) => unpacked.destroy(error));
  try {
    let given = 0;
    for await (const chunk of packed.pipe(unpacked) as AsyncIterable<Buffer>) {
      if (given + chunk.length > MAX_UNPACKED && given > MAX_RATIO * taken) {
        const rest = chunk.subarray(0, Math.max(0, MAX_UNPACKED - given));
        yield rest;
        io.err(
          `${file} unpacks to more than ${MAX_RATIO} times its size: read are its first ${given + rest.length} bytes.`,
        );
        return;
      }
      given += chunk.length;
      yield chunk;
    }
  } finally {
    // Who has read enough goes without waiting for the end.
    packed.destroy();
  }
}
