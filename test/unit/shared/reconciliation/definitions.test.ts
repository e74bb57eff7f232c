import { afterEach, expect, it } from 'vitest';
import type { State } from '../../../../shared/model/index.ts';
import { platforms } from '../../../../shared/platforms/index.ts';
import { checkRun, reconcile } from '../../../../shared/reconciliation/index.ts';
import { Store } from '../../../../shared/store/index.ts';
import { enterSource, recordDelivery } from '../../../../shared/tracking/index.ts';
import { checkCalls, createForge, type Forge, manualClock } from '../../../support/forges/index.ts';
import { MemoryTable } from '../../../support/memory-table.ts';

const HOUR = 3_600_000;
const LISTS = { github: /\/actions\/workflows$/, gitlab: /\/pipeline_schedules$/ };

let forge: Forge | undefined;
afterEach(async () => {
  await forge?.close();
});

async function open(platform: 'github' | 'gitlab') {
  const clock = manualClock(Date.parse('2026-03-04T05:06:07Z'));
  const opened = await createForge({
    ...{ platform, token: 't', secret: 's', seed: 1, clock },
    webhookUrl: 'http://127.0.0.1:9',
  });
  forge = opened;
  opened.repository('acme/shop');
  const table = new MemoryTable();
  const store = new Store({ client: table.client, tableName: 't', now: () => clock.now() });
  await enterSource(store, platform, 'acme/shop');
  const settings = new Map(
    Object.entries(opened.settings).map(([key, value]) => [key.slice(5).toLowerCase().replaceAll('_', '-'), value]),
  );
  const deps = {
    ...{ store, platforms, now: () => clock.now() },
    read: async (names: readonly string[]) => Object.fromEntries(names.map((key) => [key, settings.get(key)])),
  };
  const of = <T>(entity: string): T[] => table.all().filter((item) => item.entity === entity) as T[];
  /** Lets so many hours pass, sweeps, and records what was found. */
  const sweep = async (hours: number) => {
    clock.advance(hours * HOUR);
    await reconcile({
      ...{ ...deps, deadline: Number.POSITIVE_INFINITY, count: () => undefined },
      settings: { everyMinutes: 5, callsPerHour: 5000, repositories: {} },
      logger: { warn: (message) => expect.unreachable(message) },
    });
    for (const { id } of of<State<'delivery'>>('delivery')) await recordDelivery(id, { store, platforms });
  };
  const standing = () =>
    of<State<'automation'>>('automation').map(({ name, status, reason }) => [name, status, reason]);
  const lists = () => opened.calls.filter(({ path }) => LISTS[platform].test(path)).map(({ status }) => status);
  return { forge: opened, clock, store, deps, sweep, standing, lists, of };
}

it('hears of a workflow that GitHub switched off, once, and when it is on again or gone', async () => {
  const { forge, clock, store, sweep, standing, lists, of } = await open('github');
  const [nightly, ci] = ['nightly', 'ci'].map((name) =>
    forge.resources.add('workflows', 'acme/shop', { name, path: `.github/workflows/${name}.yml`, state: 'active' }),
  );
  await sweep(1);
  expect(standing()).toEqual([
    ['nightly', 'healthy', undefined],
    ['ci', 'healthy', undefined],
  ]);
  if (nightly) nightly.state = 'disabled_inactivity';
  // Asked once a day.
  await sweep(1);
  expect(lists()).toEqual([200]);
  await sweep(24);
  const off = ['nightly', 'disabled', 'GitHub switched it off, after 60 days without activity in its repository'];
  expect(standing()[0]).toEqual(off);
  const { statusAt } = of<State<'automation'>>('automation')[0] as State<'automation'>;
  // Nothing new costs nothing, and is not told.
  await sweep(24);
  expect(lists()).toEqual([200, 200, 304]);
  expect(of<State<'automation'>>('automation')[0]).toMatchObject({ status: 'disabled', statusAt });
  // A run that was under way ends, and is no sign that it is on.
  const id = `github:${nightly?.id}`;
  const ended = { runId: 'github:1:1', endedAt: new Date(clock.now()).toISOString(), succeeded: true };
  await store.change('automation', id, (state) => state && { ...state, status: 'healthy', recent: [ended] });
  await sweep(24);
  expect(standing()[0]).toEqual(off);
  if (nightly) nightly.state = 'active';
  await sweep(24);
  expect(standing()[0]).toEqual(['nightly', 'healthy', undefined]);
  forge.resources.remove('workflows', 'acme/shop', (one) => one === ci);
  await sweep(24);
  expect(standing()[1]).toEqual(['ci', 'disabled', 'its platform has it no more']);
  expect(checkCalls('github', forge.calls).violations).toEqual([]);
});

it('hears of pipeline schedules of GitLab that are inactive or do not start, and of the time-out of its jobs', async () => {
  const { forge, clock, store, deps, sweep, standing } = await open('gitlab');
  const at = (hours: number): string => new Date(clock.now() + hours * HOUR).toISOString();
  const owner = { id: 3, username: 'ada', name: 'Ada', state: 'active' };
  const add = (description: string, fields: object) =>
    forge.resources.add('schedules', 'acme/shop', {
      ...{ description, cron: '0 3 * * *', cron_timezone: 'UTC', active: true, next_run_at: at(24), owner },
      ...fields,
    });
  const nightly = add('nightly', {});
  const stuck = add('stuck', { next_run_at: at(-5), owner: { ...owner, username: 'eve', state: 'blocked' } });
  add('old', { active: false });
  await sweep(2);
  const reason = `GitLab should have started it at ${stuck.next_run_at}, and has not; its owner eve is blocked`;
  expect(standing()).toEqual([
    ['nightly', 'healthy', undefined],
    ['stuck', 'silent', reason],
    ['old', 'disabled', 'the schedule is inactive at GitLab'],
  ]);
  nightly.active = false;
  Object.assign(stuck, { next_run_at: at(48), owner });
  await sweep(24);
  expect(standing().map(([, status]) => status)).toEqual(['disabled', 'healthy', 'disabled']);
  expect(checkCalls('gitlab', forge.calls).violations).toEqual([]);

  // A job of a project that gives its jobs three days may take longer than the day that GitLab gives others.
  const cursor = { pk: 'sweep#gitlab', sk: 'acme/shop' };
  expect(await store.getItem(cursor)).toMatchObject({ jobTimeoutMs: HOUR });
  await store.putItem({ ...(await store.getItem(cursor)), ...cursor, jobTimeoutMs: 72 * HOUR });
  const repository = forge.repository('acme/shop');
  const run = repository.run({ jobs: [{ name: 'train', durationSeconds: 300_000 }] });
  void run.play({ speed: 1 });
  clock.advance(HOUR);
  const statusAt = new Date(clock.now()).toISOString();
  const id = `gitlab:${run.id}:1`;
  const fact = { platform: 'gitlab', externalId: String(run.id), repository: 'acme/shop', attempt: 1, origin: 'live' };
  await store.merge('run', { ...fact, id, status: 'running', statusAt, wakeAt: statusAt } as never);
  for (const [hours, status] of [
    [40, 'running'],
    [40, 'timed-out'],
  ] as const) {
    clock.advance(hours * HOUR);
    await checkRun(id, { ...deps, callsPerHour: 5000 });
    expect(await store.get('run', id)).toMatchObject({ status });
  }
});
