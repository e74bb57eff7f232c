import { randomBytes } from 'node:crypto';
import { AwsFault } from '../kernel.ts';
import { type FunctionStatus, type LambdaOptions, Pool, type Result } from './pool.ts';

export type { FunctionStatus, LambdaOptions, Result } from './pool.ts';

/** Lambda's limit for a synchronous invocation; the 100 bytes are its own allowance. */
const LARGEST_REQUEST = 6 * 1024 * 1024 + 100;
const REAP_EVERY_MS = 10_000;

export interface Lambda {
  /**
   * Runs a function. A failing function is a result, not a rejection; rejects with an `AwsFault` when the service
   * itself refuses (too large, throttled, unknown). `waitMs` bounds the wait for a free thread.
   */
  invoke(functionArn: string, payload: string, options?: { waitMs?: number; traceId?: string }): Promise<Result>;
  has(functionArn: string): boolean;
  nameOf(functionArn: string): string;
  /** How many invocations of a function may run at once. */
  concurrencyOf(functionArn: string): number;
  status(): FunctionStatus[];
  /** Invocations running or waiting. */
  busy(): number;
  /** Loads one thread of each function that has none, one after another. */
  warm(): Promise<void>;
  stop(): Promise<void>;
}

export function createLambda(options: LambdaOptions): Lambda {
  const most = options.threads ?? 24;
  const pools = new Map<string, Pool>();
  let stopped = false;
  const mayGrow = (): boolean => {
    let extra = 0;
    for (const pool of pools.values()) extra += Math.max(0, pool.slots.size - 1);
    return extra < most;
  };
  for (const definition of options.functions) pools.set(definition.arn, new Pool(definition, options, mayGrow));
  const reaper = setInterval(() => {
    for (const pool of pools.values()) pool.reap();
  }, REAP_EVERY_MS);
  reaper.unref();

  const poolOf = (functionArn: string): Pool => {
    const pool = pools.get(functionArn);
    if (!pool) throw new AwsFault('ResourceNotFoundException', `Function not found: ${functionArn}`, 404);
    return pool;
  };
  const busy = (): number => {
    let count = 0;
    for (const pool of pools.values()) count += pool.running + pool.waiting.length;
    return count;
  };

  return {
    async invoke(functionArn, payload, { waitMs = 60_000, traceId = newTraceId() } = {}) {
      const pool = poolOf(functionArn);
      if (stopped) throw new AwsFault('ServiceException', 'The host is stopping.', 503);
      if (payload.length > LARGEST_REQUEST / 3 && Buffer.byteLength(payload) > LARGEST_REQUEST) {
        throw new AwsFault(
          'RequestEntityTooLargeException',
          `Request must be smaller than ${LARGEST_REQUEST} bytes for the InvokeFunction operation`,
          413,
        );
      }
      return pool.invoke(payload, traceId, waitMs);
    },
    has: (functionArn) => pools.has(functionArn),
    nameOf: (functionArn) => poolOf(functionArn).definition.name,
    concurrencyOf: (functionArn) => poolOf(functionArn).limit,
    status: () => [...pools.values()].map((pool) => pool.status()),
    busy,
    async warm() {
      for (const pool of pools.values()) {
        if (stopped) return;
        await pool.warm();
      }
    },
    async stop() {
      stopped = true;
      clearInterval(reaper);
      await Promise.all([...pools.values()].map((pool) => pool.stop()));
    },
  };
}

/** As X-Ray writes it; nothing is sampled here. */
export function newTraceId(): string {
  const time = Math.floor(Date.now() / 1000).toString(16);
  return `Root=1-${time}-${randomBytes(12).toString('hex')};Parent=${randomBytes(8).toString('hex')};Sampled=0`;
}
