import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createForge,
  type Forge,
  type ManualClock,
  manualClock,
  type RunHandle,
} from '../../../support/forges/index.ts';
import { receiver } from './receiver.ts';

let clock: ManualClock;
let qmoi: Awaited<ReturnType<typeof receiver>>;
let forge: Forge;
let run: RunHandle;

function call(method: string, path: string): Promise<Response> {
  return fetch(`${forge.url}/repos/acme/shop/actions${path}`, { method, headers: { authorization: 'Bearer t' } });
}

const rerun = (): Promise<Response> => call('POST', `/runs/${run.id}/rerun-failed-jobs`);

beforeEach(async () => {
  clock = manualClock(Date.parse('2026-03-02T10:00:00Z'));
  qmoi = await receiver();
  forge = await createForge({
    platform: 'github',
    webhookUrl: qmoi.url,
    secret: 's',
    token: 't',
    seed: 5,
    clock,
    speed: 1,
  });
  run = forge.repository('acme/shop').run({ jobs: [{ name: 'test', outcome: 'failure', thenOnRetry: 'success' }] });
  run.record();
});

afterEach(async () => {
  await forge.close();
  await qmoi.close();
});

describe('faults', () => {
  it('answer an error for as many calls as told, without effect', async () => {
    forge.faults.add({ kind: 'status', status: 502, body: 'Bad Gateway', times: 2, path: 'rerun-failed-jobs' });
    expect((await rerun()).status).toBe(502);
    expect((await call('GET', `/runs/${run.id}`)).status).toBe(200);
    expect((await rerun()).status).toBe(502);
    expect(forge.effects).toEqual([]);
    expect((await rerun()).status).toBe(201);
    expect(forge.calls.map((made) => [made.method, made.status, made.fault, made.effect?.kind])).toEqual([
      ['POST', 502, 'status', undefined],
      ['GET', 200, undefined, undefined],
      ['POST', 502, 'status', undefined],
      ['POST', 201, undefined, 'rerun-failed-jobs'],
    ]);
  });

  it('lose an answer after the effect, or the call before it', async () => {
    forge.faults.add({ kind: 'reset', method: 'POST' });
    await expect(rerun()).rejects.toThrow();
    expect(forge.effects).toHaveLength(0);
    forge.faults.add({ kind: 'lost-answer', method: 'POST' });
    await expect(rerun()).rejects.toThrow();
    expect(forge.effects).toHaveLength(1);
    expect(run.attempt).toBe(2);
    expect(forge.calls.map((made) => [made.status, made.fault])).toEqual([
      [0, 'reset'],
      [201, 'lost-answer'],
    ]);
    clock.drain();
    await forge.idle();
    expect(JSON.parse(qmoi.received.at(-1)?.body ?? '').workflow_run).toMatchObject({
      run_attempt: 2,
      conclusion: 'success',
    });
  });

  it('hold an answer back while the effect is there', async () => {
    forge.faults.add({ kind: 'slow', ms: 20_000 });
    const slow = rerun();
    while (forge.effects.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(forge.pending()).toBeGreaterThan(0);
    clock.advance(20_000);
    expect((await slow).status).toBe(201);

    forge.faults.add({ kind: 'slow', ms: Number.POSITIVE_INFINITY });
    const hanging = new AbortController();
    const never = fetch(`${forge.url}/rate_limit`, { signal: hanging.signal });
    while (forge.calls.at(-1)?.path !== '/rate_limit') await new Promise((resolve) => setImmediate(resolve));
    hanging.abort();
    await expect(never).rejects.toThrow();
  });

  it("speak of rate limits in the platform's words", async () => {
    forge.faults.add({ kind: 'rate-limit', limit: 'secondary', retryAfterSeconds: 7 });
    const secondary = await rerun();
    expect([secondary.status, secondary.headers.get('retry-after')]).toEqual([403, '7']);
    expect(await secondary.text()).toContain('secondary rate limit');
    forge.faults.add({ kind: 'rate-limit', limit: 'primary', retryAfterSeconds: 30 });
    const primary = await rerun();
    expect([primary.status, primary.headers.get('x-ratelimit-remaining')]).toEqual([403, '0']);
    expect(Number(primary.headers.get('x-ratelimit-reset'))).toBe(clock.now() / 1000 + 30);
    expect((await rerun()).status).toBe(403);
    clock.advance(30_000);
    expect((await rerun()).status).toBe(201);
  });

  it('wait for their turn and can be taken back', async () => {
    forge.faults.add({ kind: 'status', status: 500, skip: 1, path: /\/runs\/\d+$/ });
    const remove = forge.faults.add({ kind: 'status', status: 503 });
    expect(forge.faults.left()).toBe(2);
    remove();
    const statuses = [];
    for (let n = 0; n < 3; n += 1) statuses.push((await call('GET', `/runs/${run.id}`)).status);
    expect(statuses).toEqual([200, 500, 200]);
    forge.faults.add({ kind: 'status', status: 503 });
    forge.faults.clear();
    expect((await call('GET', `/runs/${run.id}`)).status).toBe(200);
  });
});
