import { afterEach, describe, expect, it } from 'vitest';
import { frozen, type Item, type Traffic } from '../support/client.ts';
import { type Forge, type ManualClock, manualClock, type Platform, type RunHandle } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import { expectContractKept, LOGS, openForge, pipeline, storyOf } from './support/scenario.ts';

const RUNS = 24;
const LOST = 0.2;
/** What decides which webhooks are lost. */
const SEED = 20_260_101;

let opened: Stage | undefined;
afterEach(async () => {
  await opened?.host.end();
  await opened?.forge.close();
  opened = undefined;
});

/** mulberry32 */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Stage {
  host: TestHost;
  forge: Forge;
  clock: ManualClock;
  still: Traffic;
}

async function open(platform: Platform): Promise<Stage> {
  const clock = manualClock(Date.now());
  const forge = await openForge(platform, { clock, speed: 1 });
  const host = await TestHost.boot({ clock: 'manual', forges: [forge] });
  opened = { host, forge, clock, still: frozen(forge, clock) };
  return opened;
}

/** Lets some minutes pass on both sides; the schedule sweeps every fifth. */
async function pass({ host, clock, still }: Stage, minutes: number): Promise<void> {
  clock.advance(minutes * 60_000);
  await host.settled(still);
  await host.pass(minutes, [still], minutes);
}

async function totals(host: TestHost) {
  const hours = await host.list('completeness');
  const sum = (name: string): number => hours.reduce((total, hour: Item) => total + Number(hour[name]), 0);
  return { known: sum('known'), received: sum('received'), recovered: sum('recovered'), missing: sum('missing') };
}

const STATUS = {
  success: 'succeeded',
  failure: 'failed',
  cancelled: 'canceled',
  timed_out: 'timed-out',
  skipped: 'skipped',
} as const;
/** Once a day, whatever was lost. */
const isDaily = (path: string): boolean => /\/(?:workflows|pipeline_schedules|projects\/[^/]+)$/.test(path);
/** What the repository's owner does to its webhook at GitHub. */
async function switchHook(forge: Forge, active: boolean): Promise<void> {
  const { QMOI_GITHUB_API_URL: api, QMOI_GITHUB_TOKEN: token } = forge.settings;
  const hooks = `${api}/repos/acme/shop/hooks`;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const [hook] = (await (await fetch(hooks, { headers })).json()) as { id: number }[];
  const body = JSON.stringify({ active });
  expect((await fetch(`${hooks}/${hook?.id}`, { method: 'PATCH', headers, body })).status).toBe(200);
}
const isLog = (path: string): boolean => /(?:\/logs|\/trace)$/.test(path) || path.startsWith('/actions-results');

