import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  InvalidParameterException,
  NotFoundException,
  PublishBatchCommand,
  PublishCommand,
  type PublishCommandInput,
  SNSClient,
} from '@aws-sdk/client-sns';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { FailedDelivery } from '../../../../infra/local/deliveries.ts';
import { type Journal, openJournal } from '../../../../infra/local/journal.ts';
import { type Authorize, AwsFault, type Caller } from '../../../../infra/local/kernel.ts';
import {
  createSns,
  type Sns,
  type SubscriptionDefinition,
  type TopicDefinition,
} from '../../../../infra/local/sns/index.ts';
import { createSqs, type ReceivedMessage, type Sqs } from '../../../../infra/local/sqs/index.ts';
import { type TestClock, testClock } from '../../../support/test-clock.ts';

const topicArn = (name: string) => `arn:aws:sns:us-east-1:000000000000:${name}`;
const queueArn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;
const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:deliver';
const TOPIC = topicArn('alerts');
const QUEUE = queueArn('inbox');
const DEAD = queueArn('dead');
const caller: Caller = { type: 'role', arn: 'arn:aws:iam::000000000000:role/notify', functionName: 'notify' };
const bySns: Caller = { type: 'service', principal: 'sns.amazonaws.com', sourceArn: TOPIC };

let directory: string;
let journal: Journal;
let clock: TestClock;
let sqs: Sqs;
let sns: Sns;
let topics: TopicDefinition[];
let denied: string[];
let asked: { caller: Caller; action: string; resource: string }[];
let invocations: { arn: string; payload: string; caller: Caller }[];
let invoke: () => Promise<void>;
let failures: FailedDelivery[];

const authorize: Authorize = (who, action, resource) => {
  asked.push({ caller: who, action, resource });
  if (denied.includes(`${action} ${resource}`)) throw new AwsFault('AuthorizationError', `no ${action}`, 403);
};

const topic = (...subscriptions: SubscriptionDefinition[]): TopicDefinition => ({
  name: 'alerts',
  arn: TOPIC,
  subscriptions,
});

function open(): void {
  journal = openJournal(join(directory, 'journal'));
  const queues = ['inbox', 'dead'].map((name) => ({ name, arn: queueArn(name), url: `http://127.0.0.1/0/${name}` }));
  sqs = createSqs({ journal, clock, authorize, queues });
  sns = createSns({
    journal,
    clock,
    authorize,
    topics,
    sqs,
    targets: {
      async invoke(arn, payload, who) {
        invocations.push({ arn, payload, caller: who });
        await invoke();
      },
    },
    onFailed: (failed) => failures.push(failed),
  });
}

/** As a restart does: what had been planned is gone, what was journaled is not. */
function reopen(...changed: SubscriptionDefinition[]): void {
  journal.close();
  clock = testClock(clock.now());
  if (changed.length > 0) topics = [topic(...changed)];
  open();
}

function start(...subscriptions: SubscriptionDefinition[]): void {
  topics = [topic(...subscriptions)];
  open();
}

let server: Server;
let client: SNSClient;
beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
      const { status, body } = await sns.handleQuery(form, caller);
      response.writeHead(status, { 'content-type': 'text/xml' }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new SNSClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
});
afterAll(() => {
  client.destroy();
  server.close();
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'qmoi-sns-'));
  clock = testClock();
  denied = [];
  asked = [];
  invocations = [];
  failures = [];
  invoke = async () => {};
});
afterEach(() => {
  journal.close();
  rmSync(directory, { recursive: true, force: true });
});

const publish = (input: Omit<PublishCommandInput, 'TopicArn'> = { Message: 'hello' }) =>
  client.send(new PublishCommand({ TopicArn: TOPIC, ...input }));
const text = (StringValue: string) => ({ DataType: 'String', StringValue });
const number = (StringValue: string) => ({ DataType: 'Number', StringValue });
const list = (...values: unknown[]) => ({ DataType: 'String.Array', StringValue: JSON.stringify(values) });
const received = (arn = QUEUE): ReceivedMessage[] => sqs.receive(caller, arn);
const settle = () => clock.advance(0);
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: Error & { Code?: string }) => ({ name: error.name, code: error.Code, message: error.message }),
  );

