import { describe, expect, it } from 'vitest';
import { makeGood, mergeIncidents, RegroupRefused, splitIncident } from '../../../../shared/incidents/index.ts';
import { withTable } from '../../../support/table.ts';
import { failure, incidentOf } from './failure-in.ts';

const engine = withTable();

describe('merging', () => {
  it('moves the failures there are and those to come, and leaves every id as it was', async () => {
    const { store } = await engine.fresh();
    const [a, b] = [await failure(store, 'aaa', 'acme/api'), await failure(store, 'bbb')];
    const target = await mergeIncidents(store, 'aaa:1', 'bbb:1');
    expect(target).toMatchObject({ id: 'bbb:1', status: 'open', repositories: ['fake/acme/api', 'fake/acme/shop'] });
    expect(await store.get('incident', 'aaa:1')).toMatchObject({ status: 'resolved', mergedInto: 'bbb:1' });
    expect((await incidentOf(store, a)).id).toBe('bbb:1');
    expect((await store.get('failure', a.id))?.fingerprint).toBe('aaa');
    const later = await failure(store, 'aaa');
    expect((await incidentOf(store, later)).id).toBe('bbb:1');
    await makeGood(store, [later, b], 'why', 'live');
    expect((await store.get('incident', 'bbb:1'))?.status).toBe('open');
    await makeGood(
      store,
      [await store.get('failure', a.id)].flatMap((one) => one ?? []),
      'why',
      'live',
    );
    expect((await store.get('incident', 'bbb:1'))?.status).toBe('resolved');
    expect((await incidentOf(store, await failure(store, 'aaa'))).id).toBe('bbb:2');
  });

  it('changes nothing when it is done again, and can go on to a third', async () => {
    const { store } = await engine.fresh();
    const a = await failure(store, 'aaa');
    await failure(store, 'bbb');
    await failure(store, 'ccc');
    const once = await mergeIncidents(store, 'aaa:1', 'bbb:1');
    expect(await mergeIncidents(store, 'aaa:1', 'bbb:1')).toEqual(once);
    await mergeIncidents(store, 'bbb:1', 'ccc:1');
    expect((await incidentOf(store, a)).id).toBe('ccc:1');
    expect((await incidentOf(store, await failure(store, 'aaa'))).id).toBe('ccc:1');
  });

  it('refuses what would lose something or go in a circle', async () => {
    const { store } = await engine.fresh();
    await failure(store, 'aaa');
    const b = await failure(store, 'bbb');
    await failure(store, 'ccc');
    expect(await mergeIncidents(store, 'zzz:1', 'aaa:1')).toBeUndefined();
    await expect(mergeIncidents(store, 'aaa:1', 'aaa:1')).rejects.toThrow(RegroupRefused);
    await expect(mergeIncidents(store, 'aaa:1', 'zzz:1')).rejects.toThrow(RegroupRefused);
    await mergeIncidents(store, 'aaa:1', 'bbb:1');
    await expect(mergeIncidents(store, 'bbb:1', 'aaa:1')).rejects.toThrow(/resolved/);
    await expect(mergeIncidents(store, 'aaa:1', 'ccc:1')).rejects.toThrow(/bbb:1/);
    await makeGood(store, [b], 'why', 'live');
  });
});

describe('splitting', () => {
  it('takes a merge back', async () => {
    const { store } = await engine.fresh();
    const [a, b] = [await failure(store, 'aaa'), await failure(store, 'bbb')];
    await mergeIncidents(store, 'aaa:1', 'bbb:1');
    const part = await splitIncident(store, 'bbb:1', { fingerprint: 'aaa' });
    expect(part).toMatchObject({ id: 'aaa:2', status: 'open', splitFrom: 'bbb:1' });
    expect((await incidentOf(store, a)).id).toBe('aaa:2');
    expect((await incidentOf(store, b)).id).toBe('bbb:1');
    expect((await incidentOf(store, await failure(store, 'aaa'))).id).toBe('aaa:2');
  });

  it('gives a repository an incident of its own, for what is to come as well', async () => {
    const { store } = await engine.fresh();
    const [shop, api] = [await failure(store, 'aaa'), await failure(store, 'aaa', 'acme/api')];
    const part = await splitIncident(store, 'aaa:1', { repository: 'fake/acme/api' });
    expect(part).toMatchObject({
      status: 'open',
      splitFrom: 'aaa:1',
      repository: 'acme/api',
      repositories: ['fake/acme/api'],
    });
    expect((await incidentOf(store, api)).id).toBe(part?.id);
    expect((await incidentOf(store, await failure(store, 'aaa', 'acme/api'))).id).toBe(part?.id);
    expect((await incidentOf(store, await failure(store, 'aaa'))).id).toBe('aaa:1');
    await makeGood(store, [shop], 'why', 'live');
  });

  it('is taken back by merging the part again, and can be done once more', async () => {
    const { store } = await engine.fresh();
    await failure(store, 'aaa');
    await failure(store, 'aaa', 'acme/api');
    const part = await splitIncident(store, 'aaa:1', { repository: 'fake/acme/api' });
    await mergeIncidents(store, part?.id ?? '', 'aaa:1');
    expect((await incidentOf(store, await failure(store, 'aaa', 'acme/api'))).id).toBe('aaa:1');
    const again = await splitIncident(store, 'aaa:1', { repository: 'fake/acme/api' });
    expect(again).toMatchObject({ fingerprint: part?.fingerprint, episode: 2, status: 'open' });
    expect((await incidentOf(store, await failure(store, 'aaa', 'acme/api'))).id).toBe(again?.id);
    expect((await incidentOf(store, await failure(store, 'aaa'))).id).toBe('aaa:1');
  });

  it('takes single failures out, and finds the same incident when asked again', async () => {
    const { store } = await engine.fresh();
    const [first, second] = [await failure(store, 'aaa'), await failure(store, 'aaa')];
    const part = await splitIncident(store, 'aaa:1', { failureIds: [second.id] });
    expect(await splitIncident(store, 'aaa:1', { failureIds: [second.id] })).toEqual(part);
    expect((await incidentOf(store, second)).id).toBe(part?.id);
    expect((await incidentOf(store, first)).id).toBe('aaa:1');
    expect((await incidentOf(store, await failure(store, 'aaa'))).id).toBe('aaa:1');
  });

  it('closes either part when all that is left in it was made good', async () => {
    const { store } = await engine.fresh();
    const [first, second] = [await failure(store, 'aaa'), await failure(store, 'aaa')];
    await makeGood(store, [first], 'why', 'live');
    const part = await splitIncident(store, 'aaa:1', { failureIds: [second.id] });
    expect(part?.status).toBe('open');
    expect((await store.get('incident', 'aaa:1'))?.status).toBe('resolved');
  });

  it('refuses to move all or nothing', async () => {
    const { store } = await engine.fresh();
    const a = await failure(store, 'aaa');
    expect(await splitIncident(store, 'zzz:1', { repository: 'x' })).toBeUndefined();
    for (const selection of [
      { failureIds: [a.id] },
      { failureIds: ['x'] },
      { fingerprint: 'aaa' },
      { fingerprint: 'bbb' },
      { repository: 'fake/acme/shop' },
    ]) {
      await expect(splitIncident(store, 'aaa:1', selection)).rejects.toThrow(RegroupRefused);
    }
    expect((await incidentOf(store, await failure(store, 'aaa'))).id).toBe('aaa:1');
  });
});
