import { beforeEach, describe, expect, it } from 'vitest';
import { type Platform, PlatformUnavailable, platforms } from '../../../../shared/platforms/index.ts';
import {
  type Meter,
  OverBudget,
  PlatformRefusal,
  type RunDetails,
  type Sweeper,
  type SweptRun,
} from '../../../../shared/platforms/sweeper.ts';
import { reconcile } from '../../../../shared/reconciliation/index.ts';
import { listEntities, type Store } from '../../../../shared/store/index.ts';
import { enterSource, recordDelivery } from '../../../../shared/tracking/index.ts';
import { type TestTime, withTable } from '../../../support/table.ts';

const engine = withTable();
const MINUTE = 60_000;

/** A platform whose list of runs and whose mood a test decides. */
class Fake {
  readonly asked: string[] = [];
  readonly runs: SweptRun[] = [];
  jobs: RunDetails['jobs'] = [];
  fails: Error | undefined;
  /** Of calls that the meter lets through. */
  left = Number.POSITIVE_INFINITY;
  private readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  get platform(): Platform {
    return { ...(platforms[this.name] as Platform), sweeper: async (_, meter) => this.sweeper(meter) };
  }
  private sweeper(meter: Meter): Sweeper {
    const call = async (what: string) => {
      await meter.admit();
      if (this.left-- <= 0) throw new OverBudget('no more');
      this.asked.push(what);
      if (this.fails !== undefined) throw this.fails;
    };
    return {
      endTellsJobs: false,
      limits: { queuedMs: 1, hostedMs: 1, selfHostedMs: 1 },
      hooks: {
        of: async () => ({ hooks: [], complete: false }),
        deliveries: async () => [],
        redeliver: async () => undefined,
        redeliveriesAtOnce: 1,
      },
      find: async () => undefined,
      definitions: async () => undefined,
      runs: async ({ repository }, page, etag) => {
        await call(`runs of ${repository}, page ${page}${etag === undefined ? '' : `, unless ${etag}`}`);
        if (etag === `"${this.runs.length}"`) return undefined;
        const mine = this.runs.filter(({ told }) => JSON.stringify(told).includes(`"${repository}"`));
        return {
          runs: mine.slice((page - 1) * 2, page * 2),
          more: mine.length > page * 2,
          etag: `"${this.runs.length}"`,
        };
      },
      details: async (_, { externalId }) => {
        await call(`jobs of ${externalId}`);
        return { jobs: this.jobs };
      },
    };
  }
}

let store: Store;
let time: TestTime;
let [github, gitlab] = [new Fake('github'), new Fake('gitlab')];
const warnings: string[] = [];
beforeEach(async () => {
  ({ store, time } = await engine.fresh());
  [github, gitlab] = [new Fake('github'), new Fake('gitlab')];
  warnings.length = 0;
});

const sweep = (repositories: Record<string, string[]> = {}) =>
  reconcile({
    store,
    platforms: { github: github.platform, gitlab: gitlab.platform },
    read: async () => ({}),
    settings: { everyMinutes: 5, callsPerHour: 1000, repositories },
    now: () => time.now,
    deadline: Number.POSITIVE_INFINITY,
    count: () => undefined,
    logger: { warn: (message) => warnings.push(message) },
  });

const iso = (ms: number): string => new Date(ms).toISOString();
function ended(id: number, ago = 5 * MINUTE, repository = 'acme/shop'): SweptRun {
  const at = iso(time.now - ago);
  const run = {
    id,
    workflow_id: 7,
    run_attempt: 1,
    status: 'completed',
    conclusion: 'success',
    created_at: at,
    updated_at: at,
  };
  return {
    externalId: String(id),
    attempt: 1,
    alike: '7',
    createdAt: at,
    updatedAt: at,
    ended: true,
    told: {
      event: 'workflow_run',
      action: 'completed',
      payload: { action: 'completed', repository: { id: 1, full_name: repository }, workflow_run: run },
    },
  };
}

const all = async (entity: 'delivery' | 'completeness' | 'source') =>
  (await listEntities(store, entity, { filters: {}, limit: 200 })).items;
/** Does with the ledger what `record` does. */
const record = async () => {
  for (const { id } of await all('delivery')) await recordDelivery(id, { store, platforms });
};
const figures = async () =>
  (await all('completeness')).map((item) => {
    const { known, received, recovered, missing, status } = item as unknown as Record<string, unknown>;
    return { known, received, recovered, missing, status };
  });

