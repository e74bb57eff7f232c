/**
 * The same calls to the embedded engine and to AWS's DynamoDB Local, both through the host's face, must have the same
 * answers. What is compared is what QMOI rests on; where the two are known to differ, the comment says who is right.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DynamoDb, openDynamoDb, type StreamRecord } from '../../infra/local/dynamodb/index.ts';
import { call, n, QMOI_TABLE, realClock, s } from '../unit/infra/local/dynamodb/support.ts';
import { type DynamoDbLocal, startDynamoDbLocal, whyNoDynamoDbLocal } from './support/dynamodb-local.ts';

const missing = await whyNoDynamoDbLocal();
if (missing)
  console.warn(`\nNOT COMPARED with DynamoDB Local: ${missing}. Install Java 17 and Maven, then run this again.\n`);

type Step = readonly [operation: string, input: Record<string, unknown>];

const T = { TableName: 'qmoi' };
const key = (pk: string, sk = 'x') => ({ pk: s(pk), sk: s(sk) });
const putStep = (item: object, more: object = {}): Step => ['PutItem', { ...T, Item: item, ...more }];
const getStep = (pk: string, sk = 'x'): Step => ['GetItem', { ...T, Key: key(pk, sk), ConsistentRead: true }];
const update = (pk: string, expression: string, values: object, more: object = {}): Step => [
  'UpdateItem',
  {
    ...T,
    Key: key(pk),
    UpdateExpression: expression,
    ExpressionAttributeValues: values,
    ReturnValues: 'ALL_NEW',
    ...more,
  },
];
const query = (condition: string, values: object, more: object = {}): Step => [
  'Query',
  { ...T, KeyConditionExpression: condition, ExpressionAttributeValues: values, ...more },
];
const batch = (...requests: object[]): Step => ['BatchWriteItem', { RequestItems: { qmoi: requests } }];

const ALL_OLD = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
const everyType = {
  ...key('types'),
  text: s('é😀"\\\n'),
  number: { N: '123.4500' },
  big: { N: '1e30' },
  tiny: { N: '-0.000000000000000000000000000001' },
  bytes: { B: 'AAECAw==' },
  yes: { BOOL: true },
  nothing: { NULL: true },
  // Not an empty map: DynamoDB Local loses its type in the stream.
  list: { L: [s('a'), n(1), { M: { x: n(1) } }] },
  map: { M: { deep: { M: { deeper: { L: [] } } }, empty: s('') } },
  strings: { SS: ['b', 'a'] },
  numbers: { NS: ['2', '1.0'] },
};

const SCENARIOS: Readonly<Record<string, readonly Step[]>> = {
  'every type comes back as AWS keeps it': [putStep(everyType), getStep('types')],
  'a first put wins': [
    putStep(key('first'), { ConditionExpression: 'attribute_not_exists(pk)' }),
    putStep({ ...key('first'), late: s('x') }, { ConditionExpression: 'attribute_not_exists(pk)' }),
    putStep({ ...key('first'), late: s('x') }, { ConditionExpression: 'attribute_not_exists(pk)', ...ALL_OLD }),
    getStep('first'),
  ],
  'a version guards a write': [
    putStep({ ...key('version'), version: n(1) }),
    putStep(
      { ...key('version'), version: n(2) },
      { ConditionExpression: 'version = :v', ExpressionAttributeValues: { ':v': n(1) } },
    ),
    putStep(
      { ...key('version'), version: n(2) },
      { ConditionExpression: 'version = :v', ExpressionAttributeValues: { ':v': n(1) } },
    ),
    putStep(key('absent'), { ConditionExpression: 'version = :v', ExpressionAttributeValues: { ':v': n(1) } }),
    getStep('version'),
    getStep('absent'),
  ],
  'conditions of every kind': [
    putStep({ ...key('conditions'), status: s('running'), count: n(5), tags: { SS: ['a'] }, name: s('prefix-x') }),
    ...[
      '#s IN (:queued, :running)',
      '#s <> :running',
      '#c BETWEEN :low AND :high',
      'begins_with(#n, :prefix) AND contains(tags, :tag)',
      'size(#n) > :high OR attribute_type(#c, :type)',
      'NOT (attribute_exists(absent) OR #c < :low)',
    ].map(
      (ConditionExpression): Step =>
        putStep(
          { ...key('conditions'), status: s('running'), count: n(5), tags: { SS: ['a'] }, name: s('prefix-x') },
          {
            ConditionExpression: `(${ConditionExpression}) AND (#s = :running OR #s = :queued OR #c = :low OR #c = :high OR #n = :prefix OR #n = :tag OR #n = :type)`,
            ExpressionAttributeNames: { '#s': 'status', '#c': 'count', '#n': 'name' },
            ExpressionAttributeValues: {
              ':queued': s('queued'),
              ':running': s('running'),
              ':low': n(1),
              ':high': n(7),
              ':prefix': s('prefix'),
              ':tag': s('a'),
              ':type': s('N'),
            },
          },
        ),
    ),
  ],
  'updates in place': [
    update('update', 'SET a = :one, m = :map', { ':one': n(1), ':map': { M: { x: n(1) } } }),
    update('update', 'SET a = a + :one, b = if_not_exists(b, :one), m.x = :one, l = list_append(:list, :list)', {
      ':one': n(1),
      ':list': { L: [n(7)] },
    }),
    update('update', 'ADD a :one, tags :tags', { ':one': n(1), ':tags': { SS: ['x', 'y'] } }),
    update('update', 'DELETE tags :tags REMOVE b, l[0]', { ':tags': { SS: ['x'] } }),
    update(
      'update',
      'SET a = :one',
      { ':one': n(9) },
      { ConditionExpression: 'a < :one', ReturnValues: 'UPDATED_OLD' },
    ),
    update('update', 'SET a = :one', { ':one': n(9) }, { ConditionExpression: 'a < :one', ...ALL_OLD }),
    update('update', 'SET absent.path = :one', { ':one': n(9) }),
    update('update', 'SET pk = :one', { ':one': s('z') }),
    ['DeleteItem', { ...T, Key: key('update'), ReturnValues: 'ALL_OLD' }],
    ['DeleteItem', { ...T, Key: key('update'), ReturnValues: 'ALL_OLD' }],
  ],
  'lists from sparse KEYS_ONLY indexes, newest first, in pages': [
    ...['1', '2', '3', '4', '5'].map((at) =>
      putStep({ ...key(`listed-${at}`), lp: s('runs'), ls: s(`2026-01-0${at}`), body: s('not projected') }),
    ),
    putStep({ ...key('unlisted'), ls: s('2026-01-03'), body: s('x') }),
    query('lp = :p', { ':p': s('runs') }, { IndexName: 'list', ScanIndexForward: false, Limit: 2 }),
    query(
      'lp = :p',
      { ':p': s('runs') },
      {
        IndexName: 'list',
        ScanIndexForward: false,
        Limit: 2,
        ExclusiveStartKey: { ...key('listed-4'), lp: s('runs'), ls: s('2026-01-04') },
      },
    ),
    query(
      'lp = :p',
      { ':p': s('runs') },
      {
        IndexName: 'list',
        ScanIndexForward: false,
        Limit: 2,
        ExclusiveStartKey: { ...key('listed-2'), lp: s('runs'), ls: s('2026-01-02') },
      },
    ),
    query(
      'lp = :p AND ls BETWEEN :a AND :b',
      { ':p': s('runs'), ':a': s('2026-01-02'), ':b': s('2026-01-03') },
      { IndexName: 'list' },
    ),
    query('lp = :p', { ':p': s('runs') }, { IndexName: 'list', Select: 'COUNT' }),
    query('lp = :p', { ':p': s('runs') }, { IndexName: 'list', ConsistentRead: true }),
    query('lp = :p', { ':p': s('runs') }, { IndexName: 'nonesuch' }),
    putStep({ ...key('listed-3'), lp: s('runs'), ls: s('2026-01-09') }),
    putStep(key('listed-4')),
    ['DeleteItem', { ...T, Key: key('listed-5') }],
    query('lp = :p', { ':p': s('runs') }, { IndexName: 'list' }),
  ],
  'queries of one partition': [
    ...['a#1', 'a#2', 'b#1', 'b#2'].map((sk) => putStep({ ...key('partition', sk), n: n(sk.length) })),
    query('pk = :p', { ':p': s('partition') }, { ConsistentRead: true }),
    query('pk = :p AND begins_with(sk, :a)', { ':p': s('partition'), ':a': s('a#') }),
    query('pk = :p AND sk > :a', { ':p': s('partition'), ':a': s('a#2') }, { ScanIndexForward: false, Limit: 1 }),
    query('pk = :p AND sk > :a', { ':p': s('partition'), ':a': s('a#2') }, { Limit: 2 }),
    query('pk = :p', { ':p': s('partition') }, { Limit: 4 }),
    query(
      'pk = :p',
      { ':p': s('partition'), ':a': s('a#1') },
      { Limit: 2, FilterExpression: 'n = :none', ProjectionExpression: 'sk' },
    ),
    query('pk = :p', { ':p': s('nobody') }),
    query('sk = :p', { ':p': s('nobody') }),
  ],
  batches: [
    batch(...['1', '2', '3'].map((at) => ({ PutRequest: { Item: { ...key(`batch-${at}`), at: s(at) } } }))),
    batch({ DeleteRequest: { Key: key('batch-1') } }, { PutRequest: { Item: { ...key('batch-2'), at: s('new') } } }),
    batch({ PutRequest: { Item: key('twice') } }, { DeleteRequest: { Key: key('twice') } }),
    batch(...Array.from({ length: 26 }, (_, at) => ({ PutRequest: { Item: key(`many-${at}`) } }))),
    [
      'BatchGetItem',
      { RequestItems: { qmoi: { Keys: ['1', '2', '3'].map((at) => key(`batch-${at}`)), ConsistentRead: true } } },
    ],
    ['BatchGetItem', { RequestItems: { qmoi: { Keys: [key('batch-2'), key('batch-2')] } } }],
  ],
  transactions: [
    [
      'TransactWriteItems',
      {
        TransactItems: [
          { Put: { ...T, Item: { ...key('transact-1'), v: n(1) } } },
          { ConditionCheck: { ...T, Key: key('transact-absent'), ConditionExpression: 'attribute_not_exists(pk)' } },
        ],
      },
    ],
    [
      'TransactWriteItems',
      {
        TransactItems: [
          { Put: { ...T, Item: key('transact-2') } },
          { Put: { ...T, Item: key('transact-1'), ConditionExpression: 'attribute_not_exists(pk)', ...ALL_OLD } },
        ],
      },
    ],
    ['TransactGetItems', { TransactItems: ['1', '2'].map((at) => ({ Get: { ...T, Key: key(`transact-${at}`) } })) }],
  ],
  'what is refused': [
    putStep({ pk: s('no sort key') }),
    putStep({ pk: n(1), sk: s('x') }),
    putStep({ ...key('') }),
    putStep({ ...key('index'), lp: n(1) }),
    putStep({ ...key('index'), lp: s('') }),
    putStep({ ...key('large'), x: s('x'.repeat(400 * 1024)) }),
    putStep(
      { ...key('unused') },
      { ConditionExpression: 'attribute_not_exists(pk)', ExpressionAttributeValues: { ':x': n(1) } },
    ),
    putStep({ ...key('reserved') }, { ConditionExpression: 'attribute_not_exists(status)' }),
    putStep({ ...key('syntax') }, { ConditionExpression: 'pk ==' }),
    putStep({ ...key('number'), x: { N: 'twelve' } }),
    ['GetItem', { TableName: 'absent', Key: key('a') }],
    ['GetItem', { ...T, Key: { pk: s('a') } }],
  ],
};

/** What of an answer must agree: the data in full, of an error its name. */
function comparable(operation: string, { status, body }: Awaited<ReturnType<typeof call>>): unknown {
  const code = String(body.__type ?? '')
    .split('#')
    .at(-1);
  if (status !== 200)
    return { status, code, ...(body.Item ? { Item: sortSets(body.Item) } : {}), reasons: reasonsOf(body) };
  const sorted = sortSets(body) as Record<string, unknown>;
  if (operation !== 'BatchGetItem') return sorted;
  // A batch answers in any order.
  const { qmoi = [] } = (sorted.Responses ?? {}) as { qmoi?: unknown[] };
  return { ...sorted, Responses: qmoi.map((item) => JSON.stringify(item, Object.keys(item as object).sort())).sort() };
}

