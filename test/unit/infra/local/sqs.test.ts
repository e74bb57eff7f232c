import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ReceiveMessageCommand, SendMessageBatchCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Journal, openJournal } from '../../../../infra/local/journal.ts';
import { type Authorize, AwsFault, type Caller } from '../../../../infra/local/kernel.ts';
import { createSqs, type QueueDefinition, type Sqs } from '../../../../infra/local/sqs/index.ts';
import { type TestClock, testClock } from '../../../support/test-clock.ts';

const arn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;
const url = (name: string) => `http://127.0.0.1:3000/000000000000/${name}`;
const queue = (name: string, extra: Partial<QueueDefinition> = {}): QueueDefinition => ({
  name,
  arn: arn(name),
  url: url(name),
  ...extra,
});
const QUEUES = [
  queue('work', { visibilityTimeout: 60, redrive: { deadLetterTargetArn: arn('dead'), maxReceiveCount: 3 } }),
  queue('dead', { retention: 1_209_600 }),
  queue('slow', { delaySeconds: 10, retention: 120 }),
];
const WORK = arn('work');
const DEAD = arn('dead');
const caller: Caller = { type: 'role', arn: 'arn:aws:iam::000000000000:role/r', functionName: 'record' };

let directory: string;
let file: string;
let journal: Journal;
let clock: TestClock;
let sqs: Sqs;
let denied: string[];

const authorize: Authorize = (_caller, action, resource) => {
  if (denied.includes(action)) throw new AwsFault('AccessDenied', `${action} on ${resource}`, 403);
};

function open(): void {
  let ids = 0;
  const generation = Math.random().toString(36).slice(2, 8);
  journal = openJournal(file);
  sqs = createSqs({ journal, clock, authorize, queues: QUEUES, newId: () => `m${generation}-${ids++}` });
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'qmoi-sqs-'));
  file = join(directory, 'journal');
  clock = testClock();
  denied = [];
  open();
});
afterEach(() => {
  journal.close();
  rmSync(directory, { recursive: true, force: true });
});

const bodies = (queueArn = WORK, max = 10) => sqs.receive(caller, queueArn, { max }).map(({ Body }) => Body);
const send = (body: string, delaySeconds?: number) => sqs.send(caller, WORK, { body, delaySeconds });
const call = (operation: string, input: Record<string, unknown>) =>
  sqs.handle(operation, { QueueUrl: url('work'), ...input }, caller);
const depth = (name = 'work') => sqs.depths()[name];

