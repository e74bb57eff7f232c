import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { BatchGetCommand, DeleteCommand, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { canonical, type EntityName, type Fact, machines, type State } from '../model/index.ts';
import { dayOf, daysPartition, type Key, keyOf, PLACEMENT, placement } from './keys.ts';

export interface Change<E extends EntityName> {
  before: State<E> | undefined;
  after: State<E> | undefined;
  /** False: nothing was written, as there was nothing new. */
  changed: boolean;
}

export interface StoreDeps {
  client: DynamoDBDocumentClient;
  tableName: string;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** BatchGetItem takes a hundred keys. */
const BATCH = 100;
/** How often a write that lost its race is tried again before the caller's own retry takes over. */
const RACES = 12;

type Item = Record<string, unknown>;

export const isConditionFailure = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ConditionalCheckFailedException';

/**
 * The table. All reads that decide something are consistent reads of base keys; every change of an entity goes through
 * `change`: read, decide, write under the condition that nobody wrote in between.
 */
export class Store {
  private readonly deps: StoreDeps;
  /** Days known to be in the directory of days, so that the directory costs one write per day and process. */
  private readonly knownDays = new Set<string>();

  constructor(deps: StoreDeps) {
    this.deps = deps;
  }

  get client(): DynamoDBDocumentClient {
    return this.deps.client;
  }
  get tableName(): string {
    return this.deps.tableName;
  }
  now(): string {
    return new Date(this.deps.now()).toISOString();
  }

  async get<E extends EntityName>(entity: E, id: string): Promise<State<E> | undefined> {
    const item = await this.getItem(keyOf(entity, id));
    return item === undefined ? undefined : stateOf(entity, item);
  }

  /**
   * What several entities are to be merged with, by `<entity> <id>`; null: there is none. What the table put off is left out.
   * An eventually consistent read, at half the price: a state that has grown since makes the conditional put fail, and what
   * changes nothing in an older state changes nothing in a newer one.
   */
  async getMany(wanted: readonly { entity: EntityName; id: string }[]): Promise<Map<string, State | null>> {
    const { client, tableName } = this.deps;
    const found = new Map<string, State | null>();
    const keys = new Map(wanted.map(({ entity, id }) => [`${entity} ${id}`, keyOf(entity, id)]));
    const names = [...keys.keys()];
    for (let start = 0; start < names.length; start += BATCH) {
      const batch = names.slice(start, start + BATCH);
      const Keys = batch.map((name) => keys.get(name) as Key);
      const answer = await client.send(new BatchGetCommand({ RequestItems: { [tableName]: { Keys } } }));
      const late = new Set(answer.UnprocessedKeys?.[tableName]?.Keys?.map(({ pk, sk }) => `${pk} ${sk}`));
      for (const [index, name] of batch.entries()) {
        if (!late.has(`${Keys[index]?.pk} ${Keys[index]?.sk}`)) found.set(name, null);
      }
      for (const item of answer.Responses?.[tableName] ?? []) {
        const entity = item.entity as EntityName;
        found.set(`${entity} ${item.id}`, stateOf(entity, item));
      }
    }
    return found;
  }

  /** Everything under one partition key, consistently, in the order of the sort keys. */
  async partition(pk: string, skPrefix?: string): Promise<Item[]> {
    const items: Item[] = [];
    let start: Item | undefined;
    do {
      const page = await this.deps.client.send(
        new QueryCommand({
          TableName: this.deps.tableName,
          ConsistentRead: true,
          KeyConditionExpression: skPrefix === undefined ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :sk)',
          ExpressionAttributeValues: { ':pk': pk, ...(skPrefix !== undefined && { ':sk': skPrefix }) },
          ExclusiveStartKey: start,
        }),
      );
      items.push(...(page.Items ?? []));
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
    return items;
  }

  async getItem(key: Key): Promise<Item | undefined> {
    const answer = await this.deps.client.send(
      new GetCommand({ TableName: this.deps.tableName, Key: key, ConsistentRead: true }),
    );
    return answer.Item;
  }

  async putItem(item: Key & Item): Promise<void> {
    await this.deps.client.send(new PutCommand({ TableName: this.deps.tableName, Item: item }));
  }

  /** Puts an item unless its key is taken. False: it is. */
  putNew(item: Key & Item): Promise<boolean> {
    return this.putIf(item, { ConditionExpression: 'attribute_not_exists(pk)' });
  }

  /** Puts an item whose version was that when it was read; undefined: there was none. False: somebody has written since. */
  putOver(item: Key & Item, version: number | undefined): Promise<boolean> {
    return version === undefined
      ? this.putNew(item)
      : this.putIf(item, {
          ConditionExpression: 'version = :version',
          ExpressionAttributeValues: { ':version': version },
        });
  }

  /** Puts an item under a condition. False: the condition does not hold. */
  async putIf(
    item: Key & Item,
    condition: { ConditionExpression: string; ExpressionAttributeValues?: Item },
  ): Promise<boolean> {
    try {
      await this.deps.client.send(new PutCommand({ TableName: this.deps.tableName, Item: item, ...condition }));
      return true;
    } catch (error) {
      if (isConditionFailure(error)) return false;
      throw error;
    }
  }

  async deleteItem(key: Key): Promise<void> {
    await this.deps.client.send(new DeleteCommand({ TableName: this.deps.tableName, Key: key }));
  }

  /** Joins a fact into its entity. */
  merge<E extends EntityName>(entity: E, fact: Fact<E>, known?: State<E> | null): Promise<Change<E>> {
    return this.change(entity, fact.id, (state) => mergeInto(entity, state, fact), known);
  }

  /**
   * The one way to write an entity. `decide` sees a fresh state (or first `known`, when the caller has just read it; null:
   * that there is none) and returns the state it should have, or undefined to leave it alone; it runs again whenever someone else
   * was faster.
   */
  async change<E extends EntityName>(
    entity: E,
    id: string,
    decide: (state: State<E> | undefined) => State<E> | undefined,
    known?: State<E> | null,
  ): Promise<Change<E>> {
    let before = known ?? undefined;
    for (let race = 0; race < RACES; race++) {
      if (race > 0 || known === undefined) before = await this.get(entity, id);
      const wanted = decide(before);
      if (wanted === undefined || (before !== undefined && sameContent(before, wanted))) {
        return { before, after: before, changed: false };
      }
      const after = await this.write(entity, before, wanted);
      if (after !== undefined) return { before, after, changed: true };
    }
    throw new Error(`${entity} ${id} is contended: ${RACES} writes in a row lost their race`);
  }

  private async write<E extends EntityName>(
    entity: E,
    before: State<E> | undefined,
    wanted: State<E>,
  ): Promise<State<E> | undefined> {
    const now = this.now();
    const createdAt = before?.createdAt ?? now;
    const after = { ...wanted, createdAt, updatedAt: now, version: (before?.version ?? 0) + 1 } as State<E>;
    if (before === undefined) await this.enterDay(entity, dayOf(createdAt));
    const written = await this.putOver(itemOf(after), before?.version);
    return written ? after : undefined;
  }

  /** Lists find an entity's days in a directory, which has to know a day before the day has its first item. */
  private async enterDay(entity: EntityName, day: string): Promise<void> {
    const key = { pk: daysPartition(entity), sk: day };
    if (this.knownDays.has(`${key.pk}${day}`)) return;
    await this.putNew(key);
    this.knownDays.add(`${key.pk}${day}`);
  }

  /** Creates a new entity without reading first: for callers to whom "it exists already" is an answer. False: it does. */
  async create<E extends EntityName>(entity: E, fact: Fact<E>): Promise<boolean> {
    return (await this.write(entity, undefined, mergeInto(entity, undefined, fact))) !== undefined;
  }
}

type Merge<E extends EntityName> = (state: State<E> | undefined, fact: Fact<E>) => State<E>;
/** The entity's own merge; the cast ties state and fact of one entity together, which the union type cannot. */
export function mergeInto<E extends EntityName>(entity: E, state: State<E> | undefined, fact: Fact<E>): State<E> {
  return (machines[entity].merge as unknown as Merge<E>)(state, fact);
}

/** The item that holds a state. */
export function itemOf(state: State): Key & Item {
  const { entity, id, ...rest } = state as unknown as Item;
  return { ...placement(state), entity, id, ...rest };
}

/** The state that an item holds, brought up to the present schema. */
export function stateOf<E extends EntityName>(entity: E, item: Item): State<E> {
  const state = { ...item };
  for (const name of PLACEMENT) delete state[name];
  return machines[entity].parse(state) as State<E>;
}

/** Everything counts but what only the store itself writes. */
function sameContent(a: object, b: object): boolean {
  const content = (state: object) => canonical({ ...state, version: 0, createdAt: '', updatedAt: '' });
  return content(a) === content(b);
}
