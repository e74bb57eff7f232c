import { expect, it } from 'vitest';
import { diagnoseJob } from '../../../../functions/diagnose/diagnose-job.ts';
import type { RecentRun } from '../../../../shared/model/automation.ts';
import { LogUnavailable, PlatformUnavailable } from '../../../../shared/platforms/port.ts';
import { standings } from '../../../../shared/rulebook/index.ts';
import { callLimit, type Store } from '../../../../shared/store/index.ts';
import { aJob, aRun } from '../../../support/items.ts';
import { logPlatform } from '../../../support/log-platform.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();

const GREEN = ['make test', "Error: Cannot find module 'left-pad'", 'fallback is used', 'all 12 checks passed'];
const RED = ['make test', "Error: Cannot find module 'left-pad'", 'fallback is used', 'the gate is closed'];

const automationId = 'github:77';
const at = (minute: number): string => `2026-03-04T05:${String(minute).padStart(2, '0')}:00.000Z`;

/** A run of the automation, with one job whose id is the run's and a nought. */
async function ran(
  store: Store,
  run: { id: string; minute: number; succeeded: boolean; branch?: string; name?: string; automation?: string },
): Promise<string> {
  const { id, minute, succeeded, branch = 'main', name = 'build', automation = automationId } = run;
  const common = { branch, endedAt: at(minute), status: succeeded ? 'succeeded' : 'failed' } as const;
  const { after } = await store.merge('run', aRun(id, { ...common, automationId: automation }));
  const { after: job } = await store.merge('job', aJob(id, `${id}0`, { ...common, name }));
  const recent: RecentRun[] = [{ runId: after?.id ?? '', endedAt: at(minute), succeeded, branch }];
  await store.merge('automation', {
    ...{ id: automation, platform: 'github', externalId: automation, repository: 'acme/web' },
    ...{ statusAt: at(minute), origin: 'live', recent },
  });
  return job?.id ?? '';
}

async function world(logs: Record<string, readonly string[] | Error>) {
  const { store, time } = await engine.fresh();
  const { asked, platforms } = logPlatform(logs, RED);
  const diagnosed = async (job: string) => {
    await diagnoseJob(job, 1, { store, platforms, read: async () => ({}), now: () => time.now });
    return store.get('failure', job);
  };
  return { store, time, asked, diagnosed };
}

it('tells a failure by what the last green run of the job does not print', async () => {
  const { store, asked, diagnosed } = await world({ '10': GREEN });
  await ran(store, { id: '1', minute: 1, succeeded: true });
  const alone = await ran(store, { id: '2', minute: 2, succeeded: false, name: 'other' });
  const failed = await ran(store, { id: '3', minute: 3, succeeded: false });
  // Nothing is known of the other job when it is well, so that its first error has to do.
  expect(await diagnosed(alone)).toMatchObject({ cause: 'missing-module' });
  expect(await diagnosed(failed)).toMatchObject({ cause: 'unknown', excerpt: expect.stringContaining('the gate is') });
  expect(asked).toEqual(['20', '10', '30']);
});

it('asks once for the green log of a job that fails again and again, all at the same time', async () => {
  const { store, time, asked, diagnosed } = await world({ '10': GREEN });
  await ran(store, { id: '1', minute: 1, succeeded: true });
  const failed = [];
  for (const id of ['2', '3', '4', '5']) failed.push(await ran(store, { id, minute: 9, succeeded: false }));
  const causes = (await Promise.all(failed.map(diagnosed))).map((failure) => failure?.cause);
  expect(causes).toEqual(['unknown', 'unknown', 'unknown', 'unknown']);
  expect(asked.filter((id) => id === '10')).toHaveLength(1);
  // A later green log is not asked for within hours, and is then.
  await ran(store, { id: '6', minute: 20, succeeded: true });
  await diagnosed(await ran(store, { id: '7', minute: 21, succeeded: false }));
  expect(asked).not.toContain('60');
  time.now += 7 * 3_600_000;
  await diagnosed(await ran(store, { id: '8', minute: 22, succeeded: false }));
  expect(asked).toContain('60');
});