describe('a message', () => {
  it('is received, hidden for the visibility time-out, received again, and gone once deleted', async () => {
    const id = send('one');
    const [first] = sqs.receive(caller, WORK);
    expect(first).toMatchObject({
      MessageId: id,
      Body: 'one',
      MD5OfBody: createHash('md5').update('one').digest('hex'),
      Attributes: { ApproximateReceiveCount: '1', SentTimestamp: String(clock.now()), SenderId: 'record' },
    });
    expect(depth()).toMatchObject({ visible: 0, inFlight: 1, nextVisibleAt: clock.now() + 60_000 });
    await clock.advance(59_999);
    expect(bodies()).toEqual([]);
    await clock.advance(1);
    const [second] = sqs.receive(caller, WORK);
    expect(second?.Attributes).toMatchObject({
      ApproximateReceiveCount: '2',
      ApproximateFirstReceiveTimestamp: String(clock.now() - 60_000),
    });
    sqs.delete(caller, WORK, second?.ReceiptHandle ?? '');
    await clock.advance(60_000);
    expect(bodies()).toEqual([]);
    expect(depth()).toMatchObject({ visible: 0, inFlight: 0, delayed: 0, nextVisibleAt: null });
  });

  it("waits for its delay, or for the queue's when it has none", async () => {
    send('later', 900);
    sqs.send(caller, arn('slow'), { body: 'slow' });
    sqs.send(caller, arn('slow'), { body: 'at once', delaySeconds: 0 });
    expect(depth()).toMatchObject({ visible: 0, delayed: 1, inFlight: 0 });
    expect(bodies(arn('slow'))).toEqual(['at once']);
    await clock.advance(10_000);
    expect(bodies(arn('slow'))).toEqual(['slow']);
    await clock.advance(889_999);
    expect(bodies()).toEqual([]);
    await clock.advance(1);
    expect(bodies()).toEqual(['later']);
  });

  it('is not deleted by the handle of an earlier receive', async () => {
    send('one');
    const [first] = sqs.receive(caller, WORK);
    await clock.advance(60_000);
    const [second] = sqs.receive(caller, WORK);
    sqs.delete(caller, WORK, first?.ReceiptHandle ?? '');
    expect(depth()).toMatchObject({ inFlight: 1 });
    sqs.delete(caller, WORK, second?.ReceiptHandle ?? '');
    expect(depth()).toMatchObject({ inFlight: 0 });
  });

  it('becomes visible when its consumer says, sooner or later than the time-out', async () => {
    send('a');
    send('b');
    const [a, b] = sqs.receive(caller, WORK);
    sqs.changeVisibility(caller, WORK, a?.ReceiptHandle ?? '', 0);
    sqs.changeVisibility(caller, WORK, b?.ReceiptHandle ?? '', 120);
    expect(bodies()).toEqual(['a']);
    await clock.advance(119_999);
    expect(bodies()).toEqual(['a']);
    await clock.advance(1);
    expect(bodies()).toEqual(['b']);
  });

  it('goes to the dead-letter queue at the receive after its last, and comes back by redrive as a new message', async () => {
    const id = send('poison');
    for (let i = 0; i < 3; i++) {
      expect(bodies()).toEqual(['poison']);
      await clock.advance(60_000);
    }
    expect(depth('dead')).toMatchObject({ visible: 0 });
    expect(bodies()).toEqual([]);
    expect(depth()).toMatchObject({ visible: 0, inFlight: 0 });
    const [dead] = sqs.receive(caller, DEAD, { visibilityTimeout: 0 });
    expect(dead).toMatchObject({ MessageId: id, Body: 'poison', Attributes: { DeadLetterQueueSourceArn: WORK } });

    expect(sqs.redriveDlq('dead')).toEqual({ moved: 1, left: 0 });
    const [again] = sqs.receive(caller, WORK);
    expect(again).toMatchObject({ Body: 'poison', Attributes: { ApproximateReceiveCount: '1' } });
    expect(again?.MessageId).not.toBe(id);
  });

  it('that never reached a queue is redriven to the target its attributes name, or where the operator says', () => {
    const text = (StringValue: string) => ({ DataType: 'String', StringValue });
    const attributes = { TARGET_ARN: text(WORK), ERROR_CODE: text('NO_PERMISSIONS'), own: text('kept') };
    sqs.send(caller, DEAD, { body: 'event', attributes });
    sqs.send(caller, DEAD, { body: 'stranger' });
    expect(sqs.redriveDlq('dead')).toEqual({ moved: 1, left: 1 });
    const [again] = sqs.receive(caller, WORK);
    expect(again).toMatchObject({ Body: 'event', MessageAttributes: { own: { StringValue: 'kept' } } });
    expect(again?.MessageAttributes).not.toHaveProperty('TARGET_ARN');
    expect(sqs.redriveDlq('dead', arn('slow'))).toEqual({ moved: 1, left: 0 });
    expect(bodies(arn('slow'))).toEqual(['stranger']);
    expect(() => sqs.redriveDlq('nothing')).toThrow('does not exist');
  });

  it('is forgotten after the retention time', async () => {
    sqs.send(caller, arn('slow'), { body: 'old', delaySeconds: 0 });
    await clock.advance(60_000);
    sqs.send(caller, arn('slow'), { body: 'newer', delaySeconds: 0 });
    await clock.advance(60_000);
    expect(depth('slow')).toMatchObject({ visible: 1 });
    expect(bodies(arn('slow'))).toEqual(['newer']);
  });
});

