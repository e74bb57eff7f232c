import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 250;

/**
 * Calls `onOrphaned` once npm, which started this process, is gone. npm puts a shell in between that may outlive it, so
 * on Linux the shell's own parent is watched as well.
 */
export function watchParent(onOrphaned: () => void): () => void {
  const startedByNpm = process.env.npm_lifecycle_event !== undefined;
  if (!startedByNpm || process.ppid <= 1) return () => undefined;
  const parent = process.ppid;
  const grandparent = parentOf(parent);
  const timer = setInterval(() => {
    const orphaned = process.ppid !== parent || (grandparent > 1 && parentOf(parent) !== grandparent);
    if (!orphaned) return;
    clearInterval(timer);
    onOrphaned();
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** 0 where the system does not say. */
function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}