describe('mail and SMS', () => {
  it('land in the outbox, one entry per subscription, with what was published', async () => {
    start(
      { protocol: 'email', endpoint: 'a@example.org' },
      { protocol: 'email-json', endpoint: 'b@example.org' },
      { protocol: 'sms', endpoint: '+15550100' },
    );
    const { MessageId } = await publish({
      Subject: 'Build <main> & more',
      Message: 'Line 1\nLine 2 — ü 🚀 <&>',
      MessageAttributes: {
        severity: text('high'),
        attempt: number('2'),
        raw: { DataType: 'Binary', BinaryValue: Uint8Array.of(1, 2, 255) },
      },
    });
    const common = {
      messageId: MessageId,
      topic: 'alerts',
      subject: 'Build <main> & more',
      message: 'Line 1\nLine 2 — ü 🚀 <&>',
      attributes: {
        severity: { Type: 'String', Value: 'high' },
        attempt: { Type: 'Number', Value: '2' },
        raw: { Type: 'Binary', Value: 'AQL/' },
      },
      at: new Date(clock.now()).toISOString(),
    };
    expect(MessageId).toMatch(/^[\da-f-]{36}$/);
    expect(sns.outbox()).toMatchObject([
      { ...common, protocol: 'email', endpoint: 'a@example.org' },
      { ...common, protocol: 'email-json', endpoint: 'b@example.org' },
      { ...common, protocol: 'sms', endpoint: '+15550100' },
    ]);
    expect(sns.pending()).toBe(0);
  });

  it('are listed without protocol and endpoint when nobody is subscribed', async () => {
    start();
    await publish();
    expect(sns.outbox()).toMatchObject([
      { topic: 'alerts', protocol: null, endpoint: null, subject: null, message: 'hello', attributes: {} },
    ]);
  });

  it('are listed without protocol and endpoint when no filter lets them through, unlike what a queue took', async () => {
    const other = { filterPolicy: { kind: ['other'] } };
    start({ protocol: 'email', endpoint: 'a@example.org', ...other });
    await publish();
    expect(sns.outbox()).toMatchObject([{ protocol: null, endpoint: null }]);
    reopen({ protocol: 'email', endpoint: 'a@example.org', ...other }, { protocol: 'sqs', endpoint: QUEUE });
    await publish();
    expect(sns.outbox()).toHaveLength(1);
    await settle();
    expect(received()).toHaveLength(1);
  });

  it('keep the text that MessageStructure gives their protocol', async () => {
    start({ protocol: 'email', endpoint: 'a@example.org' }, { protocol: 'sms', endpoint: '+15550100' });
    await publish({
      MessageStructure: 'json',
      Message: JSON.stringify({ default: 'long text', sms: 'short', email: 7 }),
    });
    expect(sns.outbox().map(({ message }) => message)).toEqual(['long text', 'short']);
  });

  it('go to a number without a topic', async () => {
    start();
    const { MessageId } = await client.send(new PublishCommand({ PhoneNumber: '+15550100', Message: 'hi' }));
    expect(sns.outbox()).toMatchObject([
      { messageId: MessageId, topic: null, protocol: 'sms', endpoint: '+15550100', message: 'hi' },
    ]);
    expect(asked).toEqual([{ caller, action: 'sns:Publish', resource: '+15550100' }]);
    expect(await refusal(client.send(new PublishCommand({ PhoneNumber: 'Bob', Message: 'hi' })))).toMatchObject({
      code: 'InvalidParameter',
    });
    const long = new PublishCommand({ PhoneNumber: '+15550100', Message: 'x'.repeat(1_601) });
    expect(await refusal(client.send(long))).toMatchObject({ message: 'Invalid parameter: Message too long' });
  });

  it('outlive a restart and a compaction, with ids that go on increasing', async () => {
    start();
    await publish({ Message: 'one' });
    await publish({ Message: 'two' });
    reopen();
    await publish({ Message: 'three' });
    journal.compact();
    reopen();
    await publish({ Message: 'four' });
    expect(sns.outbox().map(({ message }) => message)).toEqual(['one', 'two', 'three', 'four']);
    const ids = sns.outbox().map(({ id }) => id);
    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(4);
  });

  it('are forgotten beyond the last 10,000', async () => {
    const subscriptions = Array.from({ length: 2_000 }, (_, i) => ({
      protocol: 'email' as const,
      endpoint: `${i}@example.org`,
    }));
    start(...subscriptions);
    for (let i = 0; i < 6; i++) await publish({ Message: `m${i}` });
    expect(sns.outbox()).toHaveLength(10_000);
    expect(sns.outbox()[0]).toMatchObject({ message: 'm1', endpoint: '0@example.org' });
    reopen();
    expect(sns.outbox()).toHaveLength(10_000);
    expect(sns.outbox().at(-1)).toMatchObject({ message: 'm5', endpoint: '1999@example.org' });
  });
});

