import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { BatchGetCommand, DeleteCommand, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';

type Item = Record<string, unknown> & { pk: string; sk: string };
type Values = Readonly<Record<string, unknown>>;

/**
 * The table in memory, for tests of many thousand turns: single items under conditions, whole partitions in order, no
 * indexes. What it does not know it refuses. `turn` is waited for before each call takes effect, which is where other
 * processes come in between.
 */
export class MemoryTable {
  readonly items = new Map<string, Map<string, Item>>();
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
    if (!holds(known, input.ConditionExpression, input.ExpressionAttributeValues)) {
      throw Object.assign(new Error('The conditional request failed'), { name: 'ConditionalCheckFailedException' });
    }
    const partition = this.items.get(item.pk) ?? new Map<string, Item>();
    this.items.set(item.pk, partition);
    // What is stored is nobody's object any more; attributes that are undefined are none.
    partition.set(item.sk, Object.freeze(copyOf(item) as Item));
    return {};
  }

  private query(input: QueryCommand['input']): { Items: Item[] } {
    if (input.IndexName !== undefined) throw new Error('the table in memory has no indexes');
    const values = (input.ExpressionAttributeValues ?? {}) as Record<string, string>;
    const within = rangeOf(input.KeyConditionExpression ?? '', values);
    const found = [...(this.items.get(values[':pk'] ?? '')?.values() ?? [])]
      .filter(({ sk }) => within(sk))
      .sort((a, b) => (a.sk < b.sk ? -1 : 1));
    if (input.ScanIndexForward === false) found.reverse();
    return { Items: found.slice(0, input.Limit ?? found.length) };
  }
}

function holds(known: Item | undefined, condition: string | undefined, values: Values = {}): boolean {
  switch (condition) {
    case undefined:
      return true;
    case 'attribute_not_exists(pk)':
      return known === undefined;
    case 'version = :version':
      return known?.version === values[':version'];
    default:
      throw new Error(`the table in memory knows no condition ${condition}`);
  }
}

function rangeOf(condition: string, { ':sk': sk = '' }: Record<string, string>): (key: string) => boolean {
  switch (condition.replace('pk = :pk', '').replace(' AND ', '')) {
    case '':
      return () => true;
    case 'begins_with(sk, :sk)':
      return (key) => key.startsWith(sk);
    case 'sk >= :sk':
      return (key) => key >= sk;
    case 'sk < :sk':
      return (key) => key < sk;
    default:
      throw new Error(`the table in memory knows no range ${condition}`);
  }
}

/** A copy without what is undefined; bytes stay bytes. */
function copyOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(copyOf);
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(kept.map(([name, inner]) => [name, copyOf(inner)]));
}
