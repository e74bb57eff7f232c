import { describe, expect, it } from 'vitest';
import { withTable } from '../../../support/table.ts';
import { failure } from '../../shared/incidents/failure-in.ts';
import { askOf } from './ask.ts';

const engine = withTable();
const send = (body: object) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

describe('regrouping incidents', () => {
  it('merges and splits, and shows where the failures are', async () => {
    const { store } = await engine.fresh();
    const ask = askOf(store);
    for (const fingerprint of ['aaa', 'bbb', 'bbb']) await failure(store, fingerprint);
    const merged = await ask('/v1/incidents/aaa%3A1/merge', send({ into: 'bbb:1' }));
    expect(merged).toMatchObject({ status: 200, body: { id: 'bbb:1', counts: { failures: 3 } } });
    expect((await ask('/v1/failures?incidentId=bbb:1')).body.items).toHaveLength(3);
    expect((await ask('/v1/incidents/aaa:1')).body).toMatchObject({ status: 'resolved', mergedInto: 'bbb:1' });
    const split = await ask('/v1/incidents/bbb:1/split', send({ fingerprint: 'aaa' }));
    expect(split).toMatchObject({ status: 200, body: { id: 'aaa:2', splitFrom: 'bbb:1', counts: { failures: 1 } } });
  });

  it('shows the terms of severity and priority', async () => {
    const { store } = await engine.fresh();
    await failure(store, 'aaa');
    const { body } = await askOf(store)('/v1/incidents/aaa:1');
    expect(body).toMatchObject({ terms: { cause: 40, blastRadius: 0, branch: 0 }, severity: 'medium', priority: 3 });
  });

  it('says what is wrong with a request', async () => {
    const { store } = await engine.fresh();
    const ask = askOf(store);
    await failure(store, 'aaa');
    expect((await ask('/v1/incidents/zzz:1/merge', send({ into: 'aaa:1' }))).status).toBe(404);
    expect((await ask('/v1/incidents/aaa:1/merge', send({ into: 'aaa:1' }))).status).toBe(409);
    expect((await ask('/v1/incidents/aaa:1/merge', send({}))).status).toBe(400);
    expect((await ask('/v1/incidents/aaa:1/split', send({ repository: 'a', fingerprint: 'b' }))).status).toBe(400);
    expect((await ask('/v1/incidents/aaa:1/split', { principal: 'nobody', method: 'POST' })).status).toBe(401);
  });
});
