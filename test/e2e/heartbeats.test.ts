import { spawn } from 'node:child_process';
import { platform } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { tokenOfSource } from '../../shared/platforms/heartbeat/index.ts';
import { type Answer, until } from '../support/client.ts';
import { fakeService } from '../support/fake-service.ts';
import { TestHost } from '../support/host.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

const TOKEN = 'heartbeat-token-of-the-tests';
const EVENTS_TOKEN = 'events-token-of-the-tests';
const JSON_TYPE = { 'content-type': 'application/json' };

let host: TestHost;
beforeAll(async () => {
  host = await TestHost.boot({ settings: { QMOI_HEARTBEAT_TOKEN: TOKEN, QMOI_EVENTS_TOKEN: EVENTS_TOKEN } });
});
afterAll(() => host?.end());

interface Beat {
  readonly query?: Record<string, string>;
  readonly body?: string | object;
  readonly token?: string | undefined;
  readonly headers?: Record<string, string>;
}
function post({ query = {}, body, headers = {}, ...rest }: Beat): Promise<Answer> {
  const json = typeof body === 'object';
  return host.request(`/heartbeats?${new URLSearchParams(query)}`, {
    method: 'POST',
    token: 'token' in rest ? rest.token : TOKEN,
    headers: { ...(json && JSON_TYPE), ...headers },
    ...(body !== undefined && { body: json ? JSON.stringify(body) : String(body) }),
  });
}

describe('a job without a platform', () => {
  it('is followed by two lines of curl, from its beginning to its failure, and why', async () => {
    const token = tokenOfSource(TOKEN, 'backup');
    const authorization = `Basic ${Buffer.from(`:${token}`).toString('base64')}`;
    const send = (query: Record<string, string>, body = '') =>
      post({ query, token: undefined, headers: { authorization, 'content-type': 'text/plain' }, body });
    const started = await send({ run: 'start', cron: '0 3 * * *', zone: 'Europe/Berlin', grace: '30m' });
    expect(started).toMatchObject({
      status: 202,
      json: { status: 'received', deliveryId: expect.stringMatching(/^custom:/) },
    });
    await host.settled();
    expect(await host.list('runs', { repository: 'backup' })).toMatchObject([{ status: 'running', kind: 'custom' }]);

    await send({ run: 'finish', exit: '1' }, 'cp: error writing ‘/mnt/a’: No space left on device\n');
    await host.settled();
    const [run, ...others] = await host.list('runs', { repository: 'backup' });
    expect(others).toEqual([]);
    expect(run).toMatchObject({ status: 'failed', platform: 'custom', name: 'backup', automationId: 'custom:backup' });
    expect(await host.list('failures', { runId: String(run?.id) })).toMatchObject([
      { status: 'diagnosed', category: 'system', excerpt: expect.stringContaining('No space left on device') },
    ]);
    expect(await host.list('incidents')).toMatchObject([{ status: 'open' }]);
    expect(await host.get('automations', 'custom:backup')).toMatchObject({
      schedule: { by: 'beat', cron: '0 3 * * *', zone: 'Europe/Berlin', graceSeconds: 1800 },
      lastBeatAt: expect.any(String),
    });
  });

  it('runs as often as it says, and a beat that is sent again is the same', async () => {
    for (const exit of ['0', '0']) expect((await post({ query: { source: 'sync', exit } })).status).toBe(202);
    const again = { query: { source: 'sync', exit: '0' }, headers: { 'idempotency-key': 'sync-3' } };
    expect((await post(again)).status).toBe(202);
    expect(await post(again)).toMatchObject({ status: 200, json: { status: 'duplicate' } });
    await host.settled();
    expect(await host.list('runs', { repository: 'sync' })).toMatchObject(Array(3).fill({ status: 'succeeded' }));
    expect(await host.get('automations', 'custom:sync')).toMatchObject({ status: 'healthy' });
  });

  it('may be of any of its platforms, and only says that it lives', async () => {
    await post({ query: { source: 'signs', platform: 'qcity', every: '1m' } });
    await host.settled();
    expect(await host.get('automations', 'qcity:signs')).toMatchObject({
      platform: 'qcity',
      schedule: { periodSeconds: 60, graceSeconds: 60 },
    });
    expect(await host.list('runs', { repository: 'signs' })).toEqual([]);
  });
});

