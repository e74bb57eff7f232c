import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms } from '../../../../shared/platforms/index.ts';
import { type ReconcileDeps, reconcile } from '../../../../shared/reconciliation/index.ts';
import { recordDelivery } from '../../../../shared/tracking/index.ts';
import { parametersOf } from '../../../support/contract/kept.ts';
import { type FakeHub, fakeHub } from '../../../support/huggingface.ts';
import { type TestTable, withTable } from '../../../support/table.ts';

const engine = withTable();
const COMMIT = '575db8b7a51b6f85eb06eee540738584589f131c';
const MINUTE = 60_000;
let hub: FakeHub;
let table: TestTable;
beforeAll(async () => {
  hub = await fakeHub({ token: 'hf_token', secret: 'secret' });
});
beforeEach(async () => {
  table = await engine.fresh();
  hub.spaces.clear();
});
afterAll(() => hub.close());

const HUGGINGFACE = { huggingface: platforms.huggingface as NonNullable<typeof platforms.huggingface> };
/** One tick: how many calls it made, and how many deliveries it put into the ledger. */
async function tick(spaces: readonly string[], change: Partial<ReconcileDeps> = {}) {
  const before = hub.calls.length;
  let recovered = 0;
  await reconcile({
    store: table.store,
    platforms: HUGGINGFACE,
    read: parametersOf(hub.settings),
    settings: { everyMinutes: 5, callsPerHour: 1000, repositories: { huggingface: [...spaces] } },
    now: () => table.time.now,
    deadline: table.time.now + MINUTE,
    count: (name, _, value = 1) => {
      if (name === 'FactsRecovered') recovered += value;
    },
    logger: { warn: () => undefined },
    ...change,
  });
  return { calls: hub.calls.length - before, recovered };
}

async function recordAll(): Promise<void> {
  const items = await table.client.send(new ScanCommand({ TableName: table.tableName }));
  for (const { entity, id } of items.Items ?? []) {
    if (entity === 'delivery') await recordDelivery(String(id), { store: table.store, platforms });
  }
}

describe('looking at Spaces', () => {
  it('puts each stage that is news into the ledger, once', async () => {
    const space = 'acme/demo';
    const seen: unknown[] = [];
    for (const stage of [
      'BUILDING',
      'BUILDING',
      'BUILD_ERROR',
      'BUILD_ERROR',
      'PAUSED',
      'PAUSED',
      'RUNNING',
      'RUNNING',
    ]) {
      hub.spaces.set(space, { stage, head: COMMIT, sha: COMMIT });
      const { recovered } = await tick([space]);
      await recordAll();
      const run = await table.store.get('run', `huggingface:${space}@${COMMIT}:1`);
      const automation = await table.store.get('automation', `huggingface:${space}`);
      seen.push([stage, recovered, run?.status, automation?.status]);
      table.time.now += 5 * MINUTE;
    }
    expect(seen).toEqual([
      ['BUILDING', 1, 'running', 'healthy'],
      ['BUILDING', 0, 'running', 'healthy'],
      ['BUILD_ERROR', 1, 'failed', 'degraded'],
      ['BUILD_ERROR', 0, 'failed', 'degraded'],
      ['PAUSED', 1, 'failed', 'disabled'],
      ['PAUSED', 0, 'failed', 'disabled'],
      ['RUNNING', 1, 'succeeded', 'healthy'],
      ['RUNNING', 0, 'succeeded', 'healthy'],
    ]);
    expect(await table.store.get('job', `huggingface:${space}@${COMMIT}:job:build`)).toMatchObject({
      origin: 'recovered',
    });
  });

  it('asks at most for some at a time, and comes to all of them in turn', async () => {
    const spaces = Array.from({ length: 50 }, (_, index) => `acme/space-${index}`);
    for (const space of spaces) hub.spaces.set(space, { stage: 'RUNNING', head: COMMIT, sha: COMMIT });
    const before = hub.calls.length;
    expect(await tick(spaces)).toEqual({ calls: 40, recovered: 40 });
    await recordAll();
    table.time.now += 5 * MINUTE;
    expect(await tick(spaces)).toEqual({ calls: 40, recovered: 10 });
    expect(new Set(hub.calls.slice(before).map(({ path }) => path)).size).toBe(spaces.length);
  });

  it('keeps to its budget', async () => {
    const spaces = Array.from({ length: 30 }, (_, index) => `acme/space-${index}`);
    const settings = { everyMinutes: 5, callsPerHour: 20, repositories: { huggingface: spaces } };
    let calls = 0;
    for (let ticks = 0; ticks < 6; ticks++) calls += (await tick(spaces, { settings })).calls;
    expect(calls).toBeLessThanOrEqual(10);
    expect(calls).toBeGreaterThan(0);
  });

  it('leaves the Hub alone while it does not answer, and a Space that it does not know', async () => {
    hub.spaces.set('acme/demo', { stage: 'RUNNING', head: COMMIT, sha: COMMIT });
    hub.fail({ status: 503 });
    expect(await tick(['acme/demo', 'acme/none'])).toEqual({ calls: 1, recovered: 0 });
    expect(await tick(['acme/demo', 'acme/none'])).toEqual({ calls: 0, recovered: 0 });
    table.time.now += 5 * MINUTE;
    expect(await tick(['acme/demo', 'acme/none'])).toEqual({ calls: 2, recovered: 1 });
    table.time.now += 5 * MINUTE;
    expect((await tick(['acme/demo', 'acme/none'])).calls).toBe(1);
    table.time.now += 10 * MINUTE;
    expect((await tick(['acme/demo', 'acme/none'])).calls).toBe(2);
  });

  it('asks for nothing without a token, or where nobody has named or pushed to a Space', async () => {
    expect(await tick([])).toEqual({ calls: 0, recovered: 0 });
    expect(await tick(['acme/demo'], { read: async () => ({}) })).toEqual({ calls: 0, recovered: 0 });
  });
});
