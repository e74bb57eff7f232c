import { expect, it } from 'vitest';
import { noFacts, type PlatformFacts } from '../../../../shared/platforms/index.ts';
import { automationSettings } from '../../../../shared/runtime/automation-settings.ts';
import { Store } from '../../../../shared/store/index.ts';
import { declareAutomations, settleAll, track } from '../../../../shared/tracking/index.ts';
import { FakePlatform } from '../../../support/fake-platform.ts';
import { withTable } from '../../../support/table.ts';
import { askOf } from './ask.ts';

const engine = withTable();
const { platform: fake } = new FakePlatform();

/** The end of a run. */
function ended(platform: string, repository: string, run: { id: number; name: string; commit: string }): PlatformFacts {
  const endedAt = `2026-03-04T05:00:${String(run.id).padStart(2, '0')}.000Z`;
  const automationId = `${platform}:${repository.length}${run.name}`;
  const common = { platform, repository, statusAt: endedAt, origin: 'live', name: run.name } as const;
  const runId = `${platform}:${run.id}:1`;
  return {
    ...noFacts(),
    runs: [
      {
        ...{ ...common, id: runId, externalId: String(run.id), attempt: 1, status: 'succeeded', endedAt },
        ...{ automationId, commit: run.commit, branch: 'main' },
      },
    ],
    automations: [{ ...common, id: automationId, externalId: run.name, recent: [{ runId, endedAt, succeeded: true }] }],
  };
}
const put = (rules: unknown) => ({
  method: 'PUT',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ rules }),
});

it('says what automations are for, in the words of the settings, of the API, and of the settings again', async () => {
  const { store, client, tableName, time } = await engine.fresh();
  const ask = askOf(store);
  await track(store, fake, ended('github', 'acme/shop', { id: 1, name: 'nightly', commit: 'c1' }));
  const categories = async () => (await ask('/v1/automations')).body.items.map(({ category }) => category);
  expect(await categories()).toEqual(['testing']);
  expect((await ask('/v1/policies/categories')).body).toMatchObject({ by: 'default', version: 0 });

  const settings = automationSettings.parse({ categories: [{ category: 'evolution', branch: 'main' }] });
  expect(await declareAutomations(store, settings)).toMatchObject({ by: 'settings', version: 1 });
  await settleAll(store);
  expect(await categories()).toEqual(['evolution']);
  // The same settings are no news.
  expect(await declareAutomations(store, settings)).toBeUndefined();

  // Another process still goes by what it read before.
  const late = new Store({ client, tableName, now: () => time.now });
  await track(late, fake, ended('github', 'acme/shop', { id: 2, name: 'nightly', commit: 'c2' }));
  const said = await ask('/v1/policies/categories', put([{ category: 'revenue', name: ['night*'] }]));
  expect(said).toMatchObject({ status: 200, body: { by: 'api', version: 2 } });
  expect(await categories()).toEqual(['revenue']);
  await track(late, fake, ended('github', 'acme/shop', { id: 3, name: 'nightly', commit: 'c3' }));
  expect(await categories()).toEqual(['revenue']);
  expect((await ask('/v1/automations?category=testing')).body.items).toEqual([]);

  await ask('/v1/policies/categories', { method: 'DELETE' });
  expect(await categories()).toEqual(['evolution']);
  for (const rules of [[{ category: 'fun' }], [{ category: 'testing', color: 'red' }], 'x', [{}]]) {
    expect((await ask('/v1/policies/categories', put(rules))).status).toBe(400);
  }
});

