import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, describe, expect, it } from 'vitest';
import type { Chaos, DynamoDb } from '../../../../../infra/local/dynamodb/index.ts';
import { type Authorize, AwsFault, type Caller } from '../../../../../infra/local/kernel.ts';
import { call, cleanUp, n, open, put, QMOI_TABLE, RECORD, s } from './support.ts';

afterEach(cleanUp);

const TABLE_ARN = 'arn:aws:dynamodb:us-east-1:000000000000:table/qmoi';

describe('authorisation', () => {
  it.each([
    ['PutItem', { TableName: 'qmoi', Item: { pk: s('a'), sk: s('b') } }, ['dynamodb:PutItem']],
    ['GetItem', { TableName: 'qmoi', Key: { pk: s('a'), sk: s('b') } }, ['dynamodb:GetItem']],
    ['BatchGetItem', { RequestItems: { qmoi: { Keys: [{ pk: s('a'), sk: s('b') }] } } }, ['dynamodb:BatchGetItem']],
    [
      'BatchWriteItem',
      { RequestItems: { qmoi: [{ PutRequest: { Item: { pk: s('a'), sk: s('b') } } }] } },
      ['dynamodb:BatchWriteItem'],
    ],
    [
      'TransactWriteItems',
      {
        TransactItems: [
          { Put: { TableName: 'qmoi', Item: { pk: s('a'), sk: s('1') } } },
          { Delete: { TableName: 'qmoi', Key: { pk: s('a'), sk: s('2') } } },
          {
            Update: {
              TableName: 'qmoi',
              Key: { pk: s('a'), sk: s('3') },
              UpdateExpression: 'SET x = :x',
              ExpressionAttributeValues: { ':x': n(1) },
            },
          },
          {
            ConditionCheck: {
              TableName: 'qmoi',
              Key: { pk: s('a'), sk: s('4') },
              ConditionExpression: 'attribute_not_exists(pk)',
            },
          },
        ],
      },
      ['dynamodb:PutItem', 'dynamodb:DeleteItem', 'dynamodb:UpdateItem', 'dynamodb:ConditionCheckItem'],
    ],
    [
      'TransactGetItems',
      { TransactItems: [{ Get: { TableName: 'qmoi', Key: { pk: s('a'), sk: s('b') } } }] },
      ['dynamodb:GetItem'],
    ],
  ])('asks for every member of %s on the table', async (operation, input, actions) => {
    const asked: string[] = [];
    const db = await open({
      authorize: (caller, action, resource) => asked.push(`${caller.type} ${action} ${resource}`),
    });
    const answer = await call(db, operation, input);
    expect(answer).toMatchObject({ status: 200 });
    expect(asked).toEqual(actions.map((action) => `role ${action} ${TABLE_ARN}`));
  });

  it('asks for the index a query names', async () => {
    const asked: string[] = [];
    const db = await open({ authorize: (_caller, action, resource) => asked.push(`${action} ${resource}`) });
    const query = {
      TableName: TABLE_ARN,
      IndexName: 'list',
      KeyConditionExpression: 'lp = :p',
      ExpressionAttributeValues: { ':p': s('runs') },
    };
    await call(db, 'Query', query);
    expect(asked).toEqual([`dynamodb:Query ${TABLE_ARN}/index/list`]);
  });

  it('fails a denied call as DynamoDB does, and nothing is written', async () => {
    const message = 'User: arn:aws:iam::000000000000:role/record is not authorized to perform: dynamodb:PutItem';
    const db = await open({
      authorize: (_caller, action) => {
        if (action === 'dynamodb:PutItem') throw new AwsFault('AccessDenied', message, 403);
      },
    });
    const denied = await call(db, 'PutItem', { TableName: 'qmoi', Item: { pk: s('a'), sk: s('b') } });
    expect(denied).toEqual({
      status: 400,
      body: { __type: 'com.amazon.coral.service#AccessDeniedException', Message: message },
    });
    const found = await call(db, 'GetItem', { TableName: 'qmoi', Key: { pk: s('a'), sk: s('b') } });
    expect(found.body).toEqual({});
  });
});

describe('through the SDK', () => {
  async function sdk(db: DynamoDb): Promise<{ client: DynamoDBDocumentClient; stop: () => void }> {
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const target = String(request.headers['x-amz-target']);
      const answer = await db.handle({ target, body: Buffer.concat(chunks) }, RECORD);
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = new DynamoDBClient({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'AKIDRECORD', secretAccessKey: 'none' },
    });
    return {
      client: DynamoDBDocumentClient.from(client),
      stop: () => {
        client.destroy();
        server.closeAllConnections();
        server.close();
      },
    };
  }

  it('reads, writes and fails as the library expects', async () => {
    let allowed = true;
    const authorize: Authorize = (_caller, action) => {
      if (!allowed) throw new AwsFault('AccessDeniedException', `not authorized to perform: ${action}`, 400);
    };
    const db = await open({ authorize });
    const { client, stop } = await sdk(db);
    try {
      const first = {
        TableName: 'qmoi',
        Item: { pk: 'a', sk: 'b', list: [1, 'two'] },
        ConditionExpression: 'attribute_not_exists(pk)',
      };
      await client.send(new PutCommand(first));
      await expect(client.send(new PutCommand(first))).rejects.toBeInstanceOf(ConditionalCheckFailedException);
      const got = await client.send(new GetCommand({ TableName: 'qmoi', Key: { pk: 'a', sk: 'b' } }));
      expect(got.Item).toEqual(first.Item);
      expect(got.ConsumedCapacity).toBeUndefined();
      allowed = false;
      await expect(client.send(new PutCommand(first))).rejects.toMatchObject({
        name: 'AccessDeniedException',
        message: 'not authorized to perform: dynamodb:PutItem',
      });
    } finally {
      stop();
    }
  });
});

