import { expect, it } from 'vitest';
import { remediateRun, verifyRun } from '../../../../shared/remediation/index.ts';
import { remediationSettings } from '../../../../shared/runtime/remediation-settings.ts';
import { failedRun } from '../../../support/failed-run.ts';
import { FakePlatform } from '../../../support/fake-platform.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();

it.each([
  ['is waited for while newer work is under way', 'running', 'b', 'proposed', 0],
  ['is left alone once newer work has succeeded, which makes it good', 'succeeded', 'b', 'refused', 0],
  ['is tried again when newer work failed as well', 'failed', 'b', 'verifying', 1],
  ['is tried again when the newer run is of the same commit', 'running', 'a', 'verifying', 1],
] as const)('a superseded run %s', async (_, status, commit, expected, effects) => {
  const { store, time } = await engine.fresh();
  const fake = new FakePlatform();
  const { runId, incidentIds } = await failedRun(store);
  const common = {
    platform: 'fake',
    repository: 'acme/shop',
    attempt: 1,
    statusAt: store.now(),
    origin: 'live',
  } as const;
  await store.merge('run', { ...common, id: 'fake:2:1', externalId: '2', commit, status });
  await store.merge('run', { ...common, id: runId, commit: 'a', supersededBy: 'fake:2:1' });
  const deps = {
    ...{ store, platforms: { fake: fake.platform }, read: async () => ({}), owner: 'worker' },
    ...{ settings: remediationSettings.parse({}), now: () => time.now },
  };
  for (let round = 0; round < 3; round++) {
    await remediateRun(runId, deps);
    await verifyRun(runId, { store, now: () => time.now });
    time.now += 61_000;
  }
  expect(await store.get('remediation', 'fake:1:rerun:1')).toMatchObject({ status: expected });
  expect(fake.effects).toHaveLength(effects);
  const incident = await store.get('incident', incidentIds[0] ?? '');
  expect(incident?.status).toBe(status === 'succeeded' ? 'resolved' : effects === 1 ? 'fixing' : 'open');
});
