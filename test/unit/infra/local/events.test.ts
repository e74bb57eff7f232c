import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createEventBus, type RuleDefinition } from '../../../../infra/local/events/index.ts';
import { openJournal } from '../../../../infra/local/journal.ts';
import { AwsFault, type Caller } from '../../../../infra/local/kernel.ts';
import { createSqs } from '../../../../infra/local/sqs/index.ts';
import { testClock } from '../../../support/test-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'qmoi-bus-'));
let files = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const caller: Caller = { type: 'role', arn: 'arn:aws:iam::000000000000:role/r', functionName: 'publish' };
const reader: Caller = { type: 'role', arn: 'arn:aws:iam::000000000000:role/q', functionName: 'reader' };
const BUS = { name: 'qmoi', arn: 'arn:aws:events:us-east-1:000000000000:event-bus/qmoi' };
const queueArn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;
const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:f';

function setUp(
  rules: Partial<RuleDefinition>[],
  options: { denied?: string; file?: string; invoke?: () => Promise<void> } = {},
) {
  const file = options.file ?? join(folder, `${++files}.jsonl`);
  const journal = openJournal(file);
  const clock = testClock();
  const authorize = (_caller: Caller, action: string, resource: string) => {
    if (`${action} ${resource}` === options.denied) throw new AwsFault('AccessDeniedException', `no ${action}`);
  };
  const queues = ['work', 'dead'].map((name) => ({ name, arn: queueArn(name), url: `http://q/${name}` }));
  const sqs = createSqs({ journal, clock, authorize, queues });
  const invoked: string[] = [];
  const bus = createEventBus({
    ...{ journal, clock, authorize, sqs, buses: [BUS] },
    rules: rules.map((rule, index) => ({
      ...{ name: `r${index}`, arn: `arn:aws:events:us-east-1:000000000000:rule/qmoi/r${index}`, busName: 'qmoi' },
      ...{ pattern: { source: ['qmoi'] }, targets: [{ id: 't', arn: queueArn('work') }] },
      ...rule,
    })),
    targets: {
      invoke: async (_arn, payload) => {
        await options.invoke?.();
        invoked.push(payload);
      },
    },
  });
  const put = (...entries: object[]) =>
    bus.handle('PutEvents', { Entries: entries.map((entry) => ({ ...event(), ...entry })) }, caller) as Promise<{
      FailedEntryCount: number;
      Entries: { EventId?: string; ErrorCode?: string }[];
    }>;
  const messages = (name: string) =>
    sqs.receive(reader, queueArn(name)).map(({ Body }) => JSON.parse(Body) as Record<string, unknown>);
  return { bus, put, messages, sqs, clock, journal, invoked, file };
}

const event = () => ({ EventBusName: 'qmoi', Source: 'qmoi', DetailType: 'run.failed', Detail: '{"attempt":2}' });

describe('PutEvents', () => {
  it('hands an event of the shape AWS gives it to every rule that matches', async () => {
    const { put, messages } = setUp([
      { pattern: { 'detail-type': ['run.failed'], detail: { attempt: [{ numeric: ['>', 1] }] } } },
      { pattern: { 'detail-type': ['run.started'] } },
      { enabled: false },
    ]);
    const answer = await put({});
    expect(answer.FailedEntryCount).toBe(0);
    expect(messages('work')).toEqual([
      {
        ...{ version: '0', id: answer.Entries[0]?.EventId, 'detail-type': 'run.failed', source: 'qmoi' },
        ...{ account: '000000000000', region: 'us-east-1', time: '2026-03-01T12:00:00Z', resources: [] },
        detail: { attempt: 2 },
      },
    ]);
  });

  it('refuses entries one by one, and calls as a whole', async () => {
    const { bus, put, messages } = setUp([{}]);
    const answer = await put(
      { Detail: 'x' },
      { Detail: '[]' },
      { Source: '' },
      { Source: 'aws.x' },
      { EventBusName: 'no' },
      {},
    );
    expect(answer.Entries.map(({ ErrorCode }) => ErrorCode)).toEqual([
      ...['MalformedDetail', 'MalformedDetail', 'InvalidArgument', 'NotAuthorizedForSourceException'],
      ...['ResourceNotFoundException', undefined],
    ]);
    expect(answer.FailedEntryCount).toBe(5);
    expect(messages('work')).toHaveLength(1);
    await expect(put(...Array.from({ length: 11 }, () => ({})))).rejects.toMatchObject({ code: 'ValidationException' });
    await expect(put({ Detail: JSON.stringify({ x: 'y'.repeat(1 << 20) }) })).rejects.toMatchObject({
      code: 'ValidationException',
    });
    await expect(bus.handle('DeleteRule', {}, caller)).rejects.toMatchObject({ code: 'UnknownOperationException' });
  });

  it('is refused to whom no policy allows it', async () => {
    const { put, messages } = setUp([{}], { denied: `events:PutEvents ${BUS.arn}` });
    await expect(put({})).rejects.toMatchObject({ code: 'AccessDeniedException' });
    expect(messages('work')).toEqual([]);
  });
});

