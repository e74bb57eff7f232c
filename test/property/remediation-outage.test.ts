import { expect, it } from 'vitest';
import { remediateRun, verifyRun } from '../../shared/remediation/index.ts';
import { remediationSettings } from '../../shared/runtime/remediation-settings.ts';
import { ids, type Store } from '../../shared/store/index.ts';
import { FakePlatform } from '../support/fake-platform.ts';
import { inMemory } from '../support/memory-table.ts';

/** A registry is down for 30 minutes, and jobs of runs in 20 repositories fail of it. */

const REPOSITORIES = 20;
const OUTAGE_MS = 30 * 60_000;
const STEP_MS = 15_000;
const RERUN_TAKES_MS = 120_000;
const INCIDENT = ids.incident('registry-down', 1);
const settings = remediationSettings.parse({ budgets: { perRepositoryPerHour: 20, perHour: 120 } });

const repositoryOf = (run: number) => `acme/shop-${run % REPOSITORIES}`;
/** An attempt of a run that has ended: all of its jobs well, or all of them for the registry. */
async function attempt(
  store: Store,
  { run, number, jobs }: { run: number; number: number; jobs: number },
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
        ...{ ...common, id, jobId: id, runId, externalId, name, failedAt: at, incidentId: INCIDENT, transient: true },
        ...{
          status: 'diagnosed',
          cause: 'registry-server-error',
          category: 'network',
          severity: 'medium',
          priority: 3,
        },
        excerpt: 'npm error 503 Service Unavailable - GET https://registry.example.com/left-pad',
      });
    }),
  );
}

it.each([
  { says: '2,000 jobs of 200 runs', runs: 200, jobs: 10, early: 0 },
  // What fails twice before enough have failed to tell is nothing that anybody could know to be an outage.
  { says: 'two runs a minute', runs: 60, jobs: 1, early: settings.outage.runs },
])(
  'is probed a few times and not stormed, and everything is recovered after it, within the budget: $says',
  async ({ runs, jobs, early }) => {
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
    const due = new Map<number, number>();
    const acts: number[] = [];
    const underWay: { run: number; ends: number }[] = [];
    let failed = 0;
    const judge = async (run: number) => {
      const rest = await remediateRun(ids.run('fake', run, 1), deps);
      const fixes = await store.partition(`run#fake:${run}`, 'remediation#');
      const wakes = fixes.filter(({ status }) => status === 'proposed').map(({ wakeAt }) => Date.parse(String(wakeAt)));
      due.delete(run);
      if (rest.again) due.set(run, time.now + rest.seconds * 1000);
      else if (wakes.length > 0) due.set(run, Math.min(...wakes));
    };
    for (let step = 0; time.now < end || due.size + underWay.length > 0; step++) {
      if (step > 8_000) throw new Error(`${due.size} runs are never recovered`);
      // What fails, fails evenly over the time of the outage.
      const until = Math.min(runs, Math.ceil(((time.now - start + STEP_MS) / OUTAGE_MS) * runs));
      const arrived: number[] = [];
      for (; failed < until; failed++) arrived.push(failed + 1);
      await Promise.all(
        arrived.map(async (run) => {
          attempts.set(run, 1);
          await attempt(store, { run, number: 1, jobs }, 'failed');
          await judge(run);
        }),
      );
      await Promise.all([...due].filter(([, when]) => when <= time.now).map(([run]) => judge(run)));
      time.now += STEP_MS;
      for (const { externalId } of fake.effects.slice(acts.length)) {
        acts.push(time.now - STEP_MS);
        underWay.push({ run: Number(externalId), ends: time.now + RERUN_TAKES_MS });
      }
      while ((underWay[0]?.ends ?? Infinity) <= time.now) {
        const { run } = underWay.shift() as { run: number };
        const number = (attempts.get(run) ?? 1) + 1;
        attempts.set(run, number);
        await attempt(store, { run, number, jobs }, time.now < end ? 'failed' : 'succeeded');
        await verifyRun(ids.run('fake', run, 1), { store, now: () => time.now });
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
    expect(lost.filter((run) => run > early)).toEqual([]);
    expect(messages).toEqual(early === 0 ? ['open', 'resolved'] : ['open', 'escalated']);
    // Each attempt at most once: none is rerun twice.
    expect(new Set(fake.effects.map(({ subject }) => subject)).size).toBe(fake.effects.length);
  },
  600_000,
);
