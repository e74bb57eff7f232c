import { expect, it } from 'vitest';
import { diagnoseJob } from '../../../../functions/diagnose/diagnose-job.ts';
import { gitlab } from '../../../../shared/platforms/gitlab/index.ts';
import { listEntities, readListQuery } from '../../../../shared/store/index.ts';
import { track } from '../../../../shared/tracking/index.ts';
import { withTable } from '../../../support/table.ts';
import { jobHook } from '../../shared/platforms/gitlab-payloads.ts';

const engine = withTable();

it.each([
  ['and may, is recorded, and is no incident', true, 0],
  ['and must not, is an incident', false, 1],
])('a job that failed, %s', async (_, allowed, incidents) => {
  const { store, time } = await engine.fresh();
  const hook = jobHook({ build_allow_failure: allowed });
  const facts = gitlab.normalise({
    event: 'Job Hook',
    body: Buffer.from(JSON.stringify(hook)),
    contentType: 'application/json',
    origin: 'live',
    receivedAt: store.now(),
  });
  await track(store, gitlab, facts);
  const id = facts.jobs[0]?.id ?? '';
  await diagnoseJob(id, 1, { store, platforms: { gitlab }, read: async () => ({}), now: () => time.now });
  const failure = await store.get('failure', id);
  expect(failure).toMatchObject({ status: 'diagnosed', cause: 'log-unavailable', jobId: id });
  expect(failure?.incidentId === undefined).toBe(allowed);
  const { items } = await listEntities(store, 'incident', readListQuery([], {}));
  expect(items).toHaveLength(incidents);
});