describe('listeners', () => {
  it('hear of what is sent, of what time makes visible, and of what is already there', async () => {
    send('before');
    let heard = 0;
    const stop = sqs.onAvailable(WORK, () => heard++);
    await clock.advance(0);
    expect(heard).toBe(1);
    bodies();
    await clock.advance(59_999);
    expect(heard).toBe(1);
    await clock.advance(1);
    expect(heard).toBe(2);
    bodies();
    send('a');
    send('b');
    send('c');
    await clock.advance(0);
    expect(heard).toBe(3);
    bodies();
    stop();
    await clock.advance(60_000);
    expect(heard).toBe(3);
  });

  it('of a dead-letter queue hear of what is moved there', async () => {
    let heard = 0;
    sqs.onAvailable(DEAD, () => heard++);
    send('poison');
    for (let i = 0; i < 4; i++) {
      bodies();
      await clock.advance(60_000);
    }
    expect(heard).toBe(1);
  });
});

describe('after a restart', () => {
  const restart = () => {
    journal.close();
    open();
  };

  it('everything is as it was: what is visible, what is hidden and until when, how often received', async () => {
    send('visible');
    send('delayed', 300);
    send('hidden');
    const received = sqs.receive(caller, WORK, { max: 2 });
    const hidden = received.find(({ Body }) => Body === 'hidden');
    sqs.changeVisibility(caller, WORK, received.find(({ Body }) => Body === 'visible')?.ReceiptHandle ?? '', 0);
    restart();
    expect(depth()).toMatchObject({ visible: 1, delayed: 1, inFlight: 1, nextVisibleAt: clock.now() + 60_000 });
    sqs.delete(caller, WORK, hidden?.ReceiptHandle ?? '');
    const [visible] = sqs.receive(caller, WORK);
    expect(visible).toMatchObject({ Body: 'visible', Attributes: { ApproximateReceiveCount: '2' } });
    await clock.advance(300_000);
    expect(bodies().sort()).toEqual(['delayed', 'visible']);
  });

  it('what was in flight is visible again, except what its consumer postponed', () => {
    send('lost with the host');
    send('postponed');
    send('delayed', 300);
    const postponed = sqs.receive(caller, WORK).find(({ Body }) => Body === 'postponed');
    sqs.changeVisibility(caller, WORK, postponed?.ReceiptHandle ?? '', 600);
    restart();
    sqs.releaseInFlight();
    expect(depth()).toMatchObject({ visible: 1, delayed: 1, inFlight: 1 });
    expect(bodies()).toEqual(['lost with the host']);
  });

  it('a queue that left the stack does not keep the others from opening', () => {
    send('kept');
    sqs.send(caller, DEAD, { body: 'gone' });
    journal.close();
    journal = openJournal(file);
    sqs = createSqs({ journal, clock, authorize, queues: [queue('work')] });
    expect(bodies()).toEqual(['kept']);
    expect(sqs.has(DEAD)).toBe(false);
  });
});

