import { expect, it } from 'vitest';
import { remediateRun, verifyRun } from '../../../../shared/remediation/index.ts';
import { remediationSettings } from '../../../../shared/runtime/remediation-settings.ts';
import { failedRun, nextAttempt } from '../../../support/failed-run.ts';
import { FakePlatform } from '../../../support/fake-platform.ts';
import { inMemory } from '../../../support/memory-table.ts';

it('a fix that did not help escalates the episode that its failure has come into meanwhile', async () => {
  const { store, time } = inMemory();
  const fake = new FakePlatform();
  const settings = remediationSettings.parse({});
  const { runId, jobIds, incidentIds } = await failedRun(store);
  await remediateRun(runId, {
    ...{ store, platforms: { fake: fake.platform }, read: async () => ({}), settings, owner: 'worker' },
    now: () => time.now,
  });
  expect(fake.effects).toHaveLength(1);
  // The episode was closed by someone who could not see the failure yet.
  const [job = '', episode = ''] = [jobIds[0], incidentIds[0]];
  const next = episode.replace(/:1$/, ':2');
  const before = await store.get('incident', episode);
  if (before === undefined) throw new Error('no incident');
  await store.merge('incident', { ...before, id: next, episode: 2, status: 'open' });
  await store.merge('incident', { ...before, status: 'resolved' });
  await store.change('failure', job, (state) => state && { ...state, incidentId: next });
  await nextAttempt(store, { jobs: { test: 'failed' } });
  await verifyRun(runId, { store, now: () => time.now, settings });
  expect((await store.get('incident', next))?.status).toBe('escalated');
  expect((await store.get('incident', episode))?.status).toBe('resolved');
});
