import { randomUUID } from 'node:crypto';
import type { Journal, Log } from '../journal.ts';
import { AwsFault, type Caller, type Clock } from '../kernel.ts';
import type { FunctionDefinition } from '../model/index.ts';
import type { Sqs } from '../sqs/index.ts';
import type { Lambda, Result } from './runtime.ts';

/** Lambda waits one minute before the first repetition and two before the second. */
const RETRY_SECONDS = [60, 120];
const THROTTLED_RETRY_SECONDS = 5;

type Entry =
  | {
      readonly type: 'accepted';
      readonly id: string;
      readonly arn: string;
      readonly payload: string;
      readonly at: number;
    }
  | { readonly type: 'failed'; readonly id: string; readonly attempts: number; readonly dueAt: number }
  | { readonly type: 'done'; readonly id: string };

interface Pending {
  readonly id: string;
  readonly arn: string;
  readonly payload: string;
  readonly at: number;
  attempts: number;
  dueAt: number;
}

export interface AsyncInvocations {
  /** Resolves once the invocation is kept durably; it then runs, repeated as Lambda repeats it. */
  invoke(functionArn: string, payload: string): Promise<void>;
  /** Resumes what was accepted before a restart. */
  start(): void;
  stop(): void;
  /** Accepted and neither done nor given up. */
  pending(): number;
}

export interface AsyncOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly lambda: Lambda;
  readonly sqs: Sqs;
  readonly functions: readonly FunctionDefinition[];
  onGivenUp(definition: FunctionDefinition, error: string): void;
}

/** `InvocationType: Event`: a durable queue before each function, two repetitions, then the failure destination. */
export function createAsyncInvocations(options: AsyncOptions): AsyncInvocations {
  const { journal, clock, lambda } = options;
  const definitions = new Map(options.functions.map((definition) => [definition.arn, definition]));
  const pending = new Map<string, Pending>();
  const cancels = new Map<string, () => void>();
  let stopped = false;

  const log: Log<Entry> = journal.log<Entry>('lambda-async', {
    apply(entry) {
      if (entry.type === 'accepted') pending.set(entry.id, { ...entry, attempts: 0, dueAt: entry.at });
      else if (entry.type === 'done') pending.delete(entry.id);
      else Object.assign(pending.get(entry.id) ?? {}, { attempts: entry.attempts, dueAt: entry.dueAt });
    },
    *snapshot() {
      for (const { id, arn, payload, at, attempts, dueAt } of pending.values()) {
        yield { type: 'accepted', id, arn, payload, at } as const;
        if (attempts > 0) yield { type: 'failed', id, attempts, dueAt } as const;
      }
    },
  });

  const schedule = (item: Pending): void => {
    if (stopped) return;
    cancels.set(
      item.id,
      clock.at(item.dueAt, () => {
        cancels.delete(item.id);
        void attempt(item);
      }),
    );
  };

  const attempt = async (item: Pending): Promise<void> => {
    const definition = definitions.get(item.arn);
    if (!definition) return log.append({ type: 'done', id: item.id });
    let result: Result;
    try {
      result = await lambda.invoke(item.arn, item.payload);
    } catch (error) {
      if (stopped) return;
      // A refusal of the service itself costs no attempt; Lambda repeats it for as long as the event may live.
      if (isTooOld(definition, item, THROTTLED_RETRY_SECONDS)) return giveUp(definition, item, String(error));
      log.append({
        type: 'failed',
        id: item.id,
        attempts: item.attempts,
        dueAt: clock.now() + THROTTLED_RETRY_SECONDS * 1000,
      });
      return schedule(item);
    }
    if (result.ok) return log.append({ type: 'done', id: item.id });
    if (stopped) return;
    const attempts = item.attempts + 1;
    const wait = RETRY_SECONDS[Math.min(attempts, RETRY_SECONDS.length) - 1] ?? 120;
    if (attempts > definition.asynchronous.retries || isTooOld(definition, item, wait)) {
      return giveUp(
        definition,
        { ...item, attempts },
        `${result.error.errorType}: ${result.error.errorMessage}`,
        result,
      );
    }
    log.append({ type: 'failed', id: item.id, attempts, dueAt: clock.now() + wait * 1000 });
    schedule(item);
  };

  const isTooOld = (definition: FunctionDefinition, item: Pending, wait: number): boolean =>
    clock.now() + wait * 1000 > item.at + definition.asynchronous.maximumAgeSeconds * 1000;

  const giveUp = (definition: FunctionDefinition, item: Pending, error: string, result?: Result): void => {
    const { onFailureArn, deadLetterArn } = definition.asynchronous;
    const caller: Caller = { type: 'role', arn: definition.roleArn, functionName: definition.name };
    try {
      if (deadLetterArn) options.sqs.send(caller, deadLetterArn, { body: item.payload });
      if (onFailureArn) options.sqs.send(caller, onFailureArn, { body: destinationRecord(definition, item, result) });
    } catch {
      // Denied: the authorizer has said so; Lambda drops the record as well.
    }
    options.onGivenUp(definition, error);
    log.append({ type: 'done', id: item.id });
  };

  const destinationRecord = (definition: FunctionDefinition, item: Pending, result: Result | undefined): string =>
    JSON.stringify({
      version: '1.0',
      timestamp: new Date(clock.now()).toISOString(),
      requestContext: {
        requestId: result?.requestId ?? item.id,
        functionArn: `${definition.arn}:$LATEST`,
        condition: item.attempts > definition.asynchronous.retries ? 'RetriesExhausted' : 'EventAgeExceeded',
        approximateInvokeCount: item.attempts,
      },
      requestPayload: JSON.parse(item.payload) as unknown,
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: result && !result.ok ? result.error : null,
    });

  return {
    async invoke(functionArn, payload) {
      if (!definitions.has(functionArn)) {
        throw new AwsFault('ResourceNotFoundException', `Function not found: ${functionArn}`, 404);
      }
      const id = randomUUID();
      log.append({ type: 'accepted', id, arn: functionArn, payload, at: clock.now() });
      await journal.flushed();
      const item = pending.get(id);
      if (item) schedule(item);
    },
    start() {
      for (const item of pending.values()) if (!cancels.has(item.id)) schedule(item);
    },
    stop() {
      stopped = true;
      for (const cancel of cancels.values()) cancel();
    },
    pending: () => pending.size,
  };
}
