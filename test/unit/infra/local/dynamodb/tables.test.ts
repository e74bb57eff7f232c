import { afterEach, describe, expect, it } from 'vitest';
import { call, cleanUp, freshDir, index, open, put, QMOI_TABLE, s, tableWith } from './support.ts';

afterEach(cleanUp);

describe('a second start', () => {
  it('finds the data as it was', async () => {
    const dataDir = freshDir();
    const db = await open({ dataDir });
    await put(db, { pk: s('a'), sk: s('b'), lp: s('l'), ls: s('1') });
    await db.close();
    const again = await open({ dataDir });
    expect((await call(again, 'GetItem', { TableName: 'qmoi', Key: { pk: s('a'), sk: s('b') } })).body).toEqual({
      Item: { pk: s('a'), sk: s('b'), lp: s('l'), ls: s('1') },
    });
  });

  it('adds new global indexes and fills them', async () => {
    const dataDir = freshDir();
    const db = await open({ dataDir });
    await put(db, { pk: s('a'), sk: s('b'), lp: s('l'), xp: s('x') });
    await db.close();
    const grown = tableWith({
      AttributeDefinitions: [
        ...(QMOI_TABLE.properties.AttributeDefinitions as object[]),
        { AttributeName: 'xp', AttributeType: 'S' },
        { AttributeName: 'yp', AttributeType: 'S' },
      ],
      GlobalSecondaryIndexes: [
        ...(QMOI_TABLE.properties.GlobalSecondaryIndexes as object[]),
        index('extra-x', 'xp', 'pk'),
        index('extra-y', 'yp', 'pk'),
      ],
    });
    for (let start = 0; start < 2; start++) {
      const again = await open({ dataDir, tables: [grown] });
      const query = {
        TableName: 'qmoi',
        IndexName: 'extra-x',
        KeyConditionExpression: 'xp = :x',
        ExpressionAttributeValues: { ':x': s('x') },
      };
      expect((await call(again, 'Query', query)).body.Count).toBe(1);
      await again.close();
    }
  });

  it.each([
    ['key schema', tableWith({ KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }] })],
    [
      'global index wake',
      tableWith({ GlobalSecondaryIndexes: [index('list', 'lp', 'ls'), index('by-parent', 'bp', 'ls')] }),
    ],
    [
      'global index list',
      tableWith({
        GlobalSecondaryIndexes: [
          index('list', 'lp', 'wakeAt'),
          index('by-parent', 'bp', 'ls'),
          index('wake', 'wp', 'wakeAt'),
        ],
      }),
    ],
    ['stream (NEW_AND_OLD_IMAGES to NEW_IMAGE)', tableWith({ StreamSpecification: { StreamViewType: 'NEW_IMAGE' } })],
    [
      'type of key attribute ls (S to N)',
      tableWith({
        AttributeDefinitions: (QMOI_TABLE.properties.AttributeDefinitions as { AttributeName: string }[]).map((one) =>
          one.AttributeName === 'ls' ? { ...one, AttributeType: 'N' } : one,
        ),
      }),
    ],
  ])('refuses a changed %s', async (what, changed) => {
    const dataDir = freshDir();
    await (await open({ dataDir })).close();
    const refused = open({ dataDir, tables: [changed] });
    await expect(refused).rejects.toThrow(`Table qmoi holds data and the template changes its ${what}.`);
    await expect((await open({ dataDir })).close()).resolves.toBeUndefined();
  });
});

it('names the property of a resource that it cannot read', async () => {
  const broken = tableWith({ KeySchema: [{ AttributeName: { Ref: 'Key' }, KeyType: 'HASH' }] });
  await expect(open({ tables: [broken] })).rejects.toThrow(/Table qmoi .*KeySchema/s);
});

it('says which command to run where no engine is installed', async () => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform');
  Object.defineProperty(process, 'platform', { ...platform, value: 'plan9' });
  try {
    await expect(open()).rejects.toThrow(/plan9.*docker run .*amazon\/dynamodb-local.*QMOI_DYNAMODB_ENDPOINT=http/s);
  } finally {
    Object.defineProperty(process, 'platform', platform ?? {});
  }
});

describe('an external endpoint', () => {
  it.each([
    ['nonsense', 'must be an http(s) address'],
    ['file:///etc/passwd', 'must be an http(s) address'],
    ['https://dynamodb.us-east-1.amazonaws.com', 'npx cdk deploy'],
  ])('refuses %s', async (endpoint, message) => {
    await expect(open({ endpoint })).rejects.toThrow(message);
  });
});
