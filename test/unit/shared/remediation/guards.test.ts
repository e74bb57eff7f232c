import { expect, it } from 'vitest';
import { remediateRun } from '../../../../shared/remediation/index.ts';
import { remediationSettings } from '../../../../shared/runtime/remediation-settings.ts';
import { Store } from '../../../../shared/store/index.ts';
import { failedRun } from '../../../support/failed-run.ts';
import { FakePlatform } from '../../../support/fake-platform.ts';
import { MemoryTable } from '../../../support/memory-table.ts';
import { askOf } from '../../functions/api/ask.ts';

it('what is held while a cause fails everywhere is a guard, which the master may lift', async () => {
  const time = { now: Date.parse('2026-03-04T05:06:07.000Z') };
  const clock = { now: () => time.now };
  const store = new Store({ client: new MemoryTable().client, tableName: 'table', ...clock });
  const fake = new FakePlatform();
  const settings = remediationSettings.parse({ outage: { runs: 3 }, holdOut: 0 });
  const deps = { ...{ store, platforms: { fake: fake.platform }, read: async () => ({}) }, owner: 'worker', settings };
  const runs: string[] = [];
  for (let n = 1; n <= 9; n++) {
    runs.push((await failedRun(store, { externalId: String(n), repository: `acme/shop-${n}` })).runId);
  }
  const judge = async () => {
    for (const id of runs) await remediateRun(id, { ...deps, ...clock });
  };
  await judge();
  const before = fake.effects.length;
  await judge();
  const ask = askOf(store);
  const guards = async () => (await ask('/v1/guards')).body.items;
  const [guard, ...others] = await guards();
  expect(others).toEqual([]);
  const held = runs.length - before;
  expect(guard).toMatchObject({
    ...{ kind: 'hold-queue', status: 'in-force', subject: 'dns-resolution-failed', hits: held },
    // No probe has come back yet, so that nothing is known.
    ...{ chance: 0.5, prevented: held / 2, lastsUntil: expect.any(String) },
  });
  const path = `/v1/guards/${encodeURIComponent(String(guard?.id))}`;
  expect((await ask(path)).body).toEqual(guard);
  expect(await ask(path, { method: 'DELETE' })).toMatchObject({ status: 200, body: { status: 'lifted' } });
  expect(await guards()).toEqual([]);
  expect((await ask(path, { method: 'DELETE' })).status).toBe(404);
  expect((await ask(path)).status).toBe(404);
  expect((await ask('/v1/guards/nothing', { method: 'DELETE' })).status).toBe(404);
  await judge();
  expect(fake.effects).toHaveLength(runs.length);
});
