import { expect, it } from 'vitest';
import type { ActionRequest, ActOutcome, Platform } from '../../../../shared/platforms/port.ts';
import {
  answerApproval,
  liftGuard,
  preventedBy,
  readGuards,
  remediateRun,
  setControl,
  verifyRun,
} from '../../../../shared/remediation/index.ts';
import { remediationSettings } from '../../../../shared/runtime/remediation-settings.ts';
import { Store } from '../../../../shared/store/index.ts';
import { FakePlatform } from '../../../support/fake-platform.ts';
import { MemoryTable } from '../../../support/memory-table.ts';

const START = Date.parse('2026-03-04T05:06:07.000Z');
const UNASKED = { tiers: { askFrom: 4 } };

class Crash extends Error {}

/** A GitHub whose runs of one pull request overtake each other, and a worker that may die at any call of the table. */
async function world(policy: object = {}, { history = 3, event = 'pull_request' } = {}) {
  const time = { now: START };
  const clock = { now: () => time.now };
  let [calls, dieAt, working] = [0, Number.POSITIVE_INFINITY, false];
  const table = new MemoryTable(async () => {
    if (working && ++calls >= dieAt) throw new Crash();
  });
  const store = new Store({ client: table.client, tableName: 'table', ...clock });
  const sent: string[] = [];
  const canceled = new Set<string>();
  const client = {
    jobLog: async () => (async function* () {})(),
    async act({ action, runId }: ActionRequest): Promise<ActOutcome> {
      sent.push(`${action} ${runId}`);
      canceled.add(runId);
      return { kind: 'done', detail: 'accepted' };
    },
    lookUp: async ({ runId }: ActionRequest) =>
      canceled.has(runId) ? ('happened' as const) : ('did-not-happen' as const),
  };
  const github: Platform = { ...new FakePlatform().platform, name: 'github', client: async () => client };
  const deps = {
    ...{ store, platforms: { github }, read: async () => ({}), owner: 'worker', ...clock },
    settings: remediationSettings.parse({ playbooks: { 'cancel-superseded': 'act' }, ...policy }),
  };
  const begins = async (n: number) => {
    const fact = {
      platform: 'github',
      repository: 'acme/shop',
      attempt: 1,
      origin: 'live',
      name: 'ci',
      event,
    } as const;
    const id = `github:${n}:1`;
    const at = store.now();
    await store.merge('run', {
      ...{ ...fact, id, externalId: String(n), commit: `c${n}` },
      ...{ status: 'running', statusAt: at, queuedAt: at },
    });
    const before = `github:${n - 1}:1`;
    if ((await store.get('run', before)) !== undefined)
      await store.merge('run', { ...fact, id: before, statusAt: at, supersededBy: id });
  };
  const ends = (n: number, status: 'succeeded' | 'failed' | 'canceled') =>
    store.merge('run', {
      ...{ id: `github:${n}:1`, status, statusAt: store.now(), endedAt: store.now(), origin: 'live' },
    });
  /** As messages and timers would have it; whoever dies is called again. */
  const settle = async (n: number, rounds = 6) => {
    for (let round = 0; round < rounds; round++) {
      for (const work of [() => remediateRun(`github:${n}:1`, deps), () => verifyRun(`github:${n}:1`, deps)]) {
        working = true;
        await work().catch((error: unknown) => {
          expect(error).toBeInstanceOf(Crash);
          dieAt = Number.POSITIVE_INFINITY;
        });
        working = false;
      }
      time.now += 16_000;
      if (canceled.has(`github:${n}:1`)) await ends(n, 'canceled');
    }
  };
  const fixOf = async (n: number) => (await store.partition(`run#github:${n}`, 'remediation#'))[0];
  // Each is overtaken after a minute, and goes on for three more.
  await begins(1);
  for (let n = 1; n <= history; n++) {
    time.now += 60_000;
    await begins(n + 1);
    await settle(n, 1);
    time.now += 3 * 60_000;
    await ends(n, n === 1 ? 'failed' : 'succeeded');
  }
  return {
    ...{ store, time, sent, begins, ends, settle, fixOf, deps },
    next: history + 1,
    dyingAt: (n: number) => {
      [calls, dieAt] = [0, n];
    },
    lives: () => dieAt !== Number.POSITIVE_INFINITY,
  };
}

