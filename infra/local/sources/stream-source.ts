import type { Chaos } from '../chaos.ts';
import type { DynamoDb, StreamPage, StreamRecord } from '../dynamodb/index.ts';
import type { Lambda, Result } from '../functions/index.ts';
import type { Log } from '../journal.ts';
import { type Authorize, AwsFault, type Caller, type Clock } from '../kernel.ts';
import type { StreamMapping } from '../model/index.ts';
import { compilePattern, type Matcher } from '../patterns/index.ts';
import type { Sqs } from '../sqs/index.ts';
import { readBatchAnswer } from './failures.ts';

/** Writes of one moment become one batch; AWS polls four times a second. */
const GATHER_MS = 8;
const REFUSED_RETRY_MS = 5_000;
const RETRY_FROM_MS = 100;
const RETRY_TO_MS = 10_000;
/** Stream records live for a day. */
const RETENTION_SECONDS = 86_400;
const READ_AT_MOST = 1_000;
const PASSED_OVER_PAGES = 50;
/** The checkpoint of a mapping that began before the stream's first record. */
const FROM_START = '';

export interface Checkpoint {
  readonly id: string;
  readonly position: string;
}

export interface StreamSourceOptions {
  readonly mapping: StreamMapping;
  /** The function's own role: Lambda reads the stream with it. */
  readonly caller: Caller;
  readonly dynamodb: DynamoDb;
  readonly lambda: Lambda;
  readonly sqs: Sqs;
  readonly authorize: Authorize;
  readonly clock: Clock;
  readonly chaos: Chaos | undefined;
  readonly log: Log<Checkpoint>;
  /** Where an earlier start of the host had got to. */
  readonly position: string | undefined;
  /** Hears of each checkpoint, so that records every mapping has passed can be let go. */
  onCheckpoint(position: string): void;
  onGivenUp(records: number, condition: string): void;
}

export interface StreamStatus {
  readonly table: string;
  readonly position: string | null;
  /** Milliseconds since the oldest record that is not dealt with was written. */
  readonly iteratorAgeMs: number;
  readonly batches: number;
  readonly retries: number;
  readonly givenUp: number;
}

export interface StreamSource {
  start(): void;
  /** Resolves once the batch at hand has ended. */
  stop(): Promise<void>;
  /** Whether records are unread, unasked for or being worked on. */
  busy(): boolean;
  status(): StreamStatus;
}

interface Batch {
  readonly records: readonly StreamRecord[];
  readonly positions: readonly string[];
}