describe('a queue', () => {
  it('receives an envelope', async () => {
    start({ protocol: 'sqs', endpoint: QUEUE, arn: `${TOPIC}:sub` });
    const { MessageId } = await publish({
      Subject: 'S',
      Message: 'hello',
      MessageAttributes: { severity: text('high') },
    });
    await settle();
    const [message] = received();
    expect(JSON.parse(message?.Body ?? '')).toEqual({
      Type: 'Notification',
      MessageId,
      TopicArn: TOPIC,
      Subject: 'S',
      Message: 'hello',
      Timestamp: new Date(clock.now()).toISOString(),
      SignatureVersion: '1',
      Signature: expect.any(String),
      SigningCertURL: expect.stringMatching(/^https:/),
      UnsubscribeURL: expect.stringContaining(`${TOPIC}:sub`),
      MessageAttributes: { severity: { Type: 'String', Value: 'high' } },
    });
    expect(message?.MessageAttributes).toBeUndefined();
    expect(asked).toContainEqual({ caller: bySns, action: 'sqs:SendMessage', resource: QUEUE });
    expect(sns.pending()).toBe(0);
    expect(sns.outbox()).toEqual([]);
  });

  it('receives an envelope without what was not given', async () => {
    start({ protocol: 'sqs', endpoint: QUEUE });
    await publish();
    await settle();
    const body = JSON.parse(received()[0]?.Body ?? '');
    expect(body).not.toHaveProperty('Subject');
    expect(body).not.toHaveProperty('MessageAttributes');
  });

  it('receives text and attributes as they are with raw delivery', async () => {
    start({ protocol: 'sqs', endpoint: QUEUE, rawMessageDelivery: true });
    await publish({
      Message: '{"a":1}',
      MessageAttributes: {
        tags: list('x'),
        raw: { DataType: 'Binary', BinaryValue: Uint8Array.of(7) },
      },
    });
    await settle();
    expect(received()).toMatchObject([
      {
        Body: '{"a":1}',
        MessageAttributes: {
          tags: { DataType: 'String.Array', StringValue: '["x"]' },
          raw: { DataType: 'Binary', BinaryValue: 'Bw==' },
        },
      },
    ]);
  });

  it('receives what was acknowledged before the host died, once', async () => {
    start({ protocol: 'sqs', endpoint: QUEUE });
    await publish();
    expect(sns.pending()).toBe(1);
    // The subscription may be gone by then: it was there when the message was published.
    reopen({ protocol: 'email', endpoint: 'a@example.org' });
    expect(sns.pending()).toBe(1);
    await settle();
    expect(received()).toHaveLength(1);
    reopen();
    await settle();
    expect(sns.pending()).toBe(0);
    expect(received()).toHaveLength(0);
  });

  it('that denies the topic is not tried again: the message goes to the dead-letter queue', async () => {
    start({ protocol: 'sqs', endpoint: QUEUE, rawMessageDelivery: true, deadLetterArn: DEAD });
    denied = [`sqs:SendMessage ${QUEUE}`];
    await publish({ Message: 'lost', MessageAttributes: { severity: text('high') } });
    await settle();
    expect(sns.pending()).toBe(0);
    expect(received(DEAD)).toMatchObject([
      {
        Body: 'lost',
        MessageAttributes: {
          severity: { StringValue: 'high' },
          TARGET_ARN: { StringValue: QUEUE },
          ErrorCode: { StringValue: 'AuthorizationError' },
          ErrorMessage: { StringValue: 'no sqs:SendMessage' },
        },
      },
    ]);
    expect(failures).toEqual([
      {
        service: 'sns',
        sourceArn: TOPIC,
        targetArn: QUEUE,
        error: 'no sqs:SendMessage',
        attempts: 1,
        deadLettered: true,
      },
    ]);
  });

  it('gets a redriven dead letter', async () => {
    start({ protocol: 'sqs', endpoint: QUEUE, deadLetterArn: DEAD });
    denied = [`sqs:SendMessage ${QUEUE}`];
    await publish();
    await settle();
    denied = [];
    expect(sqs.redriveDlq('dead')).toEqual({ moved: 1, left: 0 });
    expect(JSON.parse(received()[0]?.Body ?? '')).toMatchObject({ Message: 'hello' });
  });

  it('without a dead-letter queue that takes it leaves a report', async () => {
    start(
      { protocol: 'sqs', endpoint: queueArn('gone') },
      { protocol: 'sqs', endpoint: queueArn('gone'), deadLetterArn: DEAD },
    );
    denied = [`sqs:SendMessage ${DEAD}`];
    await publish();
    await settle();
    expect(sns.pending()).toBe(0);
    expect(failures.map(({ deadLettered }) => deadLettered)).toEqual([false, false]);
  });

  it('refuses more than ten attributes with raw delivery, which goes to the dead-letter queue', async () => {
    start({ protocol: 'sqs', endpoint: QUEUE, rawMessageDelivery: true, deadLetterArn: DEAD });
    const names = Array.from({ length: 11 }, (_, i) => `a${i}`);
    await publish({ Message: 'x', MessageAttributes: Object.fromEntries(names.map((name) => [name, text('v')])) });
    await settle();
    expect(received()).toHaveLength(0);
    const [dead] = received(DEAD);
    expect(dead?.Body).toBe('x');
    expect(Object.keys(dead?.MessageAttributes ?? {})).toHaveLength(10);
    expect(dead?.MessageAttributes).toHaveProperty('TARGET_ARN');
  });
});