it('what goes on for nothing is cancelled, once such runs have been seen to, and is counted', async () => {
  const { store, sent, begins, settle, fixOf, next } = await world(UNASKED);
  expect(sent).toEqual([]);
  await begins(next + 1);
  await settle(next);
  await begins(next + 2);
  await settle(next + 1);
  expect(sent).toEqual([`cancel-run github:${next}:1`, `cancel-run github:${next + 1}:1`]);
  expect(await fixOf(next)).toMatchObject({
    status: 'succeeded',
    strategy: 'preventive',
    playbook: 'cancel-superseded',
  });
  const [guard, ...others] = await readGuards(store);
  expect(others).toEqual([]);
  expect(guard).toMatchObject({
    ...{ kind: 'cancel-superseded', status: 'in-force', repository: 'acme/shop', subject: 'ci', hits: 2 },
    ...{ evidence: { before: { failed: 1, of: 3 } }, chance: 2 / 5, reason: expect.stringContaining('10 minutes') },
  });
  expect(guard && preventedBy(guard)).toBe(0.8);
});

it.each([
  ['where nothing was learnt', UNASKED, { history: 2 }],
  ['where every commit counts', UNASKED, { event: 'push' }],
  ['unless the settings want it', { ...UNASKED, playbooks: {} }, {}],
  ['where QMOI only watches', { ...UNASKED, mode: 'observe' }, {}],
  ['where it is switched off', { ...UNASKED, mode: 'off' }, {}],
])('nothing is cancelled %s', async (_, policy, options) => {
  const { sent, begins, settle, next } = await world(policy, options);
  await begins(next + 1);
  await settle(next);
  expect(sent).toEqual([]);
});

it('the master is asked once; a yes counts for all such runs, for as long as the guard lasts', async () => {
  const { store, time, sent, begins, settle, fixOf, next } = await world();
  await begins(next + 1);
  await settle(next);
  const asked = await fixOf(next);
  expect(asked).toMatchObject({ status: 'awaiting-approval', reason: expect.stringContaining('for 168 hours') });
  await begins(next + 2);
  await settle(next + 1);
  expect(await fixOf(next + 1)).toBeUndefined();
  expect(await readGuards(store)).toEqual([]);
  await answerApproval(store, String(asked?.id), { answer: 'approve', by: 'master' });
  await settle(next);
  await settle(next + 1);
  expect(sent).toEqual([`cancel-run github:${next}:1`, `cancel-run github:${next + 1}:1`]);
  const [guard] = await readGuards(store);
  expect(guard).toMatchObject({ status: 'in-force', hits: 2 });
  expect(await liftGuard(store, String(guard?.id), 'master')).toMatchObject({ guard: { status: 'lifted' } });
  await begins(next + 3);
  await settle(next + 2);
  expect(sent).toHaveLength(2);
  time.now += 7 * 24 * 3_600_000;
  expect(await readGuards(store)).toEqual([]);
});

it('a no counts as long', async () => {
  const { store, sent, begins, settle, fixOf, next } = await world();
  await begins(next + 1);
  await settle(next);
  await answerApproval(store, String((await fixOf(next))?.id), { answer: 'refuse', by: 'master' });
  await begins(next + 2);
  await settle(next + 1);
  expect([sent, await fixOf(next + 1)]).toEqual([[], undefined]);
  expect(await readGuards(store)).toMatchObject([{ status: 'lifted', hits: 0 }]);
});

it('what is held is given up when the run ends by itself, or newer work fails first', async () => {
  for (const of of ['run', 'newer'] as const) {
    const { store, sent, begins, ends, settle, fixOf, next } = await world(UNASKED);
    await setControl(store, 'all', { status: 'paused', actor: 'master' });
    await begins(next + 1);
    await settle(next);
    expect(await fixOf(next)).toMatchObject({ status: 'proposed' });
    await ends(of === 'run' ? next : next + 1, of === 'run' ? 'succeeded' : 'failed');
    await setControl(store, 'all', { status: 'running', actor: 'master' });
    await settle(next);
    expect(sent).toEqual([]);
    expect(await fixOf(next)).toMatchObject({
      status: 'expired',
      decision: { rule: of === 'run' ? 'ended' : 'current' },
    });
  }
});

it('it is cancelled exactly once, and counted, whichever call of the table its worker dies at', async () => {
  let deaths = 0;
  for (let n = 1; ; n++) {
    const { store, sent, begins, settle, next, dyingAt, lives } = await world(UNASKED);
    await begins(next + 1);
    dyingAt(n);
    await settle(next, 1);
    const lived = lives();
    await settle(next, 8);
    expect(sent, `died at call ${n}`).toEqual([`cancel-run github:${next}:1`]);
    expect(await readGuards(store), `died at call ${n}`).toMatchObject([{ hits: 1 }]);
    if (lived) break;
    deaths++;
  }
  expect(deaths).toBeGreaterThan(10);
});
