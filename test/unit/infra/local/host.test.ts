import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Host, type HostOptions, type HostStatus, startHost } from '../../../../infra/local/index.ts';
import { fixtureAssembly } from '../../../support/host-fixture/index.ts';

/** The whole host on the fixture's stack: HTTP in, table, stream, bus, queue, function and topic out. */
describe('the embedded host', () => {
  let folder: string;
  let assemblyDir: string;
  let host: Host;
  let complaints: string[];

  const boot = async (options: Partial<HostOptions> = {}): Promise<void> => {
    complaints = [];
    host = await startHost({
      dataDir: join(folder, 'data'),
      assemblyDir,
      secrets: { QMOI_GITHUB_TOKEN: 'ghp_token' },
      clock: 'manual',
      complain: (line) => complaints.push(line),
      ...options,
    });
  };
  const ask = async (path: string, body?: unknown): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(host.url + path, {
      headers: { authorization: `Bearer ${host.token}`, 'content-type': 'text/plain' },
      ...(body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text };
  };
  const status = async (): Promise<HostStatus> => (await ask('/_local')).body as HostStatus;
  const idle = () =>
    vi.waitFor(
      async () => {
        const { idle: settled, pending } = await status();
        expect(settled, JSON.stringify(pending)).toBe(true);
      },
      { timeout: 20_000, interval: 20 },
    );
  const deliver = async (body: string): Promise<void> => {
    expect((await ask('/webhooks/github', body)).status).toBe(202);
  };
  const callsOf = async (name: string): Promise<number> => (await status()).calls[name] ?? 0;
  const depth = async (name: string) => (await status()).queues.find((queue) => queue.name === name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'qmoi-host-'));
    assemblyDir = await fixtureAssembly();
    await boot();
  });
  afterAll(async () => {
    await host.stop();
    rmSync(folder, { recursive: true });
  });

  it('takes a webhook through table, stream, bus, queue and function to the topic', async () => {
    await deliver('publish');
    await idle();
    const { body } = await ask('/v1/outbox');
    expect(body).toMatchObject({
      items: [
        { topic: 'fixture-topic', subject: 'told', message: 'token of 9 characters', endpoint: 'master@example.com' },
      ],
      nextCursor: null,
    });
    expect(complaints).toEqual([]);
  });

  it('says what it runs', async () => {
    const report = await status();
    expect(report).toMatchObject({ stack: 'Fixture', idle: true, clock: { mode: 'manual' }, chaos: null });
    expect(report.functions.find(({ name }) => name === 'fixture-consume')).toMatchObject({
      timeoutSeconds: 10,
      errors: 0,
      running: 0,
    });
    expect(report.routes).toContainEqual({
      route: 'ANY /webhooks/{platform}',
      function: 'fixture-receive',
      requests: 1,
    });
    expect(report.rules).toEqual([
      expect.objectContaining({ bus: 'fixture', subscribers: ['fixture-consume'], delivered: 1 }),
    ]);
    expect(report.timers).toEqual([
      expect.objectContaining({ expression: 'rate(1 minute)', nextAt: expect.any(String) }),
    ]);
    expect(report.streams).toEqual([expect.objectContaining({ function: 'fixture-publish', iteratorAgeMs: 0 })]);
    expect(report.calls).toMatchObject({
      'fixture-receive dynamodb:PutItem': 1,
      'fixture-publish events:PutEvents': 1,
    });
    expect(report.units).toContainEqual(
      expect.objectContaining({ caller: 'fixture-receive', operation: 'PutItem', calls: 1, write: 1 }),
    );
    expect(report.allowed).toContainEqual(
      expect.objectContaining({ function: 'fixture-consume', action: 'ssm:GetParameters' }),
    );
  });

  it('asks the authorizer before a guarded route', async () => {
    const guarded = await ask('/v1/anything');
    expect(guarded.body).toMatchObject({
      event: { requestContext: { authorizer: { lambda: { principal: 'nobody' } } }, rawPath: '/v1/anything' },
    });
  });

  it('drives queues and functions by the manual clock', async () => {
    const before = await callsOf('fixture-consume dynamodb:UpdateItem');
    await deliver('retry:600');
    await vi.waitFor(async () => expect((await depth('fixture-queue'))?.inFlight).toBe(1), { timeout: 10_000 });
    await vi.waitFor(async () => expect((await status()).pending.invocations).toBe(0));
    expect(await callsOf('fixture-consume dynamodb:UpdateItem')).toBe(before + 1);
    await ask('/_local/clock', { advance: 599 });
    expect((await depth('fixture-queue'))?.inFlight).toBe(1);
    await ask('/_local/clock', { advance: 1 });
    await idle();
    expect(await callsOf('fixture-consume dynamodb:UpdateItem')).toBe(before + 2);
    const { body } = await ask('/misbehave/time', '');
    expect(Date.parse((body as { now: string }).now)).toBe(Date.parse((await status()).clock.now));
  });

  it('runs schedules by the manual clock', async () => {
    const before = await callsOf('fixture-tick dynamodb:UpdateItem');
    await ask('/_local/clock', { advance: 60 });
    await vi.waitFor(async () => expect(await callsOf('fixture-tick dynamodb:UpdateItem')).toBe(before + 1));
    await idle();
  });

  it('moves what never succeeds to the dead letters, and back on request', async () => {
    await deliver('fail');
    await vi.waitFor(
      async () => {
        await ask('/_local/clock', { advance: 61 });
        expect((await depth('fixture-dead'))?.visible).toBe(1);
      },
      { timeout: 20_000, interval: 100 },
    );
    await idle();
    expect(await ask('/_local/queues/fixture-dead/redrive', '')).toMatchObject({
      status: 200,
      body: { moved: 1, left: 0 },
    });
    await vi.waitFor(async () => expect((await depth('fixture-queue'))?.inFlight).toBe(1));
  });

  it('keeps everything over a restart: items, messages, stream position, time, token', async () => {
    const before = await status();
    const { token } = host;
    await host.stop();
    await boot();
    expect(host.token).toBe(token);
    expect(readFileSync(join(folder, 'data', 'master-token'), 'utf8').trim()).toBe(token);
    const after = await status();
    expect(Date.parse(after.clock.now)).toBeGreaterThanOrEqual(Date.parse(before.clock.now));
    expect(after.streams[0]?.position).toBe(before.streams[0]?.position);
    await deliver('publish');
    await vi.waitFor(
      async () => expect(((await ask('/v1/outbox')).body as { items: unknown[] }).items).toHaveLength(2),
      {
        timeout: 10_000,
      },
    );
    expect((await status()).functions.find(({ name }) => name === 'fixture-publish')?.invocations).toBe(1);
  });

  it.each(['1', '2', '3'])('in chaos gets everything done all the same: seed %s', async (chaosSeed) => {
    await host.stop();
    await boot({ chaosSeed, dataDir: join(folder, `chaos-${chaosSeed}`) });
    let accepted = 0;
    for (let tries = 0; accepted < 40; tries += 1) {
      expect(tries).toBeLessThan(80);
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask('/webhooks/github', 'publish')));
      accepted += answers.filter((answer) => answer.status === 202).length;
    }
    await vi.waitFor(
      async () => {
        const { pending } = await status();
        expect(pending).toMatchObject({ sources: 0, invocations: 0 });
        // What failed waits for its visibility time-out.
        if (pending.messages > 0) await ask('/_local/clock', { advance: 61 });
        expect(pending.messages).toBe(0);
      },
      { timeout: 50_000, interval: 200 },
    );
    const report = await status();
    expect(report.chaos).toMatchObject({ seed: chaosSeed });
    expect(Object.keys(report.chaos?.struck ?? {})).toContain('throttle');
    expect(report.queues.find(({ name }) => name === 'fixture-dead')?.visible).toBe(0);
    const { items } = (await ask('/v1/outbox?limit=200')).body as { items: unknown[] };
    expect(items.length).toBeGreaterThanOrEqual(accepted);
  });

  it('names function, action and resource of a call that is denied', async () => {
    await host.stop();
    const denying = mkdtempSync(join(tmpdir(), 'qmoi-denied-'));
    const { cpSync, writeFileSync } = await import('node:fs');
    cpSync(assemblyDir, denying, { recursive: true });
    const file = join(denying, 'Fixture.template.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"dynamodb:PutItem"', '"dynamodb:Other"'));
    await boot({ assemblyDir: denying });
    expect((await ask('/webhooks/github', 'x')).status).toBe(500);
    const denial =
      'AccessDenied: fixture-receive is not authorized to perform dynamodb:PutItem on arn:aws:dynamodb:us-east-1:000000000000:table/Fixture-TableCD117FA1';
    expect(complaints).toContain(denial);
    expect((await status()).denied).toContainEqual(
      expect.objectContaining({ function: 'fixture-receive', action: 'dynamodb:PutItem' }),
    );
    rmSync(denying, { recursive: true });
  });
});
