import type { HostClock } from './clock.ts';

/** AWS deletes expired items within days; a minute is as good and easier to test. */
const EVERY_MS = 60_000;

export interface Sweep {
  start(): void;
  stop(): void;
  busy(): boolean;
}

/** Runs `task` every minute of the host's clock, one at a time. */
export function createSweep(clock: HostClock, task: () => Promise<unknown>): Sweep {
  let cancel: (() => void) | undefined;
  let running = false;
  let stopped = false;
  const schedule = (): void => {
    cancel = clock.at(clock.now() + EVERY_MS, () => {
      running = true;
      task()
        .catch((error: unknown) => {
          if (!stopped) process.stderr.write(`ttl: ${String(error)}\n`);
        })
        .finally(() => {
          running = false;
          if (!stopped) schedule();
        });
    });
  };
  return {
    start: schedule,
    stop() {
      stopped = true;
      cancel?.();
    },
    busy: () => running,
  };
}