describe('a machine', () => {
  it('is a runner, with how it is', async () => {
    const beat = {
      ...{ source: 'web-1', platform: 'local', interval: 60 },
      host: { os: 'linux', cpu: 0.5, memory: 0.25, disk: 0.9, load: 1.5, service: { name: 'ci', state: 'active' } },
    };
    expect(await post({ body: beat })).toMatchObject({
      status: 202,
      json: { runnerId: 'local:machines:web-1', commands: [], time: expect.any(String) },
    });
    await host.settled();
    expect(await host.get('runners', 'local:machines:web-1')).toMatchObject({
      status: 'idle',
      beatSeconds: 60,
      vitals: { cpu: 0.5, memory: 0.25, disk: 0.9, load: 1.5, service: 'ci: active' },
    });
    await post({ body: { ...beat, host: { service: { name: 'ci', state: 'failed' } } } });
    await host.settled();
    expect(await host.get('runners', 'local:machines:web-1')).toMatchObject({
      status: 'offline',
      vitals: { service: 'ci: failed' },
    });
  });
});

describe.runIf(platform() === 'linux')("a machine's agent", () => {
  it('tells that its service is down, and restarts it when it is told to', async () => {
    const service = fakeService('failed');
    const agent = spawn(
      process.execPath,
      [
        ...['bin/qmoi.mjs', 'agent', '--url', host.url, '--service', 'ci.service', '--interval', '1'],
        ...['--state', join(service.folder, 'memory.json')],
      ],
      { env: { PATH: service.path, QMOI_HEARTBEAT_TOKEN: tokenOfSource(TOKEN, 'ci-7') }, stdio: 'ignore' },
    );
    const ended = new Promise<number | null>((resolve) => agent.once('exit', resolve));
    const id = 'local:machines:ci-7';
    const status = async (wanted: string) => {
      const runners = await host.list('runners', { platform: 'local' });
      return runners.some((runner) => runner.id === id && runner.status === wanted);
    };
    const commands = async () => {
      const { json } = await host.request(`/v1/runners/${encodeURIComponent(id)}/commands`);
      return (json as { items: { command: string; status: string; output?: string }[] }).items;
    };
    const order = (command: string, runner = id) =>
      host.request(`/v1/runners/${encodeURIComponent(runner)}/commands`, {
        method: 'POST',
        headers: JSON_TYPE,
        body: JSON.stringify({ command, reason: 'it is down' }),
      });
    try {
      await until('the runner to be offline', () => status('offline'));
      expect((await order('format-disk')).status).toBe(400);
      expect((await order('restart-runner-service', 'local:machines:nobody')).status).toBe(404);
      expect(await order('restart-runner-service')).toMatchObject({ status: 202, json: { status: 'pending' } });
      await until('the runner to be back', () => status('idle'));
      expect((await order('collect-diagnostics')).status).toBe(202);
      await until('diagnostics', async () => (await commands())[0]?.status === 'done');
      expect(await commands()).toMatchObject([
        { command: 'collect-diagnostics', output: expect.stringContaining('token=[redacted]') },
        { command: 'restart-runner-service', status: 'done', output: 'ci.service: active' },
      ]);
      expect(service.calls().filter((call) => call.startsWith('restart'))).toEqual(['restart -- ci.service']);
    } finally {
      agent.kill('SIGTERM');
      expect(await ended).toBe(0);
    }
    await host.settled();
  });
});

