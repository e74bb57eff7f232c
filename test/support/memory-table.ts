import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { BatchGetCommand, DeleteCommand, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { INDEX, Store } from '../../shared/store/index.ts';
import { START, type TestTable } from './table.ts';

type Item = Record<string, unknown> & { pk: string; sk: string };
type Values = Readonly<Record<string, unknown>>;

/** The keys of each index, beside those named in `keys.ts`. */
const INDEXES: Readonly<Record<string, { partition: string; sort: string }>> = {
  [INDEX.list]: { partition: 'lp', sort: 'ls' },
  [INDEX.by]: { partition: 'bp', sort: 'ls' },
  [INDEX.wake]: { partition: 'wp', sort: 'wakeAt' },
};

/**
 * The table in memory, for tests of many thousand turns: single items under conditions, whole partitions in order, indexes
 * that never lag behind, no pages. What it does not know it refuses. `turn` is waited for before each call takes effect,
 * which is where other processes come in between.
 */
export class MemoryTable {
  readonly items = new Map<string, Map<string, Item>>();
  /** Called with what was there and what is there, like the table's stream. */
  written: (before: Item | undefined, after: Item) => void = () => undefined;
  private readonly turn: () => Promise<void>;

  constructor(turn: () => Promise<void> = async () => undefined) {
    this.turn = turn;
  }

  get client(): DynamoDBDocumentClient {
    return { send: (command: object) => this.send(command) } as unknown as DynamoDBDocumentClient;
  }

  all(): Item[] {
    return [...this.items.values()].flatMap((partition) => [...partition.values()]);
  }

  private async send(command: object): Promise<object> {
    await this.turn();
    if (command instanceof GetCommand) return { Item: this.get(command.input.Key as Item) };
    if (command instanceof PutCommand) return this.put(command.input.Item as Item, command.input);
    if (command instanceof QueryCommand) return this.query(command.input);
    if (command instanceof BatchGetCommand) {
      const [[table, wanted] = ['', { Keys: [] }]] = Object.entries(command.input.RequestItems ?? {});
      return { Responses: { [table]: (wanted.Keys ?? []).flatMap((key) => this.get(key as Item) ?? []) } };
    }
    if (command instanceof DeleteCommand) {
      const { pk, sk } = command.input.Key as Item;
      this.items.get(pk)?.delete(sk);
      return {};
    }
    throw new Error(`the table in memory knows no ${command.constructor.name}`);
  }

  private get({ pk, sk }: Item): Item | undefined {
    return this.items.get(pk)?.get(sk);
  }

  private put(
    item: Item,
    input: { ConditionExpression?: string | undefined; ExpressionAttributeValues?: Values | undefined },
  ) {
    const known = this.get(item);
    if (!conditionOf(input.ConditionExpression, input.ExpressionAttributeValues)(known)) {
      throw Object.assign(new Error('The conditional request failed'), { name: 'ConditionalCheckFailedException' });
    }
    const partition = this.items.get(item.pk) ?? new Map<string, Item>();
    this.items.set(item.pk, partition);
    // What is stored is nobody's object any more; attributes that are undefined are none.
    const stored = Object.freeze(copyOf(item) as Item);
    partition.set(item.sk, stored);
    this.written(known, stored);
    return {};
  }

  private query(input: QueryCommand['input']): { Items: Item[] } {
    const index = input.IndexName === undefined ? undefined : INDEXES[input.IndexName];
    if (input.IndexName !== undefined && index === undefined) throw new Error(`there is no index ${input.IndexName}`);
    const { partition, sort } = index ?? { partition: 'pk', sort: 'sk' };
    const within = conditionOf(input.KeyConditionExpression, input.ExpressionAttributeValues);
    const wanted = String(input.ExpressionAttributeValues?.[`:${partition}`]);
    const candidates = index === undefined ? [...(this.items.get(wanted)?.values() ?? [])] : this.all();
    const found = candidates.filter(within).sort((a, b) => (String(a[sort]) < String(b[sort]) ? -1 : 1));
    if (input.ScanIndexForward === false) found.reverse();
    const page = found.slice(0, input.Limit ?? found.length);
    const keys = ({ pk, sk, ...rest }: Item): Item => ({ pk, sk, [partition]: rest[partition], [sort]: rest[sort] });
    return { Items: index === undefined ? page : page.map(keys) };
  }
}

/** An empty table in memory, with its own clock. */
export function inMemory(): TestTable {
  const [{ client }, time, tableName] = [new MemoryTable(), { now: Date.parse(START) }, 'memory'];
  return { client, tableName, time, store: new Store({ client, tableName, now: () => time.now }) };
}

type Test = (known: unknown, value: never) => boolean;
const TESTS: Readonly<Record<string, Test>> = {
  attribute_exists: (known) => known !== undefined,
  attribute_not_exists: (known) => known === undefined,
  begins_with: (known, value) => typeof known === 'string' && known.startsWith(value),
  '=': (known, value) => known === value,
  '>': (known, value) => known !== undefined && (known as never) > value,
  '>=': (known, value) => known !== undefined && (known as never) >= value,
  '<': (known, value) => known !== undefined && (known as never) < value,
  '<=': (known, value) => known !== undefined && (known as never) <= value,
};

/** Conditions joined by AND, as far as anybody here writes any. */
function conditionOf(text = '', values: Values = {}): (item: Values | undefined) => boolean {
  const plain = text.replace(/(\w+) BETWEEN (:\w+) AND (:\w+)/, '$1 >= $2 AND $1 <= $3');
  const tests = plain.split(' AND ').flatMap((condition) => {
    if (condition === '') return [];
    const called = /^(\w+)\((\w+)(?:, (:\w+))?\)$/.exec(condition);
    const compared = /^(\w+) (=|>=|<=|<|>) (:\w+)$/.exec(condition);
    const [name, field = '', value = ''] = called ? called.slice(1) : [compared?.[2], compared?.[1], compared?.[3]];
    const test = TESTS[name ?? ''];
    if (test === undefined) throw new Error(`the table in memory knows no condition ${condition}`);
    return [(item: Values | undefined) => test(item?.[field], values[value] as never)];
  });
  return (item) => tests.every((test) => test(item));
}

/** A copy without what is undefined; bytes stay bytes. */
function copyOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(copyOf);
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(kept.map(([name, inner]) => [name, copyOf(inner)]));
}