/** An event source mapping from a table's stream: in order, one batch at a time, the position kept after each success. */
export function createStreamSource(options: StreamSourceOptions): StreamSource {
  const { mapping, caller, dynamodb, lambda, sqs, authorize, clock, chaos } = options;
  const filters = mapping.filters.map((pattern): Matcher => compilePattern(pattern));
  const limit = Math.min(mapping.batchSize, READ_AT_MOST);
  const counts = { batches: 0, retries: 0, givenUp: 0 };
  let position = options.position === FROM_START ? undefined : options.position;
  let passedOver = 0;
  let kept = position;
  let stopped = false;
  let running = false;
  /** Written to since the last empty read. The first read decides after a start. */
  let dirty = true;
  let oldest: number | undefined;
  let ended: Promise<void> = Promise.resolve();
  let cancelWrites: (() => void) | undefined;
  let endSleep: (() => void) | undefined;

  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        endSleep = undefined;
        resolve();
      }
      endSleep = done;
    });

  const loop = async (): Promise<void> => {
    running = true;
    while (dirty && !stopped) {
      await sleep(GATHER_MS);
      try {
        await readAll();
      } catch (error) {
        if (stopped) break;
        dirty = true;
        if (!(error instanceof AwsFault)) process.stderr.write(`stream ${mapping.tableName}: ${String(error)}\n`);
        await sleep(error instanceof AwsFault ? REFUSED_RETRY_MS : 1_000);
      }
    }
    running = false;
  };

  const readAll = async (): Promise<void> => {
    while (!stopped) {
      for (const action of ['DescribeStream', 'GetShardIterator', 'GetRecords']) {
        authorize(caller, `dynamodb:${action}`, mapping.sourceArn);
      }
      // Before the read: a write that lands during it makes the stream dirty again.
      dirty = false;
      const page = await read();
      const wanted = select(page);
      if (!(await deal(wanted))) return;
      oldest = undefined;
      if (page.next !== undefined) checkpoint(page.next, wanted.records.length > 0);
      if (page.atEnd) return;
    }
  };

  const read = async (): Promise<StreamPage> => {
    const page = await dynamodb.streams.read(mapping.tableName, position, limit);
    if (mapping.windowSeconds === 0 || page.records.length === 0 || page.records.length >= limit) return page;
    await sleep(mapping.windowSeconds * 1000);
    return dynamodb.streams.read(mapping.tableName, position, limit);
  };

  const select = ({ records, positions }: Batch): Batch => {
    const kept = records
      .map((record, index) => ({
        record: { ...record, eventSourceARN: mapping.sourceArn },
        position: positions[index] ?? '',
      }))
      .filter(({ record }) => filters.length === 0 || filters.some((matches) => matches(record)));
    oldest = kept[0]?.record.dynamodb.ApproximateCreationDateTime;
    return { records: kept.map(({ record }) => record), positions: kept.map(({ position: at }) => at) };
  };

  /** Invokes until every record of the batch has succeeded or was given up; false when the host stops before that. */
  const deal = async (batch: Batch, attempts = 0): Promise<boolean> => {
    let rest = batch;
    let tries = attempts;
    while (rest.records.length > 0 && !stopped) {
      const fresh = rest.records.filter((record) => !isTooOld(record));
      if (fresh.length < rest.records.length) {
        const old = rest.records.slice(0, rest.records.length - fresh.length);
        giveUp(old, 'RecordAgeExceeded', tries, undefined);
        rest = { records: fresh, positions: rest.positions.slice(old.length) };
        continue;
      }
      let result: Result;
      try {
        result = await lambda.invoke(mapping.functionArn, JSON.stringify({ Records: rest.records }));
      } catch {
        // A refusal of the service itself is no attempt.
        await sleep(1_000);
        continue;
      }
      counts.batches += 1;
      const failedAt = firstFailure(rest, result);
      if (failedAt === undefined) {
        if (!stopped && chaos?.strikes(`duplicateBatch ${mapping.id}`, 0.05)) continue;
        return true;
      }
      if (stopped) return false;
      if (failedAt > 0) {
        checkpoint(rest.positions[failedAt - 1] ?? '', true);
        rest = { records: rest.records.slice(failedAt), positions: rest.positions.slice(failedAt) };
        oldest = rest.records[0]?.dynamodb.ApproximateCreationDateTime;
        tries = 0;
      }
      if (mapping.bisect && failedAt === 0 && rest.records.length > 1) {
        const half = Math.ceil(rest.records.length / 2);
        await pause(tries);
        // A bisection is no attempt; each half starts with what the whole had used up.
        if (!(await deal({ records: rest.records.slice(0, half), positions: rest.positions.slice(0, half) }, tries)))
          return false;
        checkpoint(rest.positions[half - 1] ?? '', true);
        rest = { records: rest.records.slice(half), positions: rest.positions.slice(half) };
        continue;
      }
      tries += 1;
      if (mapping.maximumRetries >= 0 && tries > mapping.maximumRetries) {
        giveUp(rest.records, 'RetryAttemptsExhausted', tries, result);
        return true;
      }
      await pause(tries);
    }
    return rest.records.length === 0;
  };

  const pause = async (tries: number): Promise<void> => {
    counts.retries += 1;
    await sleep(Math.min(RETRY_TO_MS, RETRY_FROM_MS * 2 ** tries));
  };

  /** The index of the first record that failed; undefined when all succeeded. */
  const firstFailure = ({ records }: Batch, result: Result): number | undefined => {
    if (!result.ok) return 0;
    if (!mapping.partialFailures) return undefined;
    const order = new Map(records.map((record, index) => [record.dynamodb.SequenceNumber, index]));
    const failed = readBatchAnswer(result.payload, new Set(order.keys()));
    if (failed === 'all-failed') return 0;
    if (failed.size === 0) return undefined;
    return Math.min(...[...failed].map((sequence) => order.get(sequence) ?? 0));
  };

  const isTooOld = ({ dynamodb: { ApproximateCreationDateTime } }: StreamRecord): boolean => {
    const most = mapping.maximumAgeSeconds < 0 ? RETENTION_SECONDS : mapping.maximumAgeSeconds;
    return clock.now() / 1000 - ApproximateCreationDateTime > most;
  };

  const giveUp = (
    records: readonly StreamRecord[],
    condition: string,
    tries: number,
    result: Result | undefined,
  ): void => {
    counts.givenUp += records.length;
    options.onGivenUp(records.length, condition);
    if (!mapping.onFailureArn) return;
    const [first] = records;
    const last = records.at(-1);
    const time = (record: StreamRecord | undefined): string =>
      new Date((record?.dynamodb.ApproximateCreationDateTime ?? 0) * 1000).toISOString();
    const body = JSON.stringify({
      requestContext: {
        requestId: result?.requestId ?? '',
        functionArn: mapping.functionArn,
        condition,
        approximateInvokeCount: tries,
      },
      responseContext: {
        statusCode: 200,
        executedVersion: '$LATEST',
        functionError: result?.ok === false ? 'Unhandled' : null,
      },
      version: '1.0',
      timestamp: new Date(clock.now()).toISOString(),
      DDBStreamBatchInfo: {
        shardId: 'shardId-00000000000000000000-00000000',
        startSequenceNumber: first?.dynamodb.SequenceNumber,
        endSequenceNumber: last?.dynamodb.SequenceNumber,
        approximateArrivalOfFirstRecord: time(first),
        approximateArrivalOfLastRecord: time(last),
        batchSize: records.length,
        streamArn: mapping.sourceArn,
      },
    });
    try {
      sqs.send(caller, mapping.onFailureArn, { body });
    } catch (error) {
      // Denied: the authorizer has said so, and Lambda moves on as well.
      if (!(error instanceof AwsFault)) throw error;
    }
  };

  const checkpoint = (at: string, durable: boolean): void => {
    if (at === '') return;
    position = at;
    if (kept === at) return;
    // Records that no filter wants may be read again after a crash, so a line for each page of them would be waste.
    if (!durable && ++passedOver % PASSED_OVER_PAGES !== 0) return;
    keep(at);
  };

  const keep = (at: string): void => {
    kept = at;
    options.log.append({ id: mapping.id, position: at });
    options.onCheckpoint(at);
  };

  /** `LATEST` of a mapping that never ran: everything already there is passed over. */
  const skipToEnd = async (): Promise<void> => {
    for (;;) {
      const page = await dynamodb.streams.read(mapping.tableName, position, READ_AT_MOST);
      if (page.next !== undefined) checkpoint(page.next, true);
      if (!page.atEnd) continue;
      if (position === undefined) options.log.append({ id: mapping.id, position: FROM_START });
      return;
    }
  };

  const wake = (): void => {
    dirty = true;
    if (!running && !stopped) ended = loop();
  };

  return {
    start() {
      cancelWrites = dynamodb.streams.onWrite((table) => {
        if (table === mapping.tableName) wake();
      });
      if (mapping.startingPosition === 'LATEST' && options.position === undefined) {
        running = true;
        void skipToEnd()
          .catch((error: unknown) => process.stderr.write(`stream ${mapping.tableName}: ${String(error)}\n`))
          .finally(() => {
            running = false;
            wake();
          });
      } else wake();
    },
    stop() {
      if (!stopped && position !== undefined && position !== kept) keep(position);
      stopped = true;
      cancelWrites?.();
      endSleep?.();
      return ended;
    },
    busy: () => dirty || running,
    status: () => ({
      table: mapping.tableName,
      position: position ?? null,
      iteratorAgeMs: oldest === undefined ? 0 : Math.max(0, clock.now() - oldest * 1000),
      ...counts,
    }),
  };
}
