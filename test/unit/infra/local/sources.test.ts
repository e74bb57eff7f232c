import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createChaos } from '../../../../infra/local/chaos.ts';
import type { DynamoDb, StreamRecord } from '../../../../infra/local/dynamodb/index.ts';
import type { Lambda, Result } from '../../../../infra/local/functions/index.ts';
import { type Journal, openJournal } from '../../../../infra/local/journal.ts';
import { AwsFault, type Caller } from '../../../../infra/local/kernel.ts';
import type { HostModel, QueueMapping, StreamMapping } from '../../../../infra/local/model/index.ts';
import { openSources, type Sources } from '../../../../infra/local/sources/index.ts';
import { createSqs, type Sqs } from '../../../../infra/local/sqs/index.ts';
import { type TestClock, testClock } from '../../../support/test-clock.ts';

const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:work';
const DEAD = 'arn:aws:sqs:us-east-1:000000000000:dead';
const FAILED = 'arn:aws:sqs:us-east-1:000000000000:failed';
const CALLER: Caller = { type: 'role', arn: 'arn:aws:iam::000000000000:role/worker', functionName: 'worker' };

type Answer = (records: Record<string, unknown>[]) => unknown;

describe('event sources', () => {
  let folder: string;
  let clock: TestClock;
  let journal: Journal;
  let sqs: Sqs;
  let sources: Sources;
  let batches: Record<string, unknown>[][];
  let answer: Answer;
  let denied: string | undefined;
  let complaints: string[];
  let stream: ReturnType<typeof fakeStream>;

  const lambda = {
    async invoke(_: string, payload: string): Promise<Result> {
      const { Records } = JSON.parse(payload) as { Records: Record<string, unknown>[] };
      batches.push(Records);
      try {
        return { ok: true, requestId: 'r', payload: JSON.stringify((await answer(Records)) ?? null) };
      } catch (error) {
        if (error instanceof AwsFault) throw error;
        return { ok: false, requestId: 'r', error: { errorType: 'Error', errorMessage: String(error) } };
      }
    },
    nameOf: () => 'worker',
    concurrencyOf: () => 4,
  } as unknown as Lambda;

  const boot = (
    mappings: { queue?: Partial<QueueMapping>; stream?: Partial<StreamMapping> },
    chaosSeed?: string,
  ): void => {
    journal = openJournal(join(folder, 'journal.jsonl'));
    const authorize = (_: Caller, action: string): void => {
      if (action === denied) throw new AwsFault('AccessDenied', action, 403);
    };
    sqs = createSqs({
      journal,
      clock,
      authorize,
      queues: [
        {
          name: 'work',
          arn: QUEUE,
          url: 'http://work',
          visibilityTimeout: 60,
          redrive: { deadLetterTargetArn: DEAD, maxReceiveCount: 3 },
        },
        { name: 'dead', arn: DEAD, url: 'http://dead' },
        { name: 'failed', arn: FAILED, url: 'http://failed' },
      ],
    });
    const common = { functionArn: 'worker', windowSeconds: 0, partialFailures: true, filters: [], batchSize: 10 };
    sources = openSources({
      model: {
        queueMappings: mappings.queue
          ? [{ ...common, id: 'q', sourceArn: QUEUE, maximumConcurrency: 2, ...mappings.queue }]
          : [],
        streamMappings: mappings.stream
          ? [
              {
                ...common,
                id: 's',
                sourceArn: 'arn:stream',
                tableName: 'table',
                startingPosition: 'TRIM_HORIZON',
                bisect: false,
                maximumRetries: -1,
                maximumAgeSeconds: -1,
                onFailureArn: FAILED,
                ...mappings.stream,
              },
            ]
          : [],
      } as unknown as HostModel,
      journal,
      clock,
      chaos: chaosSeed === undefined ? undefined : createChaos(chaosSeed),
      authorize,
      sqs,
      lambda,
      dynamodb: { streams: stream } as unknown as DynamoDb,
      callerOf: () => CALLER,
      complain: (line) => complaints.push(line),
    });
    sources.start();
  };
  const shutDown = (): void => {
    sources.stop();
    journal.close();
  };
  const settled = () => vi.waitFor(() => expect(sources.busy()).toBe(false), { timeout: 20_000, interval: 5 });
  const send = (...bodies: string[]) => {
    for (const body of bodies) sqs.send(CALLER, QUEUE, { body });
  };
  const bodies = () => batches.map((records) => records.map(({ body }) => body));
  const depths = (name: string) => {
    const { visible, inFlight, delayed } = sqs.depths()[name] ?? { visible: -1, inFlight: -1, delayed: -1 };
    return { visible, inFlight, delayed };
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qmoi-sources-'));
    clock = testClock();
    batches = [];
    answer = () => undefined;
    denied = undefined;
    complaints = [];
    stream = fakeStream(() => clock.now());
  });
  afterEach(() => {
    shutDown();
    rmSync(folder, { recursive: true });
  });

  describe('a queue', () => {
    it('hands over batches in the shape of Lambda and deletes what succeeded', async () => {
      boot({ queue: {} });
      sqs.send(CALLER, QUEUE, { body: 'one', attributes: { a: { DataType: 'String', StringValue: 'b' } } });
      await vi.waitFor(() => expect(batches).toHaveLength(1));
      await settled();
      expect(batches[0]).toEqual([
        {
          messageId: expect.any(String),
          receiptHandle: expect.any(String),
          body: 'one',
          attributes: expect.objectContaining({ ApproximateReceiveCount: '1' }),
          messageAttributes: {
            a: { stringValue: 'b', dataType: 'String', stringListValues: [], binaryListValues: [] },
          },
          md5OfMessageAttributes: expect.any(String),
          md5OfBody: 'f97c5d29941bfb1b2fdab0874906ab82',
          eventSource: 'aws:sqs',
          eventSourceARN: QUEUE,
          awsRegion: 'us-east-1',
        },
      ]);
      expect(depths('work')).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
    });

    it('keeps to batch size and concurrency', async () => {
      let running = 0;
      let most = 0;
      answer = async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
      };
      boot({ queue: { batchSize: 3 } });
      send(...Array.from({ length: 20 }, (_, index) => String(index)));
      await vi.waitFor(() => expect(bodies().flat()).toHaveLength(20));
      await settled();
      expect(most).toBe(2);
      expect(Math.max(...batches.map((records) => records.length))).toBe(3);
    });

    it('leaves what failed, by itself or with its batch, to the visibility time-out and then the DLQ', async () => {
      answer = (records) => ({
        batchItemFailures: records
          .filter(({ body }) => body === 'bad')
          .map(({ messageId }) => ({ itemIdentifier: messageId })),
      });
      boot({ queue: {} });
      send('good', 'bad');
      await vi.waitFor(() => expect(batches).toHaveLength(1));
      await settled();
      expect(depths('work')).toEqual({ visible: 0, inFlight: 1, delayed: 0 });
      answer = () => {
        throw new Error('down');
      };
      for (let i = 2; i <= 3; i += 1) {
        await clock.advance(60_000);
        await vi.waitFor(() => expect(batches).toHaveLength(i));
        await settled();
      }
      await clock.advance(60_000);
      await vi.waitFor(() => expect(depths('dead').visible).toBe(1));
      expect(batches).toHaveLength(3);
    });

    it.each([
      ['an identifier it did not send', { batchItemFailures: [{ itemIdentifier: 'other' }] }],
      ['a list of something else', { batchItemFailures: ['x'] }],
      ['no list', { batchItemFailures: 'all' }],
    ])('takes %s for a failure of the whole batch', async (_, given) => {
      answer = () => given;
      boot({ queue: {} });
      send('one', 'two');
      await vi.waitFor(() => expect(batches.flat()).toHaveLength(2));
      await settled();
      expect(depths('work').inFlight).toBe(2);
    });

    it('drops what no filter wants', async () => {
      boot({ queue: { filters: ['{"body":{"kind":["wanted"]}}'] } });
      send('{"kind":"wanted"}', '{"kind":"other"}', 'no json');
      await vi.waitFor(() => expect(depths('work')).toEqual({ visible: 0, inFlight: 0, delayed: 0 }));
      expect(bodies().flat()).toEqual(['{"kind":"wanted"}']);
    });

    it('asks for the grants that Lambda asks for', async () => {
      denied = 'sqs:DeleteMessage';
      boot({ queue: {} });
      send('one');
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(batches).toEqual([]);
      expect(depths('work').visible).toBe(1);
    });

    it('delivers some messages twice in chaos, and all of them at least once', async () => {
      boot({ queue: { batchSize: 2 } }, 'seed-1');
      send(...Array.from({ length: 60 }, (_, index) => String(index)));
      await vi.waitFor(
        async () => {
          await clock.advance(1_000);
          expect(depths('work')).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
        },
        { timeout: 20_000 },
      );
      const delivered = bodies().flat();
      expect(new Set(delivered).size).toBe(60);
      expect(delivered.length).toBeGreaterThan(60);
    });
  });

  describe('a stream', () => {
    const seen = () =>
      batches.map((records) => records.map((record) => (record.dynamodb as { SequenceNumber: string }).SequenceNumber));

    it('hands records over in order and goes on after them when the host starts anew', async () => {
      boot({ stream: { batchSize: 2 } });
      stream.write('a', 'b', 'c');
      await vi.waitFor(() => expect(seen().flat()).toEqual(['1', '2', '3']));
      await settled();
      shutDown();
      batches = [];
      boot({ stream: { batchSize: 2 } });
      stream.write('d');
      await vi.waitFor(() => expect(seen()).toEqual([['4']]));
      await settled();
      expect(batches[0]?.[0]?.eventSourceARN).toBe('arn:stream');
    });

    it('repeats a batch that failed and lets nothing overtake it', async () => {
      let failures = 3;
      answer = () => {
        failures -= 1;
        if (failures >= 0) throw new Error('down');
      };
      boot({ stream: { batchSize: 2 } });
      stream.write('a', 'b', 'c');
      await settled();
      expect(seen()).toEqual([['1', '2'], ['1', '2'], ['1', '2'], ['1', '2'], ['3']]);
    });

    it('goes on at the first record that failed', async () => {
      let once = true;
      answer = () => {
        if (!once) return undefined;
        once = false;
        return { batchItemFailures: [{ itemIdentifier: '3' }, { itemIdentifier: '2' }] };
      };
      stream.write('a', 'b', 'c');
      boot({ stream: {} });
      await settled();
      expect(seen()).toEqual([
        ['1', '2', '3'],
        ['2', '3'],
      ]);
    });

    it('bisects down to the record that never succeeds, gives it up with its place, and goes on', async () => {
      answer = (records) => {
        if (records.some((record) => JSON.stringify(record).includes('"poison"'))) throw new Error('poisoned');
      };
      stream.write('a', 'b', 'poison', 'd');
      boot({ stream: { bisect: true, maximumRetries: 1 } });
      await settled();
      const succeeded = seen().filter((batch) => !batch.includes('3'));
      expect(succeeded.flat().sort()).toEqual(['1', '2', '4']);
      const [message] = sqs.receive(CALLER, FAILED);
      expect(JSON.parse(message?.Body ?? '{}')).toMatchObject({
        requestContext: { condition: 'RetryAttemptsExhausted', functionArn: 'worker' },
        DDBStreamBatchInfo: { startSequenceNumber: '3', endSequenceNumber: '3', batchSize: 1, streamArn: 'arn:stream' },
      });
      expect(complaints).toEqual(['worker: 1 stream records given up: RetryAttemptsExhausted']);
    });

    it('gives records up that are older than they may be', async () => {
      stream.write('old');
      await clock.advance(120_000);
      stream.write('new');
      boot({ stream: { maximumAgeSeconds: 60 } });
      await settled();
      expect(seen()).toEqual([['2']]);
      expect(complaints).toEqual(['worker: 1 stream records given up: RecordAgeExceeded']);
    });

    it('passes over what no filter wants', async () => {
      stream.write('a', 'wanted', 'b');
      boot({ stream: { filters: ['{"dynamodb":{"Keys":{"pk":{"S":["wanted"]}}}}'] } });
      await settled();
      expect(seen()).toEqual([['2']]);
      expect(sources.streams()).toEqual([expect.objectContaining({ position: '3', iteratorAgeMs: 0, batches: 1 })]);
    });

    it('begins a LATEST mapping at what is written after its first start', async () => {
      stream.write('before');
      boot({ stream: { startingPosition: 'LATEST' } });
      await settled();
      stream.write('after');
      await vi.waitFor(() => expect(seen()).toEqual([['2']]));
    });

    it('does not begin a LATEST mapping anew at its second start', async () => {
      boot({ stream: { startingPosition: 'LATEST' } });
      await settled();
      shutDown();
      stream.write('while down');
      boot({ stream: { startingPosition: 'LATEST' } });
      await vi.waitFor(() => expect(seen()).toEqual([['1']]));
    });

    it('lets records go once they are dealt with', async () => {
      boot({ stream: {} });
      stream.write('a', 'b');
      await settled();
      await vi.waitFor(() => expect(stream.trimmed).toBe('2'));
    });

    it('reads with the rights of the function', async () => {
      denied = 'dynamodb:GetRecords';
      stream.write('a');
      boot({ stream: {} });
      await new Promise((resolve) => setTimeout(resolve, 40));
      expect(batches).toEqual([]);
      expect(sources.busy()).toBe(true);
    });
  });
});