describe('a function', () => {
  it('is invoked with an SNS event, in the name of the topic', async () => {
    start({ protocol: 'lambda', endpoint: FUNCTION, arn: `${TOPIC}:sub`, rawMessageDelivery: true });
    const { MessageId } = await publish();
    await settle();
    expect(invocations).toHaveLength(1);
    expect(invocations[0]).toMatchObject({ arn: FUNCTION, caller: bySns });
    expect(JSON.parse(invocations[0]?.payload ?? '')).toEqual({
      Records: [
        {
          EventSource: 'aws:sns',
          EventVersion: '1.0',
          EventSubscriptionArn: `${TOPIC}:sub`,
          Sns: {
            Type: 'Notification',
            MessageId,
            TopicArn: TOPIC,
            Subject: null,
            Message: 'hello',
            Timestamp: new Date(clock.now()).toISOString(),
            SignatureVersion: '1',
            Signature: expect.any(String),
            SigningCertUrl: expect.any(String),
            UnsubscribeUrl: expect.any(String),
            MessageAttributes: {},
          },
        },
      ],
    });
    expect(asked).toContainEqual({ caller: bySns, action: 'lambda:InvokeFunction', resource: FUNCTION });
    expect(sns.pending()).toBe(0);
  });

  it('is tried again, at once and then ever later, until it takes the message', async () => {
    let failing = 6;
    invoke = async () => {
      if (failing-- > 0) throw new AwsFault('ServiceException', 'busy', 503);
    };
    start({ protocol: 'lambda', endpoint: FUNCTION });
    await publish();
    await settle();
    expect(invocations).toHaveLength(4);
    await clock.advance(1_000);
    expect(invocations).toHaveLength(5);
    // The count of attempts outlives a restart, and so does the time of the next one.
    journal.compact();
    reopen();
    await clock.advance(999);
    expect(invocations).toHaveLength(5);
    await clock.advance(1);
    expect(invocations).toHaveLength(6);
    await clock.advance(1_000);
    expect(invocations).toHaveLength(7);
    expect(sns.pending()).toBe(0);
    expect(failures).toEqual([]);
  });

  it('that throttles is tried again, one that is gone is not', async () => {
    const errors = [
      new AwsFault('TooManyRequestsException', 'Rate Exceeded.', 429),
      new AwsFault('ResourceNotFoundException', 'Function not found', 404),
    ];
    invoke = () => Promise.reject(errors.shift());
    start({ protocol: 'lambda', endpoint: FUNCTION, deadLetterArn: DEAD });
    await publish();
    await settle();
    expect(invocations).toHaveLength(2);
    expect(failures).toMatchObject([{ attempts: 2, error: 'Function not found', deadLettered: true }]);
    expect(JSON.parse(received(DEAD)[0]?.Body ?? '')).toMatchObject({ Records: [{ Sns: { Message: 'hello' } }] });
  });

  it('is not invoked by a topic that it does not allow', async () => {
    denied = [`lambda:InvokeFunction ${FUNCTION}`];
    start({ protocol: 'lambda', endpoint: FUNCTION });
    await publish();
    await settle();
    expect(invocations).toEqual([]);
    expect(failures).toMatchObject([{ targetArn: FUNCTION, attempts: 1, deadLettered: false }]);
  });

  it('is invoked again when the host dies before the answer', async () => {
    let answer = () => {};
    invoke = () => new Promise((resolve) => (answer = resolve));
    start({ protocol: 'lambda', endpoint: FUNCTION });
    await publish();
    await settle();
    reopen();
    answer();
    await settle();
    expect(invocations).toHaveLength(2);
    expect(sns.pending()).toBe(1);
    answer();
    await settle();
    expect(sns.pending()).toBe(0);
  });

  it('is given up after 100,015 attempts', async () => {
    invoke = () => Promise.reject(new Error('out of order'));
    start({ protocol: 'lambda', endpoint: FUNCTION, deadLetterArn: DEAD });
    await publish();
    await settle();
    // Twenty seconds lie between the attempts by then; the journal is brought to the end of those 23 days by hand.
    skipAttempts(100_013);
    reopen();
    await settle();
    expect(invocations).toHaveLength(5);
    await clock.advance(19_999);
    expect(sns.pending()).toBe(1);
    await clock.advance(1);
    expect(invocations).toHaveLength(6);
    expect(sns.pending()).toBe(0);
    expect(failures).toMatchObject([{ attempts: 100_015, error: 'out of order', deadLettered: true }]);
  });
});

