import { expect, it } from 'vitest';
import { diagnoseJob } from '../../../../functions/diagnose/diagnose-job.ts';
import type { Automation, Run } from '../../../../shared/model/index.ts';
import { ids } from '../../../../shared/store/index.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();

const purposes: readonly [
  what: string,
  run: Partial<Run>,
  automation: Partial<Automation> | undefined,
  points: object,
][] = [
  ['nobody knows what it was for', {}, undefined, { automation: 0, environment: 0 }],
  ['its automation has no category', {}, {}, { automation: 0, environment: 0 }],
  ['its automation earns money', {}, { category: 'revenue' }, { automation: 20, environment: 0 }],
  ['its automation only keeps things new', {}, { category: 'evolution' }, { automation: -10, environment: 0 }],
  ['it deployed', { kind: 'deployment' }, {}, { automation: 10, environment: 0 }],
  ['the master says what a deployment is for', { kind: 'deployment' }, { category: 'testing' }, { automation: 0 }],
  ['it went to production', { environment: 'production' }, undefined, { automation: 0, environment: 20 }],
];

it.each(purposes)('a failure is as urgent as its run: %s', async (_, ofRun, ofAutomation, points) => {
  const { store, time } = await engine.fresh();
  const common = { platform: 'fake', repository: 'acme/shop', origin: 'live' as const, statusAt: store.now() };
  const [runId, id, automationId] = [ids.run('fake', 1, 1), ids.job('fake', 1, '11'), ids.automation('fake', 7)];
  const ended = { ...common, attempt: 1, status: 'failed' as const, endedAt: store.now() };
  await store.create('run', { ...ended, id: runId, externalId: '1', automationId, ...ofRun });
  await store.create('job', { ...ended, id, runId, externalId: '11', name: 'build', steps: [] });
  if (ofAutomation !== undefined)
    await store.create('automation', {
      ...common,
      id: automationId,
      externalId: '7',
      recent: [],
      status: 'healthy',
      ...ofAutomation,
    });
  await diagnoseJob(id, 1, { store, platforms: {}, read: async () => ({}), now: () => time.now });
  const failure = await store.get('failure', id);
  expect(failure?.terms).toMatchObject(points);
  expect((await store.get('incident', failure?.incidentId ?? ''))?.terms).toMatchObject(points);
});
