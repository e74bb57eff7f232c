import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FailedDelivery } from '../../../../infra/local/deliveries.ts';
import type { BusEvent, EventBus } from '../../../../infra/local/events/index.ts';
import { createAuthorizer, type PolicyDocument } from '../../../../infra/local/iam/index.ts';
import { type Journal, openJournal } from '../../../../infra/local/journal.ts';
import { AwsFault, type Caller } from '../../../../infra/local/kernel.ts';
import {
  createScheduler,
  type ScheduleDefinition,
  type ScheduledRule,
  type Scheduler,
} from '../../../../infra/local/scheduler/index.ts';
import { createSqs, type Sqs } from '../../../../infra/local/sqs/index.ts';
import { type TestClock, testClock } from '../../../support/test-clock.ts';

const arn = (service: string, rest: string) => `arn:aws:${service}:us-east-1:000000000000:${rest}`;
const WAKE = arn('lambda', 'function:wake');
const WORK = arn('sqs', 'work');
const DEAD = arn('sqs', 'dead');
const ROLE = 'arn:aws:iam::000000000000:role/schedule';
const RULE = arn('events', 'rule/every');
const START = '2026-03-01T12:00:00Z';
const MINUTE = 60_000;
const anyone: Caller = { type: 'role', arn: 'arn:aws:iam::000000000000:role/reader', functionName: 'reader' };

const allow = (...actions: string[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
});
const trust = (group = arn('scheduler', 'schedule-group/default')): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'scheduler.amazonaws.com' },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'aws:SourceArn': group } },
    },
  ],
});
type Target = ScheduleDefinition['target'];
const schedule = (
  expression: string,
  { target, ...rest }: Partial<Omit<ScheduleDefinition, 'target'>> & { target?: Partial<Target> } = {},
): ScheduleDefinition => ({
  name: 'tick',
  arn: arn('scheduler', 'schedule/default/tick'),
  expression,
  ...rest,
  target: { arn: WAKE, roleArn: ROLE, ...target },
});
const rule = (expression: string, enabled = true): ScheduledRule => ({ name: 'every', arn: RULE, expression, enabled });

interface Handed {
  readonly scheduled: string;
  readonly at: number;
}