describe('a system that speaks CloudEvents', () => {
  it('may ask whether it may send, and its pipeline is followed', async () => {
    const asked = await host.request('/webhooks/events', {
      method: 'OPTIONS',
      token: undefined,
      headers: { 'webhook-request-origin': 'ci.example.com', 'webhook-request-rate': '60' },
    });
    expect([
      asked.status,
      asked.headers.get('webhook-allowed-origin'),
      asked.headers.get('webhook-allowed-rate'),
    ]).toEqual([200, 'ci.example.com', '60']);
    const told = (predicate: string, content: object) => {
      const type = `dev.cdevents.pipelinerun.${predicate}.0.3.0`;
      const context = {
        specversion: '0.5.0',
        id: `7-${predicate}`,
        source: '/ci',
        timestamp: new Date().toISOString(),
      };
      const data = {
        context: { ...context, type },
        subject: { id: '7', content: { pipelineName: 'build', ...content } },
      };
      return { specversion: '1.0', id: context.id, source: context.source, type, data };
    };
    const sent = await host.request('/webhooks/events', {
      method: 'POST',
      token: EVENTS_TOKEN,
      headers: { 'content-type': 'application/cloudevents-batch+json' },
      body: JSON.stringify([
        told('started', {}),
        told('finished', { outcome: 'failure', errors: 'npm error code ENOSPC: no space left on device' }),
      ]),
    });
    expect(sent).toMatchObject({ status: 202, json: { messages: [{ status: 'received' }, { status: 'received' }] } });
    await host.settled();
    const [run] = await host.list('runs', { platform: 'events' });
    expect(run).toMatchObject({ status: 'failed', name: 'build', repository: '/ci', attempt: 1 });
    expect(await host.list('failures', { runId: String(run?.id) })).toMatchObject([
      { status: 'diagnosed', category: 'system', excerpt: expect.stringContaining('no space left') },
    ]);
    expect(await host.list('automations', { platform: 'events' })).toMatchObject([
      { name: 'build', status: 'degraded' },
    ]);
  });
});

describe('what is turned away', () => {
  it.each<[string, Beat, number]>([
    ['no token', { query: { source: 'a', status: 'ok' }, token: undefined }, 401],
    ['the wrong token', { query: { source: 'a', status: 'ok' }, token: 'wrong' }, 401],
    ["another source's token", { query: { source: 'a' }, token: tokenOfSource(TOKEN, 'b') }, 401],
    ["another machine's name", { body: { source: 'b', host: { id: 'a' } }, token: tokenOfSource(TOKEN, 'b') }, 401],
    ['no source', { query: { status: 'ok' } }, 400],
    ['a mistake in spelling', { query: { source: 'a', stauts: 'ok' } }, 400],
    ['a body that is no JSON', { query: { source: 'a' }, body: '{', headers: JSON_TYPE }, 400],
    ['another type', { query: { source: 'a' }, body: '<a/>', headers: { 'content-type': 'text/xml' } }, 415],
    ['too much', { query: { source: 'a' }, body: 'x'.repeat(600_000), headers: { 'content-type': 'text/plain' } }, 413],
  ])('%s', async (_, beat, status) => {
    const answer = await post(beat);
    expect(answer).toMatchObject({
      status,
      json: { status, detail: expect.any(String), requestId: expect.any(String) },
    });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  it('has changed nothing, nor has another method', async () => {
    expect(await host.request('/heartbeats?source=a&status=ok')).toMatchObject({ status: 405 });
    expect((await host.request('/webhooks/custom', { method: 'POST', token: TOKEN, body: '{}' })).status).toBe(404);
    await host.settled();
    const sources = (await host.list('automations')).map(({ id }) => id);
    expect(sources).not.toContain('custom:a');
    expect(sources).not.toContain('custom:b');
  });
});

describe('what is not heard of when it should be', () => {
  it('is silent or stale, until it is heard of again', async () => {
    const later = await TestHost.boot({ settings: { QMOI_HEARTBEAT_TOKEN: TOKEN }, clock: 'manual' });
    try {
      const body = JSON.stringify({
        source: 'web-1',
        interval: 60,
        host: {},
        exitCode: 0,
        schedule: { every: '5m', grace: '1m' },
      });
      const beat = async () => {
        await later.request('/heartbeats', { method: 'POST', token: TOKEN, headers: JSON_TYPE, body });
        await later.settled();
      };
      const [job, machine] = ['custom:web-1', 'custom:machines:web-1'];
      await beat();
      await later.pass(2);
      expect((await later.get('automations', job)).status).toBe('healthy');
      expect((await later.get('runners', machine)).status).toBe('idle');
      await later.pass(6);
      expect(await later.get('automations', job)).toMatchObject({
        status: 'silent',
        reason: expect.stringContaining('5'),
      });
      expect((await later.get('runners', machine)).status).toBe('stale');
      await beat();
      expect((await later.get('automations', job)).status).toBe('healthy');
      expect((await later.get('runners', machine)).status).toBe('idle');
      const told = await later.list('notifications', { subject: job });
      expect(told.map(({ event, topic, status }) => [event, topic, status])).toEqual([
        ['automation.healthy', 'status', 'sent'],
        ['automation.silent', 'error', 'sent'],
      ]);
    } finally {
      await later.end();
    }
  });
});
