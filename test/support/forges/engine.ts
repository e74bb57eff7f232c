import type { ForgeClock } from './clock.ts';
import type { Outcome } from './types.ts';

/** One job to execute: what it waits for, how long it takes, how it ends. */
export interface Task {
  name: string;
  dependsOn: readonly string[];
  queuedMs: number;
  durationMs: number;
  outcome: Outcome;
  allowFailure: boolean;
}

export interface TaskEvents {
  queued(name: string): void;
  started(name: string): void;
  finished(name: string, outcome: Outcome): void;
  skipped(name: string): void;
  /** Nothing is left to do. Fires again when tasks are added afterwards. */
  ended(): void;
}

interface Live {
  task: Task;
  state: 'waiting' | 'active' | 'done';
  ok: boolean;
}

/** The platforms report a run's end a moment after its last job's. */
const TAIL_MS = 1000;

/**
 * Runs a graph of jobs on a clock: a job is queued once everything it waits for has succeeded, and skipped once
 * anything it waits for has failed. Tasks may be added while it runs, which is how GitLab retries a job of a
 * pipeline that is still going.
 */
export class Execution {
  readonly #tasks = new Map<string, Live>();
  readonly #clock: ForgeClock;
  readonly #speed: number;
  readonly #events: TaskEvents;
  #cancelEnd: (() => void) | undefined;
  #timers = new Set<() => void>();

  constructor(clock: ForgeClock, speed: number, events: TaskEvents) {
    this.#clock = clock;
    this.#speed = speed;
    this.#events = events;
  }

  /** A job that ended before this execution began; others may depend on it. */
  assume(name: string, ok: boolean): void {
    const task: Task = { name, dependsOn: [], queuedMs: 0, durationMs: 0, outcome: 'success', allowFailure: false };
    this.#tasks.set(name, { task, state: 'done', ok });
  }

  add(tasks: readonly Task[]): void {
    this.#cancelEnd?.();
    this.#cancelEnd = undefined;
    for (const task of tasks) this.#tasks.set(task.name, { task, state: 'waiting', ok: false });
    this.#advance();
  }

  /** Drops every timer; what is under way stays as it is. */
  abort(): void {
    this.#cancelEnd?.();
    for (const cancel of [...this.#timers]) cancel();
    this.#timers.clear();
  }

  /** Whatever has not ended by now ends at once: what runs or is queued as cancelled, what waits as skipped. */
  cancel(): void {
    this.abort();
    for (const live of this.#tasks.values()) {
      if (live.state === 'active') this.#events.finished(live.task.name, 'cancelled');
      if (live.state === 'waiting') this.#events.skipped(live.task.name);
      live.state = 'done';
    }
    this.#cancelEnd = this.#after(TAIL_MS, () => this.#events.ended());
  }

  #after(ms: number, run: () => void): () => void {
    const cancel = this.#clock.after(ms / this.#speed, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
    return cancel;
  }

  #advance(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const live of this.#tasks.values()) {
        if (live.state !== 'waiting') continue;
        const needs = live.task.dependsOn.map((name) => this.#tasks.get(name));
        if (needs.some((need) => need?.state === 'done' && !need.ok)) {
          live.state = 'done';
          this.#events.skipped(live.task.name);
          moved = true;
        } else if (needs.every((need) => !need || need.state === 'done')) {
          live.state = 'active';
          this.#start(live);
          moved = true;
        }
      }
    }
    if (![...this.#tasks.values()].some((live) => live.state !== 'done')) {
      this.#cancelEnd = this.#after(TAIL_MS, () => this.#events.ended());
    }
  }

  #start(live: Live): void {
    const { task } = live;
    this.#events.queued(task.name);
    this.#after(task.queuedMs, () => {
      this.#events.started(task.name);
      this.#after(task.durationMs, () => {
        live.state = 'done';
        live.ok = task.outcome === 'success' || task.allowFailure;
        this.#events.finished(task.name, task.outcome);
        this.#advance();
      });
    });
  }
}