/** A table's stream in memory; the partition key of each record is what was written. */
function fakeStream(now: () => number) {
  const records: StreamRecord[] = [];
  const listeners = new Set<(table: string) => void>();
  return {
    trimmed: '',
    write(...keys: string[]) {
      for (const key of keys) {
        records.push({
          eventID: String(records.length),
          eventName: 'INSERT',
          eventVersion: '1.1',
          eventSource: 'aws:dynamodb',
          eventSourceARN: 'arn:engine',
          awsRegion: 'us-east-1',
          dynamodb: {
            ApproximateCreationDateTime: Math.floor(now() / 1000),
            Keys: { pk: { S: key } },
            SequenceNumber: String(records.length + 1),
            SizeBytes: 1,
            StreamViewType: 'NEW_AND_OLD_IMAGES',
          },
        });
      }
      for (const listener of listeners) listener('table');
    },
    async read(_: string, after: string | undefined, limit: number) {
      await new Promise((resolve) => setImmediate(resolve));
      const start = Number(after ?? 0);
      const page = records.slice(start, start + limit);
      const positions = page.map(({ dynamodb }) => dynamodb.SequenceNumber);
      return { records: page, positions, next: positions.at(-1) ?? after, atEnd: start + limit >= records.length };
    },
    async trim(_: string, through: string) {
      this.trimmed = through;
    },
    onWrite(listener: (table: string) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    arn: () => 'arn:engine',
  };
}