describe('the wire', () => {
  it('sends, receives what is asked for, and deletes', async () => {
    const attributes = {
      rule: { DataType: 'String', StringValue: 'é' },
      count: { DataType: 'Number', StringValue: '3' },
      raw: { DataType: 'Binary', BinaryValue: 'AAEC' },
    };
    const sent = (await call('SendMessage', { MessageBody: 'ü', MessageAttributes: attributes })) as Record<
      string,
      string
    >;
    expect(sent.MD5OfMessageBody).toBe(createHash('md5').update('ü').digest('hex'));
    expect(
      await call('ReceiveMessage', {
        AttributeNames: ['SentTimestamp'],
        MessageAttributeNames: ['r.*', 'count'],
        VisibilityTimeout: 0,
      }),
    ).toMatchObject({
      Messages: [{ MessageId: sent.MessageId, Body: 'ü', Attributes: { SentTimestamp: String(clock.now()) } }],
    });
    const { Messages } = (await call('ReceiveMessage', { MessageAttributeNames: ['All'] })) as {
      Messages: Record<string, string>[];
    };
    expect(Messages[0]).toMatchObject({
      MessageAttributes: attributes,
      MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
    });
    expect(Messages[0]).not.toHaveProperty('Attributes');
    await call('DeleteMessage', { ReceiptHandle: Messages[0]?.ReceiptHandle });
    expect(await call('GetQueueAttributes', { AttributeNames: ['All'] })).toMatchObject({
      Attributes: {
        QueueArn: WORK,
        ApproximateNumberOfMessages: '0',
        ApproximateNumberOfMessagesNotVisible: '0',
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: DEAD, maxReceiveCount: 3 }),
      },
    });
  });

  it('is understood by the SDK, which checks every digest', async () => {
    const client = new SQSClient({
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:3000',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      requestHandler: {
        async handle(request: { headers: Record<string, string>; body: Uint8Array }) {
          const operation = (request.headers['x-amz-target'] ?? '').replace('AmazonSQS.', '');
          const output = await sqs.handle(operation, JSON.parse(Buffer.from(request.body).toString()), caller);
          const body = Readable.from([Buffer.from(JSON.stringify(output))]);
          return { response: { statusCode: 200, headers: { 'content-type': 'application/x-amz-json-1.0' }, body } };
        },
      },
    });
    const QueueUrl = url('work');
    const MessageAttributes = {
      text: { DataType: 'String', StringValue: 'é' },
      raw: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 1, 255]) },
    };
    const entry = { Id: 'b', MessageBody: 'two', MessageAttributes };
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'ü', MessageAttributes }));
    expect(await client.send(new SendMessageBatchCommand({ QueueUrl, Entries: [entry] }))).toMatchObject({
      Failed: [],
    });
    const received = await client.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
    );
    expect(received.Messages?.map(({ Body }) => Body)).toEqual(['ü', 'two']);
    expect(received.Messages?.[0]?.MessageAttributes).toEqual(MessageAttributes);
  });

  it('has an answered send in the file', async () => {
    await call('SendMessage', { MessageBody: 'durable' });
    expect(readFileSync(file, 'utf8')).toContain('"durable"');
  });

  it('waits for a message as long as it is told to', async () => {
    const empty = call('ReceiveMessage', { WaitTimeSeconds: 20 });
    await clock.advance(20_000);
    expect(await empty).toEqual({});
    const filled = call('ReceiveMessage', { WaitTimeSeconds: 20 });
    await clock.advance(5_000);
    send('here');
    expect(await filled).toMatchObject({ Messages: [{ Body: 'here' }] });
  });

  it('answers a batch entry by entry', async () => {
    const entries = [
      { Id: 'a', MessageBody: 'one' },
      { Id: 'b', MessageBody: 'bad\u0000' },
      { Id: 'c', MessageBody: 'two', DelaySeconds: 901 },
    ];
    expect(await call('SendMessageBatch', { Entries: entries })).toMatchObject({
      Successful: [{ Id: 'a' }],
      Failed: [
        { Id: 'b', Code: 'InvalidMessageContents', SenderFault: true },
        { Id: 'c', Code: 'InvalidParameterValue' },
      ],
    });
    const [one] = sqs.receive(caller, WORK);
    const handle = one?.ReceiptHandle;
    expect(
      await call('ChangeMessageVisibilityBatch', {
        Entries: [
          { Id: 'a', ReceiptHandle: handle, VisibilityTimeout: 10 },
          { Id: 'b', ReceiptHandle: '??', VisibilityTimeout: 10 },
        ],
      }),
    ).toMatchObject({ Successful: [{ Id: 'a' }], Failed: [{ Id: 'b', Code: 'ReceiptHandleIsInvalid' }] });
    expect(await call('DeleteMessageBatch', { Entries: [{ Id: 'a', ReceiptHandle: handle }] })).toMatchObject({
      Successful: [{ Id: 'a' }],
    });
    expect(depth()).toMatchObject({ visible: 0, inFlight: 0 });
  });

  const big = 'x'.repeat(1_048_576);
  const faults: [string, string, Record<string, unknown>, string][] = [
    ['an unknown queue', 'SendMessage', { QueueUrl: url('none'), MessageBody: 'x' }, 'QueueDoesNotExist'],
    ['no body', 'SendMessage', {}, 'MissingParameter'],
    ['an empty body', 'SendMessage', { MessageBody: '' }, 'MissingParameter'],
    ['a body over 1 MiB', 'SendMessage', { MessageBody: `${big}x` }, 'InvalidParameterValue'],
    [
      'a body and attributes over 1 MiB',
      'SendMessage',
      { MessageBody: big, MessageAttributes: { a: { DataType: 'String', StringValue: 'b' } } },
      'InvalidParameterValue',
    ],
    ['half a surrogate pair', 'SendMessage', { MessageBody: '\ud800' }, 'InvalidMessageContents'],
    [
      'an attribute of no known type',
      'SendMessage',
      { MessageBody: 'x', MessageAttributes: { a: { DataType: 'Date', StringValue: 'b' } } },
      'InvalidParameterValue',
    ],
    ['a delay over 15 minutes', 'SendMessage', { MessageBody: 'x', DelaySeconds: 901 }, 'InvalidParameterValue'],
    ['more than 10 messages at once', 'ReceiveMessage', { MaxNumberOfMessages: 11 }, 'InvalidParameterValue'],
    [
      'a visibility time-out over 12 hours',
      'ChangeMessageVisibility',
      { ReceiptHandle: 'a:1', VisibilityTimeout: 43_201 },
      'InvalidParameterValue',
    ],
    ['a handle that never was', 'DeleteMessage', { ReceiptHandle: 'nonsense' }, 'ReceiptHandleIsInvalid'],
    [
      'the visibility of a deleted message',
      'ChangeMessageVisibility',
      { ReceiptHandle: 'a:1', VisibilityTimeout: 1 },
      'InvalidParameterValue',
    ],
    ['an empty batch', 'SendMessageBatch', { Entries: [] }, 'EmptyBatchRequest'],
    [
      'a batch of eleven',
      'SendMessageBatch',
      { Entries: Array.from({ length: 11 }, (_, i) => ({ Id: `${i}`, MessageBody: 'x' })) },
      'TooManyEntriesInBatchRequest',
    ],
    [
      'a batch with one id twice',
      'SendMessageBatch',
      {
        Entries: [
          { Id: 'a', MessageBody: 'x' },
          { Id: 'a', MessageBody: 'y' },
        ],
      },
      'BatchEntryIdsNotDistinct',
    ],
    [
      'a batch over 1 MiB',
      'SendMessageBatch',
      {
        Entries: [
          { Id: 'a', MessageBody: big },
          { Id: 'b', MessageBody: 'y' },
        ],
      },
      'BatchRequestTooLong',
    ],
    ['an operation that is not offered', 'CreateQueue', {}, 'UnsupportedOperation'],
    ['an inherited name as operation', 'toString', {}, 'UnsupportedOperation'],
  ];
  it.each(faults)('refuses %s', async (_name, operation, input, code) => {
    await expect(call(operation, input)).rejects.toMatchObject({ code });
  });

  it('takes exactly 1 MiB, and refuses the visibility of a message that is visible', async () => {
    await call('SendMessage', { MessageBody: big });
    const [received] = sqs.receive(caller, WORK, { visibilityTimeout: 0 });
    await expect(
      call('ChangeMessageVisibility', { ReceiptHandle: received?.ReceiptHandle, VisibilityTimeout: 1 }),
    ).rejects.toMatchObject({ code: 'MessageNotInflight' });
  });

  const rights: [string, Record<string, unknown>, string][] = [
    ['SendMessage', { MessageBody: 'x' }, 'sqs:SendMessage'],
    ['SendMessageBatch', { Entries: [{ Id: 'a', MessageBody: 'x' }] }, 'sqs:SendMessage'],
    ['ReceiveMessage', {}, 'sqs:ReceiveMessage'],
    ['DeleteMessage', { ReceiptHandle: 'a:1' }, 'sqs:DeleteMessage'],
    ['DeleteMessageBatch', { Entries: [{ Id: 'a', ReceiptHandle: 'a:1' }] }, 'sqs:DeleteMessage'],
    ['ChangeMessageVisibility', { ReceiptHandle: 'a:1', VisibilityTimeout: 1 }, 'sqs:ChangeMessageVisibility'],
    ['GetQueueAttributes', {}, 'sqs:GetQueueAttributes'],
    ['GetQueueUrl', { QueueName: 'work' }, 'sqs:GetQueueUrl'],
    ['PurgeQueue', {}, 'sqs:PurgeQueue'],
  ];
  it.each(rights)('%s needs its grant on the queue', async (operation, input, action) => {
    denied = [action];
    await expect(call(operation, input)).rejects.toMatchObject({
      code: 'AccessDenied',
      message: `${action} on ${WORK}`,
    });
  });

  it('purges', async () => {
    send('a');
    send('b', 100);
    await call('PurgeQueue', {});
    expect(depth()).toMatchObject({ visible: 0, delayed: 0, inFlight: 0 });
    expect(await call('GetQueueUrl', { QueueName: 'work' })).toEqual({ QueueUrl: url('work') });
  });
});