it('takes the log of the same branch before that of another, and of an attempt before', async () => {
  const { store, asked, diagnosed } = await world({ '10': GREEN, '20': GREEN, '61': GREEN });
  await ran(store, { id: '1', minute: 1, succeeded: true, branch: 'topic' });
  await ran(store, { id: '2', minute: 2, succeeded: true });
  await diagnosed(await ran(store, { id: '3', minute: 3, succeeded: false, branch: 'topic' }));
  await diagnosed(await ran(store, { id: '4', minute: 4, succeeded: false, branch: 'new' }));
  expect(asked).toEqual(['10', '30', '20', '40']);
  await store.merge('job', aJob('6', '61', { status: 'succeeded', endedAt: at(5), branch: 'new' }));
  await diagnosed(await ran(store, { id: '6', minute: 6, succeeded: false, branch: 'new' }));
  expect(asked.slice(4)).toEqual(['61', '60']);
});

it('goes on without a log that is not to be had, and does not ask for it again soon', async () => {
  const { store, asked, diagnosed } = await world({ '10': new LogUnavailable('it is gone') });
  await ran(store, { id: '1', minute: 1, succeeded: true });
  for (const id of ['2', '3']) {
    const failure = await diagnosed(await ran(store, { id, minute: 2, succeeded: false }));
    expect(failure).toMatchObject({ status: 'diagnosed', cause: 'missing-module' });
  }
  expect(asked).toEqual(['10', '20', '30']);
});

it('leaves a platform alone that asks for it, or is near its limit', async () => {
  const { store, time, asked, diagnosed } = await world({ '10': new PlatformUnavailable('too many', 120) });
  await ran(store, { id: '1', minute: 1, succeeded: true });
  await ran(store, { id: '2', minute: 2, succeeded: true, name: 'second' });
  await diagnosed(await ran(store, { id: '3', minute: 3, succeeded: false }));
  await diagnosed(await ran(store, { id: '4', minute: 4, succeeded: false, name: 'second' }));
  expect(asked).toEqual(['10', '30', '40']);
  time.now += 3_600_000;
  await store.putItem({ ...callLimit('github'), until: new Date(time.now + 60_000).toISOString() });
  await diagnosed(await ran(store, { id: '5', minute: 5, succeeded: false, name: 'second' }));
  expect(asked.slice(3)).toEqual(['50']);
  time.now += 3_600_000;
  await diagnosed(await ran(store, { id: '6', minute: 6, succeeded: false, name: 'second' }));
  expect(asked.slice(4)).toEqual(['20', '60']);
});

it('makes do with an older green log while a newer one is not to be had, and so tells one failure alike', async () => {
  const logs: Record<string, readonly string[] | Error> = { '10': GREEN, '30': new LogUnavailable('it is gone') };
  const { store, time, asked, diagnosed } = await world(logs);
  await ran(store, { id: '1', minute: 1, succeeded: true });
  const first = await diagnosed(await ran(store, { id: '2', minute: 2, succeeded: false }));
  await ran(store, { id: '3', minute: 3, succeeded: true });
  time.now += 7 * 3_600_000;
  const second = await diagnosed(await ran(store, { id: '4', minute: 4, succeeded: false }));
  expect(asked).toEqual(['10', '20', '30', '40']);
  expect(second).toMatchObject({ cause: 'unknown', incidentId: first?.incidentId });
});

it('spends no more than its share of an hour', async () => {
  const { store, asked, diagnosed } = await world({});
  await store.putItem({ ...callLimit('github', 'green-logs'), tokens: 2, at: store.now(), failures: 0, version: 1 });
  await Promise.all(
    [1, 2, 3, 4].map(async (n) => {
      const automation = `github:${n}`;
      await ran(store, { id: String(100 + n), minute: 1, succeeded: true, automation });
      await diagnosed(await ran(store, { id: String(200 + n), minute: 2, succeeded: false, automation }));
    }),
  );
  expect(asked.filter((id) => id.startsWith('1'))).toHaveLength(2);
  expect(asked.filter((id) => id.startsWith('2'))).toHaveLength(4);
});

it('notes which rules match where a job succeeds, and which explained a failure', async () => {
  const { store, diagnosed } = await world({ '10': GREEN, '30': ['curl: (6) Could not resolve host: example.com'] });
  await ran(store, { id: '1', minute: 1, succeeded: true });
  for (const id of ['2', '3']) await diagnosed(await ran(store, { id, minute: 2, succeeded: false }));
  const known = await standings(store);
  expect(known.get('missing-module')).toMatchObject({ hits: 0, automations: [automationId] });
  expect(known.get('dns-resolution-failed')).toMatchObject({ hits: 1, automations: [] });
});