describe('an event of a service of AWS', () => {
  const told = { source: 'aws.braket', 'detail-type': 'Braket Task State Change', detail: { status: 'QUEUED' } };
  const rule = { busName: 'default', pattern: { source: ['aws.braket'], account: ['000000000000'] } };

  it('reaches the rules of the default bus, as of this account, and says no less than it would there', async () => {
    const { bus, messages } = setUp([rule, { pattern: { source: ['aws.braket'] } }]);
    const id = await bus.emit({ ...told, id: 'e-1', account: '123456789012', time: '2026-02-01T00:00:00Z' });
    expect(id).toBe('e-1');
    expect(messages('work')).toEqual([
      {
        ...told,
        ...{ version: '0', id: 'e-1', account: '000000000000', region: 'us-east-1', resources: [] },
        time: '2026-02-01T00:00:00Z',
      },
    ]);
    expect(await bus.emit(told)).toMatch(/^[0-9a-f-]{36}$/);
    expect(messages('work')).toMatchObject([{ time: '2026-03-01T12:00:00Z' }]);
  });

  it.each([
    null,
    'text',
    {},
    { ...told, source: '' },
    { ...told, detail: [] },
    { ...told, detail: 'x'.repeat(1 << 20) },
  ])('is none: %o', async (event) => {
    const { bus, messages } = setUp([rule]);
    await expect(bus.emit(event)).rejects.toBeInstanceOf(AwsFault);
    await expect(bus.emit({ ...told, detail: { text: 'x'.repeat(1 << 20) } })).rejects.toBeInstanceOf(AwsFault);
    expect(messages('work')).toEqual([]);
  });
});

describe('a delivery', () => {
  it('to a queue that its rule may not send to ends in the dead-letter queue, with the reason', async () => {
    const denied = `sqs:SendMessage ${queueArn('work')}`;
    const targets = [{ id: 't', arn: queueArn('work'), deadLetterArn: queueArn('dead') }];
    const { put, sqs, bus } = setUp([{ targets }], { denied });
    await put({});
    const [message] = sqs.receive(reader, queueArn('dead'));
    expect(message?.MessageAttributes).toMatchObject({
      ERROR_CODE: { StringValue: 'AccessDeniedException' },
      TARGET_ARN: { StringValue: queueArn('work') },
    });
    expect([bus.pending(), bus.rules()[0]?.failed]).toEqual([0, 1]);
  });

  it('to a function is tried again, and given up at last', async () => {
    let failures = 0;
    const invoke = async () => {
      if (failures++ < 2) throw new AwsFault('ServiceException', 'busy', 500);
    };
    const targets = [{ id: 't', arn: FUNCTION }];
    const { put, invoked, clock, bus } = setUp([{ targets }], { invoke });
    await put({});
    await clock.advance(5_000);
    expect([failures, invoked.length, bus.pending()]).toEqual([3, 1, 0]);

    const hopeless = {
      id: 't',
      arn: FUNCTION,
      deadLetterArn: queueArn('dead'),
      retryPolicy: { maximumRetryAttempts: 1 },
    };
    const never = setUp([{ targets: [hopeless] }], {
      invoke: () => Promise.reject(new AwsFault('ServiceException', 'busy')),
    });
    await never.put({});
    await never.clock.advance(5_000);
    expect(never.bus.pending()).toBe(0);
    expect(never.sqs.receive(reader, queueArn('dead'))[0]?.MessageAttributes).toMatchObject({
      EXHAUSTED_RETRY_CONDITION: { StringValue: 'MaximumRetryAttempts' },
    });
  });

  it('that was accepted outlives the process', async () => {
    const targets = [{ id: 't', arn: FUNCTION }];
    const first = setUp([{ targets }], { invoke: () => new Promise<void>(() => undefined) });
    await first.put({});
    const second = setUp([{ targets }], { file: first.file });
    await second.clock.advance(0);
    expect(second.invoked).toHaveLength(1);
    expect(second.bus.pending()).toBe(0);
  });

  it('carries what its target asked for', async () => {
    const { put, messages } = setUp([
      { targets: [{ id: 'a', arn: queueArn('work'), input: '{"fixed":1}' }] },
      { targets: [{ id: 'b', arn: queueArn('work'), inputPath: '$.detail' }] },
      {
        targets: [
          {
            ...{ id: 'c', arn: queueArn('work') },
            inputTransformer: {
              inputPathsMap: { n: '$.detail.attempt' },
              inputTemplate: '{"n":<n>,"text":"<n>","rule":"<aws.events.rule-name>"}',
            },
          },
        ],
      },
    ]);
    await put({});
    expect(messages('work')).toEqual([{ fixed: 1 }, { attempt: 2 }, { n: 2, text: '2', rule: 'r2' }]);
  });
});
