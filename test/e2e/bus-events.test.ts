import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceEvent, hybridJobEvents, taskEvents } from '../support/braket.ts';
import { TestHost } from '../support/host.ts';

/** What other services put on the account's default bus, through the host's stand-in for them, to what the API shows. */

let host: TestHost;
beforeAll(async () => {
  host = await TestHost.boot({ clock: 'manual' });
});
afterAll(() => host?.end());

const emit = async (...events: readonly object[]) => {
  for (const event of events) {
    const answer = await host.request('/_local/events', { method: 'POST', body: JSON.stringify(event) });
    expect(answer).toMatchObject({ status: 200, json: { id: expect.any(String) } });
  }
  await host.settled();
};

describe('events of Braket on the default bus', () => {
  it('become a task, its device and what broke it, in any order and however often they come', async () => {
    const start = Date.parse((await host.status()).clock.now) - 5 * 60_000;
    const events = taskEvents('t-1', ['QUEUED', 'RUNNING', 'FAILED'], { start });
    await emit(...[...events].reverse(), ...events);
    expect(await host.list('deliveries', { platform: 'braket' })).toHaveLength(3);
    expect(await host.get('runs', 'braket:task-t-1:1')).toMatchObject({
      status: 'failed',
      kind: 'task',
      repository: 'amazon/sv1',
      startedAt: expect.any(String),
    });
    expect(await host.list('jobs', { runId: 'braket:task-t-1:1' })).toMatchObject([
      { status: 'failed', runner: { name: 'sv1' } },
    ]);
    expect(await host.list('failures', { platform: 'braket' })).toMatchObject([{ status: 'diagnosed' }]);
    expect(await host.list('automations', { platform: 'braket' })).toMatchObject([
      { name: 'amazon/sv1', status: 'degraded' },
    ]);
  });

  it('become hybrid jobs and devices', async () => {
    await emit(
      ...hybridJobEvents('vqe', ['QUEUED', 'COMPLETED']),
      deviceEvent('arn:aws:braket:us-west-1::device/qpu/rigetti/Aspen-M-1', 'OFFLINE'),
    );
    expect(await host.get('runs', 'braket:job-vqe:1')).toMatchObject({ status: 'succeeded', kind: 'custom' });
    expect(await host.list('runners', { platform: 'braket' })).toMatchObject([
      { name: 'Aspen-M-1', status: 'offline', pool: 'qpu' },
    ]);
  });

  it('are kept to be looked at when they are not what they should be, and left alone when they are not Braket’s', async () => {
    const before = (await host.list('deliveries')).length;
    const [odd] = taskEvents('t-2', ['ENTANGLED']);
    await emit(odd as object, { ...(odd as object), source: 'aws.s3' }, { ...(odd as object), 'detail-type': 'Other' });
    expect(await host.list('deliveries', { status: 'quarantined' })).toMatchObject([
      { platform: 'braket', reason: expect.stringContaining('detail.status') },
    ]);
    expect(await host.list('deliveries')).toHaveLength(before + 1);
  });

  it('come no other way', async () => {
    const body = JSON.stringify(taskEvents('t-3', ['FAILED'])[0]);
    const headers = { 'content-type': 'application/json' };
    expect((await host.request('/webhooks/braket', { method: 'POST', headers, body })).status).toBe(404);
    expect((await host.request('/_local/events', { method: 'POST', body, token: undefined })).status).toBe(401);
    expect((await host.request('/_local/events', { method: 'POST', body: '{"source":"x"}' })).status).toBe(400);
  });
});
