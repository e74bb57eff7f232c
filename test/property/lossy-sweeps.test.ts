import { afterEach, describe, expect, it } from 'vitest';
import { isEnded, type State } from '../../shared/model/index.ts';
import { type Platform, platforms } from '../../shared/platforms/index.ts';
import { reconcile } from '../../shared/reconciliation/index.ts';
import { Store } from '../../shared/store/index.ts';
import { enterSource, recordDelivery, track } from '../../shared/tracking/index.ts';
import { createForge, type Forge, type JobSpec, manualClock, type RunSpec } from '../support/forges/index.ts';
import { MemoryTable } from '../support/memory-table.ts';

const RUNS = 60;
const LOST = 0.2;
const MINUTE = 60_000;

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

let forge: Forge | undefined;
afterEach(async () => {
  await forge?.close();
});

/** Two workflows, one of them of two jobs of which the second is skipped when the first fails: a job told by one webhook alone. */
function specOf(random: () => number): RunSpec {
  const outcome = random() < 0.3 ? 'failure' : 'success';
  const last: JobSpec = { name: 'deploy', stage: 'ship', needs: ['test'] };
  return random() < 0.5
    ? { workflow: 'ci', jobs: [{ name: 'lint' }, { name: 'test', outcome }, last] }
    : { workflow: 'nightly', jobs: [{ name: 'test', outcome }, last] };
}

async function play(name: 'github' | 'gitlab', seed: number) {
  const clock = manualClock(Date.parse('2026-03-04T05:06:07Z'));
  const opened = await createForge({
    platform: name,
    token: 't',
    secret: 's',
    seed,
    clock,
    webhookUrl: 'http://127.0.0.1:9',
  });
  forge = opened;
  const platform = platforms[name] as Platform;
  const table = new MemoryTable();
  const store = new Store({ client: table.client, tableName: 't', now: () => clock.now() });
  const random = dice(seed);
  const repository = opened.repository('acme/shop');
  const runs = Array.from({ length: RUNS }, () => {
    const run = repository.run(specOf(random));
    run.record();
    clock.advance(MINUTE * random());
    return run;
  });
  let lost = 0;
  for (const { event, body, headers } of runs.flatMap((run) => run.deliveries)) {
    if (random() < LOST) lost++;
    else {
      const contentType = headers['content-type'] ?? '';
      const receivedAt = store.now();
      await track(
        store,
        platform,
        platform.normalise({ event, body: Buffer.from(body), contentType, origin: 'live', receivedAt }),
      );
    }
  }
  await enterSource(store, name, 'acme/shop');
  const settings = new Map(
    Object.entries(opened.settings).map(([key, value]) => [key.slice(5).toLowerCase().replaceAll('_', '-'), value]),
  );
  const of = <T>(entity: string): T[] => table.all().filter((item) => item.entity === entity) as T[];
  const sweep = async () => {
    clock.advance(5 * MINUTE);
    await reconcile({
      store,
      platforms,
      read: async (names) => Object.fromEntries(names.map((key) => [key, settings.get(key)])),
      settings: { everyMinutes: 5, callsPerHour: 5000, repositories: {} },
      now: () => clock.now(),
      deadline: Number.POSITIVE_INFINITY,
      count: () => undefined,
      logger: {
        warn(message, context) {
          throw new Error(`${message}: ${JSON.stringify(context)} ${context.error}`);
        },
      },
    });
    for (const { id } of of<State<'delivery'>>('delivery')) await recordDelivery(id, { store, platforms });
  };
  return { forge: opened, runs, lost, sweep, of };
}

describe.each(['github', 'gitlab'] as const)('%s, losing a fifth of its webhooks', (name) => {
  it.each([1, 2, 3, 4, 5])('is known whole after two sweeps, within the budget of calls (seed %i)', async (seed) => {
    const { forge, runs, lost, sweep, of } = await play(name, seed);
    const jobs = runs.flatMap((run) => run.jobs);
    const unknown = () => {
      const ended = new Set(
        [...of<State<'job'>>('job'), ...of<State<'run'>>('run')]
          .filter(({ status }) => isEnded(status))
          .map(({ externalId }) => externalId),
      );
      return [...runs, ...jobs].filter(({ id }) => !ended.has(String(id))).length;
    };
    // And of which run none of its own webhooks has come.
    const told = of<State<'run'>>('run').filter(({ event }) => event !== undefined).length;
    const lostFacts = unknown() + runs.length - told;
    expect(lostFacts).toBeGreaterThan(0);
    await sweep();
    expect(unknown()).toBe(0);
    await sweep();
    const figures = of<State<'completeness'>>('completeness');
    const sum = (field: 'known' | 'recovered' | 'missing') => figures.reduce((total, hour) => total + hour[field], 0);
    expect({ known: sum('known'), missing: sum('missing') }).toEqual({ known: runs.length + jobs.length, missing: 0 });
    expect(sum('recovered')).toBeGreaterThan(0);
    // Once a day and source: what sets its runs going, whatever was lost.
    const isDaily = ({ path }: { path: string }) => /\/(?:workflows|pipeline_schedules|projects\/[^/]+)$/.test(path);
    expect(forge.calls.filter(isDaily).length).toBeLessThanOrEqual(2);
    const counted = forge.calls.filter((call) => call.status !== 304 && !isDaily(call));
    // Lists of runs, of webhooks and of their deliveries.
    const listings = counted.filter(({ path }) => /\/(?:runs|pipelines|hooks|deliveries|events)$/.test(path));
    expect(listings.length).toBeLessThanOrEqual(RUNS / 20);
    expect(counted.length - listings.length, `of ${lost} lost webhooks`).toBeLessThanOrEqual(lostFacts);
  });
});
