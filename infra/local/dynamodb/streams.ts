/** Table streams in the shape a Lambda function receives them. */
import { createHash } from 'node:crypto';
import { type Clock, REGION } from '../kernel.ts';
import { tableArn } from './call-resources.ts';
import type { EngineClient } from './engine-client.ts';
import { TRIM_TABLE } from './engine-file.ts';
import { createShardReader, type EngineRecord, type ShardReader } from './stream-shards.ts';
import type { Table } from './tables.ts';
import type { StreamRecord, Streams, WireItem } from './types.ts';

/** Records read are deleted in batches of at least this many: one small transaction each. */
const TRIM_STEP = 1_000;

export interface StreamsOptions {
  readonly client: EngineClient;
  readonly tables: ReadonlyMap<string, Table>;
  readonly clock: Clock;
  readonly embedded: boolean;
  /** Whether the TTL sweep deleted this item. */
  readonly isTtlDelete: (table: Table, keys: WireItem, oldImage: WireItem | undefined) => boolean;
}

export function createStreams(options: StreamsOptions): Streams & { written(tableName: string): void } {
  const { client, tables, clock, embedded } = options;
  const listeners = new Set<(tableName: string) => void>();
  const readers = new Map<string, ShardReader>();
  const trimmed = new Map<string, number>();

  function streamOf(name: string): Table & { stream: NonNullable<Table['stream']> } {
    const table = tables.get(name);
    if (!table?.stream) throw new Error(`Table ${name} has no stream.`);
    return { ...table, stream: table.stream };
  }

  function arn(name: string): string {
    return `${tableArn(name)}/stream/${streamOf(name).stream.label}`;
  }

  function toLambda(table: ReturnType<typeof streamOf>, streamArn: string, record: EngineRecord): StreamRecord {
    const { Keys, NewImage, OldImage, SequenceNumber, ...rest } = record.dynamodb;
    // The engine dates records by the real clock; a manual one runs apart from it.
    const skew = Math.round((clock.now() - Date.now()) / 1_000);
    const byTtl = record.eventName === 'REMOVE' && options.isTtlDelete(table, Keys, OldImage);
    return {
      // Unique over all streams and the same at every delivery, as AWS's is.
      eventID: createHash('md5').update(`${streamArn} ${SequenceNumber}`).digest('hex'),
      eventName: record.eventName,
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      eventSourceARN: streamArn,
      awsRegion: REGION,
      ...(byTtl && { userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' } }),
      dynamodb: {
        ApproximateCreationDateTime: (rest.ApproximateCreationDateTime ?? Math.floor(Date.now() / 1_000)) + skew,
        Keys,
        ...(NewImage && { NewImage }),
        ...(OldImage && { OldImage }),
        SequenceNumber,
        SizeBytes: rest.SizeBytes ?? 0,
        StreamViewType: table.stream.viewType,
      },
    };
  }

  return {
    arn,
    async read(name, after, limit) {
      const table = streamOf(name);
      const streamArn = arn(name);
      let reader = readers.get(name);
      if (!reader) {
        reader = createShardReader(client, table.stream.engineArn, embedded);
        readers.set(name, reader);
      }
      const { entries, next, atEnd } = await reader.read(after, limit, (record) => !changesNothing(record));
      return {
        records: entries.map(({ record }) => toLambda(table, streamArn, record)),
        positions: entries.map(({ position }) => position),
        next,
        atEnd,
      };
    },
    async trim(name, through) {
      streamOf(name);
      const position = Number(through);
      if (!embedded || !Number.isSafeInteger(position)) return;
      if (position - (trimmed.get(name) ?? 0) < TRIM_STEP) return;
      trimmed.set(name, position);
      await client.call('PutItem', { TableName: TRIM_TABLE, Item: { pk: { S: name }, through: { N: through } } });
    },
    onWrite(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    written(name) {
      if (tables.get(name)?.stream) for (const listener of listeners) listener(name);
    },
  };
}

/** AWS emits no record for a write that leaves the item as it was; the engine does. Views without both images keep all. */
function changesNothing({ eventName, dynamodb }: EngineRecord): boolean {
  const { OldImage, NewImage } = dynamodb;
  return eventName === 'MODIFY' && OldImage !== undefined && NewImage !== undefined && same(OldImage, NewImage);
}

/** Members in any order; sets hold no duplicates, so they are equal once sorted. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((one, at) => same(one, b[at]));
  }
  const left = Object.entries(a);
  const right = b as Readonly<Record<string, unknown>>;
  return (
    left.length === Object.keys(right).length &&
    left.every(([name, value]) => Object.hasOwn(right, name) && same(sorted(name, value), sorted(name, right[name])))
  );
}

function sorted(type: string, value: unknown): unknown {
  const isSet = (type === 'SS' || type === 'NS' || type === 'BS') && Array.isArray(value);
  return isSet ? [...value].sort() : value;
}
