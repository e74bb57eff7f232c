import { afterEach, describe, expect, it } from 'vitest';
import type { DynamoDb, StreamRecord } from '../../../../../infra/local/dynamodb/index.ts';
import { call, cleanUp, freshDir, n, open, put, QMOI_TABLE, realClock, s } from './support.ts';

afterEach(cleanUp);

async function readAll(db: DynamoDb, after?: string): Promise<StreamRecord[]> {
  return [...(await db.streams.read('qmoi', after, 1_000)).records];
}

describe('records', () => {
  it('come in order in the shape of a Lambda event', async () => {
    const db = await open();
    await put(db, { pk: s('run#1'), sk: s('state'), version: n(1) });
    await put(db, { pk: s('run#1'), sk: s('state'), version: n(2) });
    await call(db, 'DeleteItem', { TableName: 'qmoi', Key: { pk: s('run#1'), sk: s('state') } });
    const [insert, modify, remove] = await readAll(db);
    const arn = db.streams.arn('qmoi');
    expect(arn).toMatch(/^arn:aws:dynamodb:us-east-1:000000000000:table\/qmoi\/stream\/.+/);
    const Keys = { pk: s('run#1'), sk: s('state') };
    const first = { ...Keys, version: n(1) };
    const second = { ...Keys, version: n(2) };
    expect(insert).toEqual({
      eventID: expect.stringMatching(/^[0-9a-f]{32}$/),
      eventName: 'INSERT',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      eventSourceARN: arn,
      awsRegion: 'us-east-1',
      dynamodb: {
        ApproximateCreationDateTime: expect.any(Number),
        Keys,
        NewImage: first,
        SequenceNumber: expect.any(String),
        SizeBytes: expect.any(Number),
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
    });
    expect(modify).toMatchObject({ eventName: 'MODIFY', dynamodb: { Keys, OldImage: first, NewImage: second } });
    expect(remove).toMatchObject({ eventName: 'REMOVE', dynamodb: { Keys, OldImage: second } });
    expect(remove?.dynamodb.NewImage).toBeUndefined();
    expect(new Set([insert, modify, remove].map((record) => record?.eventID)).size).toBe(3);
  });

  it('are none for a write that changes nothing, whatever the order of members and sets', async () => {
    const db = await open();
    const item = {
      pk: s('a'),
      sk: s('b'),
      tags: { SS: ['x', 'y'] },
      nested: { M: { one: n(1), two: { L: [s('z')] } } },
    };
    await put(db, item);
    await put(db, {
      nested: { M: { two: { L: [s('z')] }, one: { N: '1.0' } } },
      tags: { SS: ['y', 'x'] },
      sk: s('b'),
      pk: s('a'),
    });
    await put(db, { ...item, nested: { M: { one: n(2), two: { L: [s('z')] } } } });
    expect((await readAll(db)).map((record) => record.eventName)).toEqual(['INSERT', 'MODIFY']);
  });

  it('tell a list in another order from the same list', async () => {
    const db = await open();
    await put(db, { pk: s('a'), sk: s('b'), list: { L: [s('x'), s('y')] } });
    await put(db, { pk: s('a'), sk: s('b'), list: { L: [s('y'), s('x')] } });
    expect(await readAll(db)).toHaveLength(2);
  });

  it('carry the host clock, also where it runs apart from the real one', async () => {
    const at = Date.parse('2031-05-06T07:08:09Z');
    const db = await open({ clock: { ...realClock, now: () => at } });
    await put(db, { pk: s('a'), sk: s('b') });
    const [record] = await readAll(db);
    expect(Math.abs((record?.dynamodb.ApproximateCreationDateTime ?? 0) - at / 1_000)).toBeLessThan(60);
  });
});

describe('positions', () => {
  it('lead through the stream in pages and stay good after a restart', async () => {
    const dataDir = freshDir();
    const db = await open({ dataDir });
    for (let at = 0; at < 7; at++) await put(db, { pk: s('a'), sk: s(`${at}`) });
    const first = await db.streams.read('qmoi', undefined, 3);
    expect(first.records.map((record) => record.dynamodb.Keys.sk)).toEqual(['0', '1', '2'].map(s));
    expect(first.positions.at(-1)).toBe(first.next);
    expect(first.atEnd).toBe(false);
    const arn = db.streams.arn('qmoi');
    await db.close();

    const again = await open({ dataDir });
    expect(again.streams.arn('qmoi')).toBe(arn);
    // A partial failure resumes behind the last record that went through.
    const second = await again.streams.read('qmoi', first.positions[1], 100);
    expect(second.records.map((record) => record.dynamodb.Keys.sk)).toEqual(['2', '3', '4', '5', '6'].map(s));
    const third = await again.streams.read('qmoi', second.next, 100);
    expect(third).toEqual({ records: [], positions: [], next: second.next, atEnd: true });
  });

  it('pass over records that changed nothing', async () => {
    const db = await open();
    await put(db, { pk: s('a'), sk: s('b') });
    const first = await db.streams.read('qmoi', undefined, 10);
    for (let times = 0; times < 5; times++) await put(db, { pk: s('a'), sk: s('b') });
    const idle = await db.streams.read('qmoi', first.next, 2);
    expect(idle.records).toEqual([]);
    expect(Number(idle.next)).toBeGreaterThan(Number(first.next));
    await put(db, { pk: s('a'), sk: s('c') });
    expect((await db.streams.read('qmoi', idle.next, 2)).records).toHaveLength(1);
  });

  it('lead through records too large for one page', async () => {
    const db = await open();
    for (let at = 0; at < 120; at++) await put(db, { pk: s('large'), sk: s(`${at}`), body: s('x'.repeat(350_000)) });
    const seen: string[] = [];
    let after: string | undefined;
    for (;;) {
      const page = await db.streams.read('qmoi', after, 1_000);
      expect(JSON.stringify(page.records).length).toBeLessThan(6_000_000);
      seen.push(...page.records.map((record) => record.dynamodb.SequenceNumber));
      after = page.next;
      if (page.atEnd) break;
    }
    expect(seen).toEqual(Array.from({ length: 120 }, (_, at) => `${at + 1}`));
  });

  it('are undefined while the stream is empty', async () => {
    const db = await open();
    expect(await db.streams.read('qmoi', undefined, 10)).toEqual({
      records: [],
      positions: [],
      next: undefined,
      atEnd: true,
    });
  });
});

describe('onWrite', () => {
  it('fires after each acknowledged write, with what it wrote already in the stream', async () => {
    const plain = {
      ...QMOI_TABLE,
      name: 'quiet',
      properties: { ...QMOI_TABLE.properties, StreamSpecification: undefined },
    };
    const db = await open({ tables: [QMOI_TABLE, plain] });
    const seen: Promise<number>[] = [];
    const stop = db.streams.onWrite((name) =>
      seen.push(readAll(db).then((records) => (name === 'qmoi' ? records.length : -1))),
    );
    await put(db, { pk: s('a'), sk: s('1') });
    await call(db, 'BatchWriteItem', {
      RequestItems: { qmoi: [{ PutRequest: { Item: { pk: s('a'), sk: s('2') } } }] },
    });
    await call(db, 'PutItem', { TableName: 'quiet', Item: { pk: s('a'), sk: s('1') } });
    await call(db, 'GetItem', { TableName: 'qmoi', Key: { pk: s('a'), sk: s('1') } });
    await call(db, 'PutItem', { TableName: 'qmoi', Item: { pk: s('a') } });
    stop();
    await put(db, { pk: s('a'), sk: s('3') });
    const lengths = await Promise.all(seen);
    expect(lengths).toHaveLength(2);
    expect(lengths[0]).toBeGreaterThanOrEqual(1);
    expect(lengths[1]).toBeGreaterThanOrEqual(2);
  });
});

describe('trim', () => {
  async function fill(db: DynamoDb, from: number, to: number): Promise<void> {
    for (let at = from; at < to; at += 25) {
      const writes = Array.from({ length: Math.min(25, to - at) }, (_, more) => ({
        PutRequest: { Item: { pk: s('a'), sk: s(`${at + more}`) } },
      }));
      const answer = await call(db, 'BatchWriteItem', { RequestItems: { qmoi: writes } });
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    }
  }

  it('drops what was read and nothing else, and numbers go on', async () => {
    const db = await open();
    await fill(db, 0, 1_200);
    await db.streams.trim('qmoi', '1100');
    const left = await db.streams.read('qmoi', undefined, 1_000);
    expect(left.records.map((record) => Number(record.dynamodb.SequenceNumber))).toEqual(
      Array.from({ length: 100 }, (_, at) => 1_101 + at),
    );
    // All of it: the newest record stays, or the engine would number from 1 again.
    await db.streams.trim('qmoi', '2200');
    await fill(db, 1_200, 1_201);
    const after = await db.streams.read('qmoi', left.next, 1_000);
    expect(after.records.map((record) => record.dynamodb.SequenceNumber)).toEqual(['1201']);
  });

  it('waits until a step is full', async () => {
    const db = await open();
    await fill(db, 0, 50);
    await db.streams.trim('qmoi', '50');
    expect(await readAll(db)).toHaveLength(50);
  });
});
