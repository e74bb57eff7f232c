import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { expect, it, vi } from 'vitest';
import { remediateRun } from '../../shared/remediation/index.ts';
import { remediationSettings } from '../../shared/runtime/remediation-settings.ts';
import { ids, Store } from '../../shared/store/index.ts';
import { FakePlatform } from '../support/fake-platform.ts';
import { inMemory } from '../support/memory-table.ts';
import { type TestTable, withTable } from '../support/table.ts';
import { askOf } from '../unit/functions/api/ask.ts';

/**
 * The emergency stop: from the moment the control reads `stopped`, nothing reaches a forge any more, whatever was under way.
 * Here by the engine itself, with a clock that stands still and more in flight than one machine has workers.
 */

vi.setConfig({ testTimeout: 300_000 });
const engine = withTable();

/** A lease, and what two clocks may differ by. */
const LEASE_MS = 15_000 + 1_000;
const STEP_MS = 500;
/** More than any of them is reached by. */
const plenty = { budgets: { perRepositoryPerHour: 10_000, perHour: 10_000 }, outage: { runs: 10_000 } };
const settings = remediationSettings.parse(plenty);

/** A run of which one job failed of what a rerun helps. */
async function failed({ store }: TestTable, number: number): Promise<string> {
  const at = store.now();
  const [runId, id] = [ids.run('fake', number, 1), ids.job('fake', number, number)];
  const common = {
    ...{ platform: 'fake', repository: `acme/shop-${number % 25}`, externalId: String(number), attempt: 1 },
    ...{ statusAt: at, origin: 'live' as const },
  };
  await store.create('run', { ...common, id: runId, status: 'failed', endedAt: at, name: 'ci' });
  await store.create('job', { ...common, id, runId, name: 'test', status: 'failed', endedAt: at, steps: [] });
  await store.create('failure', {
    ...{ ...common, id, jobId: id, runId, name: 'test', failedAt: at, status: 'diagnosed', transient: true },
    ...{ cause: 'dns-resolution-failed', category: 'network', severity: 'medium', priority: 3 },
  });
  return runId;
}

const depsOf = (store: Store, fake: FakePlatform, { time }: TestTable) => ({
  ...{ store, platforms: { fake: fake.platform }, read: async () => ({}), settings, owner: 'worker' },
  now: () => time.now,
});

/** A forge that answers a request a while after it came, by the clock of the test. */
function slowForge({ time }: TestTable, delayOf: (call: number) => number) {
  const fake = new FakePlatform();
  const waiting: { at: number; go: () => void }[] = [];
  fake.beforeAct = () => new Promise((go) => waiting.push({ at: time.now + delayOf(fake.calls), go }));
  return {
    fake,
    waiting,
    /** Answers what is due. */
    answer(): void {
      for (const due of waiting.filter(({ at }) => at <= time.now)) {
        waiting.splice(waiting.indexOf(due), 1);
        due.go();
      }
    },
  };
}

const slowly = (call: number): number => (call % 18) * STEP_MS;
it.each([
  { fixes: 500, says: 'slowly', delayOf: slowly, table: 'in memory', fresh: async () => inMemory() },
  // A call that is not answered in time is given up after ten seconds, and may have taken place.
  { fixes: 500, says: 'not at all', delayOf: () => 10_000, table: 'in memory', fresh: async () => inMemory() },
  { fixes: 60, says: 'slowly', delayOf: slowly, table: 'of DynamoDB', fresh: () => engine.fresh() },
])(
  'is reached within the lease with $fixes fixes in flight at a forge that answers $says, and nothing comes after it (table $table)',
  async ({ fixes, says, delayOf, fresh }) => {
    const table = await fresh();
    const { store, time } = table;
    const forge = slowForge(table, delayOf);
    if (says === 'not at all') forge.fake.answers = Array.from({ length: fixes }, () => 'unknown');
    const runs = await Promise.all(Array.from({ length: fixes }, (_, number) => failed(table, number + 1)));
    const ask = askOf(store);
    const read = async () => (await ask('/v1/controls/all')).body.status;

    // Half of them wait for the forge when the stop comes; the others are anywhere on the way to it.
    const work = runs.slice(0, fixes / 2).map((run) => remediateRun(run, depsOf(store, forge.fake, table)));
    await vi.waitUntil(() => forge.fake.calls >= fixes / 2, { timeout: 120_000 });
    work.push(...runs.slice(fixes / 2).map((run) => remediateRun(run, depsOf(store, forge.fake, table))));
    await vi.waitUntil(() => forge.fake.calls > fixes / 2, { timeout: 120_000 });
    const asked = time.now;
    const put = ask('/v1/controls/all', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ status: 'stopped' }),
    });
    expect(['stopping', 'stopped']).toContain((await put).body.status);

    while ((await read()) !== 'stopped') {
      expect(time.now - asked).toBeLessThanOrEqual(LEASE_MS);
      time.now += STEP_MS;
      forge.answer();
    }
    const [calls, effects] = [forge.fake.calls, forge.fake.effects.length];
    expect(calls).toBeGreaterThan(fixes / 2);
    // All who were on their way to the forge have ended, and whoever starts now does nothing.
    time.now += LEASE_MS;
    forge.answer();
    await Promise.all(work);
    await Promise.all(runs.map((run) => remediateRun(run, depsOf(store, forge.fake, table))));
    expect(await read()).toBe('stopped');
    expect([forge.fake.calls, forge.fake.effects.length]).toEqual([calls, effects]);
  },
);

it('does nothing while the control cannot be read, and goes on when it can', async () => {
  const table = await engine.fresh();
  const fake = new FakePlatform();
  let unreadable = true;
  const client = new Proxy(table.client, {
    get: (target, name) =>
      name !== 'send'
        ? Reflect.get(target, name)
        : async (command: never) => {
            const query = (command as object) instanceof QueryCommand ? (command as QueryCommand).input : undefined;
            if (unreadable && query?.ExpressionAttributeValues?.[':pk'] === 'control') {
              throw Object.assign(new Error('not authorized'), { name: 'AccessDeniedException' });
            }
            return target.send(command);
          },
  });
  const store = new Store({ client, tableName: table.tableName, now: () => table.time.now });
  const runs = await Promise.all(Array.from({ length: 20 }, (_, number) => failed(table, number + 1)));
  const work = () => Promise.allSettled(runs.map((run) => remediateRun(run, depsOf(store, fake, table))));
  for (let round = 0; round < 3; round++) {
    expect(new Set((await work()).map(({ status }) => status))).toEqual(new Set(['rejected']));
    table.time.now += 61_000;
  }
  expect(fake.calls).toBe(0);
  unreadable = false;
  await work();
  expect(fake.effects).toHaveLength(20);
});
