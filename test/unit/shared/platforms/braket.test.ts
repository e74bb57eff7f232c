import { describe, expect, it } from 'vitest';
import { type Job, machines, type Run } from '../../../../shared/model/index.ts';
import { braket } from '../../../../shared/platforms/braket/index.ts';
import { type BraketEvent, deviceEvent, hybridJobEvents, taskEvents } from '../../../support/braket.ts';

const readAs = (event: unknown) => braket.read({ headers: {}, body: Buffer.from(JSON.stringify(event)) });
const factsOf = (event: BraketEvent) =>
  braket.normalise({
    event: event['detail-type'],
    body: Buffer.from(JSON.stringify(event)),
    contentType: 'application/json',
    origin: 'live',
    receivedAt: '2026-01-01T12:00:00.000Z',
  });
const runOf = (events: readonly BraketEvent[]) =>
  events.flatMap((event) => factsOf(event).runs).reduce<Run | undefined>(machines.run.merge, undefined);
const jobOf = (events: readonly BraketEvent[]) =>
  events.flatMap((event) => factsOf(event).jobs).reduce<Job | undefined>(machines.job.merge, undefined);
const QPU = 'arn:aws:braket:us-west-1::device/qpu/rigetti/Aspen-M-1';

describe('an event of Braket', () => {
  it('says what it is, under its own id', () => {
    const [event] = taskEvents('t-1', ['QUEUED']);
    expect(readAs(event)).toEqual({
      kind: 'delivery',
      externalId: event?.id,
      event: 'Braket Task State Change',
      action: 'QUEUED',
      repository: 'amazon/sv1',
    });
  });

  it('is none of our business when it tells of something else', () => {
    const call = { ...taskEvents('t-1', ['QUEUED'])[0], 'detail-type': 'AWS API Call via CloudTrail' };
    expect(readAs(call)).toEqual({ kind: 'ignored', event: 'AWS API Call via CloudTrail' });
    expect(readAs({ ...call, 'detail-type': 'constructor' })).toMatchObject({ kind: 'ignored' });
  });

  it.each([
    ['a status that is new', taskEvents('t-1', ['ENTANGLED'])[0]],
    ['no ARN of a task', taskEvents('t 1', ['QUEUED'])[0]],
    ['no ARN of a device', taskEvents('t-1', ['QUEUED'], { device: 'local:braket/default' })[0]],
    ['a device without a status', deviceEvent(QPU, '', {})],
    ['nothing', { id: 1 }],
  ])('that has %s is kept to be looked at', (_, event) => {
    expect(readAs(event)).toMatchObject({ kind: 'quarantined', reason: expect.any(String) });
  });

  it('is never verified by itself: it has no address', async () => {
    const request = { headers: {}, body: Buffer.from('{}') };
    expect(await braket.verify(request, async () => ({}), new Date())).toBe('not-configured');
  });
});

describe('a quantum task', () => {
  it('is a run of its device’s queue, on that device', () => {
    const events = taskEvents('t-2', ['CREATED', 'QUEUED', 'RUNNING', 'COMPLETED']);
    expect(runOf(events)).toMatchObject({
      id: 'braket:task-t-2:1',
      kind: 'task',
      status: 'succeeded',
      repository: 'amazon/sv1',
      automationId: 'braket:quantum-simulator/amazon/sv1',
      queuedAt: '2026-01-01T10:00:00.123Z',
      startedAt: '2026-01-01T10:02:00.000Z',
      endedAt: '2026-01-01T10:02:59.544Z',
    });
    expect(jobOf(events)).toMatchObject({
      runId: 'braket:task-t-2:1',
      name: 'task',
      status: 'succeeded',
      runner: { id: 'braket:us-east-1:quantum-simulator/amazon/sv1', name: 'sv1' },
    });
    const [created] = events;
    expect(factsOf(created as BraketEvent).automations).toMatchObject([
      { id: 'braket:quantum-simulator/amazon/sv1', name: 'amazon/sv1' },
    ]);
  });

  it.each([
    ['CREATED', 'queued'],
    ['QUEUED', 'queued'],
    ['RUNNING', 'running'],
    ['CANCELLING', 'running'],
    ['COMPLETED', 'succeeded'],
    ['FAILED', 'failed'],
    ['CANCELLED', 'canceled'],
  ])('that is %s is %s', (status, expected) => {
    expect(runOf(taskEvents('t-3', [status]))?.status).toBe(expected);
    expect(jobOf(taskEvents('t-3', [status]))?.status).toBe(expected);
  });

  it('keeps why it failed, and which hybrid job made it', () => {
    const detail = {
      failureReason: 'Device is retired',
      jobArn: 'arn:aws:braket:us-east-1:000000000000:job/vqe-1',
    };
    const events = taskEvents('t-4', ['FAILED'], { device: QPU, detail });
    expect(jobOf(events)).toMatchObject({ failureReason: 'Device is retired', repository: 'rigetti/Aspen-M-1' });
    expect(runOf(events)).toMatchObject({ parentRunId: 'braket:job-vqe-1:1' });
  });
});

describe('a hybrid job', () => {
  it('is a run, whatever it does', () => {
    const events = hybridJobEvents('vqe-1', ['QUEUED', 'RUNNING', 'FAILED'], {
      failureReason: 'AlgorithmError: exit code 1',
    });
    expect(runOf(events)).toMatchObject({
      id: 'braket:job-vqe-1:1',
      kind: 'custom',
      status: 'failed',
      repository: 'hybrid-jobs',
      endedAt: '2026-01-01T10:02:00.000Z',
    });
    expect(jobOf(events)).toMatchObject({ name: 'vqe-1', failureReason: 'AlgorithmError: exit code 1' });
  });
});

describe('a device', () => {
  it.each([
    ['ONLINE', 'idle'],
    ['OFFLINE', 'offline'],
    ['RETIRED', 'removed'],
  ])('that is %s is a runner that is %s', (status, expected) => {
    for (const detail of [{ deviceStatus: status }, { status }]) {
      const { runners, automations, runs } = factsOf(deviceEvent(QPU, status, detail));
      expect(runners).toMatchObject([
        { id: 'braket:us-east-1:qpu/rigetti/Aspen-M-1', status: expected, pool: 'qpu', name: 'Aspen-M-1' },
      ]);
      expect(automations).toMatchObject([{ id: 'braket:qpu/rigetti/Aspen-M-1' }]);
      expect(automations[0]?.status).toBe(status === 'RETIRED' ? 'disabled' : undefined);
      expect(runs).toEqual([]);
    }
  });
});

it('has no client and nothing to try again', async () => {
  expect(await braket.client(async () => ({}))).toBeUndefined();
  expect(braket.retryOptions(runOf(taskEvents('t-5', ['FAILED'])) as Run, [])).toEqual([]);
});
