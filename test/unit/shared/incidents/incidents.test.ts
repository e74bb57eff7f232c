import { describe, expect, it } from 'vitest';
import { advance, attach, makeGood, priorityOf } from '../../../../shared/incidents/index.ts';
import type { Failure } from '../../../../shared/model/index.ts';
import { failedRun } from '../../../support/failed-run.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();

const seen = (seenAt: string) => ({
  ...({ fingerprint: 'abc', title: 't', cause: 'c', category: 'network', severity: 'medium', priority: 3 } as const),
  ...({ platform: 'fake', repository: 'acme/shop', origin: 'live', seenAt } as const),
});

describe('attach', () => {
  it('opens one incident for all that comes at once', async () => {
    const { store } = await engine.fresh();
    const ids = await Promise.all(Array.from({ length: 8 }, () => attach(store, seen(store.now()))));
    expect(new Set(ids)).toEqual(new Set(['abc:1']));
  });

  it('opens the next episode once the last is resolved', async () => {
    const { store } = await engine.fresh();
    await attach(store, seen(store.now()));
    await advance(store, 'abc:1', 'escalated', 'why', 'live');
    expect(await attach(store, seen(store.now()))).toBe('abc:1');
    await advance(store, 'abc:1', 'resolved', 'why', 'live');
    expect(await attach(store, seen(store.now()))).toBe('abc:2');
    expect((await store.get('incident', 'abc:1'))?.status).toBe('resolved');
  });

  it('writes a busy incident at most once a minute, and an earlier sighting always', async () => {
    const { store, time } = await engine.fresh();
    await attach(store, seen(store.now()));
    time.now += 59_000;
    await attach(store, seen(store.now()));
    expect((await store.get('incident', 'abc:1'))?.version).toBe(1);
    time.now += 1_000;
    await attach(store, seen(store.now()));
    await attach(store, seen('2020-01-01T00:00:00.000Z'));
    expect(await store.get('incident', 'abc:1')).toMatchObject({
      version: 3,
      firstSeenAt: '2020-01-01T00:00:00.000Z',
      lastSeenAt: store.now(),
    });
  });
});

describe('makeGood', () => {
  it('resolves an incident with the last of its failures, not before', async () => {
    const { store } = await engine.fresh();
    const failures: Failure[] = [];
    for (const externalId of ['1', '2']) {
      const { jobIds } = await failedRun(store, { externalId });
      const { after } = await store.change(
        'failure',
        jobIds[0] ?? '',
        (state) => state && { ...state, incidentId: 'abc:1' },
      );
      if (after !== undefined) failures.push(after);
    }
    await attach(store, seen(store.now()));
    await makeGood(store, failures.slice(0, 1), 'why', 'live');
    expect((await store.get('incident', 'abc:1'))?.status).toBe('open');
    await makeGood(store, failures.slice(1), 'why', 'live');
    expect(await store.get('incident', 'abc:1')).toMatchObject({ status: 'resolved', reason: 'why' });
  });
});

it('puts a failure on a branch of its own one step later', () => {
  expect(priorityOf({ severity: 'critical', branch: 'main' })).toBe(1);
  expect(priorityOf({ severity: 'critical', branch: 'release/1.2' })).toBe(1);
  expect(priorityOf({ severity: 'low', branch: 'dependabot/npm' })).toBe(5);
  expect(priorityOf({ severity: 'medium' })).toBe(3);
});
