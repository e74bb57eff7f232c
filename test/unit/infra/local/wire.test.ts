import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createChaos } from '../../../../infra/local/chaos.ts';
import { AwsFault, type Caller } from '../../../../infra/local/kernel.ts';
import { createWire, type Services, type Wire } from '../../../../infra/local/wire.ts';

const CALLER: Caller = { type: 'role', arn: 'arn:role', functionName: 'record' };

/** Through the SDK's own clients, which the functions use. */
describe('the AWS endpoint', () => {
  let wire: Wire;
  let endpoint: string;
  let handled: { operation: string; input: unknown; caller: Caller }[];
  let fault: AwsFault | undefined;

  const handle = async (operation: string, input: unknown, caller: Caller): Promise<unknown> => {
    handled.push({ operation, input, caller });
    if (fault) throw fault;
    if (operation === 'PutEvents') {
      const { Entries } = input as { Entries: { Detail: string }[] };
      return { FailedEntryCount: 0, Entries: Entries.map(({ Detail }) => ({ EventId: Detail })) };
    }
    return operation === 'GetParameters'
      ? { Parameters: [{ Name: '/qmoi/x', Value: 'y' }], InvalidParameters: [] }
      : {};
  };
  const services = {
    bus: { handle },
    ssm: { handle },
    sqs: { handle },
    sns: {
      async handleQuery(form: URLSearchParams, caller: Caller) {
        handled.push({ operation: form.get('Action') ?? '', input: form.get('Message'), caller });
        return {
          status: 200,
          body: '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m1</MessageId></PublishResult></PublishResponse>',
        };
      },
    },
    dynamodb: {
      async handle({ target, body }: { target: string; body: Buffer }, caller: Caller) {
        handled.push({ operation: target, input: JSON.parse(body.toString()), caller });
        return { status: 200, headers: {}, body: Buffer.from('{"Item":{"pk":{"S":"x"}}}') };
      },
    },
  } as unknown as Services;

  const boot = async (chaosSeed?: string): Promise<void> => {
    wire = createWire({
      callerOf: (key) => (key === 'AKIARECORD' ? CALLER : undefined),
      chaos: chaosSeed === undefined ? undefined : createChaos(chaosSeed),
    });
    wire.server.listen(0, '127.0.0.1');
    await once(wire.server, 'listening');
    endpoint = `http://127.0.0.1:${(wire.server.address() as AddressInfo).port}`;
    wire.connect(services);
  };
  const client = <T>(Client: new (config: object) => T, accessKeyId = 'AKIARECORD', maxAttempts = 1): T =>
    new Client({ endpoint, region: 'us-east-1', maxAttempts, credentials: { accessKeyId, secretAccessKey: 's' } });

  beforeEach(() => {
    handled = [];
    fault = undefined;
  });
  afterEach(() => {
    wire.server.closeAllConnections();
    wire.server.close();
  });

  it('tells the services apart and knows who calls', async () => {
    await boot();
    const { Item } = await client(DynamoDBClient).send(new GetItemCommand({ TableName: 't', Key: { pk: { S: 'x' } } }));
    expect(Item).toEqual({ pk: { S: 'x' } });
    const { Entries } = await client(EventBridgeClient).send(
      new PutEventsCommand({ Entries: [{ Detail: '{"ü":1}' }] }),
    );
    expect(Entries).toEqual([{ EventId: '{"ü":1}' }]);
    const { Parameters } = await client(SSMClient).send(new GetParametersCommand({ Names: ['/qmoi/x'] }));
    expect(Parameters?.[0]?.Value).toBe('y');
    const QueueUrl = `${endpoint}/000000000000/queue`;
    await client(SQSClient).send(
      new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: 'h', VisibilityTimeout: 5 }),
    );
    const { MessageId } = await client(SNSClient).send(new PublishCommand({ TopicArn: 'arn:topic', Message: 'a & b' }));
    expect(MessageId).toBe('m1');
    expect(handled.map(({ operation }) => operation)).toEqual([
      'DynamoDB_20120810.GetItem',
      'PutEvents',
      'GetParameters',
      'ChangeMessageVisibility',
      'Publish',
    ]);
    expect(handled.at(-1)?.input).toBe('a & b');
    expect(handled.every(({ caller }) => caller === CALLER)).toBe(true);
    expect(wire.calls()).toEqual({
      'record dynamodb:GetItem': 1,
      'record events:PutEvents': 1,
      'record sns:Publish': 1,
      'record sqs:ChangeMessageVisibility': 1,
      'record ssm:GetParameters': 1,
    });
  });

  it('refuses a key that is no function’s, in each protocol', async () => {
    await boot();
    await expect(
      client(DynamoDBClient, 'AKIAOTHER').send(new PutItemCommand({ TableName: 't', Item: {} })),
    ).rejects.toMatchObject({ name: 'UnrecognizedClientException' });
    await expect(
      client(SNSClient, 'AKIAOTHER').send(new PublishCommand({ TopicArn: 'arn', Message: 'x' })),
    ).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
    expect(
      (await fetch(endpoint, { method: 'POST', headers: { 'x-amz-target': 'AWSEvents.PutEvents' }, body: '{}' }))
        .status,
    ).toBe(400);
    expect(handled).toEqual([]);
  });

  it('answers faults as the SDK reads them', async () => {
    await boot();
    fault = new AwsFault('AccessDeniedException', 'User: record is not authorized to perform: ssm:GetParameters', 400);
    await expect(client(SSMClient).send(new GetParametersCommand({ Names: ['x'] }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: 'User: record is not authorized to perform: ssm:GetParameters',
      $metadata: { httpStatusCode: 400 },
    });
    const unknown = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'x-amz-target': 'Kinesis_20131202.PutRecord',
        authorization: 'AWS4-HMAC-SHA256 Credential=AKIARECORD/x',
      },
      body: '{}',
    });
    expect(unknown.headers.get('x-amzn-errortype')).toBe('UnknownOperationException');
  });

  it('in chaos fails some entries of PutEvents and throttles some calls, within what retries overcome', async () => {
    await boot('seed');
    const bus = client(EventBridgeClient, 'AKIARECORD', 10);
    let partial = 0;
    let delivered = 0;
    for (let round = 0; round < 150; round += 1) {
      let entries = ['a', 'b', 'c'].map((name) => ({ Detail: `"${name}${round}"` }));
      for (let attempt = 0; entries.length > 0; attempt += 1) {
        expect(attempt).toBeLessThan(8);
        const answer = await bus.send(new PutEventsCommand({ Entries: entries }));
        const results = answer.Entries ?? [];
        expect(results).toHaveLength(entries.length);
        expect(results.filter(({ ErrorCode }) => ErrorCode).length).toBe(answer.FailedEntryCount);
        for (const [index, entry] of entries.entries()) {
          if (!results[index]?.ErrorCode) expect(results[index]?.EventId).toBe(entry.Detail);
        }
        if (answer.FailedEntryCount) partial += 1;
        delivered += entries.length - (answer.FailedEntryCount ?? 0);
        entries = entries.filter((_, index) => results[index]?.ErrorCode);
      }
    }
    expect(delivered).toBe(450);
    expect(partial).toBeGreaterThan(0);
  });
});
