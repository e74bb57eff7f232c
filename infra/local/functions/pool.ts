import { randomUUID } from 'node:crypto';
import type { Chaos } from '../chaos.ts';
import { AwsFault } from '../kernel.ts';
import type { FunctionDefinition } from '../model/index.ts';
import type { FunctionLog } from './log.ts';
import { type InvocationError, type Outcome, openSandbox, type Sandbox } from './worker.ts';

const MOST_WAITING = 2_000;
/** A second thread is worth its start only when the first is still busy after this. */
const GROW_AFTER_MS = 40;
const REAP_EXTRA_AFTER_MS = 30_000;
const REAP_LAST_AFTER_MS = 15 * 60_000;

export interface LambdaOptions {
  readonly functions: readonly FunctionDefinition[];
  readonly clock: SharedArrayBuffer | undefined;
  readonly chaos: Chaos | undefined;
  /** The environment that AWS adds to a function's own. */
  environmentOf(definition: FunctionDefinition): Readonly<Record<string, string>>;
  logOf(definition: FunctionDefinition): FunctionLog;
  onFailure(definition: FunctionDefinition, error: InvocationError): void;
  /** Threads of one function at most; 4 by default. */
  readonly threadsPerFunction?: number;
  /** Threads in all, beyond the first of each function; 24 by default. */
  readonly threads?: number;
}

export type Result = Outcome & { readonly requestId: string };

export interface FunctionStatus {
  readonly name: string;
  readonly arn: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly invocations: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly throttles: number;
  readonly coldStarts: number;
  readonly initMs: number | null;
  readonly averageMs: number | null;
  readonly running: number;
  readonly waiting: number;
  readonly threads: number;
}

interface Waiting {
  readonly payload: string;
  readonly traceId: string;
  readonly since: number;
  readonly waitMs: number;
  resolve(result: Result): void;
  reject(fault: AwsFault): void;
}

interface Slot {
  readonly sandbox: Sandbox;
  busy: boolean;
  usedAt: number;
}

/** The threads of one function and what waits for them. */
export class Pool {
  readonly definition: FunctionDefinition;
  readonly limit: number;
  readonly slots = new Set<Slot>();
  readonly waiting: Waiting[] = [];
  running = 0;
  private readonly options: LambdaOptions;
  private readonly mayGrow: () => boolean;
  private readonly log: FunctionLog;
  private starting = 0;
  private growTimer: NodeJS.Timeout | undefined;
  private stopped = false;
  private readonly counts = { invocations: 0, errors: 0, timeouts: 0, throttles: 0, coldStarts: 0, totalMs: 0 };
  private initMs: number | undefined;

  constructor(definition: FunctionDefinition, options: LambdaOptions, mayGrow: () => boolean) {
    this.definition = definition;
    this.options = options;
    this.mayGrow = mayGrow;
    this.log = options.logOf(definition);
    this.limit = Math.min(definition.reservedConcurrency ?? Number.POSITIVE_INFINITY, options.threadsPerFunction ?? 4);
  }

