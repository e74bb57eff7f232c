import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A holder that is ending gets this long to let go. */
const WAIT_FOR_HOLDER_MS = 10_000;
const ASK_EVERY_MS = 100;

interface Holder {
  readonly pid: number;
  /** Tells a process from a later one with the same number; empty where the system does not say. */
  readonly startedAt: string;
  readonly since: string;
}

export interface DataDir {
  readonly path: string;
  release(): void;
}

/**
 * Takes the folder for this process alone, creating it when absent. Waits for a holder that is about to end; throws a
 * sentence that says who holds it otherwise.
 */
export async function openDataDir(folder: string, waitMs = WAIT_FOR_HOLDER_MS): Promise<DataDir> {
  const path = resolve(folder);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const lock = join(path, 'lock');
  const own: Holder = { pid: process.pid, startedAt: startOf(process.pid), since: new Date().toISOString() };
  const until = performance.now() + waitMs;
  for (;;) {
    if (take(lock, own)) return { path, release: () => release(lock, own) };
    const holder = readHolder(lock);
    if (!holder) continue;
    if (!isAlive(holder)) {
      evict(lock, holder);
      continue;
    }
    if (performance.now() >= until) {
      throw new Error(
        `The data directory ${path} is in use by process ${holder.pid} (since ${holder.since}). Stop that one, or set QMOI_DATA_DIR to another folder.`,
      );
    }
    await sleep(ASK_EVERY_MS);
  }
}

/** The master's token: made up once and kept where only the owner can read it. */
export function ensureMasterToken(folder: string): { token: string; file: string } {
  const file = join(folder, 'master-token');
  if (existsSync(file)) {
    const token = readFileSync(file, 'utf8').trim();
    if (token.length > 0) return { token, file };
  }
  const token = randomBytes(32).toString('base64url');
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, `${token}\n`, { mode: 0o600 });
  renameSync(fresh, file);
  return { token, file };
}

/** Written aside and linked into place, so that a lock is never seen half written. */
function take(lock: string, own: Holder): boolean {
  const aside = `${lock}.${own.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(aside, JSON.stringify(own), { mode: 0o600 });
  try {
    linkSync(aside, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function readHolder(lock: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(lock, 'utf8')) as Holder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    // Nothing of ours: written whole or not at all. Whoever wrote it does not hold the folder.
    return { pid: 0, startedAt: '', since: '' };
  }
}

/** Removes a dead holder's lock, unless another process has put its own there meanwhile. */
function evict(lock: string, dead: Holder): void {
  const aside = `${lock}.dead.${process.pid}`;
  try {
    renameSync(lock, aside);
  } catch {
    return;
  }
  const moved = readHolder(aside);
  if (moved && (moved.pid !== dead.pid || moved.startedAt !== dead.startedAt || moved.since !== dead.since)) {
    try {
      linkSync(aside, lock);
    } catch {
      // A third process was quicker; the one we moved finds out when it next looks.
    }
  }
  rmSync(aside, { force: true });
}

function release(lock: string, own: Holder): void {
  const holder = readHolder(lock);
  if (holder?.pid === own.pid && holder.since === own.since) rmSync(lock, { force: true });
}

function isAlive({ pid, startedAt }: Holder): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = startOf(pid);
  return startedAt === '' || now === '' || now === startedAt;
}

/** Field 22 of /proc/<pid>/stat, and empty for a zombie, which holds nothing any more. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'zombie' : (fields[19] ?? '');
  } catch {
    return '';
  }
}
