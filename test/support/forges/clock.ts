/** Time and timers of a forge. `after` returns its cancellation. */
export interface ForgeClock {
  now(): number;
  after(ms: number, run: () => void): () => void;
}

export const systemClock: ForgeClock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

interface Timer {
  due: number;
  order: number;
  run: () => void;
}

export interface ManualClock extends ForgeClock {
  /** Runs everything due within `ms`, in order, timers set on the way included. */
  advance(ms: number): void;
  /** Runs until no timer is left and returns the time reached. */
  drain(): number;
  timers(): number;
}

export function manualClock(start: number): ManualClock {
  let now = start;
  let order = 0;
  const timers = new Set<Timer>();

  function next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of timers) {
      if (!first || timer.due < first.due || (timer.due === first.due && timer.order < first.order)) first = timer;
    }
    return first;
  }

  function runUntil(limit: number): void {
    for (let timer = next(); timer && timer.due <= limit; timer = next()) {
      timers.delete(timer);
      now = Math.max(now, timer.due);
      timer.run();
    }
  }

  return {
    now: () => now,
    after(ms, run) {
      const timer: Timer = { due: now + Math.max(0, ms), order: order++, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const limit = now + ms;
      runUntil(limit);
      now = limit;
    },
    drain() {
      runUntil(Number.POSITIVE_INFINITY);
      return now;
    },
    timers: () => timers.size,
  };
}

/** Knows how many timers are outstanding and can drop them all. */
export interface CountingClock extends ForgeClock {
  outstanding(): number;
  cancelAll(): void;
}

export function countingClock(clock: ForgeClock): CountingClock {
  const cancels = new Set<() => void>();
  return {
    now: () => clock.now(),
    after(ms, run) {
      const forget = (): void => {
        cancels.delete(cancel);
      };
      const stop = clock.after(ms, () => {
        forget();
        run();
      });
      const cancel = (): void => {
        forget();
        stop();
      };
      cancels.add(cancel);
      return cancel;
    },
    outstanding: () => cancels.size,
    cancelAll() {
      for (const cancel of [...cancels]) cancel();
    },
  };
}