/** Lets the delivery that failed last have failed that often, and be due now. */
function skipAttempts(attempts: number): void {
  journal.close();
  let id = '';
  journal = openJournal(join(directory, 'journal'));
  const log = journal.log<{ t: string; id?: string; attempts?: number; dueAt?: number }>('sns', {
    apply(event) {
      if (event.t === 'failed' && event.id) id = event.id;
    },
    *snapshot() {},
  });
  log.append({ t: 'failed', id, attempts, dueAt: clock.now() });
}

describe('a filter policy on attributes', () => {
  const lets = async (filterPolicy: unknown, MessageAttributes?: PublishCommandInput['MessageAttributes']) => {
    start({ protocol: 'email', endpoint: 'a@example.org', filterPolicy });
    const before = sns.outbox().length;
    await publish({ Message: 'x', MessageAttributes });
    journal.close();
    return sns.outbox()[before]?.protocol === 'email';
  };

  it.each<[string, unknown, PublishCommandInput['MessageAttributes'], boolean]>([
    ['a value of the list', { kind: ['a', 'b'] }, { kind: text('b') }, true],
    ['another value', { kind: ['a', 'b'] }, { kind: text('c') }, false],
    ['a value in another case', { kind: ['a'] }, { kind: text('A') }, false],
    ['all of the keys', { kind: ['a'], level: ['x'] }, { kind: text('a'), level: text('x') }, true],
    ['only one of the keys', { kind: ['a'], level: ['x'] }, { kind: text('a') }, false],
    ['no attributes at all', { kind: ['a'] }, undefined, false],
    ['no attributes, which prefix needs', { kind: [{ prefix: 'a' }] }, undefined, false],
    ['no attributes, which anything-but needs', { kind: [{ 'anything-but': ['a'] }] }, undefined, false],
    ['an absent attribute that must be absent', { kind: [{ exists: false }] }, { level: text('x') }, true],
    ['no attributes where one must be absent', { kind: [{ exists: false }] }, undefined, true],
    ['a present attribute that must be absent', { kind: [{ exists: false }] }, { kind: text('a') }, false],
    ['a present attribute', { kind: [{ exists: true }] }, { kind: text('a') }, true],
    ['a prefix', { kind: [{ prefix: 'ab' }] }, { kind: text('abc') }, true],
    ['a suffix', { kind: [{ suffix: 'bc' }] }, { kind: text('abc') }, true],
    ['what is excluded', { kind: [{ 'anything-but': ['a'] }] }, { kind: text('a') }, false],
    ['what is not excluded', { kind: [{ 'anything-but': ['a'] }] }, { kind: text('b') }, true],
    ['a number in the range', { n: [{ numeric: ['>', 1, '<=', 5] }] }, { n: number('5.0') }, true],
    ['a number out of the range', { n: [{ numeric: ['>', 1, '<=', 5] }] }, { n: number('5.1') }, false],
    ['text where a number is wanted', { n: [{ numeric: ['=', 5] }] }, { n: text('5') }, false],
    ['an element of an array', { tags: ['b'] }, { tags: list('a', 'b') }, true],
    ['no element of an array', { tags: ['c'] }, { tags: list('a', 'b') }, false],
    ['numbers, truth and null in an array', { tags: [null] }, { tags: list(1, true, null) }, true],
    ['an array that is none', { tags: ['x'] }, { tags: { DataType: 'String.Array', StringValue: 'x' } }, false],
    [
      'a binary attribute',
      { raw: [{ exists: true }] },
      { raw: { DataType: 'Binary', BinaryValue: Uint8Array.of(1) } },
      false,
    ],
    ['a name with dots', { 'a.b': ['x'] }, { 'a.b': text('x') }, true],
    ['an alternative', { $or: [{ a: ['x'] }, { b: ['y'] }] }, { b: text('y') }, true],
    ['no alternative', { $or: [{ a: ['x'] }, { b: ['y'] }] }, { b: text('x') }, false],
    ['a policy as JSON text', '{"kind":["a"]}', { kind: text('a') }, true],
    ['an empty policy', {}, undefined, true],
    ['a hostile name', { constructor: ['a'] }, { kind: text('a') }, false],
  ])('judges %s', async (_, policy, attributes, expected) => {
    expect(await lets(policy, attributes)).toBe(expected);
  });

  it.each([
    ['nesting', { a: { b: ['c'] } }],
    ['six keys', Object.fromEntries([...'abcdef'].map((key) => [key, ['x']]))],
    ['too many combinations', { a: Array.from({ length: 151 }, (_, i) => `${i}`) }],
    ['an unknown operator', { a: [{ almost: 'x' }] }],
    ['what is no list', { a: 'x' }],
    ['what is no JSON', '{'],
  ])('is refused at the start for %s', (_, filterPolicy) => {
    start();
    journal.close();
    topics = [topic({ protocol: 'email', endpoint: 'a@example.org', filterPolicy })];
    expect(open).toThrow(expect.objectContaining({ code: 'InvalidParameter' }));
  });
});

