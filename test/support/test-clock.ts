import type { Clock } from '../../infra/local/kernel.ts';

export interface TestClock extends Clock {
  /** Moves time on, running what falls due at its own instant, in order, and lets promises settle in between. */
  advance(ms: number): Promise<void>;
  /** Jumps without stopping at what falls due in between, as a machine that slept does. */
  jump(ms: number): Promise<void>;
}

/** A clock that only moves when told to. */
export function testClock(start = Date.parse('2026-03-01T12:00:00Z')): TestClock {
  let now = start;
  let tasks: { dueAt: number; task: () => void }[] = [];

  async function settle(): Promise<void> {
    // Two turns: one for the journal's write, one for what its promise releases.
    for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  async function runDue(until: number, stopAtEach: boolean): Promise<void> {
    for (;;) {
      await settle();
      tasks.sort((a, b) => a.dueAt - b.dueAt);
      const next = tasks[0];
      if (next === undefined || next.dueAt > until) break;
      tasks.shift();
      if (stopAtEach) now = Math.max(now, next.dueAt);
      next.task();
    }
    now = Math.max(now, until);
  }

  return {
    now: () => now,
    at(dueAt, task) {
      const entry = { dueAt, task };
      tasks.push(entry);
      return () => {
        tasks = tasks.filter((other) => other !== entry);
      };
    },
    advance: (ms) => runDue(now + ms, true),
    async jump(ms) {
      now += ms;
      await runDue(now, false);
    },
  };
}