  invoke(payload: string, traceId: string, waitMs: number): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length >= MOST_WAITING || this.limit === 0) return reject(this.throttle());
      this.waiting.push({ payload, traceId, waitMs, since: performance.now(), resolve, reject });
      this.pump();
    });
  }

  async warm(): Promise<void> {
    if (this.slots.size > 0 || this.limit === 0 || this.stopped) return;
    await this.grow();
  }

  reap(): void {
    const now = performance.now();
    for (const slot of this.slots) {
      const idleFor = now - slot.usedAt;
      const after = this.slots.size > 1 ? REAP_EXTRA_AFTER_MS : REAP_LAST_AFTER_MS;
      if (!slot.busy && idleFor > after) this.retire(slot);
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.growTimer);
    for (const waiting of this.waiting.splice(0)) {
      waiting.reject(new AwsFault('ServiceException', 'The host is stopping.', 503));
    }
    await Promise.all([...this.slots].map(({ sandbox }) => sandbox.kill()));
  }

  status(): FunctionStatus {
    const { counts, definition } = this;
    const { totalMs, ...counters } = counts;
    return {
      name: definition.name,
      arn: definition.arn,
      timeoutSeconds: definition.timeoutSeconds,
      memoryMb: definition.memoryMb,
      ...counters,
      initMs: this.initMs === undefined ? null : Math.round(this.initMs),
      averageMs: counts.invocations === 0 ? null : Math.round((totalMs / counts.invocations) * 10) / 10,
      running: this.running,
      waiting: this.waiting.length,
      threads: this.slots.size,
    };
  }

  private throttle(): AwsFault {
    this.counts.throttles += 1;
    return new AwsFault('TooManyRequestsException', 'Rate Exceeded.', 429);
  }

  /** Gives waiting invocations to free threads, the most recently used first so that the others can be reaped. */
  private pump(): void {
    while (this.waiting.length > 0) {
      const slot = this.freeSlot();
      if (!slot) break;
      const next = this.waiting.shift() as Waiting;
      if (performance.now() - next.since > next.waitMs) next.reject(this.throttle());
      else void this.run(slot, next);
    }
    if (this.waiting.length === 0 || this.starting > 0 || this.stopped) return;
    if (this.slots.size === 0) void this.grow();
    else this.growLater();
  }

  private growLater(): void {
    if (this.growTimer || this.slots.size >= this.limit) return;
    this.growTimer = setTimeout(() => {
      this.growTimer = undefined;
      if (this.waiting.length > 0 && this.slots.size < this.limit && this.starting === 0 && this.mayGrow())
        void this.grow();
    }, GROW_AFTER_MS);
  }

  private freeSlot(): Slot | undefined {
    let best: Slot | undefined;
    for (const slot of this.slots) {
      if (slot.busy) continue;
      if (!slot.sandbox.alive) {
        this.slots.delete(slot);
        continue;
      }
      if (!best || slot.usedAt > best.usedAt) best = slot;
    }
    return best;
  }

  private async grow(): Promise<void> {
    this.starting += 1;
    const sandbox = openSandbox({
      definition: this.definition,
      environment: this.options.environmentOf(this.definition),
      clock: this.options.clock,
      onOutput: (text) => this.log.write(text),
    });
    const slot: Slot = { sandbox, busy: true, usedAt: performance.now() };
    this.slots.add(slot);
    this.counts.coldStarts += 1;
    const error = await sandbox.ready;
    this.starting -= 1;
    this.initMs = sandbox.initMs ?? this.initMs;
    slot.busy = false;
    if (error) {
      this.slots.delete(slot);
      // As on Lambda, a failed init fails the invocation that caused it; the next one tries again. What another thread is
      // there for waits for that one: its message would be out of sight until its visibility time-out.
      const victim = this.slots.size > 0 ? undefined : this.waiting.shift();
      if (victim) {
        this.counts.invocations += 1;
        this.fail(error);
        victim.resolve({ ok: false, error, requestId: randomUUID() });
      } else if (!this.stopped) {
        this.options.onFailure(this.definition, error);
      }
    }
    this.pump();
  }

  private async run(slot: Slot, { payload, traceId, resolve }: Waiting): Promise<void> {
    slot.busy = true;
    this.running += 1;
    this.counts.invocations += 1;
    const began = performance.now();
    const requestId = randomUUID();
    const outcome = await slot.sandbox.run({ id: requestId, event: payload, traceId });
    slot.busy = false;
    slot.usedAt = performance.now();
    this.running -= 1;
    this.counts.totalMs += slot.usedAt - began;
    if (!outcome.ok) this.fail(outcome.error);
    if (!slot.sandbox.alive) this.slots.delete(slot);
    else if (this.options.chaos?.strikes(`coldStart ${this.definition.name}`, 0.02, 20)) this.retire(slot);
    resolve({ ...outcome, requestId });
    this.pump();
  }

  private fail(error: InvocationError): void {
    this.counts.errors += 1;
    if (error.errorType === 'Sandbox.Timedout') this.counts.timeouts += 1;
    // Refusals that a stopping host itself causes are no news.
    if (!this.stopped) this.options.onFailure(this.definition, error);
  }

  private retire(slot: Slot): void {
    this.slots.delete(slot);
    void slot.sandbox.kill();
  }
}