describe('hostile and foreign requests', () => {
  it.each([
    ['PutItem', 'not json', 'SerializationException'],
    ['PutItem', '[]', 'SerializationException'],
    ['PutItem', 'null', 'SerializationException'],
    ['ExecuteStatement', '{"Statement":"SELECT * FROM qmoi"}', 'UnknownOperationException'],
    ['PutItem', '{"TableName":"absent","Item":{"pk":{"S":"a"}}}', 'ResourceNotFoundException'],
    [
      'PutItem',
      '{"TableName":"qmoi.stream-trim","Item":{"pk":{"S":"qmoi"},"through":{"N":"9"}}}',
      'ResourceNotFoundException',
    ],
    ['PutItem', '{}', 'ValidationException'],
  ])('answers %s of %s with %s', async (operation, body, code) => {
    const db = await open();
    const answer = await db.handle({ target: `DynamoDB_20120810.${operation}`, body: Buffer.from(body) }, RECORD);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body.toString()).__type).toMatch(new RegExp(`#${code}$`));
  });

  it('names the host account and region and none of its own tables', async () => {
    const db = await open();
    const described = (await call(db, 'DescribeTable', { TableName: 'qmoi' })).body.Table as Record<string, unknown>;
    expect(described.TableArn).toBe(TABLE_ARN);
    expect(described.LatestStreamArn).toBe(db.streams.arn('qmoi'));
    expect((await call(db, 'ListTables', {})).body).toEqual({ TableNames: ['qmoi'] });
  });
});

