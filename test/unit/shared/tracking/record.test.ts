import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platforms } from '../../../../shared/platforms/index.ts';
import { keepDelivery, Store } from '../../../../shared/store/index.ts';
import { readRun, recordDelivery } from '../../../../shared/tracking/index.ts';
import { createForge, type Delivery, type Forge } from '../../../support/forges/index.ts';
import { type TestTable, withTable } from '../../../support/table.ts';

const engine = withTable();

async function keep(table: TestTable, platform: string, delivery: Delivery): Promise<string> {
  const id = `${platform}:${delivery.id}`;
  const at = table.store.now();
  await keepDelivery(
    table.store,
    {
      ...{ id, status: 'received', statusAt: at, receivedAt: at, origin: 'live', platform, externalId: delivery.id },
      ...{ event: delivery.event, contentType: 'application/json' },
    },
    Buffer.from(delivery.body),
  );
  return id;
}

/** What is known of a run, without when and in how many steps it was learnt. */
async function world(store: Store, id: string) {
  const { runs, jobs } = await readRun(store, id);
  const strip = <T extends object>(items: T[]) =>
    items.map((item) => ({ ...item, version: 0, createdAt: '', updatedAt: '' }));
  return { runs: strip(runs), jobs: strip(jobs) };
}

describe.each(['github', 'gitlab'] as const)('recording deliveries of %s', (platform) => {
  let forge: Forge;
  let deliveries: readonly Delivery[];
  let run: string;
  beforeAll(async () => {
    forge = await createForge({ platform, secret: 's', token: 't', seed: 7 });
    const handle = forge.repository('acme/shop').run({
      jobs: [
        { name: 'build', steps: ['checkout', 'make'], outcome: 'failure', log: 'no' },
        { name: 'test', outcome: 'success' },
      ],
    });
    deliveries = handle.record();
    run = `${platform}:${handle.id}:1`;
  });
  afterAll(() => forge.close());

  it('ends in the same state in every order and with every repetition', async () => {
    const reference = await engine.fresh();
    for (const delivery of deliveries) {
      await recordDelivery(await keep(reference, platform, delivery), { store: reference.store, platforms });
    }
    const expected = await world(reference.store, run);
    expect(expected.runs.map(({ status }) => status)).toEqual(['failed']);
    expect(expected.jobs.map(({ name, status }) => `${name} ${status}`).sort()).toEqual([
      'build failed',
      'test succeeded',
    ]);
    const order = fc.shuffledSubarray([...deliveries], { minLength: deliveries.length });
    await fc.assert(
      fc.asyncProperty(order, order, async (first, second) => {
        const table = await engine.fresh();
        for (const delivery of first) {
          await recordDelivery(await keep(table, platform, delivery), { store: table.store, platforms });
        }
        // The same again under other ids, in another order, by another process and all at once.
        const other = new Store({ client: table.client, tableName: table.tableName, now: () => table.time.now });
        const versions = await table.store.partition(`run#${run.split(':').slice(0, 2).join(':')}`);
        await Promise.all(
          second.map(async (delivery) => {
            const id = await keep(table, platform, { ...delivery, id: `${delivery.id}-again` });
            await recordDelivery(id, { store: other, platforms });
          }),
        );
        expect(await world(table.store, run)).toEqual(expected);
        expect(await table.store.partition(`run#${run.split(':').slice(0, 2).join(':')}`)).toEqual(versions);
      }),
      { numRuns: 12 },
    );
  });

  it('keeps what it cannot understand, with the reason, and does not trip over it again', async () => {
    const table = await engine.fresh();
    const [delivery] = deliveries;
    if (delivery === undefined) throw new Error('no delivery');
    const id = await keep(table, platform, { ...delivery, body: '{"odd":true}' });
    expect(await recordDelivery(id, { store: table.store, platforms })).toBe('quarantined');
    expect(await table.store.get('delivery', id)).toMatchObject({ status: 'quarantined', reason: expect.any(String) });
    expect(await recordDelivery(id, { store: table.store, platforms })).toBe('quarantined');
    expect((await table.store.get('delivery', id))?.version).toBe(2);
  });
});
