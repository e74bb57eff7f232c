import { describe, expect, it } from 'vitest';
import { holdLease, releaseLease } from '../../../../shared/remediation/control.ts';
import { effectiveControl, readControls } from '../../../../shared/remediation/index.ts';
import type { Store } from '../../../../shared/store/index.ts';
import { withTable } from '../../../support/table.ts';
import { type Ask, askOf } from './ask.ts';

const engine = withTable();
const web = { platform: 'github', repository: 'acme/web' };

const put = (body: unknown, more: Ask = {}): Ask => ({
  method: 'PUT',
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
  ...more,
});
const lease = (store: Store) =>
  holdLease(store, { id: 'x', ...web, until: new Date(Date.parse(store.now()) + 15_000).toISOString() });

describe('a control', () => {
  it('is running where nobody said anything', async () => {
    const ask = askOf((await engine.fresh()).store);
    expect((await ask('/v1/controls/all')).body).toMatchObject({
      id: 'all',
      scope: 'all',
      status: 'running',
      version: 0,
    });
    expect((await ask('/v1/controls')).body.items).toMatchObject([{ id: 'all', status: 'running' }]);
    expect((await ask('/v1/controls/everything')).status).toBe(404);
  });

  it.each([
    ['all', 'all'],
    ['platform:github', 'platform:github'],
    ['repository:acme/web', 'repository:acme/web'],
    ['repository%3AAcme%2FWeb', 'repository:acme/web'],
    ['repository:group/sub/project', 'repository:group/sub/project'],
  ])('is set for %s', async (scope, id) => {
    const { store } = await engine.fresh();
    const ask = askOf(store);
    const answer = await ask(`/v1/controls/${scope}`, put({ status: 'paused', reason: 'release' }));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      id,
      scope: id,
      status: 'paused',
      reason: 'release',
      actor: 'master',
      version: 1,
    });
    expect((await ask(`/v1/controls/${scope}`)).body).toEqual(answer.body);
    expect((await ask('/v1/controls?status=paused')).body.items).toEqual([answer.body]);
  });

  it('stops, says so, and lasts; the same again changes nothing', async () => {
    const { store, time } = await engine.fresh();
    const ask = askOf(store);
    const first = await ask('/v1/controls/all', put({ status: 'stopped', reason: 'fire' }));
    expect([first.status, first.body.status, first.body.reason]).toEqual([200, 'stopped', 'fire']);
    time.now += 1000;
    const second = await ask('/v1/controls/all', put({ status: 'stopped' }));
    expect([second.status, second.body]).toEqual([200, first.body]);
    expect(effectiveControl(await readControls(store), web)).toBe('stopped');
    const release = await ask('/v1/controls/all', put({ status: 'running' }));
    expect([release.status, release.body.status, release.body.reason]).toEqual([200, 'running', null]);
  });

  it('is stopping while an action is under way, and blocks whatever comes after', async () => {
    const { store } = await engine.fresh();
    const ask = askOf(store);
    const held = await lease(store);
    const stopping = await ask('/v1/controls/all', put({ status: 'stopped' }));
    expect([stopping.status, stopping.body.status]).toEqual([202, 'stopping']);
    expect(effectiveControl(await readControls(store), web)).toBe('stopping');
    expect((await ask('/v1/controls/all')).body.status).toBe('stopping');
    await releaseLease(store, held);
    expect((await ask('/v1/controls/all')).body.status).toBe('stopped');
    expect((await ask('/v1/controls')).body.items).toMatchObject([{ status: 'stopped' }]);
  });

  it('answers stopped as soon as the action under way has ended', async () => {
    const { store } = await engine.fresh();
    const ask = askOf(store);
    const held = await lease(store);
    const [answer] = await Promise.all([
      ask('/v1/controls/platform:github', put({ status: 'stopped' })),
      (async () => {
        while ((await readControls(store))[0]?.status !== 'stopping');
        await releaseLease(store, held);
      })(),
    ]);
    expect([answer.status, answer.body.status]).toEqual([200, 'stopped']);
  });

  it('set by somebody else while a stop waits is a conflict', async () => {
    const { store } = await engine.fresh();
    const ask = askOf(store);
    await lease(store);
    const [stop, run] = await Promise.all([
      ask('/v1/controls/all', put({ status: 'stopped' })),
      (async () => {
        while ((await readControls(store))[0]?.status !== 'stopping');
        return ask('/v1/controls/all', put({ status: 'running' }));
      })(),
    ]);
    expect([stop.status, stop.body.title]).toEqual([409, 'Conflict']);
    expect([run.status, run.body.status]).toEqual([200, 'running']);
  });

  it.each([
    [400, 'everything', put({ status: 'stopped' })],
    [400, 'platform:githbu', put({ status: 'stopped' })],
    [400, 'repository:web', put({ status: 'stopped' })],
    [400, 'all', put({ status: 'stopping' })],
    [400, 'all', put({ status: 'off' })],
    [400, 'all', put({})],
    [400, 'all', put([])],
    [400, 'all', put('null')],
    [400, 'all', put('{"status":')],
    [400, 'all', put('')],
    [400, 'all', put({ status: 'stopped', until: 'tomorrow' })],
    [400, 'all', put({ status: 'stopped', reason: 7 })],
    [400, 'all', put({ status: 'stopped', reason: 'x'.repeat(501) })],
    [400, 'all', put('', { body: Buffer.from([0x22, 0xff, 0x22]) })],
    [413, 'all', put({ status: 'stopped', reason: 'x'.repeat(20_000) })],
    [415, 'all', put({ status: 'stopped' }, { headers: {} })],
    [415, 'all', put({ status: 'stopped' }, { headers: { 'content-type': 'text/plain' } })],
    [415, 'all', put('status=stopped', { headers: { 'content-type': 'application/x-www-form-urlencoded' } })],
    [
      415,
      'all',
      put({ status: 'stopped' }, { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } }),
    ],
  ])('is not set: %i for %s', async (status, scope, request) => {
    const { store } = await engine.fresh();
    const answer = await askOf(store)(`/v1/controls/${scope}`, request);
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json']);
    expect(await readControls(store)).toEqual([]);
  });

  it('takes a body with a charset, in base64 too', async () => {
    const { store } = await engine.fresh();
    const answer = await askOf(store)('/v1/controls/all', {
      method: 'PUT',
      headers: { 'content-type': 'Application/JSON; charset=utf-8' },
      body: Buffer.from(JSON.stringify({ status: 'paused', reason: 'naïve' })),
    });
    expect([answer.status, answer.body.reason]).toEqual([200, 'naïve']);
  });
});
