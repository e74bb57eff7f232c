import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';

/** Durable append-only logs in one file: what was flushed survives `kill -9` of the process at any instant. */

/** The state a log rebuilds. `apply` runs on replay and on append alike; it must tolerate events about things already gone. */
export interface LogState<E> {
  apply(event: E): void;
  /** Events that rebuild the present state from nothing; the whole log is replaced by them on compaction. */
  snapshot(): Iterable<E>;
}

export interface Log<E> {
  /** Applies at once and queues for writing; acknowledge only after `flushed()`. */
  append(event: E): void;
}

export interface Journal {
  /** Replays what the file holds for `name` into `state`, then takes appends. A name may be opened once. */
  log<E>(name: string, state: LogState<E>): Log<E>;
  /** Resolves once everything appended so far is with the operating system. Appends of one turn share one write. */
  flushed(): Promise<void>;
  /** Rewrites the file from the snapshots (also happens by itself as the file grows). */
  compact(): void;
  /** Writes what is queued and closes the file. */
  close(): void;
}

export interface JournalOptions {
  /** The file is compacted when larger than this and than four times its size after the last compaction. Bytes; 8 MiB by default. */
  readonly compactAbove?: number;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const NEWLINE = 0x0a;
const COMPACTED_SUFFIX = '.compacting';
/** Lines are handed to the system in pieces of about this size, so that a snapshot never needs its whole text in memory. */
const WRITE_CHUNK = 1 << 20;

/**
 * One JSON line per event, `["<log>",<event>]`, written with plain `write` calls: the page cache outlives the process, and a
 * line cut by its death is recognised by the missing newline and dropped, since nobody was told of it.
 */
export function openJournal(file: string, options: JournalOptions = {}): Journal {
  const compactAbove = options.compactAbove ?? 8 * 1024 * 1024;
  const states = new Map<string, LogState<unknown>>();
  const { lines: unclaimed, size: intact } = readLines(file);

  let fd = openSync(file, 'a', 0o600);
  let size = intact;
  let sizeAfterCompaction = intact;
  ftruncateSync(fd, intact);

  let queued: string[] = [];
  let waiters: Waiter[] = [];
  let scheduled = false;
  let closed = false;

  function flush(): void {
    scheduled = false;
    if (queued.length === 0 && waiters.length === 0) return;
    const told = waiters;
    waiters = [];
    try {
      if (queued.length > 0) {
        const text = queued.join('');
        size += writeAll(fd, text);
        queued = [];
      }
    } catch (error) {
      // The queue is kept: its effects are already in memory, and the next flush writes them once the disk takes them again.
      truncateQuietly(fd, size);
      for (const waiter of told) waiter.reject(error);
      return;
    }
    for (const waiter of told) waiter.resolve();
    if (size > Math.max(compactAbove, 4 * sizeAfterCompaction)) compactIfPossible();
  }

  function compactIfPossible(): void {
    try {
      compact();
    } catch {
      // The long file is as good as the short one; try again when it has doubled.
      sizeAfterCompaction = size / 2;
    }
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    // After the poll phase: requests that arrived together share one write.
    setImmediate(flush);
  }

  function compact(): void {
    const target = file + COMPACTED_SUFFIX;
    rmSync(target, { force: true });
    const out = openSync(target, 'a', 0o600);
    let written = 0;
    try {
      written = writeLines(out, snapshotLines(states, unclaimed));
      fsyncSync(out);
    } catch (error) {
      closeSync(out);
      throw error;
    }
    renameSync(target, file);
    closeSync(fd);
    fd = out;
    // The snapshots hold the effects of what was still queued.
    queued = [];
    size = written;
    sizeAfterCompaction = written;
  }

  return {
    log<E>(name: string, state: LogState<E>): Log<E> {
      if (states.has(name)) throw new Error(`the journal's log "${name}" is already open`);
      states.set(name, state as LogState<unknown>);
      for (const event of unclaimed.get(name) ?? []) state.apply(event as E);
      unclaimed.delete(name);
      const prefix = `[${JSON.stringify(name)},`;
      return {
        append(event: E): void {
          if (closed) throw new Error('the journal is closed');
          const line = `${prefix}${JSON.stringify(event)}]\n`;
          state.apply(event);
          queued.push(line);
          schedule();
        },
      };
    },
    flushed(): Promise<void> {
      if (queued.length === 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        waiters.push({ resolve, reject });
        schedule();
      });
    },
    compact(): void {
      compact();
      const told = waiters;
      waiters = [];
      for (const waiter of told) waiter.resolve();
    },
    close(): void {
      if (closed) return;
      flush();
      closed = true;
      closeSync(fd);
    },
  };
}

/** The events per log, in order, and the length in bytes of the part of the file that is whole. */
function readLines(file: string): { lines: Map<string, unknown[]>; size: number } {
  const lines = new Map<string, unknown[]>();
  if (!existsSync(file)) return { lines, size: 0 };
  const bytes = readFileSync(file);
  let start = 0;
  let firstBad = -1;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    const entry = parseLine(bytes.toString('utf8', start, end));
    if (entry === undefined) {
      if (firstBad === -1) firstBad = start;
    } else if (firstBad !== -1) {
      // A torn tail has nothing whole behind it; this is damage, and guessing would lose what was acknowledged.
      throw new Error(`${file} is damaged at byte ${firstBad}: restore it from a backup or move it away`);
    } else {
      const [name, event] = entry;
      const events = lines.get(name);
      if (events === undefined) lines.set(name, [event]);
      else events.push(event);
    }
    start = end + 1;
  }
  return { lines, size: firstBad === -1 ? start : firstBad };
}

function parseLine(text: string): [string, unknown] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.length === 2 && typeof value[0] === 'string') return [value[0], value[1]];
  } catch {
    // Reported by the caller, which knows whether a whole line follows.
  }
  return undefined;
}

function* snapshotLines(states: Map<string, LogState<unknown>>, unclaimed: Map<string, unknown[]>): Iterable<string> {
  for (const [name, state] of states) {
    const prefix = `[${JSON.stringify(name)},`;
    for (const event of state.snapshot()) yield `${prefix}${JSON.stringify(event)}]\n`;
  }
  for (const [name, events] of unclaimed) {
    for (const event of events) yield `${JSON.stringify([name, event])}\n`;
  }
}

function writeLines(fd: number, lines: Iterable<string>): number {
  let written = 0;
  let chunk: string[] = [];
  let length = 0;
  for (const line of lines) {
    chunk.push(line);
    length += line.length;
    if (length >= WRITE_CHUNK) {
      written += writeAll(fd, chunk.join(''));
      chunk = [];
      length = 0;
    }
  }
  return written + writeAll(fd, chunk.join(''));
}

/** `write` may take less than it was given. */
function writeAll(fd: number, text: string): number {
  const bytes = Buffer.from(text, 'utf8');
  for (let offset = 0; offset < bytes.length; ) offset += writeSync(fd, bytes, offset);
  return bytes.length;
}

function truncateQuietly(fd: number, size: number): void {
  try {
    ftruncateSync(fd, size);
  } catch {
    // The rejected waiters already hear of the disk's trouble; a torn line in the middle is caught at the next open.
  }
}