describe('a filter policy on the body', () => {
  const passes = async (filterPolicy: unknown, Message: string) => {
    start({ protocol: 'email', endpoint: 'a@example.org', filterPolicy, filterPolicyScope: 'MessageBody' });
    await publish({ Message, MessageAttributes: { kind: text('from attributes') } });
    return sns.outbox().at(-1)?.protocol === 'email';
  };

  it.each<[string, unknown, unknown, boolean]>([
    ['a nested value', { run: { status: ['failed'] } }, { run: { status: 'failed' } }, true],
    ['another nested value', { run: { status: ['failed'] } }, { run: { status: 'passed' } }, false],
    ['a number', { n: [{ numeric: ['>=', 2] }] }, { n: 2 }, true],
    ['an element of an array', { tags: ['b'] }, { tags: ['a', 'b'] }, true],
    ['what only the attributes have', { kind: ['from attributes'] }, {}, false],
    ['an absent field', { gone: [{ exists: false }] }, {}, true],
    ['a body that is no object', { gone: [{ exists: false }] }, [1], false],
  ])('judges %s', async (_, policy, body, expected) => {
    expect(await passes(policy, JSON.stringify(body))).toBe(expected);
  });

  it('lets nothing through that is no JSON', async () => {
    expect(await passes({ gone: [{ exists: false }] }, '{"half":')).toBe(false);
  });
});

