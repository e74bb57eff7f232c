import { describe, expect, it } from 'vitest';
import { advance, attach, closeQuiet, makeGood, termsOf } from '../../../../shared/incidents/index.ts';
import type { Failure } from '../../../../shared/model/index.ts';
import { incidentPointer } from '../../../../shared/store/index.ts';
import { failedRun } from '../../../support/failed-run.ts';
import { withTable } from '../../../support/table.ts';
import { failureIn, seenAt } from './failure-in.ts';

const engine = withTable();

const seen = seenAt;

describe('attach', () => {
  it('opens one incident for all that comes at once', async () => {
    const { store } = await engine.fresh();
    const ids = await Promise.all(Array.from({ length: 8 }, () => attach(store, seen(store.now()))));
    expect(new Set(ids)).toEqual(new Set(['abc:1']));
  });

  it('is told of every place, though one writes the incident and another the pointer to it', async () => {
    const { store } = await engine.fresh();
    const places = Array.from({ length: 8 }, (_, index) => `acme/shop-${index}`);
    await Promise.all(places.map((repository) => attach(store, seen(store.now(), { repository }))));
    const told = (await store.get('incident', 'abc:1'))?.repositories;
    expect(told).toEqual(places.map((repository) => `fake/${repository}`));
    // A crash between the two writes leaves an incident that nothing names.
    await attach(store, seen(store.now(), { fingerprint: 'def' }));
    await store.deleteItem(incidentPointer('def'));
    await attach(store, seen(store.now(), { fingerprint: 'def', repository: 'acme/api' }));
    expect((await store.get('incident', 'def:1'))?.repositories).toEqual(['fake/acme/api', 'fake/acme/shop']);
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

describe('what an incident reaches', () => {
  it('becomes more urgent with every repository it spreads to, and says of which', async () => {
    const { store } = await engine.fresh();
    await attach(store, seen(store.now()));
    expect(await store.get('incident', 'abc:1')).toMatchObject({ severity: 'medium', priority: 3 });
    for (const repository of ['acme/api', 'acme/web', 'acme/app'])
      await attach(store, seen(store.now(), { repository }));
    expect(await store.get('incident', 'abc:1')).toMatchObject({
      ...{ severity: 'high', priority: 2, repositories: expect.arrayContaining(['fake/acme/web', 'fake/acme/shop']) },
      terms: { cause: 40, blastRadius: 20, recurrence: 0 },
    });
  });

  it('counts a failure of a worse branch at once, and never becomes milder', async () => {
    const { store } = await engine.fresh();
    await attach(store, seen(store.now(), { terms: termsOf({ severity: 'high', branch: 'mine' }) }));
    expect((await store.get('incident', 'abc:1'))?.priority).toBe(3);
    await attach(store, seen(store.now(), { terms: termsOf({ severity: 'high', branch: 'main' }) }));
    await attach(store, seen(store.now(), { terms: termsOf({ severity: 'low', branch: 'mine' }) }));
    expect(await store.get('incident', 'abc:1')).toMatchObject({ priority: 2, severity: 'high', version: 2 });
  });
});

describe('episodes', () => {
  const HOUR = 3_600_000;

  it('names the one before when an incident comes back', async () => {
    const { store } = await engine.fresh();
    await attach(store, seen(store.now()));
    await advance(store, 'abc:1', 'resolved', 'why', 'live');
    await attach(store, seen(store.now()));
    expect(await store.get('incident', 'abc:2')).toMatchObject({
      ...{ regressionOf: 'abc:1', flaps: 1, terms: { recurrence: 10 }, status: 'open' },
    });
  });

  it('takes what comes after a long silence for another incident', async () => {
    const { store, time } = await engine.fresh();
    await attach(store, seen(store.now()));
    time.now += 15 * 24 * HOUR;
    expect(await attach(store, seen(store.now()))).toBe('abc:2');
    expect((await store.get('incident', 'abc:1'))?.status).toBe('resolved');
  });

  it('closes one that does not flap at once, though the clock of its platform is ahead', async () => {
    const { store, time } = await engine.fresh();
    const id = await attach(store, seen(new Date(time.now + HOUR).toISOString()));
    await makeGood(store, [await failureIn(store, id)], 'why', 'live');
    expect((await store.get('incident', id))?.status).toBe('resolved');
  });

  it('closes one that flaps only after it has been quiet', async () => {
    const { store, time } = await engine.fresh();
    for (const _ of [1, 2]) {
      const id = await attach(store, seen(store.now()));
      await makeGood(store, [await failureIn(store, id)], 'why', 'live');
      expect((await store.get('incident', id))?.status).toBe('resolved');
    }
    const id = await attach(store, seen(store.now()));
    await makeGood(store, [await failureIn(store, id)], 'why', 'live');
    expect(await store.get('incident', id)).toMatchObject({ status: 'open', wakeAt: expect.any(String), flaps: 2 });
    await closeQuiet(store, id);
    expect((await store.get('incident', id))?.status).toBe('open');
    time.now += HOUR;
    await closeQuiet(store, id);
    expect(await store.get('incident', id)).toMatchObject({
      status: 'resolved',
      reason: expect.stringContaining('quiet'),
    });
  });

  it('waits for its failures again when one came in the quiet', async () => {
    const { store, time } = await engine.fresh();
    for (const _ of [1, 2]) await advance(store, await attach(store, seen(store.now())), 'resolved', 'why', 'live');
    const id = await attach(store, seen(store.now()));
    await makeGood(store, [await failureIn(store, id)], 'why', 'live');
    await failureIn(store, id);
    time.now += HOUR;
    await closeQuiet(store, id);
    const incident = await store.get('incident', id);
    expect(incident?.status).toBe('open');
    expect(incident?.wakeAt).toBeUndefined();
  });
});
