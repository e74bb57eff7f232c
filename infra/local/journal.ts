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

export function openJournal(_file: string, _options?: JournalOptions): Journal {
  throw new Error('not built yet');
}
