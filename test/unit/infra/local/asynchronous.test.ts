import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type AsyncInvocations,
  createAsyncInvocations,
  type Lambda,
  type Result,
} from '../../../../infra/local/functions/index.ts';
import { type Journal, openJournal } from '../../../../infra/local/journal.ts';
import { AwsFault } from '../../../../infra/local/kernel.ts';
import type { FunctionDefinition } from '../../../../infra/local/model/index.ts';
import { createSqs, type Sqs } from '../../../../infra/local/sqs/index.ts';
import { type TestClock, testClock } from '../../../support/test-clock.ts';

const FAILED = 'arn:aws:sqs:us-east-1:000000000000:failed';
const DEAD = 'arn:aws:sqs:us-east-1:000000000000:dead';
const CALLER = { type: 'role', arn: 'arn:role', functionName: 'tick' } as const;

describe('asynchronous invocations', () => {
  let folder: string;
  let clock: TestClock;
  let journal: Journal;
  let sqs: Sqs;
  let invocations: AsyncInvocations;
  let ran: { payload: unknown; at: number }[];
  let givenUp: string[];
  let outcome: () => Result;

  const done: Result = { ok: true, requestId: 'r', payload: 'null' };
  const failed: Result = { ok: false, requestId: 'r1', error: { errorType: 'Error', errorMessage: 'down' } };
  const boot = (asynchronous: Partial<FunctionDefinition['asynchronous']> = {}): void => {
    journal = openJournal(join(folder, 'journal.jsonl'));
    sqs = createSqs({
      journal,
      clock,
      authorize: () => undefined,
      queues: [
        { name: 'failed', arn: FAILED, url: 'http://failed' },
        { name: 'dead', arn: DEAD, url: 'http://dead' },
      ],
    });
    const start = clock.now();
    invocations = createAsyncInvocations({
      journal,
      clock,
      sqs,
      lambda: {
        async invoke(_: string, payload: string) {
          ran.push({ payload: JSON.parse(payload), at: clock.now() - start });
          return outcome();
        },
      } as unknown as Lambda,
      functions: [
        {
          name: 'tick',
          arn: 'arn:tick',
          roleArn: 'arn:role',
          asynchronous: {
            retries: 2,
            maximumAgeSeconds: 21_600,
            onFailureArn: FAILED,
            deadLetterArn: DEAD,
            ...asynchronous,
          },
        } as FunctionDefinition,
      ],
      onGivenUp: (_, error) => givenUp.push(error),
    });
    invocations.start();
  };
  const shutDown = (): void => {
    invocations.stop();
    journal.close();
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qmoi-async-'));
    clock = testClock();
    ran = [];
    givenUp = [];
    outcome = () => done;
  });
  afterEach(() => {
    shutDown();
    rmSync(folder, { recursive: true });
  });

  it('runs once what succeeds', async () => {
    boot();
    await invocations.invoke('arn:tick', '{"a":1}');
    expect(invocations.pending()).toBe(1);
    await clock.advance(0);
    await vi.waitFor(() => expect(invocations.pending()).toBe(0));
    await clock.advance(3_600_000);
    expect(ran.map(({ payload }) => payload)).toEqual([{ a: 1 }]);
    await expect(invocations.invoke('arn:other', '{}')).rejects.toThrow('Function not found');
  });

  it('repeats a failure after one and two minutes, then hands it to both failure queues', async () => {
    boot();
    outcome = () => failed;
    await invocations.invoke('arn:tick', '{"a":1}');
    await clock.advance(3_600_000);
    expect(ran.map(({ at }) => at)).toEqual([0, 60_000, 180_000]);
    expect(givenUp).toEqual(['Error: down']);
    expect(sqs.receive(CALLER, DEAD).map(({ Body }) => Body)).toEqual(['{"a":1}']);
    expect(sqs.receive(CALLER, FAILED).map(({ Body }) => JSON.parse(Body) as unknown)).toEqual([
      expect.objectContaining({
        requestPayload: { a: 1 },
        requestContext: expect.objectContaining({ condition: 'RetriesExhausted', approximateInvokeCount: 3 }),
        responsePayload: { errorType: 'Error', errorMessage: 'down' },
      }),
    ]);
    expect(invocations.pending()).toBe(0);
  });

  it('gives up what has grown too old, whatever retries are left', async () => {
    boot({ maximumAgeSeconds: 90 });
    outcome = () => failed;
    await invocations.invoke('arn:tick', '{}');
    await clock.advance(3_600_000);
    expect(ran.map(({ at }) => at)).toEqual([0, 60_000]);
    expect(givenUp).toHaveLength(1);
  });

  it('counts a refusal of the service as no attempt', async () => {
    boot();
    let refusals = 5;
    outcome = () => {
      refusals -= 1;
      if (refusals >= 0) throw new AwsFault('TooManyRequestsException', 'Rate Exceeded.', 429);
      return done;
    };
    await invocations.invoke('arn:tick', '{}');
    await clock.advance(60_000);
    expect(ran).toHaveLength(6);
    expect([givenUp, invocations.pending()]).toEqual([[], 0]);
  });

  it('resumes after a restart with the attempts already made', async () => {
    boot();
    outcome = () => failed;
    await invocations.invoke('arn:tick', '{"a":1}');
    await clock.advance(60_000);
    expect(ran).toHaveLength(2);
    shutDown();
    ran = [];
    boot();
    await clock.advance(3_600_000);
    expect(ran).toHaveLength(1);
    expect(givenUp).toHaveLength(1);
  });
});
