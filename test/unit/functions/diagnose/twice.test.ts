import { expect, it } from 'vitest';
import { diagnoseJob } from '../../../../functions/diagnose/diagnose-job.ts';
import { makeGood } from '../../../../shared/incidents/index.ts';
import { gitlab } from '../../../../shared/platforms/gitlab/index.ts';
import type { Platform, PlatformClient } from '../../../../shared/platforms/port.ts';
import { listEntities, readListQuery } from '../../../../shared/store/index.ts';
import { track } from '../../../../shared/tracking/index.ts';
import { withTable } from '../../../support/table.ts';
import { jobHook } from '../../shared/platforms/gitlab-payloads.ts';

const engine = withTable();

it('a message that comes twice opens no second incident, however long its log takes the second time', async () => {
  const { store, time } = await engine.fresh();
  const facts = gitlab.normalise({
    event: 'Job Hook',
    body: Buffer.from(JSON.stringify(jobHook({}))),
    contentType: 'application/json',
    origin: 'live',
    receivedAt: store.now(),
  });
  await track(store, gitlab, facts);
  const id = facts.jobs[0]?.id ?? '';
  const look = (meanwhile: () => Promise<unknown>) => {
    const client = {
      jobLog: async () => {
        await meanwhile();
        return [Buffer.from('fatal: unable to access: Could not resolve host: github.com\n')];
      },
    } as unknown as PlatformClient;
    const platform: Platform = { ...gitlab, client: async () => client };
    return diagnoseJob(id, 1, { store, platforms: { gitlab: platform }, read: async () => ({}), now: () => time.now });
  };
  await look(async () => {
    await look(async () => undefined);
    const failure = await store.get('failure', id);
    await makeGood(store, failure === undefined ? [] : [failure], 'attempt 2 succeeded', 'live');
  });
  const { items } = await listEntities(store, 'incident', readListQuery([], {}));
  expect(items).toMatchObject([{ status: 'resolved' }]);
  expect(await store.get('failure', id)).toMatchObject({ incidentId: items[0]?.id });
});
