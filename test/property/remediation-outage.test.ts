import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import { remediateRun, verifyRun } from '../../shared/remediation/index.ts';
import { remediationSettings } from '../../shared/runtime/remediation-settings.ts';
import { INDEX, ids, type Store, wakePartitions } from '../../shared/store/index.ts';
import { FakePlatform } from '../support/fake-platform.ts';
import { inMemory } from '../support/memory-table.ts';

/** A registry is down for 30 minutes, and jobs of runs in 20 repositories fail of it. */

const REPOSITORIES = 20;
const FAR = Date.parse('2099-01-01T00:00:00Z');
const OUTAGE_MS = 30 * 60_000;
const STEP_MS = 15_000;
const INCIDENT = ids.incident('registry-down', 1);
const settings = remediationSettings.parse({ budgets: { perRepositoryPerHour: 20, perHour: 120 } });

const repositoryOf = (run: number) => `acme/shop-${run % REPOSITORIES}`;
/** An attempt of a run that has ended: all of its jobs well, or all of them for the registry; one of a broken run for its code. */
async function attempt(
  store: Store,
  { run, number, jobs, broken = false }: { run: number; number: number; jobs: number; broken?: boolean },
  status: 'succeeded' | 'failed',
): Promise<void> {
  const at = store.now();
  const runId = ids.run('fake', run, number);
  const common = {
    ...{
      platform: 'fake',
      repository: repositoryOf(run),
      status,
      statusAt: at,
      origin: 'live' as const,
      attempt: number,
    },
    endedAt: at,
  };
  await store.create('run', { ...common, id: runId, externalId: String(run), name: 'ci' });
  await Promise.all(
    Array.from({ length: jobs }, async (_, index) => {
      const name = `job-${index}`;
      const externalId = `${run}${number}${index}`;
      const id = ids.job('fake', run, externalId);
      await store.create('job', { ...common, id, runId, externalId, name, steps: [] });
      if (status === 'succeeded') return;
      await store.create('failure', {
        ...{ ...common, id, jobId: id, runId, externalId, name, failedAt: at, incidentId: INCIDENT },
        ...{ status: 'diagnosed', severity: 'medium', priority: 3 },
        ...(broken && index === 0
          ? { cause: 'typescript-error', category: 'automation', transient: false }
          : { cause: 'registry-server-error', category: 'network', transient: true }),
        excerpt: 'npm error 503 Service Unavailable - GET https://registry.example.com/left-pad',
      });
    }),
  );
}

/** Every so many runs of a mixed outage are broken by their own code as well: no rerun helps them, and none is asked for. */
const BROKEN_EVERY = 7;
const evenly = (runs: number) => (passed: number) => Math.ceil(passed * runs);

interface Case {
  says: string;
  runs: number;
  jobs: number;
  /** How many have failed once that share of the time has passed. */
  failed: (passed: number) => number;
  /** Seconds that a rerun takes. */
  takes?: number;
  /** Whether the master hears of a fix that did not help before anybody can know why. */
  told?: boolean;
  mixed?: boolean;
}