describe('publishing', () => {
  beforeEach(() => start({ protocol: 'email', endpoint: 'a@example.org' }));

  it.each<[string, Omit<PublishCommandInput, 'TopicArn'>]>([
    ['an empty message', { Message: '' }],
    ['an empty subject', { Message: 'x', Subject: '' }],
    ['a subject of 101 characters', { Message: 'x', Subject: 's'.repeat(101) }],
    ['a subject of two lines', { Message: 'x', Subject: 'a\nBcc: b@example.org' }],
    ['a subject with a trailing line break', { Message: 'x', Subject: 'a\n' }],
    ['a subject beyond ASCII', { Message: 'x', Subject: 'Fehler in der Prüfung' }],
    ['a subject that begins with a space', { Message: 'x', Subject: ' a' }],
    ['a message of more than 256 KiB', { Message: 'ü'.repeat(131_073) }],
    [
      'a message that is too long with its attributes',
      { Message: 'x'.repeat(262_140), MessageAttributes: { a: text('x') } },
    ],
    ['a structure that is no JSON', { Message: 'x', MessageStructure: 'json' }],
    ['a structure without default', { Message: '{"sms":"x"}', MessageStructure: 'json' }],
    ['an unknown structure', { Message: 'x', MessageStructure: 'xml' }],
  ])('refuses %s as an invalid parameter', async (_, input) => {
    const error: unknown = await publish(input).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidParameterException);
    expect(error).toMatchObject({ $metadata: { httpStatusCode: 400 }, message: /^Invalid parameter: / });
    expect(sns.outbox()).toEqual([]);
  });

  it.each<[string, PublishCommandInput['MessageAttributes']]>([
    ['an empty value', { a: text('') }],
    ['an unknown type', { a: { DataType: 'Map', StringValue: 'x' } }],
    ['no type', { a: { DataType: '', StringValue: 'x' } }],
    ['a number that is none', { a: number('seven') }],
    ['text for binary', { a: { DataType: 'Binary', StringValue: 'x' } }],
    ['a name with a blank', { 'a b': text('x') }],
    ['a reserved name', { 'AWS.x': text('x') }],
  ])('refuses an attribute with %s', async (_, MessageAttributes) => {
    expect(await refusal(publish({ Message: 'x', MessageAttributes }))).toMatchObject({
      code: 'ParameterValueInvalid',
    });
  });

  it('takes the longest message and subject there may be', async () => {
    await publish({ Message: 'x'.repeat(262_144), Subject: '!'.padEnd(100, '~') });
    expect(sns.outbox()).toHaveLength(1);
  });

  it('needs the right to, asked for before the topic is looked up', async () => {
    denied = [`sns:Publish ${TOPIC}`, `sns:Publish ${topicArn('unknown')}`];
    expect(await refusal(publish())).toMatchObject({ name: 'AuthorizationErrorException', message: 'no sns:Publish' });
    const unknown = new PublishCommand({ TopicArn: topicArn('unknown'), Message: 'x' });
    expect(await refusal(client.send(unknown))).toMatchObject({ code: 'AuthorizationError' });
    expect(asked[0]).toEqual({ caller, action: 'sns:Publish', resource: TOPIC });
    expect(sns.outbox()).toEqual([]);
  });

  it('needs a topic that is there', async () => {
    const to = (TopicArn: string) =>
      client.send(new PublishCommand({ TopicArn, Message: 'x' })).catch((reason: unknown) => reason);
    expect(await to(topicArn('unknown'))).toBeInstanceOf(NotFoundException);
    expect(await to('alerts')).toBeInstanceOf(InvalidParameterException);
    expect(await to('arn:<&>\u0001')).toBeInstanceOf(InvalidParameterException);
  });

  it('needs exactly one target', async () => {
    const send = (input: Omit<PublishCommandInput, 'Message'>) =>
      refusal(client.send(new PublishCommand({ Message: 'x', ...input })));
    expect(await send({})).toMatchObject({ code: 'InvalidParameter' });
    expect(await send({ TopicArn: TOPIC, PhoneNumber: '+15550100' })).toMatchObject({ code: 'InvalidParameter' });
    expect(await send({ TargetArn: TOPIC })).toBe('accepted');
  });

  it('answers a fault as XML that quotes what it repeats', async () => {
    const form = new URLSearchParams({ Action: '<Delete>&\u0000', TopicArn: TOPIC });
    const { status, body } = await sns.handleQuery(form, caller);
    expect(status).toBe(400);
    expect(body).toContain('<Type>Sender</Type><Code>InvalidAction</Code>');
    expect(body).toContain('&lt;Delete&gt;&amp;\uFFFD');
    const missing = await sns.handleQuery(new URLSearchParams({ Action: 'Publish', TopicArn: TOPIC }), caller);
    expect(missing).toMatchObject({ status: 400, body: expect.stringContaining('<Code>ValidationError</Code>') });
    for (const Action of ['constructor', '__proto__']) {
      expect(await sns.handleQuery(new URLSearchParams({ Action }), caller)).toMatchObject({ status: 400 });
    }
  });

  it('is an internal error when the journal cannot keep it', async () => {
    journal.close();
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    onTestFinished(() => written.mockRestore());
    const form = new URLSearchParams({ Action: 'Publish', TopicArn: TOPIC, Message: 'x' });
    expect(await sns.handleQuery(form, caller)).toMatchObject({
      status: 500,
      body: expect.stringContaining('<Type>Receiver</Type><Code>InternalError</Code>'),
    });
    expect(written).toHaveBeenCalledWith(expect.stringContaining('the journal is closed'));
  });
});

