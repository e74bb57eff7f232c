import { describe, expect, it } from 'vitest';
import type { Control } from '../../../../shared/model/index.ts';
import {
  controlId,
  effectiveControl,
  holdLease,
  readControls,
  readLeases,
  releaseLease,
  setControl,
  settleControl,
  settleStop,
} from '../../../../shared/remediation/control.ts';
import type { Store } from '../../../../shared/store/index.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();
const web = { platform: 'github', repository: 'acme/web' };
const control = (id: string, status: Control['status']): Control =>
  ({ id, scope: id, status, entity: 'control' }) as Control;
const lease = (store: Store, seconds: number, target = web) =>
  holdLease(store, {
    id: 'github:1:rerun-failed-jobs:1',
    ...target,
    until: new Date(Date.parse(store.now()) + seconds * 1000).toISOString(),
  });
const stop = (store: Store, id: string) =>
  setControl(store, id, { status: 'stopped', reason: 'incident', actor: 'master' });

describe('scopes', () => {
  it('knows all, platforms and repositories, without case', () => {
    expect(controlId('all')).toBe('all');
    expect(controlId('platform:GitHub')).toBe('platform:github');
    expect(controlId('repository:Acme/Web')).toBe('repository:acme/web');
    expect(controlId('repository:group/sub/project')).toBe('repository:group/sub/project');
  });

  it.each([
    '',
    'everything',
    'platform:',
    'platform:githbu',
    'repository:web',
    'repository:/web',
    'repository:a/b c',
    `repository:a/${'b'.repeat(400)}`,
  ])('knows no scope %j', (scope) => {
    expect(controlId(scope)).toBeUndefined();
  });
});

describe('what holds for a target', () => {
  it('is running when nobody said anything', () => {
    expect(effectiveControl([], web)).toBe('running');
  });

  it('is the most restrictive of all that cover it', () => {
    const controls = [control('all', 'running'), control('platform:github', 'paused')];
    expect(effectiveControl(controls, web)).toBe('paused');
    expect(effectiveControl([...controls, control('repository:acme/web', 'stopped')], web)).toBe('stopped');
    expect(effectiveControl([control('all', 'stopping'), control('repository:acme/web', 'running')], web)).toBe(
      'stopping',
    );
  });

  it('is not touched by other platforms and repositories', () => {
    const others = [control('platform:gitlab', 'stopped'), control('repository:acme/webs', 'stopped')];
    expect(effectiveControl(others, web)).toBe('running');
  });

  it('does not depend on the case of a repository', () => {
    expect(effectiveControl([control('repository:acme/web', 'stopped')], { ...web, repository: 'ACME/Web' })).toBe(
      'stopped',
    );
  });

  it('fails closed on a scope that nobody understands', () => {
    expect(effectiveControl([control('galaxy:7', 'stopped')], web)).toBe('stopped');
  });
});

describe('a stop', () => {
  it('is reached at once when nothing is under way, and keeps who said it and why', async () => {
    const { store } = await engine.fresh();
    const stopping = await stop(store, 'all');
    expect(stopping.status).toBe('stopping');
    const stopped = await settleControl(store, stopping);
    expect(stopped).toMatchObject({ status: 'stopped', reason: 'incident', actor: 'master' });
    expect(stopped.wakeAt).toBeUndefined();
    expect(await readControls(store)).toEqual([stopped]);
  });

  it('waits for an action under way, and only for those in its scope', async () => {
    const { store } = await engine.fresh();
    const held = await lease(store, 15);
    const all = await stop(store, 'all');
    expect((await settleControl(store, all)).status).toBe('stopping');
    expect((await settleControl(store, await stop(store, 'platform:gitlab'))).status).toBe('stopped');
    expect((await settleControl(store, await stop(store, 'platform:github'))).status).toBe('stopping');
    await releaseLease(store, held);
    expect((await settleControl(store, all)).status).toBe('stopped');
  });

  it('does not wait for a lease that has run out', async () => {
    const { store, time } = await engine.fresh();
    await lease(store, 15);
    const stopping = await stop(store, 'repository:acme/web');
    expect((await settleControl(store, stopping)).status).toBe('stopping');
    time.now += 16_000;
    expect((await settleControl(store, stopping)).status).toBe('stopped');
    expect(Date.parse(stopping.wakeAt ?? '')).toBeLessThanOrEqual(time.now);
  });

  it('is not ended by whoever loses the claim of the same fix', async () => {
    const { store } = await engine.fresh();
    const winner = await lease(store, 15);
    const loser = await lease(store, 15);
    await releaseLease(store, loser);
    expect((await readLeases(store)).map((held) => held.sk)).toEqual([winner.sk]);
    expect((await settleControl(store, await stop(store, 'all'))).status).toBe('stopping');
  });

  it('asked for again changes nothing', async () => {
    const { store, time } = await engine.fresh();
    await lease(store, 15);
    const first = await stop(store, 'all');
    time.now += 5;
    expect(await stop(store, 'all')).toEqual(first);
    time.now += 20_000;
    const stopped = await settleControl(store, first);
    expect(await stop(store, 'all')).toEqual(stopped);
  });

  it('can be taken back and made again within one millisecond', async () => {
    const { store } = await engine.fresh();
    const word = (status: 'running' | 'paused' | 'stopped') => setControl(store, 'all', { status, actor: 'master' });
    await settleControl(store, await word('stopped'));
    expect((await word('running')).status).toBe('running');
    expect((await word('paused')).status).toBe('paused');
    expect((await word('running')).status).toBe('running');
    expect((await settleControl(store, await word('stopped'))).status).toBe('stopped');
  });

  it('is not settled by what was read for an earlier one', async () => {
    const { store } = await engine.fresh();
    const first = await stop(store, 'all');
    await setControl(store, 'all', { status: 'running', actor: 'master' });
    const held = await lease(store, 15);
    await stop(store, 'all');
    await releaseLease(store, held);
    expect((await settleControl(store, first)).status).toBe('stopping');
  });

  it('settles for a status other than stopping as it is', () => {
    expect(settleStop(control('all', 'paused'), [], 0)).toBe('paused');
    expect(settleStop(control('all', 'stopping'), [{ id: 'x', ...web, until: 'garbage' }], Infinity)).toBe('stopping');
  });
});