/** A host of which only schedules, queues and the journal's file are real. */
function createBench(start = START) {
  const directory = mkdtempSync(join(tmpdir(), 'qmoi-scheduler-'));
  const file = join(directory, 'journal');
  const clock: TestClock = testClock(Date.parse(start));
  const bench = {
    clock,
    file,
    invoked: [] as { payload: string; caller: Caller }[],
    handed: [] as Handed[],
    triggered: [] as { ruleArn: string; event: BusEvent; key: string }[],
    failed: [] as FailedDelivery[],
    role: { policy: allow('lambda:InvokeFunction', 'sqs:SendMessage'), trust: trust() },
    invoke: async (): Promise<void> => undefined,
    journal: undefined as unknown as Journal,
    sqs: undefined as unknown as Sqs,
    scheduler: undefined as unknown as Scheduler,
    async boot(schedules: ScheduleDefinition[], rules: ScheduledRule[] = []): Promise<void> {
      bench.journal = openJournal(file);
      const authorizer = createAuthorizer({
        clock,
        roles: [
          { arn: ROLE, policies: [bench.role.policy], assumeRolePolicy: bench.role.trust },
          { arn: anyone.type === 'role' ? anyone.arn : '', policies: [allow('sqs:*')] },
        ],
      });
      const queues = ['work', 'dead'].map((name) => ({ name, arn: arn('sqs', name), url: `http://localhost/${name}` }));
      bench.sqs = createSqs({ journal: bench.journal, clock, authorize: authorizer, queues });
      bench.scheduler = createScheduler({
        journal: bench.journal,
        clock,
        authorizer,
        schedules,
        rules,
        sqs: bench.sqs,
        bus: {
          trigger: (ruleArn: string, event: BusEvent, key: string) =>
            void bench.triggered.push({ ruleArn, event, key }),
        } as unknown as EventBus,
        targets: {
          async invoke(_, payload, caller) {
            bench.invoked.push({ payload, caller });
            await bench.invoke();
            const { time } = JSON.parse(payload) as { time?: string };
            if (time) bench.handed.push({ scheduled: time, at: clock.now() });
          },
        },
        onFailed: (failure) => bench.failed.push(failure),
      });
      bench.scheduler.start();
      await clock.advance(0);
    },
    down(): void {
      bench.scheduler.stop();
      bench.journal.close();
    },
    nextAt: () => bench.scheduler.next()[0]?.nextAt ?? null,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
  return bench;
}

let bench: ReturnType<typeof createBench>;
beforeEach(() => {
  bench = createBench();
});
afterEach(() => {
  bench.journal?.close();
  bench.remove();
});

/** The first due times of a schedule that exists from `from` on. */
async function dueTimes(definition: ScheduleDefinition | ScheduledRule, from: string, count: number) {
  await bench.clock.jump(Date.parse(from) - bench.clock.now());
  await bench.boot(...(('target' in definition ? [[definition]] : [[], [definition]]) as [ScheduleDefinition[]]));
  const times: (string | null)[] = [];
  while (times.length < count) {
    const next = bench.nextAt();
    times.push(next?.replace('.000Z', 'Z') ?? null);
    if (next === null) break;
    await bench.clock.jump(Date.parse(next) - bench.clock.now());
  }
  return times;
}

describe('when a schedule is due', () => {
  it('fires a rate at once and then every period', async () => {
    await bench.boot([schedule('rate(1 minute)')]);
    await bench.clock.advance(2 * MINUTE);
    expect(bench.handed.map(({ scheduled }) => scheduled)).toEqual([
      '2026-03-01T12:00:00Z',
      '2026-03-01T12:01:00Z',
      '2026-03-01T12:02:00Z',
    ]);
  });

  it('fires a rule of a rate after its first period', async () => {
    expect(await dueTimes(rule('rate(2 hours)'), START, 2)).toEqual(['2026-03-01T14:00:00Z', '2026-03-01T16:00:00Z']);
  });

  it.each([
    ['cron(0/15 * * * ? *)', '2026-03-01T12:01:00Z', ['2026-03-01T12:15:00Z', '2026-03-01T12:30:00Z']],
    ['cron(0 10 ? * MON-FRI *)', '2026-03-06T09:00:00Z', ['2026-03-06T10:00:00Z', '2026-03-09T10:00:00Z']],
    ['cron(0 10 ? * 1 *)', START, ['2026-03-08T10:00:00Z', '2026-03-15T10:00:00Z']],
    ['cron(0 0 L * ? *)', START, ['2026-03-31T00:00:00Z', '2026-04-30T00:00:00Z']],
    ['cron(0 0 ? * L *)', START, ['2026-03-07T00:00:00Z', '2026-03-14T00:00:00Z']],
    ['cron(0 0 LW * ? *)', START, ['2026-03-31T00:00:00Z', '2026-04-30T00:00:00Z', '2026-05-29T00:00:00Z']],
    ['cron(0 0 ? * 6L *)', START, ['2026-03-27T00:00:00Z', '2026-04-24T00:00:00Z']],
    ['cron(0 0 15W * ? *)', START, ['2026-03-16T00:00:00Z', '2026-04-15T00:00:00Z']],
    ['cron(0 0 ? * TUE#2 *)', START, ['2026-03-10T00:00:00Z', '2026-04-14T00:00:00Z']],
    ['cron(30 8,20 1 jan-feb ? 2027-2028)', START, ['2027-01-01T08:30:00Z', '2027-01-01T20:30:00Z']],
    ['cron(0 0 29 2 ? *)', START, ['2028-02-29T00:00:00Z', '2032-02-29T00:00:00Z']],
    ['cron(0 0 1 1 ? 2025)', START, [null]],
    ['cron(0 0 31 2 ? *)', START, [null]],
  ])('reads %s as AWS does', async (expression, from, times) => {
    expect(await dueTimes(schedule(expression), from, times.length)).toEqual(times);
  });

  it('skips a time that the clocks jump over', async () => {
    const definition = schedule('cron(30 2 * * ? *)', { timezone: 'America/New_York' });
    expect(await dueTimes(definition, '2026-03-07T00:00:00Z', 2)).toEqual([
      '2026-03-07T07:30:00Z',
      '2026-03-09T06:30:00Z',
    ]);
  });

  it('fires once for a time that occurs twice', async () => {
    const definition = schedule('cron(0/30 * * * ? *)', { timezone: 'Europe/Berlin' });
    expect(await dueTimes(definition, '2026-10-25T00:10:00Z', 3)).toEqual([
      '2026-10-25T00:30:00Z',
      '2026-10-25T02:00:00Z',
      '2026-10-25T02:30:00Z',
    ]);
  });

  it('waits for the repetition to end when it begins to exist in it', async () => {
    const definition = schedule('cron(0/30 * * * ? *)', { timezone: 'Europe/Berlin' });
    await dueTimes(definition, '2026-10-25T01:10:00Z', 1);
    expect(bench.handed.map(({ scheduled }) => scheduled)).toEqual(['2026-10-25T02:00:00Z']);
  });

  it('reads the time of at() in its zone, and fires it once', async () => {
    const definition = schedule('at(2026-07-01T09:00:00)', { timezone: 'Asia/Tokyo' });
    expect(await dueTimes(definition, START, 3)).toEqual(['2026-07-01T00:00:00Z', null]);
    bench.down();
    await bench.boot([definition]);
    expect(bench.handed.map(({ scheduled }) => scheduled)).toEqual(['2026-07-01T00:00:00Z']);
  });

  it('never fires an at() that was over before it was created', async () => {
    expect(await dueTimes(schedule('at(2026-02-28T00:00:00)'), START, 1)).toEqual([null]);
    expect(bench.invoked).toEqual([]);
  });

  it('counts a rate from its start and ends with its end', async () => {
    const window = { startDate: '2026-03-01T12:30:00Z', endDate: '2026-03-01T12:40:00Z' };
    expect(await dueTimes(schedule('rate(5 minutes)', window), START, 4)).toEqual([
      '2026-03-01T12:30:00Z',
      '2026-03-01T12:35:00Z',
      '2026-03-01T12:40:00Z',
      null,
    ]);
  });

  it('leaves a disabled schedule alone, and what it missed meanwhile too', async () => {
    await bench.boot([schedule('cron(0 * * * ? *)', { enabled: false })], [rule('rate(1 minute)', false)]);
    await bench.clock.advance(90 * MINUTE);
    expect(bench.scheduler.next().map(({ nextAt, lastAt }) => [nextAt, lastAt])).toEqual([
      [null, null],
      [null, null],
    ]);
    bench.down();
    await bench.boot([schedule('cron(0 * * * ? *)')], [rule('rate(1 minute)')]);
    expect([bench.invoked, bench.triggered]).toEqual([[], []]);
  });

  it.each([
    'rate(1 minutes)',
    'rate(5 minute)',
    'rate(0 minutes)',
    'rate(1.5 hours)',
    'rate(10 seconds)',
    'every minute',
    'at(2026-02-30T00:00:00)',
    'at(2026-03-01)',
    'cron(0 10 * * *)',
    'cron(0 10 * * * *)',
    'cron(0 10 ? * ? *)',
    'cron(60 10 * * ? *)',
    'cron(0 10 0 * ? *)',
    'cron(0 10 ? * 0 *)',
    'cron(0 10 ? * 8 *)',
    'cron(0 10 ? * MON#6 *)',
    'cron(0 10 ? * 3#1,6#3 *)',
    'cron(0 10 L-3 * ? *)',
    'cron(0 10 ? * FRI-MON *)',
    'cron(0/0 10 * * ? *)',
    'cron(/5 10 * * ? *)',
    'cron(0 10 * * ? 1969)',
    'cron(0 10 * FOO ? *)',
    `cron(0${',0'.repeat(200)} 10 * * ? *)`,
  ])('refuses %s with a sentence', async (expression) => {
    await expect(bench.boot([schedule(expression)])).rejects.toThrow(
      /^The schedule of tick, .+, cannot be kept: .+\.$/s,
    );
  });

  it('refuses a zone that does not exist, a window that ends before it starts and a target it cannot reach', async () => {
    const cron = 'cron(0 0 * * ? *)';
    await expect(bench.boot([schedule(cron, { timezone: 'Europe/Atlantis' })])).rejects.toThrow('Europe/Atlantis');
    bench.journal.close();
    const window = { startDate: '2026-03-02T00:00:00Z', endDate: '2026-03-01T00:00:00Z' };
    await expect(bench.boot([schedule(cron, window)])).rejects.toThrow('end');
    bench.journal.close();
    const target = { arn: arn('states', 'stateMachine:x') };
    await expect(bench.boot([schedule(cron, { target })])).rejects.toThrow('neither a queue nor a function');
    bench.journal.close();
    await expect(bench.boot([], [rule('at(2027-01-01T00:00:00)')])).rejects.toThrow('neither rate(…) nor cron(…)');
  });
});

describe('what a firing hands over', () => {
  it("gives a function the event of a schedule, as the schedule's role", async () => {
    await bench.boot([schedule('rate(1 day)')]);
    expect(bench.invoked.map(({ caller }) => caller)).toEqual([{ type: 'role', arn: ROLE, functionName: 'tick' }]);
    expect(JSON.parse(bench.invoked[0]?.payload ?? '')).toMatchObject({
      source: 'aws.scheduler',
      'detail-type': 'Scheduled Event',
      time: '2026-03-01T12:00:00Z',
      resources: [arn('scheduler', 'schedule/default/tick')],
      detail: '{}',
    });
    expect(bench.scheduler.pending()).toBe(0);
  });

  it('gives a queue the input with its context attributes', async () => {
    const input = '{"at":"<aws.scheduler.scheduled-time>","n":<aws.scheduler.attempt-number>}';
    await bench.boot([schedule('rate(1 day)', { target: { arn: WORK, input } })]);
    expect(bench.sqs.receive(anyone, WORK).map(({ Body }) => Body)).toEqual(['{"at":"2026-03-01T12:00:00Z","n":1}']);
  });

  it('gives the bus the event of a rule', async () => {
    await bench.boot([], [rule('rate(1 minute)')]);
    await bench.clock.advance(MINUTE);
    expect(bench.triggered).toEqual([
      {
        ruleArn: RULE,
        key: bench.triggered[0]?.event.id,
        event: {
          version: '0',
          id: expect.stringMatching(/^[\da-f-]{36}$/),
          'detail-type': 'Scheduled Event',
          source: 'aws.events',
          account: '000000000000',
          time: '2026-03-01T12:01:00Z',
          region: 'us-east-1',
          resources: [RULE],
          detail: {},
        },
      },
    ]);
    expect(bench.scheduler.pending()).toBe(0);
  });
});

describe('whether a firing may be handed over', () => {
  const withDlq = (target: Partial<Target> = {}) =>
    schedule('rate(1 day)', { target: { deadLetterArn: DEAD, retryPolicy: { maximumRetryAttempts: 2 }, ...target } });
  const dead = () =>
    bench.sqs.receive(anyone, DEAD).map(({ Body, MessageAttributes = {} }) => ({
      body: Body,
      ...Object.fromEntries(Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue])),
    }));

  it('needs a role that trusts the service', async () => {
    bench.role.trust = trust(arn('scheduler', 'schedule-group/other'));
    await bench.boot([withDlq()]);
    expect(bench.invoked).toEqual([]);
    expect(bench.failed).toEqual([
      {
        service: 'scheduler',
        sourceArn: arn('scheduler', 'schedule/default/tick'),
        targetArn: WAKE,
        error: expect.stringContaining('sts:AssumeRole'),
        attempts: 1,
        deadLettered: false,
      },
    ]);
    expect(bench.scheduler.pending()).toBe(0);
  });

  it.each([
    ['lambda:InvokeFunction', WAKE, allow('sqs:SendMessage')],
    [
      'sqs:SendMessage',
      WORK,
      { ...allow('sqs:SendMessage'), Statement: [{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: DEAD }] },
    ],
  ] as const)('needs a role that allows %s, and goes to the DLQ at once without', async (action, target, policy) => {
    bench.role.policy = policy as PolicyDocument;
    await bench.boot([withDlq({ arn: target, input: '{"a":1}' })]);
    expect(dead()).toEqual([
      {
        body: '{"a":1}',
        SCHEDULE_ARN: arn('scheduler', 'schedule/default/tick'),
        TARGET_ARN: target,
        EXECUTION_ID: expect.any(String),
        SCHEDULED_TIME: '2026-03-01T12:00:00Z',
        ERROR_CODE: expect.stringMatching(/^AccessDenied/),
        ERROR_MESSAGE: expect.stringContaining(action),
        RETRY_ATTEMPTS: '0',
        IS_PAYLOAD_TRUNCATED: 'false',
      },
    ]);
    expect(bench.failed).toMatchObject([{ attempts: 1, deadLettered: true }]);
  });

  it('repeats what fails for the moment, across a restart, and then gives up', async () => {
    bench.invoke = async () => {
      throw new AwsFault('TooManyRequestsException', 'Rate Exceeded.', 429);
    };
    const definition = withDlq({ input: '{"n":<aws.scheduler.attempt-number>}' });
    await bench.boot([definition]);
    expect([bench.invoked.length, bench.scheduler.pending()]).toEqual([1, 1]);
    await bench.clock.advance(1000);
    bench.journal.compact();
    bench.down();
    await bench.boot([definition]);
    expect(bench.invoked.length).toBe(2);
    await bench.clock.advance(10 * MINUTE);
    expect(bench.invoked.map(({ payload }) => payload)).toEqual(['{"n":1}', '{"n":2}', '{"n":3}']);
    expect(dead()).toMatchObject([
      {
        ERROR_CODE: 'TooManyRequestsException',
        RETRY_ATTEMPTS: '2',
        EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
      },
    ]);
    expect(bench.scheduler.pending()).toBe(0);
  });

  it('gives up what has grown too old', async () => {
    bench.invoke = async () => {
      throw new Error('not now');
    };
    await bench.boot([withDlq({ retryPolicy: { maximumEventAgeInSeconds: 60 } })]);
    await bench.clock.advance(10 * MINUTE);
    // 1, 2, 4, 8 and 16 seconds apart; the next one would be 63 seconds after the first.
    expect(bench.invoked.length).toBe(6);
    expect(dead()).toMatchObject([{ EXHAUSTED_RETRY_CONDITION: 'MaximumEventAgeInSeconds' }]);
  });

  it('hands over once the target takes it', async () => {
    let failures = 3;
    bench.invoke = async () => {
      failures -= 1;
      if (failures >= 0) throw new Error('not now');
    };
    await bench.boot([schedule('rate(1 day)')]);
    await bench.clock.advance(MINUTE);
    expect([bench.invoked.length, bench.failed, bench.scheduler.pending()]).toEqual([4, [], 0]);
  });
});

