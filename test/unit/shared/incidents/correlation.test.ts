import { describe, expect, it } from 'vitest';
import { rootsOf } from '../../../../shared/incidents/correlation.ts';
import { attach, correlate } from '../../../../shared/incidents/index.ts';
import type { Store } from '../../../../shared/store/index.ts';
import { withTable } from '../../../support/table.ts';
import { seenAt } from './failure-in.ts';

const engine = withTable();
type Circumstances = Parameters<typeof rootsOf>[0];

const of = (more: Partial<Circumstances>): Circumstances => ({
  ...{ platform: 'gitlab', repository: 'acme/shop', category: 'system', lines: [], at: '2026-01-01T00:00:00.000Z' },
  ...more,
});
async function trouble(store: Store, fingerprint: string, more: Partial<Circumstances>) {
  const id = await attach(store, seenAt(store.now(), { fingerprint }));
  await correlate(store, id, of({ at: store.now(), ...more }));
}
const rootOf = async (store: Store, id: string) => (await store.get('incident', id))?.suspectedRoot;

describe('what failures may have in common', () => {
  it('is the machine where the machine may be the reason, and the commit where it may not', () => {
    const shared = { runner: 'metal-1', labels: ['linux', 'big'], commit: 'c0ffee' };
    expect(rootsOf(of(shared))).toEqual(['runner:gitlab/metal-1', 'pool:gitlab/big+linux']);
    expect(rootsOf(of({ ...shared, category: 'automation' }))).toEqual(['commit:gitlab/acme/shop@c0ffee']);
  });

  it('is no machine that was made for one job', () => {
    expect(rootsOf(of({ runner: 'GitHub Actions 12' }))).toEqual([]);
    expect(rootsOf(of({ runner: 'runner-ab12cd-project-7-concurrent-0' }))).toEqual([]);
  });

  it('is the hosts that a network failure names', () => {
    const lines = ['Could not resolve host: GitHub.com', 'GET https://registry.npmjs.org/x - 503', 'at index.js:12'];
    expect(rootsOf(of({ category: 'network', lines }))).toEqual(['host:github.com', 'host:registry.npmjs.org']);
  });
});

describe('correlation', () => {
  it('suspects a runner once two troubles share it, and says so with both', async () => {
    const { store } = await engine.fresh();
    await trouble(store, 'disk', { runner: 'metal-1' });
    expect(await rootOf(store, 'disk:1')).toBeUndefined();
    await trouble(store, 'memory', { runner: 'metal-1' });
    await trouble(store, 'clock', { runner: 'metal-2' });
    expect(await rootOf(store, 'disk:1')).toBe('runner:gitlab/metal-1');
    expect(await rootOf(store, 'memory:1')).toBe('runner:gitlab/metal-1');
    expect(await rootOf(store, 'clock:1')).toBeUndefined();
  });

  it('sees it when both come at once', async () => {
    const { store } = await engine.fresh();
    await Promise.all(['a', 'b'].map((name) => trouble(store, name, { runner: 'metal-1' })));
    expect([await rootOf(store, 'a:1'), await rootOf(store, 'b:1')]).toEqual(Array(2).fill('runner:gitlab/metal-1'));
  });

  it('does not take one trouble seen twice, nor two that lie apart, for one root', async () => {
    const { store, time } = await engine.fresh();
    await trouble(store, 'disk', { runner: 'metal-1' });
    await trouble(store, 'disk', { runner: 'metal-1' });
    time.now += 2 * 3_600_000;
    await trouble(store, 'memory', { runner: 'metal-1' });
    expect([await rootOf(store, 'disk:1'), await rootOf(store, 'memory:1')]).toEqual([undefined, undefined]);
  });

  it('prefers the runner to its pool, whatever is found first', async () => {
    const { store } = await engine.fresh();
    for (const name of ['a', 'b', 'c'])
      await trouble(store, name, { labels: ['linux'], runner: name === 'a' ? 'm-2' : 'm-1' });
    expect(await rootOf(store, 'a:1')).toBe('pool:gitlab/linux');
    expect(await rootOf(store, 'c:1')).toBe('runner:gitlab/m-1');
  });

  it('writes nothing more for a trouble that goes on', async () => {
    const { store } = await engine.fresh();
    await trouble(store, 'a', { runner: 'metal-1' });
    await trouble(store, 'b', { runner: 'metal-1' });
    const before = await store.get('incident', 'a:1');
    await trouble(store, 'a', { runner: 'metal-1' });
    expect(await store.get('incident', 'a:1')).toEqual(before);
  });
});
