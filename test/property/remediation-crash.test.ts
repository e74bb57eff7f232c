import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { remediateRun, verifyRun } from '../../shared/remediation/index.ts';
import { remediationSettings } from '../../shared/runtime/remediation-settings.ts';
import { Store } from '../../shared/store/index.ts';
import { failedRun, nextAttempt } from '../support/failed-run.ts';
import { FakePlatform } from '../support/fake-platform.ts';
import { type TestTable, withTable } from '../support/table.ts';

const engine = withTable();
const settings = remediationSettings.parse({});

class Crash extends Error {}

/** A store whose process dies at its `n`th call: before the call takes effect, or after it and before anybody knows. */
function dyingStore(
  { client, tableName, time }: TestTable,
  n: number,
  after: boolean,
): { store: Store; calls: () => number } {
  let calls = 0;
  let dead = false;
  const dying = new Proxy(client, {
    get: (target, name) =>
      name !== 'send'
        ? Reflect.get(target, name)
        : async (command: never) => {
            // Nothing that a dead process would still do may reach the table, `finally` blocks included.
            if (dead) throw new Crash('dead');
            if (++calls === n && !after) {
              dead = true;
              throw new Crash(`before call ${n}`);
            }
            const answer = await target.send(command);
            if (calls === n && after) {
              dead = true;
              throw new Crash(`after call ${n}`);
            }
            return answer;
          },
  });
  return { store: new Store({ client: dying, tableName, now: () => time.now }), calls: () => calls };
}

/** Redelivers until nothing is left to do, as the queue and `wake` would. */
async function drive(table: TestTable, fake: FakePlatform, runId: string): Promise<void> {
  const deps = depsOf(table.store, fake, table);
  for (let round = 0; round < 30; round++) {
    const rest = await remediateRun(runId, deps);
    const [remediation] = (await table.store.partition(
      `run#${runId.slice(0, runId.lastIndexOf(':'))}`,
      'remediation#',
    )) as {
      status: string;
      wakeAt?: string;
    }[];
    if (!rest.again && remediation !== undefined && remediation.status !== 'proposed') return;
    table.time.now += (rest.again ? rest.seconds : 60) * 1000;
  }
  throw new Error('the fix never settles');
}

const depsOf = (store: Store, fake: FakePlatform, table: TestTable) => ({
  store,
  platforms: { fake: fake.platform },
  read: async () => ({}),
  settings,
  now: () => table.time.now,
  owner: 'worker',
});

const statusOf = async (table: TestTable, id: string) => (await table.store.get('remediation', id))?.status;

describe('a fix', () => {
  it.each([false, true])(
    'happens exactly once when its worker dies at any of its calls (after the effect: %s)',
    async (after) => {
      let n = 1;
      let finished = false;
      while (!finished) {
        const table = await engine.fresh();
        const fake = new FakePlatform();
        const { runId } = await failedRun(table.store);
        const dying = dyingStore(table, n, after);
        try {
          await remediateRun(runId, depsOf(dying.store, fake, table));
          finished = dying.calls() < n;
        } catch (error) {
          expect(error).toBeInstanceOf(Crash);
        }
        await drive(table, fake, runId);
        expect(fake.effects, `died at call ${n}`).toHaveLength(1);
        expect(await statusOf(table, 'fake:1:rerun:1'), `died at call ${n}`).toBe('verifying');
        n++;
      }
      expect(n).toBeGreaterThan(12);
    },
  );

  it('happens exactly once when the platform dies instead, at any moment', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('unknown' as const, 'lost' as const, 'retry-later' as const), { maxLength: 4 }),
        async (answers) => {
          const table = await engine.fresh();
          const fake = new FakePlatform();
          fake.answers = [...answers];
          const { runId } = await failedRun(table.store);
          await drive(table, fake, runId);
          expect(fake.effects).toHaveLength(1);
          expect(await statusOf(table, 'fake:1:rerun:1')).toBe('verifying');
        },
      ),
      { numRuns: 25 },
    );
  });

  it('happens exactly once however many workers hear of it at the same time', async () => {
    for (let round = 0; round < 10; round++) {
      const table = await engine.fresh();
      const fake = new FakePlatform();
      const { runId } = await failedRun(table.store, {
        jobs: [
          { name: 'a', transient: true },
          { name: 'b', transient: true },
        ],
      });
      await Promise.all(Array.from({ length: 8 }, () => remediateRun(runId, depsOf(table.store, fake, table))));
      await drive(table, fake, runId);
      expect(fake.effects).toHaveLength(1);
    }
  });

  it('is concluded once, with its incident, when the verifying worker dies at any of its calls', async () => {
    for (const outcome of ['succeeded', 'failed'] as const) {
      let n = 1;
      let finished = false;
      while (!finished) {
        const table = await engine.fresh();
        const fake = new FakePlatform();
        const { runId, incidentIds } = await failedRun(table.store);
        await drive(table, fake, runId);
        await nextAttempt(table.store, { jobs: { test: outcome } });
        const dying = dyingStore(table, n, n % 2 === 0);
        try {
          await verifyRun(runId, { store: dying.store, now: () => table.time.now });
          finished = dying.calls() < n;
        } catch (error) {
          expect(error).toBeInstanceOf(Crash);
        }
        await verifyRun(runId, { store: table.store, now: () => table.time.now });
        expect(await statusOf(table, 'fake:1:rerun:1')).toBe(outcome);
        const incident = await table.store.get('incident', incidentIds[0] ?? '');
        expect(incident?.status).toBe(outcome === 'succeeded' ? 'resolved' : 'escalated');
        n++;
      }
      expect(n).toBeGreaterThan(4);
    }
  });
});