describe('a sweep', () => {
  it('puts what was never heard into the ledger, once, and counts it as recovered when it is known', async () => {
    github.runs.push(ended(1));
    await sweep({ github: ['acme/shop'] });
    expect(await all('delivery')).toMatchObject([
      { platform: 'github', event: 'workflow_run', origin: 'recovered', status: 'received', repository: 'acme/shop' },
    ]);
    expect(await figures()).toEqual([{ known: 1, received: 0, recovered: 0, missing: 1, status: 'incomplete' }]);
    await record();
    expect(await store.get('run', 'github:1:1')).toMatchObject({ status: 'succeeded', origin: 'recovered' });
    time.now += 5 * MINUTE;
    await sweep();
    expect(await figures()).toEqual([{ known: 1, received: 0, recovered: 1, missing: 0, status: 'complete' }]);
    expect(await all('delivery')).toHaveLength(1);
    // The second time nothing had changed.
    expect(github.asked).toEqual(['runs of acme/shop, page 1', 'jobs of 1', 'runs of acme/shop, page 1, unless "1"']);
  });

  it('leaves what is new to its webhooks, and looks at it the next time', async () => {
    github.runs.push(ended(1, MINUTE / 2));
    await sweep({ github: ['acme/shop'] });
    expect(await all('delivery')).toEqual([]);
    time.now += 5 * MINUTE;
    await sweep();
    expect(await all('delivery')).toHaveLength(1);
  });

  it('reads the list back to where the last whole sweep began', async () => {
    for (let id = 9; id >= 1; id--) github.runs.push(ended(id, (10 - id) * 10 * MINUTE));
    await enterSource(store, 'github', 'acme/shop');
    await sweep();
    // A source is known since its first delivery: what is older than that by more than an hour was never to come.
    expect((await all('delivery')).length).toBe(6);
    expect(github.asked.filter((what) => what.startsWith('runs'))).toHaveLength(4);
  });

  it('goes on where a budget ended it, and counts nothing twice', async () => {
    github.runs.push(ended(3), ended(2), ended(1));
    github.left = 2;
    await sweep({ github: ['acme/shop'] });
    expect(await figures()).toMatchObject([{ known: 2, missing: 2 }]);
    await record();
    github.left = Number.POSITIVE_INFINITY;
    time.now += 5 * MINUTE;
    await sweep();
    await record();
    time.now += 5 * MINUTE;
    await sweep();
    expect(await figures()).toEqual([{ known: 3, received: 0, recovered: 3, missing: 0, status: 'complete' }]);
  });

  it('asks for the jobs of a run once more only where some are missing', async () => {
    github.jobs = [{ id: 'github:1:job:5', ended: true }];
    github.runs.push(ended(2), ended(1));
    await sweep({ github: ['acme/shop'] });
    // The first told how many there are; of both none is known.
    expect(github.asked.filter((what) => what.startsWith('jobs'))).toEqual(['jobs of 2', 'jobs of 1']);
    expect(await figures()).toMatchObject([{ known: 4, missing: 4 }]);
  });
});

describe('a platform that cannot answer', () => {
  it('slows its own sweeps only, and is left alone for a while', async () => {
    github.fails = new PlatformUnavailable('502 (502)');
    const repositories = { github: ['acme/shop', 'acme/site'], gitlab: ['acme/lib'] };
    await sweep(repositories);
    expect(github.asked).toHaveLength(1);
    expect(gitlab.asked).toHaveLength(1);
    expect(warnings).toEqual(['sweep broken off']);
    time.now += MINUTE / 2;
    await sweep();
    expect(github.asked).toHaveLength(1);
    expect(gitlab.asked).toHaveLength(2);
    github.fails = undefined;
    time.now += MINUTE;
    await sweep();
    expect(github.asked).toHaveLength(3);
    expect((await all('source')).map(({ status }) => status)).toEqual(['active', 'active', 'active']);
  });

  it('is obeyed in how long it asks to wait', async () => {
    github.fails = new PlatformUnavailable('slow down (429)', 600);
    await sweep({ github: ['acme/shop'] });
    github.fails = undefined;
    time.now += 9 * MINUTE;
    await sweep();
    expect(github.asked).toHaveLength(1);
    time.now += 2 * MINUTE;
    await sweep();
    expect(github.asked).toHaveLength(2);
  });
});

it('a source that the platform will not tell of is shown as such, asked less and less, and heals', async () => {
  github.fails = new PlatformRefusal(404, 'Not Found (404)');
  await sweep({ github: ['acme/shop'], gitlab: ['acme/lib'] });
  const unreachable = (await all('source')).find(({ id }) => id === 'github:acme/shop');
  expect(unreachable).toMatchObject({ status: 'unreachable', reason: 'Not Found (404)' });
  time.now += 5 * MINUTE;
  await sweep();
  expect(github.asked).toHaveLength(1);
  github.fails = undefined;
  time.now += 6 * MINUTE;
  await sweep();
  expect(await store.get('source', 'github:acme/shop')).toMatchObject({ status: 'active' });
});