type Step =
  | { op: 'send'; delay: number }
  | { op: 'receive'; max: number }
  | { op: 'delete'; nth: number }
  | { op: 'change'; nth: number; seconds: number }
  | { op: 'wait'; ms: number }
  | { op: 'compact' };

/** What must be true of each message: whether it still exists, and the earliest time it may be seen. */
interface Expected {
  readonly visibleAt: Map<string, number>;
}

const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({ op: fc.constant('send' as const), delay: fc.constantFrom(0, 0, 1, 30, 900) }),
    fc.record({ op: fc.constant('receive' as const), max: fc.integer({ min: 1, max: 10 }) }),
    fc.record({ op: fc.constant('delete' as const), nth: fc.nat(20) }),
    fc.record({ op: fc.constant('change' as const), nth: fc.nat(20), seconds: fc.constantFrom(0, 5, 600) }),
    fc.record({ op: fc.constant('wait' as const), ms: fc.constantFrom(1, 999, 5_000, 60_000, 1_000_000) }),
    fc.constant({ op: 'compact' as const }),
  ),
  { maxLength: 40 },
);

describe('under any operations', () => {
  const plain = queue('plain', { visibilityTimeout: 60 });

  async function run(script: readonly Step[], after: (expected: Expected) => void | Promise<void>) {
    rmSync(file, { force: true });
    clock = testClock();
    journal = openJournal(file);
    sqs = createSqs({ journal, clock, authorize, queues: [plain] });
    const visibleAt = new Map<string, number>();
    const handles: { id: string; handle: string }[] = [];
    for (const step of script) {
      const known = 'nth' in step ? handles[step.nth % Math.max(handles.length, 1)] : undefined;
      if (step.op === 'send') {
        const id = sqs.send(caller, plain.arn, { body: 'x', delaySeconds: step.delay });
        visibleAt.set(id, clock.now() + step.delay * 1000);
      } else if (step.op === 'receive') {
        const due = [...visibleAt.values()].filter((at) => at <= clock.now()).length;
        const received = sqs.receive(caller, plain.arn, { max: step.max });
        expect(received).toHaveLength(Math.min(step.max, due));
        for (const { MessageId, ReceiptHandle } of received) {
          expect(visibleAt.get(MessageId)).toBeLessThanOrEqual(clock.now());
          visibleAt.set(MessageId, clock.now() + 60_000);
          const at = handles.findIndex(({ id }) => id === MessageId);
          if (at !== -1) handles.splice(at, 1);
          handles.push({ id: MessageId, handle: ReceiptHandle });
        }
      } else if (step.op === 'delete' && known !== undefined) {
        sqs.delete(caller, plain.arn, known.handle);
        visibleAt.delete(known.id);
      } else if (step.op === 'change' && known !== undefined) {
        const inFlight = (visibleAt.get(known.id) ?? 0) > clock.now();
        const change = () => sqs.changeVisibility(caller, plain.arn, known.handle, step.seconds);
        if (inFlight) {
          change();
          visibleAt.set(known.id, clock.now() + step.seconds * 1000);
        } else expect(change).toThrow(AwsFault);
      } else if (step.op === 'wait') await clock.jump(step.ms);
      else if (step.op === 'compact') journal.compact();
      await journal.flushed();
      await after({ visibleAt: new Map(visibleAt) });
    }
    return visibleAt;
  }

  /** Opens what the file holds and receives until nothing comes: everything expected must come, at its time and not before. */
  async function drain(expected: ReadonlyMap<string, number>) {
    journal.close();
    journal = openJournal(file);
    sqs = createSqs({ journal, clock, authorize, queues: [plain] });
    const seen = new Set<string>();
    const times = [...new Set([clock.now(), ...expected.values()])]
      .filter((at) => at >= clock.now())
      .sort((a, b) => a - b);
    for (const at of times) {
      await clock.jump(at - clock.now());
      for (let batch = sqs.receive(caller, plain.arn); batch.length > 0; batch = sqs.receive(caller, plain.arn)) {
        for (const { MessageId, ReceiptHandle } of batch) {
          expect(expected.get(MessageId)).toBeLessThanOrEqual(clock.now());
          expect(seen.has(MessageId)).toBe(false);
          seen.add(MessageId);
          sqs.delete(caller, plain.arn, ReceiptHandle);
        }
      }
      expect(seen.size).toBe([...expected.values()].filter((due) => due <= at).length);
    }
    expect(sqs.depths().plain).toMatchObject({ visible: 0, delayed: 0, inFlight: 0 });
  }

  it('no message is lost or seen before its time', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const expected = await run(script, () => undefined);
        await drain(expected);
        journal.close();
      }),
      { numRuns: 150 },
    );
  });

  it('the same holds when the journal ends after any of them, torn or not', async () => {
    const withoutCompaction = steps.map((script) => script.filter(({ op }) => op !== 'compact'));
    await fc.assert(
      fc.asyncProperty(withoutCompaction, fc.nat(), fc.nat(8), async (script, cut, torn) => {
        const moments: { size: number; now: number; visibleAt: Map<string, number> }[] = [];
        await run(script, ({ visibleAt }) => {
          moments.push({ size: statSync(file).size, now: clock.now(), visibleAt });
        });
        const moment = moments[cut % Math.max(moments.length, 1)];
        if (moment === undefined) return;
        const bytes = readFileSync(file);
        const next = moments.find(({ size }) => size > moment.size)?.size ?? moment.size;
        const length = Math.min(moment.size + torn, Math.max(moment.size, next - 1));
        journal.close();
        writeFileSync(file, bytes.subarray(0, length));
        clock = testClock(moment.now);
        await drain(moment.visibleAt);
        journal.close();
      }),
      { numRuns: 150 },
    );
  });
});