describe('capacity', () => {
  const units = (db: Awaited<ReturnType<typeof open>>, operation: string) =>
    db.units().find((one) => one.caller === 'record' && one.operation === operation);

  /** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes */
  it.each([
    ['a small item in no index', undefined, { pk: s('a'), sk: s('b') }, 1],
    ['1.5 KB in no index', undefined, { pk: s('a'), sk: s('b'), x: s('x'.repeat(1500)) }, 2],
    [
      'a new item in two indexes',
      undefined,
      { pk: s('a'), sk: s('b'), lp: s('l'), ls: s('1'), wp: s('w'), wakeAt: s('t') },
      3,
    ],
    [
      '1.5 KB in a KEYS_ONLY index',
      undefined,
      { pk: s('a'), sk: s('b'), lp: s('l'), ls: s('1'), x: s('x'.repeat(1500)) },
      3,
    ],
    [
      'a change no index sees',
      { pk: s('a'), sk: s('b'), lp: s('l'), ls: s('1') },
      { pk: s('a'), sk: s('b'), lp: s('l'), ls: s('1'), x: s('new') },
      1,
    ],
    [
      'an index key that moves',
      { pk: s('a'), sk: s('b'), lp: s('l'), ls: s('1') },
      { pk: s('a'), sk: s('b'), lp: s('l'), ls: s('2') },
      3,
    ],
    [
      'an item that leaves an index',
      { pk: s('a'), sk: s('b'), wp: s('w'), wakeAt: s('t') },
      { pk: s('a'), sk: s('b') },
      2,
    ],
    ['an item that shrinks', { pk: s('a'), sk: s('b'), x: s('x'.repeat(2500)) }, { pk: s('a'), sk: s('b') }, 3],
  ])('charges %s as AWS does', async (_what, before, after, expected) => {
    const db = await open();
    if (before)
      await call(
        db,
        'PutItem',
        { TableName: 'qmoi', Item: before },
        { type: 'service', principal: 'x', sourceArn: 'y' },
      );
    await put(db, after);
    expect(units(db, 'PutItem')).toEqual({
      caller: 'record',
      operation: 'PutItem',
      calls: 1,
      read: 0,
      write: expected,
    });
  });

  it('charges reads by consistency, transactions double, and a failed condition', async () => {
    const db = await open();
    const Key = { pk: s('a'), sk: s('b') };
    await put(db, { ...Key, x: s('x'.repeat(5000)) });
    await call(db, 'GetItem', { TableName: 'qmoi', Key });
    expect(units(db, 'GetItem')).toMatchObject({ calls: 1, read: 1 });
    await call(db, 'GetItem', { TableName: 'qmoi', Key, ConsistentRead: true });
    expect(units(db, 'GetItem')).toMatchObject({ calls: 2, read: 3 });
    await call(db, 'TransactWriteItems', {
      TransactItems: [{ Put: { TableName: 'qmoi', Item: { pk: s('t'), sk: s('t') } } }],
    });
    expect(units(db, 'TransactWriteItems')).toMatchObject({ write: 2 });
    const refused = { TableName: 'qmoi', Key, ConditionExpression: 'attribute_not_exists(pk)' };
    await call(db, 'DeleteItem', { ...refused });
    expect(units(db, 'DeleteItem')).toMatchObject({ write: 1 });
    await call(db, 'DeleteItem', { ...refused, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' });
    expect(units(db, 'DeleteItem')).toMatchObject({ write: 6 });
  });

  it('gives the figures to a caller who asked, and to nobody else', async () => {
    const db = await open();
    const input = { TableName: 'qmoi', Item: { pk: s('a'), sk: s('b'), lp: s('l'), ls: s('1') } };
    expect((await call(db, 'PutItem', input)).body).toEqual({});
    expect((await call(db, 'PutItem', { ...input, ReturnConsumedCapacity: 'NONE' })).body).toEqual({});
    expect((await call(db, 'PutItem', { ...input, ReturnConsumedCapacity: 'TOTAL' })).body).toMatchObject({
      ConsumedCapacity: { TableName: 'qmoi', CapacityUnits: 1 },
    });
    const items = { RequestItems: { qmoi: { Keys: [{ pk: s('a'), sk: s('b') }] } } };
    expect((await call(db, 'BatchGetItem', items)).body).toEqual({
      Responses: { qmoi: [input.Item] },
      UnprocessedKeys: {},
    });
  });

  it('leaves alone an attribute that bears the name of the figures', async () => {
    const db = await open();
    const Item = {
      pk: s('a'),
      sk: s('b'),
      ConsumedCapacity: { M: { TableName: s('"ConsumedCapacity":{"TableName":"x","CapacityUnits":9}') } },
    };
    await put(db, Item);
    const got = await call(db, 'GetItem', { TableName: 'qmoi', Key: { pk: s('a'), sk: s('b') } });
    expect(got.body).toEqual({ Item });
    expect(units(db, 'GetItem')).toMatchObject({ read: 0.5 });
  });

  it('counts by caller', async () => {
    const db = await open();
    const wake: Caller = { type: 'role', arn: 'arn:aws:iam::000000000000:role/wake', functionName: 'wake' };
    await call(db, 'PutItem', { TableName: 'qmoi', Item: { pk: s('a'), sk: s('b') } }, wake);
    await put(db, { pk: s('a'), sk: s('c') });
    expect(db.units().map((one) => [one.caller, one.operation, one.write])).toEqual([
      ['wake', 'PutItem', 1],
      ['record', 'PutItem', 1],
    ]);
  });
});

describe('chaos', () => {
  it('fails a call before it reaches the engine', async () => {
    let storm = true;
    const chaos: Chaos = {
      beforeCall: (service, operation) => {
        if (storm) throw new AwsFault('ProvisionedThroughputExceededException', `${service} ${operation}`, 400);
      },
    };
    const db = await open({ chaos });
    const failed = await call(db, 'PutItem', { TableName: 'qmoi', Item: { pk: s('a'), sk: s('b') } });
    expect(failed).toEqual({
      status: 400,
      body: {
        __type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
        message: 'dynamodb PutItem',
      },
    });
    storm = false;
    expect((await call(db, 'GetItem', { TableName: 'qmoi', Key: { pk: s('a'), sk: s('b') } })).body).toEqual({});
  });

  it('leaves part of a batch unprocessed, neither written nor read', async () => {
    const chaos: Chaos = { leaveUnprocessed: (_operation, members) => members };
    const db = await open({ chaos });
    const writes = ['1', '2', '3'].map((sk) => ({ PutRequest: { Item: { pk: s('a'), sk: s(sk) } } }));
    const written = await call(db, 'BatchWriteItem', { RequestItems: { qmoi: writes } });
    expect(written.body).toEqual({ UnprocessedItems: { qmoi: writes.slice(1) } });
    const count = await call(db, 'Query', {
      TableName: 'qmoi',
      KeyConditionExpression: 'pk = :a',
      ExpressionAttributeValues: { ':a': s('a') },
    });
    expect(count.body.Count).toBe(1);
    const Keys = ['1', '2'].map((sk) => ({ pk: s('a'), sk: s(sk) }));
    const read = await call(db, 'BatchGetItem', { RequestItems: { qmoi: { Keys, ConsistentRead: true } } });
    expect(read.body).toEqual({
      Responses: { qmoi: [Keys[0]] },
      UnprocessedKeys: { qmoi: { Keys: Keys.slice(1), ConsistentRead: true } },
    });
  });
});

it('opens several tables and a plain AWS::DynamoDB::Table', async () => {
  const plain = {
    name: 'plain',
    type: 'AWS::DynamoDB::Table' as const,
    properties: {
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'N' }],
      ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 5 },
    },
  };
  const db = await open({ tables: [QMOI_TABLE, plain] });
  expect((await call(db, 'PutItem', { TableName: 'plain', Item: { id: n(1) } })).status).toBe(200);
  expect(() => db.streams.arn('plain')).toThrow('no stream');
});