it('shows a mirror pair as one automation, whichever side was heard of first', async () => {
  for (const order of [
    ['github', 'gitlab'],
    ['gitlab', 'github'],
  ]) {
    const { store } = await engine.fresh();
    const ask = askOf(store);
    for (const name of ['CI', 'other']) {
      for (const platform of order) {
        // Of the others, name or commit differs.
        const commit = name === 'CI' ? 'abc' : platform;
        await track(store, fake, ended(platform, 'acme/shop', { id: name.length, name, commit }));
      }
    }
    await track(store, fake, ended('github', 'fork/shopping', { id: 9, name: 'CI', commit: 'abc' }));
    const { items } = (await ask('/v1/automations')).body;
    expect(items.map(({ id }) => id).sort()).toEqual(['github:13CI', 'github:9CI', 'github:9other', 'gitlab:9other']);
    const mirrored = items.filter(({ mirrors }) => (mirrors as unknown[]).length > 0);
    expect(mirrored).toMatchObject([{ mirrors: [{ id: 'gitlab:9CI', platform: 'gitlab', status: 'healthy' }] }]);
    const primary = mirrored[0]?.id;
    expect((await ask(`/v1/automations?mirrorOf=${primary}`)).body.items).toMatchObject([{ id: 'gitlab:9CI' }]);
    expect((await ask('/v1/automations/gitlab%3A9CI')).body).toMatchObject({ mirrorOf: primary, mirrors: [] });
  }
});

it('takes the word of the settings for what no commit shows', async () => {
  const { store } = await engine.fresh();
  const ask = askOf(store);
  await declareAutomations(
    store,
    automationSettings.parse({
      mirrors: [
        ['github:acme/shop#CI', 'gitlab:group/shop'],
        ['github:acme/web', 'gitlab:acme/web'],
      ],
    }),
  );
  await track(store, fake, ended('github', 'acme/shop', { id: 1, name: 'ci', commit: 'a' }));
  await track(store, fake, ended('gitlab', 'group/shop', { id: 2, name: 'pipeline', commit: 'b' }));
  await track(store, fake, ended('github', 'acme/web', { id: 3, name: 'build', commit: 'c' }));
  await track(store, fake, ended('github', 'acme/web', { id: 4, name: 'lint', commit: 'd' }));
  await track(store, fake, ended('gitlab', 'acme/web', { id: 5, name: 'lint', commit: 'e' }));
  const pairs = (await ask('/v1/automations')).body.items.map(({ id, mirrors }) => [
    id,
    (mirrors as { id: string }[]).map((mirror) => mirror.id),
  ]);
  expect(pairs.sort()).toEqual([
    ['github:8build', []],
    ['github:8lint', ['gitlab:8lint']],
    ['github:9ci', ['gitlab:10pipeline']],
  ]);
});

it('misses what never started on the schedule that the settings declare', async () => {
  const { store, time } = await engine.fresh();
  const ask = askOf(store);
  await track(store, fake, ended('github', 'acme/shop', { id: 1, name: 'nightly', commit: 'a' }));
  await track(store, fake, ended('github', 'acme/shop', { id: 2, name: 'ci', commit: 'a' }));
  const declare = async (schedules: unknown[]) => {
    if (await declareAutomations(store, automationSettings.parse({ schedules }))) await settleAll(store);
  };
  await declare([{ name: 'night*', cron: '0 3 * * *', zone: 'Europe/Berlin', grace: '2h' }]);
  const states = async () => (await ask('/v1/automations')).body.items.map(({ name, status }) => [name, status]).sort();
  const healthy = [
    ['ci', 'healthy'],
    ['nightly', 'healthy'],
  ];
  expect(await states()).toEqual(healthy);
  time.now += 24 * 3_600_000;
  await settleAll(store);
  expect(await states()).toEqual([
    ['ci', 'healthy'],
    ['nightly', 'silent'],
  ]);
  expect((await ask('/v1/automations/github%3A9nightly')).body).toMatchObject({
    schedule: { by: 'settings', cron: '0 3 * * *', graceSeconds: 7200 },
    reason: expect.stringContaining('by the cron "0 3 * * *"'),
  });
  await declare([]);
  expect(await states()).toEqual(healthy);
  expect((await ask('/v1/automations/github%3A9nightly')).body).toMatchObject({ schedule: null, reason: null });
});