describe('publishing a batch', () => {
  beforeEach(() => start({ protocol: 'email', endpoint: 'a@example.org' }));
  const batch = (...entries: { Id: string; Message: string; Subject?: string }[]) =>
    client.send(new PublishBatchCommand({ TopicArn: TOPIC, PublishBatchRequestEntries: entries }));

  it('succeeds and fails by entry', async () => {
    const answer = await batch(
      { Id: 'a', Message: 'one' },
      { Id: 'b', Message: 'two', Subject: '' },
      { Id: 'c', Message: 'three' },
    );
    expect(answer.Successful).toEqual([
      { Id: 'a', MessageId: sns.outbox()[0]?.messageId },
      { Id: 'c', MessageId: sns.outbox()[1]?.messageId },
    ]);
    expect(answer.Failed).toEqual([
      { Id: 'b', Code: 'InvalidParameter', Message: 'Invalid parameter: Subject', SenderFault: true },
    ]);
    expect(sns.outbox().map(({ message }) => message)).toEqual(['one', 'three']);
  });

  it('has no failed entries when all succeed, and carries attributes', async () => {
    const answer = await client.send(
      new PublishBatchCommand({
        TopicArn: TOPIC,
        PublishBatchRequestEntries: [{ Id: 'a', Message: 'one', MessageAttributes: { tags: list('x') } }],
      }),
    );
    expect(answer.Failed ?? []).toEqual([]);
    expect(sns.outbox()[0]?.attributes).toEqual({ tags: { Type: 'String.Array', Value: '["x"]' } });
  });

  it.each([
    ['EmptyBatchRequest', []],
    ['TooManyEntriesInBatchRequest', Array.from({ length: 11 }, (_, i) => ({ Id: `${i}`, Message: 'x' }))],
    ['BatchEntryIdsNotDistinct', Array.from({ length: 2 }, () => ({ Id: 'a', Message: 'x' }))],
    ['InvalidBatchEntryId', [{ Id: 'a b', Message: 'x' }]],
    ['BatchRequestTooLong', ['a', 'b'].map((Id) => ({ Id, Message: 'x'.repeat(131_073) }))],
  ])('is refused as a whole: %s', async (code, entries) => {
    expect(await refusal(batch(...entries))).toMatchObject({ code });
    expect(sns.outbox()).toEqual([]);
  });

  it('needs the right to and a topic', async () => {
    denied = [`sns:Publish ${TOPIC}`];
    expect(await refusal(batch({ Id: 'a', Message: 'x' }))).toMatchObject({ code: 'AuthorizationError' });
    const unknown = { TopicArn: topicArn('unknown'), PublishBatchRequestEntries: [{ Id: 'a', Message: 'x' }] };
    expect(await refusal(client.send(new PublishBatchCommand(unknown)))).toMatchObject({ code: 'NotFound' });
  });
});
