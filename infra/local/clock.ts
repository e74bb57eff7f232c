import type { Clock } from './kernel.ts';

/** Node fires a longer timer at once instead of late. */
const LONGEST_TIMER = 2 ** 31 - 1;

export interface HostClock extends Clock {
  readonly mode: 'real' | 'manual';
  /** Milliseconds in a cell that worker threads read; undefined on the real clock, where they have their own. */
  readonly shared: SharedArrayBuffer | undefined;
  /** Moves a manual clock to `time` (never back) and runs everything that has become due. */
  moveTo(time: number): void;
  /** How many tasks are overdue or due now: work that has not started yet. */
  due(): number;
  stop(): void;
}

interface Task {
  readonly dueAt: number;
  readonly run: () => void;
}

/** The machine's own time. */
export function createRealClock(): HostClock {
  const timers = new Set<{ dueAt: number; timer: NodeJS.Timeout }>();
  return {
    mode: 'real',
    shared: undefined,
    now: () => Date.now(),
    at(dueAt, run) {
      const entry: { dueAt: number; timer: NodeJS.Timeout } = { dueAt, timer: setTimeout(() => undefined, 0) };
      const arm = (): void => {
        clearTimeout(entry.timer);
        const wait = dueAt - Date.now();
        entry.timer = setTimeout(
          () => {
            if (Date.now() < dueAt) return arm();
            timers.delete(entry);
            run();
          },
          Math.min(Math.max(wait, 0), LONGEST_TIMER),
        );
      };
      timers.add(entry);
      arm();
      return () => {
        clearTimeout(entry.timer);
        timers.delete(entry);
      };
    },
    moveTo() {
      throw new Error('The clock is the real one; start the host with QMOI_LOCAL_CLOCK=manual to drive it.');
    },
    due() {
      const now = Date.now();
      let count = 0;
      for (const { dueAt } of timers) if (dueAt <= now) count += 1;
      return count;
    },
    stop() {
      for (const { timer } of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}

/** A clock that stands still until it is moved; tests drive every queue, schedule and function with it. */
export function createManualClock(start: number): HostClock {
  const shared = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
  const cell = new BigInt64Array(shared);
  Atomics.store(cell, 0, BigInt(Math.trunc(start)));
  let now = Math.trunc(start);
  let wake: NodeJS.Immediate | undefined;
  const tasks = new Set<Task>();

  const runDue = (): void => {
    const ready = [...tasks].filter(({ dueAt }) => dueAt <= now).sort((a, b) => a.dueAt - b.dueAt);
    for (const task of ready) {
      if (!tasks.delete(task)) continue;
      task.run();
    }
  };
  return {
    mode: 'manual',
    shared,
    now: () => now,
    at(dueAt, run) {
      const task = { dueAt, run };
      tasks.add(task);
      // As with a timer, a task that is due already still runs after its caller.
      if (dueAt <= now) {
        wake ??= setImmediate(() => {
          wake = undefined;
          runDue();
        });
      }
      return () => {
        tasks.delete(task);
      };
    },
    moveTo(time) {
      if (time < now) throw new Error('Time does not run backwards.');
      now = Math.trunc(time);
      Atomics.store(cell, 0, BigInt(now));
      runDue();
    },
    due() {
      let count = 0;
      for (const { dueAt } of tasks) if (dueAt <= now) count += 1;
      return count;
    },
    stop() {
      if (wake) clearImmediate(wake);
      tasks.clear();
    },
  };
}