function reasonsOf(body: Record<string, unknown>): unknown {
  const reasons = body.CancellationReasons as { Code?: string; Item?: unknown }[] | undefined;
  return reasons?.map(({ Code, Item }) => ({ Code, Item }));
}

function sortSets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortSets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      /^[SNB]S$/.test(name) && Array.isArray(one) ? [...one].sort() : sortSets(one),
    ]),
  );
}

describe.skipIf(missing)(`embedded engine and DynamoDB Local${missing ? ` (NOT COMPARED: ${missing})` : ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'qmoi-conformance-'));
  let local: DynamoDbLocal;
  let embedded: DynamoDb;
  let reference: DynamoDb;

  beforeAll(async () => {
    local = await startDynamoDbLocal();
    const options = { tables: [QMOI_TABLE], clock: realClock, authorize: () => {} };
    embedded = await openDynamoDb({ ...options, dataDir: join(folder, 'embedded') });
    reference = await openDynamoDb({ ...options, dataDir: join(folder, 'reference'), endpoint: local.endpoint });
  }, 300_000);

  afterAll(async () => {
    await embedded?.close();
    await reference?.close();
    await local?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(Object.entries(SCENARIOS))('%s', async (_name, steps) => {
    for (const [operation, input] of steps) {
      const ours = comparable(operation, await call(embedded, operation, input));
      const theirs = comparable(operation, await call(reference, operation, input));
      expect({ operation, input, answer: ours }).toEqual({ operation, input, answer: theirs });
    }
  });

  it('charges the same for a read', () => {
    // Of absent items in a batch only the embedded engine charges the minimum, as AWS does.
    const reads = (db: DynamoDb) => db.units().find((one) => one.operation === 'GetItem');
    expect(reads(embedded)).toEqual(reads(reference));
  });

  it('streams tell the same story', async () => {
    const [ours, theirs] = [await story(embedded), await story(reference)];
    expect(ours.length).toBeGreaterThan(15);
    expect(ours).toEqual(theirs);
  });

  it('expiry leaves the same trace', async () => {
    for (const db of [embedded, reference]) {
      await call(db, ...putStep({ ...key('expired'), expiresAt: n(Math.floor(Date.now() / 1_000) - 60) }));
      await call(db, ...putStep({ ...key('expires'), expiresAt: n(Math.floor(Date.now() / 1_000) + 600) }));
      expect(await db.sweepTtl()).toBe(1);
    }
    const last = async (db: DynamoDb) => (await records(db)).at(-1);
    for (const record of [await last(embedded), await last(reference)]) {
      expect(record).toMatchObject({
        eventName: 'REMOVE',
        userIdentity: { type: 'Service' },
        dynamodb: { Keys: key('expired') },
      });
    }
  });
});

async function records(db: DynamoDb): Promise<StreamRecord[]> {
  const all: StreamRecord[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await db.streams.read('qmoi', after, 20);
    if (page.records.length === 0) return all;
    all.push(...page.records);
    after = page.positions.at(-1);
  }
}

/** A batch's records come in any order among themselves, so the story is told by item. */
async function story(db: DynamoDb): Promise<unknown[]> {
  const byItem = new Map<string, unknown[]>();
  for (const { eventName, dynamodb } of await records(db)) {
    const name = `${dynamodb.Keys.pk?.S} ${dynamodb.Keys.sk?.S}`;
    const { Keys, NewImage, OldImage } = dynamodb;
    byItem.set(name, [...(byItem.get(name) ?? []), sortSets({ eventName, Keys, NewImage, OldImage })]);
  }
  return [...byItem].sort(([a], [b]) => (a < b ? -1 : 1));
}