describe('over restarts and leaps of time', () => {
  const scheduled = () => bench.handed.map((handed) => handed.scheduled);

  it('fires once, for the last time it missed while down', async () => {
    const definition = schedule('cron(0/5 * * * ? *)');
    await bench.boot([definition]);
    await bench.clock.advance(6 * MINUTE);
    bench.down();
    await bench.clock.jump(60 * MINUTE);
    await bench.boot([definition]);
    expect(scheduled()).toEqual(['2026-03-01T12:00:00Z', '2026-03-01T12:05:00Z', '2026-03-01T13:05:00Z']);
    expect(bench.scheduler.next()).toEqual([
      {
        name: 'tick',
        arn: arn('scheduler', 'schedule/default/tick'),
        expression: 'cron(0/5 * * * ? *)',
        nextAt: '2026-03-01T13:10:00.000Z',
        lastAt: '2026-03-01T13:05:00.000Z',
      },
    ]);
  });

  it('finds the last of a year of missed minutes without going through them', async () => {
    const definition = schedule('cron(* 10 ? * MON *)');
    await bench.boot([definition]);
    await bench.clock.jump(365 * 24 * 60 * MINUTE);
    expect(scheduled()).toEqual(['2027-03-01T10:59:00Z']);
  });

  it('keeps the rhythm of a rate, and does not fire what it fired before', async () => {
    const definition = schedule('rate(10 minutes)');
    await bench.boot([definition]);
    await bench.clock.advance(4 * MINUTE);
    bench.down();
    await bench.boot([definition]);
    expect(scheduled()).toEqual(['2026-03-01T12:00:00Z']);
    expect(bench.nextAt()).toBe('2026-03-01T12:10:00.000Z');
  });

  it('counts anew when its expression has changed or it was away', async () => {
    await bench.boot([schedule('rate(10 minutes)')]);
    bench.down();
    await bench.clock.advance(30_000);
    await bench.boot([schedule('rate(20 minutes)')]);
    expect(bench.nextAt()).toBe('2026-03-01T12:20:30.000Z');
    bench.down();
    await bench.boot([]);
    bench.down();
    await bench.clock.advance(65 * MINUTE);
    await bench.boot([schedule('rate(20 minutes)')]);
    expect(scheduled()).toEqual(['2026-03-01T12:00:00Z', '2026-03-01T12:00:30Z', '2026-03-01T13:05:30Z']);
  });

  it('gives the bus the same event again, under the same key, where a crash lost that it had it', async () => {
    await bench.boot([], [rule('rate(1 minute)')]);
    await bench.clock.advance(MINUTE);
    bench.down();
    const written = readFileSync(bench.file, 'utf8');
    writeFileSync(bench.file, written.replace(/.+\n$/, ''));
    await bench.boot([], [rule('rate(1 minute)')]);
    expect(bench.triggered.length).toBe(2);
    expect(bench.triggered[1]).toEqual(bench.triggered[0]);
    expect(bench.scheduler.pending()).toBe(0);
  });

  it('is not silenced by a clock that was far ahead once', async () => {
    await bench.boot([schedule('cron(0/5 * * * ? *)')]);
    await bench.clock.jump(365 * 24 * 60 * MINUTE);
    bench.down();
    const today = createBench();
    writeFileSync(today.file, readFileSync(bench.file));
    await today.boot([schedule('cron(0/5 * * * ? *)')]);
    await today.clock.advance(5 * MINUTE);
    today.down();
    today.remove();
    expect(today.handed.map((handed) => handed.scheduled)).toContain('2026-03-01T12:05:00Z');
  });

  const step = fc.oneof(
    fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 12 * MINUTE }) }),
    fc.record({ kind: fc.constant('jump' as const), ms: fc.integer({ min: 1, max: 60 * MINUTE }) }),
    fc.record({ kind: fc.constant('hang' as const), hangs: fc.boolean() }),
    fc.record({ kind: fc.constant('compact' as const) }),
    fc.record({
      kind: fc.constant('crash' as const),
      /** What of the journal after its first line survives. */
      kept: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
      downMs: fc.integer({ min: 0, max: 30 * MINUTE }),
    }),
  );

  it('is never early, misses nothing and repeats only what a crash kept from being written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const world = createBench('2026-03-01T12:01:00Z');
        const definition = schedule('cron(0/5 * * * ? *)');
        const born = world.clock.now();
        let hangs = false;
        let losses = 0;
        const hung: string[] = [];
        world.invoke = () => {
          if (!hangs) return Promise.resolve();
          hung.push((JSON.parse(world.invoked.at(-1)?.payload ?? '') as { time: string }).time);
          return new Promise(() => undefined);
        };
        const crash = async (kept: number, downMs: number): Promise<void> => {
          world.down();
          const lines = readFileSync(world.file, 'utf8').split('\n').slice(0, -1);
          const length = 1 + Math.round(kept * (lines.length - 1));
          if (length < lines.length) losses += 1;
          writeFileSync(
            world.file,
            lines
              .slice(0, length)
              .map((line) => `${line}\n`)
              .join(''),
          );
          await world.clock.jump(downMs);
          await world.boot([definition]);
        };
        const assertCaughtUp = (): void => {
          const latest = Math.floor(world.clock.now() / (5 * MINUTE)) * 5 * MINUTE;
          if (latest <= born) return;
          const handedOrHanging = [...world.handed.map((handed) => handed.scheduled), ...hung];
          expect(handedOrHanging).toContain(new Date(latest).toISOString().replace('.000Z', 'Z'));
        };
        try {
          await world.boot([definition]);
          for (const next of steps) {
            if (next.kind === 'advance') await world.clock.advance(next.ms);
            else if (next.kind === 'jump') await world.clock.jump(next.ms);
            else if (next.kind === 'hang') hangs = next.hangs;
            else if (next.kind === 'compact') world.journal.compact();
            else await crash(next.kept, next.downMs);
            await world.clock.advance(0);
            assertCaughtUp();
          }
          hangs = false;
          await crash(1, 0);
          expect(world.scheduler.pending()).toBe(0);
          const times = world.handed.map((handed) => Date.parse(handed.scheduled));
          for (const { scheduled: time, at } of world.handed) {
            expect(Date.parse(time)).toBeLessThanOrEqual(at);
            expect(Date.parse(time) % (5 * MINUTE)).toBe(0);
          }
          for (const time of times)
            expect(times.filter((other) => other === time).length).toBeLessThanOrEqual(1 + losses);
          if (losses === 0) for (const time of hung) expect(times).toContain(Date.parse(time));
        } finally {
          world.down();
          world.remove();
        }
      }),
      { numRuns: 100 },
    );
  });

  it('fires at each due time when time passes without leaps', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 2 * 60 * MINUTE }), fc.boolean()), { maxLength: 8 }),
        async (minutes, spans) => {
          const world = createBench();
          const definition = schedule(`rate(${minutes} minute${minutes === 1 ? '' : 's'})`);
          try {
            await world.boot([definition]);
            for (const [ms, restarts] of spans) {
              await world.clock.advance(ms);
              if (!restarts) continue;
              world.down();
              await world.boot([definition]);
            }
            const times = world.handed.map((handed) => Date.parse(handed.scheduled));
            const born = Date.parse(START);
            const count = Math.floor((world.clock.now() - born) / (minutes * MINUTE)) + 1;
            expect(times).toEqual(Array.from({ length: count }, (_, i) => born + i * minutes * MINUTE));
            expect(world.handed.every(({ at }, i) => at === times[i])).toBe(true);
          } finally {
            world.down();
            world.remove();
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});