describe.each(['github', 'gitlab'] as const)(`%s, which loses a fifth of its webhooks (seed ${SEED})`, (platform) => {
  it('is known whole after two sweeps, for a call per 20 runs and one per lost fact', async () => {
    const stage = await open(platform);
    const { host, forge } = stage;
    const repository = forge.repository('acme/shop');
    const random = dice(SEED);
    const runs = Array.from({ length: RUNS }, (_, index) =>
      repository.run(
        pipeline('test', {
          logMissingCalls: 0,
          log: LOGS.deterministic,
          outcome: index % 5 === 0 ? 'failure' : 'success',
        }),
      ),
    );
    let lost = 0;
    for (const delivery of runs.flatMap((run) => run.record())) {
      if (random() < LOST) lost++;
      else expect((await forge.send(delivery)).status).toBe(202);
    }
    await host.settled(stage.still);
    const before = forge.calls.length;

    await pass(stage, 6);
    const first = await totals(host);
    await pass(stage, 5);
    const second = await totals(host);

    const jobs = runs.reduce((sum, run) => sum + run.jobs.length, 0);
    expect(first.known).toBe(RUNS + jobs);
    expect(first.missing).toBeGreaterThan(0);
    expect(second).toEqual({
      known: RUNS + jobs,
      received: first.received,
      recovered: first.missing,
      missing: 0,
    });
    for (const run of runs) {
      const [known] = await host.list('runs', { platform, externalId: String(run.id) });
      expect(known).toMatchObject({ status: STATUS[run.conclusion ?? 'success'], repository: 'acme/shop' });
      const its = await host.list('jobs', { runId: String(known?.id) });
      expect(new Map(its.map((job) => [job.externalId, job.status]))).toEqual(
        new Map(run.jobs.map((job) => [String(job.id), STATUS[job.conclusion ?? 'success']])),
      );
    }
    const asked = forge.calls.slice(before).filter(({ path }) => !isLog(path));
    expect(asked.filter(({ path }) => isDaily(path)).length).toBeLessThanOrEqual(2);
    const swept = asked.filter(({ path, status }) => !isDaily(path) && status !== 304);
    const listings = swept.filter(({ path }) => /\/(?:runs|pipelines)$/.test(path));
    expect(listings.length).toBeLessThanOrEqual(RUNS / 20);
    expect(swept.length - listings.length).toBeLessThanOrEqual(lost);
    expectContractKept(forge);
  });

  it('is acted on once where it was recovered in time; what is long past is neither acted on nor told', async () => {
    const stage = await open(platform);
    const { host, forge, clock, still } = stage;
    const [long, fresh, silent] = ['acme/long', 'acme/fresh', 'acme/fresh'].map((name, index) =>
      forge.repository(name).run({
        // On a branch of its own, so that it does not take the place of another.
        branch: `branch-${index}`,
        ...pipeline(`test-${index}`, {
          logMissingCalls: 0,
          steps: [`Run test-${index}`],
          // An incident of its own.
          log: index === 0 ? LOGS.reset : LOGS.transient,
        }),
      }),
    ) as [RunHandle, RunHandle, RunHandle];
    // Of the first and the second nothing arrives but their beginning, of the third nothing.
    long.record();
    await pass(stage, 45);
    fresh.record();
    silent.record();
    for (const run of [long, fresh]) expect((await forge.send(run.deliveries[0] as never)).status).toBe(202);
    await host.settled(still);
    expect(forge.effects).toEqual([]);

    await pass(stage, 6);
    await pass(stage, 5);
    expect(await totals(host)).toMatchObject({ missing: 0 });
    const effects = () =>
      [long, fresh, silent].map(({ id }) => forge.effects.filter(({ runId }) => runId === id).length);
    expect(effects()).toEqual([0, 1, 1]);
    const eventsOf = async (run: RunHandle) =>
      (await storyOf(host, platform, run.id)).notifications.map(({ event }) => event);
    expect(await eventsOf(long)).toEqual([]);
    const known = await eventsOf(fresh);
    expect(known).toContain('incident.open');

    // What was lost turns up after all.
    clock.drain();
    for (const delivery of forge.deliveries) expect([200, 202]).toContain((await forge.send(delivery)).status);
    await host.settled(still);
    await pass(stage, 5);
    expect(effects()).toEqual([0, 1, 1]);
    expect(await eventsOf(long)).toEqual([]);
    expect((await storyOf(host, platform, fresh.id)).runs.map(({ status }) => status).sort()).toEqual([
      'failed',
      'succeeded',
    ]);
  });

  it('is asked for a run that does not end, which is timed out in the end; its own end counts for more', async () => {
    const stage = await open(platform);
    const { host, forge, clock, still } = stage;
    const hours = platform === 'github' ? 6 : 24;
    const slow = { outcome: 'success', durationSeconds: (hours + 1) * 3600 } as const;
    const run = forge.repository('acme/shop').run(pipeline('slow', slow));
    const played = run.play({ speed: 1 });
    const definition =
      platform === 'github'
        ? forge.resources.add('workflows', 'acme/shop', {
            ...{ name: 'nightly', path: '.github/workflows/nightly.yml', state: 'disabled_inactivity' },
          })
        : forge.resources.add('schedules', 'acme/shop', { description: 'nightly', active: false, cron: '0 3 * * *' });
    const nightly = async () => (await host.list('automations', { name: 'nightly' }))[0];
    const toldOf = async (subject: string) =>
      (await host.list('notifications', { subject })).map(({ event, status }) => [event, status]).reverse();
    clock.advance(50_000);
    await host.settled(still);
    if (platform === 'github') await switchHook(forge, false);
    const known = async () => (await storyOf(host, platform, run.id)).runs[0];
    expect(await known()).toMatchObject({ status: 'running', reason: null });

    await host.pass(hours * 60 - 90, [still], 60);
    expect(await known()).toMatchObject({ status: 'running' });
    expect(await nightly()).toMatchObject({
      status: 'disabled',
      reason: expect.stringMatching(/^GitHub switched it off, after 60 days|^the schedule is inactive at GitLab/),
    });
    Object.assign(definition, { state: 'active', active: true });
    // It was off before it was known.
    expect(await toldOf(String((await nightly())?.id))).toEqual([]);
    const deaf = [['source.failing', 'sent']];
    expect(await toldOf('github:acme/shop')).toEqual(platform === 'github' ? deaf : []);
    if (platform === 'github') await switchHook(forge, true);
    await host.pass(180, [still], 30);
    expect(await known()).toMatchObject({
      status: 'timed-out',
      origin: 'live',
      reason: expect.stringContaining(`nothing has moved for ${hours} hours`),
    });
    const asked = forge.calls.filter(({ path }) => path.includes(`/${run.id}`) && path.endsWith('jobs'));
    expect(asked.length).toBeLessThanOrEqual(8);

    clock.advance((hours + 2) * 3_600_000);
    clock.drain();
    await played;
    await host.settled(still);
    expect(await known()).toMatchObject({ status: 'succeeded', reason: null });
    await host.pass((27 - hours) * 60, [still], 180);
    expect(await nightly()).toMatchObject({ status: 'healthy', reason: null });
    expect(await toldOf(String((await nightly())?.id))).toEqual([['automation.healthy', 'sent']]);
    const again = [...deaf, ['source.active', 'sent']];
    expect(await toldOf('github:acme/shop')).toEqual(platform === 'github' ? again : []);
  });
});
