import type { Authorize, Caller, Clock } from '../kernel.ts';

/** A table of the template, its intrinsics resolved. */
export interface TableResource {
  /** The physical name, as `Ref` resolves to it. */
  readonly name: string;
  readonly type: 'AWS::DynamoDB::Table' | 'AWS::DynamoDB::GlobalTable';
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Faults and partial answers that the cloud knows and one machine hides. */
export interface Chaos {
  /** Throws an `AwsFault` (ThrottlingException, ProvisionedThroughputExceededException …) to fail the call before it reaches the engine. */
  beforeCall?(service: 'dynamodb', operation: string, caller: Caller): void;
  /**
   * How many of the `members` of a batch are to be left unprocessed (0 for none). They never reach the engine, as on AWS,
   * where an unprocessed item was neither read nor written.
   */
  leaveUnprocessed?(operation: 'BatchWriteItem' | 'BatchGetItem', members: number, caller: Caller): number;
}

export interface DynamoDbOptions {
  /** The folder that holds the database file; created when absent. */
  readonly dataDir: string;
  readonly tables: readonly TableResource[];
  readonly clock: Clock;
  readonly authorize: Authorize;
  readonly chaos?: Chaos;
  /** Origin of another DynamoDB-compatible engine; the embedded one is then not started. */
  readonly endpoint?: string;
}

export interface WireRequest {
  /** The `x-amz-target` header: `DynamoDB_20120810.PutItem`. */
  readonly target: string;
  readonly body: Buffer;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A DynamoDB attribute in its wire form, e.g. `{"S":"x"}`. */
export type WireAttribute = Readonly<Record<string, unknown>>;
export type WireItem = Readonly<Record<string, WireAttribute>>;

/** One record in the shape of a Lambda event (`Records[]` of a DynamoDB stream event). */
export interface StreamRecord {
  readonly eventID: string;
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE';
  readonly eventVersion: '1.1';
  readonly eventSource: 'aws:dynamodb';
  readonly eventSourceARN: string;
  readonly awsRegion: string;
  /** Present when the TTL service deleted the item. */
  readonly userIdentity?: { readonly type: 'Service'; readonly principalId: 'dynamodb.amazonaws.com' };
  readonly dynamodb: {
    readonly ApproximateCreationDateTime: number;
    readonly Keys: WireItem;
    readonly NewImage?: WireItem;
    readonly OldImage?: WireItem;
    readonly SequenceNumber: string;
    readonly SizeBytes: number;
    readonly StreamViewType: string;
  };
}

export interface StreamPage {
  readonly records: readonly StreamRecord[];
  /** The position behind each record, in the same order: what to persist once that record is dealt with. */
  readonly positions: readonly string[];
  /**
   * The position behind everything looked at, records that changed nothing included; what to persist once all of
   * `records` are dealt with. Undefined while the stream has never held one.
   */
  readonly next: string | undefined;
  /** Nothing more was there. A page can be short of `limit` without it: large records fill it sooner. */
  readonly atEnd: boolean;
}

export interface Streams {
  /**
   * Records after position `after` (from the oldest when undefined), in order, at most `limit` and 5 MB. Positions are opaque; in
   * the embedded engine one is the record's SequenceNumber.
   */
  read(tableName: string, after: string | undefined, limit: number): Promise<StreamPage>;
  /** Calls `listener` with the table's name right after a write to it went through `handle`. Returns its removal. */
  onWrite(listener: (tableName: string) => void): () => void;
  /**
   * Lets go of records up to position `through`, which every reader must have dealt with and durably passed: the
   * embedded engine deletes none by itself. Cheap to call after each checkpoint; deletes in steps of 1,000.
   */
  trim(tableName: string, through: string): Promise<void>;
  /** The stream's ARN, as `GetAtt StreamArn` resolves to it. */
  arn(tableName: string): string;
}

/** Capacity units consumed since the start by one caller (a function's name or a service principal) with one operation. */
export interface UnitCount {
  readonly caller: string;
  readonly operation: string;
  readonly calls: number;
  readonly read: number;
  /** Table and index writes. */
  readonly write: number;
}

export interface DynamoDb {
  /** Answers one SDK call. Never throws: a fault becomes an AWS error answer. */
  handle(request: WireRequest, caller: Caller): Promise<WireAnswer>;
  units(): readonly UnitCount[];
  readonly streams: Streams;
  /** Deletes the items whose TTL attribute has passed on the host's clock; returns how many. */
  sweepTtl(): Promise<number>;
  close(): Promise<void>;
}
