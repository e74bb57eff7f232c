import { describe, expect, it } from 'vitest';
import type { ActionRequest, ActOutcome, Platform } from '../../../../shared/platforms/port.ts';
import { askFor, remediateRun, setControl, verifyRun } from '../../../../shared/remediation/index.ts';
import { remediationSettings } from '../../../../shared/runtime/remediation-settings.ts';
import { Store } from '../../../../shared/store/index.ts';
import { FakePlatform } from '../../../support/fake-platform.ts';
import { MemoryTable } from '../../../support/memory-table.ts';
import { askOf } from '../../functions/api/ask.ts';

const RUN = 'github:5:1';
const START = Date.parse('2026-03-04T05:06:07.000Z');

class Crash extends Error {}

type Answer = ActOutcome['kind'] | 'lost';

/** A workflow at a GitHub that can be switched off and on, and a worker that may die at any of its calls of the table. */
async function world({ answers = [] as Answer[], active = true, lastsHours = undefined as number | undefined } = {}) {
  const time = { now: START };
  const clock = { now: () => time.now };
  let [calls, dieAt] = [0, Number.POSITIVE_INFINITY];
  // A dead worker's `finally` blocks reach nothing either.
  const table = new MemoryTable(async () => {
    if (++calls >= dieAt) throw new Crash();
  });
  const store = new Store({ client: table.client, tableName: 'table', ...clock });
  const sent: string[] = [];
  let on = active;
  const wanted = ({ action }: ActionRequest) => action === 'enable-workflow';
  const client = {
    jobLog: async () => (async function* () {})(),
    async act(request: ActionRequest): Promise<ActOutcome> {
      const answer = answers.shift() ?? 'done';
      if (on === wanted(request)) return { kind: 'done', detail: 'it was so already', unchanged: true };
      sent.push(request.action);
      if (answer === 'done' || answer === 'lost') on = wanted(request);
      if (answer === 'done') return { kind: 'done', detail: 'accepted' };
      if (answer === 'refused') return { kind: 'refused', reason: 'the fake refuses' };
      return { kind: 'unknown', reason: 'no answer' };
    },
    lookUp: async (request: ActionRequest) =>
      on === wanted(request) ? ('happened' as const) : ('did-not-happen' as const),
  };
  const github: Platform = { ...new FakePlatform().platform, name: 'github', client: async () => client };
  const deps = {
    ...{ store, platforms: { github }, read: async () => ({}), owner: 'worker', ...clock },
    settings: remediationSettings.parse({ mode: 'off', budgets: { perRepositoryPerHour: 1 }, tiers: { max: 2 } }),
  };
  const common = { platform: 'github', repository: 'acme/shop', attempt: 1, origin: 'live' } as const;
  await store.merge('run', { ...common, id: RUN, externalId: '5', status: 'succeeded', statusAt: store.now() });
  /** As messages and timers would have it, for some minutes. */
  const settle = async (rounds = 8) => {
    for (let round = 0; round < rounds; round++) {
      await remediateRun(RUN, deps);
      await verifyRun(RUN, { store, ...clock });
      time.now += 20_000;
    }
  };
  const ask = askOf(store);
  const post = (id: string) =>
    ask(`/v1/remediations/${encodeURIComponent(id)}/rollback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'it did harm' }),
    });
  const asked = await askFor(store, {
    ...{ runId: RUN, action: 'disable-workflow', parameters: { workflow: 'ci.yml' }, by: 'master', lastsHours },
  });
  if (!('fix' in asked)) throw new Error(asked.refused);
  const { id } = asked.fix;
  await settle();
  const guards = async () => (await ask('/v1/guards')).body.items;
  const get = () => store.get('remediation', id);
  const rollbacks = async () =>
    (await store.partition('run#github:5', 'remediation#')).filter(({ rollbackOf }) => rollbackOf === id);
  const dyingAt = (n: number) => {
    [calls, dieAt] = [0, n];
  };
  const revived = () => {
    const died = calls >= dieAt;
    dieAt = Number.POSITIVE_INFINITY;
    return died;
  };
  return { ...{ store, time, sent, id, post, settle, get, guards, rollbacks, deps, dyingAt, revived }, isOn: () => on };
}

describe('a fix that is taken back', () => {
  it('leaves things as they were, whatever mode and budget say, and only once', async () => {
    const { sent, id, post, settle, get, rollbacks, isOn } = await world();
    expect([await get(), isOn()]).toMatchObject([{ status: 'succeeded' }, false]);
    expect(await post(id)).toMatchObject({ status: 202, body: { id, rollbackReason: 'it did harm' } });
    expect((await post(id)).status).toBe(202);
    await settle();
    expect(sent).toEqual(['disable-workflow', 'enable-workflow']);
    expect(isOn()).toBe(true);
    expect(await get()).toMatchObject({ status: 'rolled-back', rollbackAskedBy: 'master' });
    expect(await rollbacks()).toMatchObject([
      { action: 'enable-workflow', status: 'succeeded', parameters: { workflow: 'ci.yml' }, tier: 2 },
    ]);
    expect((await post(id)).status).toBe(202);
    await settle();
    expect(sent).toHaveLength(2);
  });

  it('is looked up when the answer is lost, and not sent again', async () => {
    const { sent, id, post, settle, get } = await world({ answers: ['done', 'lost'] });
    await post(id);
    await settle();
    expect(sent).toEqual(['disable-workflow', 'enable-workflow']);
    expect(await get()).toMatchObject({ status: 'rolled-back' });
  });

  it('waits while QMOI is stopped', async () => {
    const { store, sent, id, post, settle, get } = await world();
    await setControl(store, 'all', { status: 'stopped', actor: 'master' });
    await post(id);
    await settle();
    expect([sent, await get()]).toMatchObject([['disable-workflow'], { status: 'rolling-back' }]);
    await setControl(store, 'all', { status: 'running', actor: 'master' });
    await settle();
    expect([sent, await get()]).toMatchObject([['disable-workflow', 'enable-workflow'], { status: 'rolled-back' }]);
  });

  it('is said to be the master to see to, when the platform refuses', async () => {
    const { id, post, settle, get, isOn } = await world({ answers: ['done', 'refused'] });
    await post(id);
    await settle();
    expect([await get(), isOn()]).toMatchObject([
      { status: 'not-rolled-back', reason: 'enable-workflow could not take it back: the fake refuses' },
      false,
    ]);
  });

  it('is none where nothing was changed, nothing was done, or nothing undoes it', async () => {
    const { store, sent, id, post, get } = await world({ active: false });
    expect(await get()).toMatchObject({ status: 'succeeded', unchanged: true });
    expect(await post(id)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('It was so before') },
    });
    const refused = await world({ answers: ['refused'] });
    expect(await refused.post(refused.id)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('It is refused') },
    });
    const done = await store.change('remediation', id, (fix) => fix && { ...fix, action: 'delete-cache' });
    expect(done.changed).toBe(true);
    expect(await post(id)).toMatchObject({ status: 409, body: { detail: 'Nothing takes back delete-cache.' } });
    expect((await post('github:5:nothing')).status).toBe(404);
    expect(sent).toEqual([]);
  });

  it('comes back by itself when it was asked for for a time, unless it was so before', async () => {
    const { time, settle, get, isOn, guards, id } = await world({ lastsHours: 4 });
    expect(await guards()).toMatchObject([
      { kind: 'lasting-change', remediationId: id, lastsUntil: expect.any(String), hits: null, prevented: null },
    ]);
    time.now += 3.9 * 3_600_000;
    await settle();
    expect([await get(), isOn()]).toMatchObject([{ status: 'succeeded' }, false]);
    time.now += 0.1 * 3_600_000;
    await settle();
    expect([await get(), isOn()]).toMatchObject([{ status: 'rolled-back' }, true]);
    expect(await guards()).toEqual([]);
    const before = await world({ active: false, lastsHours: 4 });
    before.time.now += 5 * 3_600_000;
    await before.settle();
    expect([await before.get(), before.sent]).toMatchObject([{ status: 'succeeded', unchanged: true }, []]);
    expect(await before.guards()).toEqual([]);
  });

  it('is taken back exactly once, whichever call of the table its worker dies at', async () => {
    let deaths = 0;
    for (let n = 1; ; n++) {
      const { sent, id, post, settle, get, deps, dyingAt, revived } = await world();
      await post(id);
      dyingAt(n);
      await remediateRun(RUN, deps).catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
      const died = revived();
      await settle(12);
      expect(sent, `died at call ${n}`).toEqual(['disable-workflow', 'enable-workflow']);
      expect(await get(), `died at call ${n}`).toMatchObject({ status: 'rolled-back' });
      if (!died) break;
      deaths++;
    }
    expect(deaths).toBeGreaterThan(10);
  });
});
