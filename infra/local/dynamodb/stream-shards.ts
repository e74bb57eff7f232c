/** Reading one table's stream through the DynamoDB Streams API, shard by shard, parents before children. */
import { AnswerTooLong, type EngineClient, EngineError } from './engine-client.ts';
import type { WireItem } from './types.ts';

const API = 'DynamoDBStreams_20120810';
const ENDED = 'end';
/** GetRecords gives at most this many. */
const PAGE = 1_000;
/** Pages of one read, so that a long stretch of records nobody wants cannot hold the caller. */
const PAGES_A_READ = 50;
/** One invocation's payload is at most 6 MB, and the event wraps the records. Engines differ in how they limit a page. */
const BYTES_A_READ = 5_000_000;

/** A record as the engine gives it. */
export interface EngineRecord {
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE';
  readonly userIdentity?: unknown;
  readonly dynamodb: {
    readonly ApproximateCreationDateTime?: number;
    readonly Keys: WireItem;
    readonly NewImage?: WireItem;
    readonly OldImage?: WireItem;
    readonly SequenceNumber: string;
    readonly SizeBytes?: number;
  };
}

export interface ShardReader {
  /**
   * Records after `position`, each with the position behind it; `next` lies behind everything looked at. `atEnd`: nothing
   * more was there.
   */
  read(
    position: string | undefined,
    limit: number,
    wanted: (record: EngineRecord) => boolean,
  ): Promise<{
    entries: readonly { record: EngineRecord; position: string }[];
    next: string | undefined;
    atEnd: boolean;
  }>;
}

interface Shard {
  readonly ShardId: string;
  readonly ParentShardId?: string;
}

/** Where a reader stands: by shard the last sequence number seen, or `end`. */
type Positions = Map<string, string>;

/**
 * A position is opaque to callers: `<shard>=<sequence number>,…`. The embedded engine has one shard for good, and there it
 * is the sequence number alone.
 */
export function createShardReader(client: EngineClient, streamArn: string, oneShard: boolean): ShardReader {
  let shards: readonly Shard[] | undefined;
  /** Continuations of earlier reads, saving a call each: by shard the last one. */
  const continuations = new Map<string, { after: string | undefined; iterator: string }>();

  const encode = (positions: Positions): string | undefined => {
    if (positions.size === 0) return undefined;
    if (oneShard) return [...positions.values()][0];
    return [...positions].map(([shard, at]) => `${shard}=${at}`).join(',');
  };

  const decode = (position: string | undefined, list: readonly Shard[]): Positions => {
    if (position === undefined) return new Map();
    if (oneShard) return new Map(list[0] ? [[list[0].ShardId, position]] : []);
    const known = new Set(list.map((shard) => shard.ShardId));
    const pairs = position.split(',').map((pair) => pair.split('=') as [string, string]);
    return new Map(pairs.filter(([shard]) => known.has(shard)));
  };

  async function listShards(): Promise<readonly Shard[]> {
    const list: Shard[] = [];
    let last: string | undefined;
    do {
      const { StreamDescription: page } = await client.call<{
        StreamDescription: { Shards?: Shard[]; LastEvaluatedShardId?: string };
      }>(`${API}.DescribeStream`, { StreamArn: streamArn, ...(last && { ExclusiveStartShardId: last }) });
      list.push(...(page.Shards ?? []));
      last = page.LastEvaluatedShardId;
    } while (last);
    return list;
  }

  async function iteratorFor(shard: string, after: string | undefined): Promise<string> {
    const kept = continuations.get(shard);
    if (kept && kept.after === after) return kept.iterator;
    const from = (type: string, sequence?: string) =>
      client.call<{ ShardIterator: string }>(`${API}.GetShardIterator`, {
        StreamArn: streamArn,
        ShardId: shard,
        ShardIteratorType: type,
        ...(sequence && { SequenceNumber: sequence }),
      });
    if (after === undefined) return (await from('TRIM_HORIZON')).ShardIterator;
    try {
      return (await from('AFTER_SEQUENCE_NUMBER', after)).ShardIterator;
    } catch (error) {
      // The position fell off the stream's end: read on from the oldest record there is, as an event source mapping does.
      if (error instanceof EngineError && error.code === 'TrimmedDataAccessException') {
        return (await from('TRIM_HORIZON')).ShardIterator;
      }
      throw error;
    }
  }

  async function page(
    shard: string,
    after: string | undefined,
    limit: number,
  ): Promise<{ records: readonly EngineRecord[]; open: boolean; last: boolean }> {
    let asked = limit;
    const get = async (atMost: number): Promise<{ Records?: EngineRecord[]; NextShardIterator?: string }> => {
      asked = atMost;
      try {
        const ShardIterator = await iteratorFor(shard, after);
        return await client.call(`${API}.GetRecords`, { ShardIterator, Limit: atMost });
      } catch (error) {
        if (error instanceof AnswerTooLong && atMost > 1) return get(Math.ceil(atMost / 4));
        // Iterators last 15 minutes.
        if (error instanceof EngineError && continuations.delete(shard)) return get(atMost);
        throw error;
      }
    };
    const answer = await get(Math.min(limit, PAGE));
    const records = answer.Records ?? [];
    const last = records.at(-1)?.dynamodb.SequenceNumber ?? after;
    if (answer.NextShardIterator) continuations.set(shard, { after: last, iterator: answer.NextShardIterator });
    else continuations.delete(shard);
    const open = answer.NextShardIterator !== undefined && answer.NextShardIterator !== null;
    // Only the embedded engine is known to fill a page whenever it can.
    return { records, open, last: records.length === 0 || (oneShard && records.length < asked) };
  }

  return {
    async read(position, limit, wanted) {
      shards ??= await listShards();
      const positions = decode(position, shards);
      const entries: { record: EngineRecord; position: string }[] = [];
      const exhausted = new Set<string>();
      let bytes = 0;
      for (let pages = 0; pages < PAGES_A_READ && entries.length < limit && bytes < BYTES_A_READ; pages++) {
        const ids: ReadonlySet<string> = new Set(shards.map((one) => one.ShardId));
        const shard = shards.find(
          ({ ShardId, ParentShardId }) =>
            !exhausted.has(ShardId) &&
            positions.get(ShardId) !== ENDED &&
            (!ParentShardId || !ids.has(ParentShardId) || positions.get(ParentShardId) === ENDED),
        )?.ShardId;
        if (shard === undefined) return { entries, next: encode(positions) ?? position, atEnd: true };
        const { records, open, last } = await page(shard, positions.get(shard), limit - entries.length);
        for (const record of records) {
          const size = record.dynamodb.SizeBytes ?? 0;
          if (entries.length > 0 && bytes + size > BYTES_A_READ)
            return { entries, next: encode(positions), atEnd: false };
          positions.set(shard, record.dynamodb.SequenceNumber);
          if (!wanted(record)) continue;
          bytes += size;
          entries.push({ record, position: encode(positions) ?? '' });
        }
        if (open && last) exhausted.add(shard);
        if (!open) {
          positions.set(shard, ENDED);
          shards = await listShards();
        }
      }
      const atEnd = shards.length > 0 && shards.every(({ ShardId }) => exhausted.has(ShardId));
      return { entries, next: encode(positions) ?? position, atEnd };
    },
  };
}