it.each<Case>([
  { says: '2,000 jobs of 200 runs', runs: 200, jobs: 10, failed: evenly(200) },
  { says: 'two runs a minute', runs: 60, jobs: 1, failed: evenly(60) },
  // The first has failed twice before anybody else has failed, so that the master is told.
  {
    says: 'two runs a minute, tried again within seconds',
    runs: 60,
    jobs: 1,
    failed: evenly(60),
    takes: 15,
    told: true,
  },
  {
    says: 'a run in four minutes, then ten a minute, some of them broken besides',
    ...{ runs: 105, jobs: 2, mixed: true, takes: 30, told: true },
    failed: (passed: number) => Math.ceil(Math.min(passed, 2 / 3) * 7.5 + Math.max(0, passed - 2 / 3) * 300),
  },
])(
  'is probed a few times and not stormed, and everything is recovered after it, within the budget: $says',
  async ({ runs, jobs, failed: failedBy, takes = 120, told = false, mixed = false }) => {
    const isBroken = (run: number) => mixed && run % BROKEN_EVERY === 0;
    const table = inMemory();
    const { store, time } = table;
    const start = time.now;
    const end = start + OUTAGE_MS;
    const fake = new FakePlatform();
    const deps = {
      ...{ store, platforms: { fake: fake.platform }, read: async () => ({}), settings, owner: 'worker' },
      now: () => time.now,
    };
    const at = store.now();
    await store.create('incident', {
      ...{ id: INCIDENT, fingerprint: 'registry-down', episode: 1, title: 'registry-server-error', status: 'open' },
      ...{ cause: 'registry-server-error', category: 'network', severity: 'medium', priority: 3, statusAt: at },
      ...{ firstSeenAt: at, lastSeenAt: at, platform: 'fake', repository: 'acme/shop-0', origin: 'live' },
    });
    const messages: string[] = ['open'];
    const hear = async () => {
      const status = (await store.get('incident', INCIDENT))?.status ?? 'gone';
      if (status !== 'open' && status !== 'fixing' && messages.at(-1) !== status) messages.push(status);
    };

    const attempts = new Map<number, number>();
    const again = new Map<number, number>();
    const acts: number[] = [];
    const underWay: { run: number; ends: number }[] = [];
    let failed = 0;
    const judge = async (run: number) => {
      const rest = await remediateRun(ids.run('fake', run, 1), deps);
      again.delete(run);
      if (rest.again) again.set(run, time.now + rest.seconds * 1000);
    };
    /** Once the outage is over nothing is left to wait for but these. */
    const waiting = async (until: number): Promise<number[]> => {
      const shards = await Promise.all(
        wakePartitions().map((shard) =>
          table.client.send(
            new QueryCommand({
              ...{ TableName: table.tableName, IndexName: INDEX.wake },
              KeyConditionExpression: 'wp = :wp AND wakeAt <= :until',
              ExpressionAttributeValues: { ':wp': shard, ':until': new Date(Math.min(until, FAR)).toISOString() },
            }),
          ),
        ),
      );
      const keys = shards.flatMap(({ Items = [] }) => Items).filter(({ sk }) => String(sk).startsWith('remediation#'));
      return [...new Set(keys.map(({ pk }) => Number(String(pk).split(':')[1])))];
    };
    for (let step = 0; time.now < end || again.size + (await waiting(Infinity)).length > 0; step++) {
      if (step > 8_000) throw new Error(`${await waiting(Infinity)} are never recovered`);
      const until = Math.min(runs, failedBy((time.now - start + STEP_MS) / OUTAGE_MS));
      const arrived: number[] = [];
      for (; failed < until; failed++) arrived.push(failed + 1);
      await Promise.all(
        arrived.map(async (run) => {
          attempts.set(run, 1);
          await attempt(store, { run, number: 1, jobs, broken: isBroken(run) }, 'failed');
          await judge(run);
        }),
      );
      await Promise.all([...again].filter(([, when]) => when <= time.now).map(([run]) => judge(run)));
      for (const run of await waiting(time.now)) {
        await verifyRun(ids.run('fake', run, 1), { store, now: () => time.now, settings });
        await judge(run);
        await hear();
      }
      time.now += STEP_MS;
      for (const { externalId } of fake.effects.slice(acts.length)) {
        acts.push(time.now - STEP_MS);
        underWay.push({ run: Number(externalId), ends: time.now + takes * 1000 });
      }
      while ((underWay[0]?.ends ?? Infinity) <= time.now) {
        const { run } = underWay.shift() as { run: number };
        const number = (attempts.get(run) ?? 1) + 1;
        attempts.set(run, number);
        await attempt(store, { run, number, jobs }, time.now < end ? 'failed' : 'succeeded');
        await verifyRun(ids.run('fake', run, 1), { store, now: () => time.now, settings });
        await judge(run);
        await hear();
      }
    }

    const during = acts.filter((when) => when < end).length;
    expect(during).toBeLessThan(20);
    expect(during).toBeGreaterThan(settings.outage.runs);
    const hours = new Map<number, number>();
    for (const when of acts) {
      const hour = Math.floor(when / 3_600_000);
      hours.set(hour, (hours.get(hour) ?? 0) + 1);
    }
    expect(Math.max(...hours.values())).toBeLessThanOrEqual(settings.budgets.perHour);
    const lost: number[] = [];
    for (let run = 1; run <= runs; run++) {
      const last = await store.get('run', ids.run('fake', run, attempts.get(run) ?? 1));
      if (last?.status !== 'succeeded') lost.push(run);
    }
    expect(lost).toEqual(Array.from({ length: runs }, (_, index) => index + 1).filter(isBroken));
    // What its own code has broken stays broken, and so does the incident that it is part of here.
    expect(messages).toEqual(['open', ...(told ? ['escalated'] : []), ...(mixed ? [] : ['resolved'])]);
    // Each attempt at most once: none is rerun twice.
    expect(new Set(fake.effects.map(({ subject }) => subject)).size).toBe(fake.effects.length);
  },
  600_000,
);
