import { afterAll, beforeAll, expect, it } from 'vitest';
import { frozen, type Traffic } from '../support/client.ts';
import { type Forge, type JobSpec, type ManualClock, manualClock } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import { openForge, pipeline } from './support/scenario.ts';

/** What QMOI depends on is down: many runs fail of one cause, and reruns fail as well, until it is up again. */

/** One each, so that none takes the place of another. */
const REPOSITORIES = 13;
let forge: Forge;
let clock: ManualClock;
let still: Traffic;
let host: TestHost;
let down = true;

beforeAll(async () => {
  clock = manualClock(Date.now());
  forge = await openForge('github', { clock, speed: 1 });
  still = frozen(forge, clock);
  host = await TestHost.boot({ clock: 'manual', forges: [forge] });
});
afterAll(async () => {
  await host?.end();
  await forge?.close();
});

/** QMOI's clock goes first, so that nothing comes to it from the future. */
async function pass(minutes: number, step = 1): Promise<void> {
  for (let minute = 0; minute < minutes; minute += step) {
    await host.pass(step, [still], step);
    clock.advance(step * 60_000);
    await host.settled(still);
  }
}

const failing = (): Partial<JobSpec> =>
  Object.defineProperty({ logMissingCalls: 0, steps: ['Run test'] }, 'thenOnRetry', {
    enumerable: true,
    get: () => (down ? 'failure' : 'success'),
  });

it('is probed now and then, and all is recovered after it, what was given up before anybody knew as well', async () => {
  const runs = Array.from({ length: REPOSITORIES }, (_, index) => {
    const spec = pipeline('test', { logMissingCalls: 0, steps: ['Run test'] });
    const jobs = spec.jobs.map((job) => (job.name === 'test' ? Object.assign(failing(), withoutRetry(job)) : job));
    return forge.repository(`acme/outage-${index}`).run({ ...spec, jobs: jobs as JobSpec[] });
  });
  const [early, ...others] = runs;
  void early?.play();
  await pass(2);
  expect(await host.list('incidents')).toMatchObject([{ status: 'escalated' }]);
  for (const run of others) void run.play();
  // All have failed before any rerun has ended.
  await pass(1);
  const first = forge.effects.length;
  expect(first).toBeGreaterThan(1);
  expect(first).toBeLessThan(runs.length);

  await pass(5);
  const during = forge.effects.length;
  expect(during).toBeGreaterThan(first);
  expect(during).toBeLessThan(20);
  const probes = (await host.list('remediations')).filter(({ probe }) => probe === true);
  expect(probes).toHaveLength(during - first);
  expect(probes.every(({ status }) => status === 'failed')).toBe(true);

  down = false;
  await pass(12, 3);
  for (const run of runs) {
    const attempts = await host.list('runs', { platform: 'github', externalId: String(run.id) });
    expect(attempts.map(({ status }) => status).at(0), `run ${run.id}`).toBe('succeeded');
  }
  expect(await host.list('incidents')).toMatchObject([{ status: 'resolved' }]);
  const outbox = await host.list('outbox');
  // That it began, that a rerun did not help, and that it is over.
  expect(outbox.map(({ topic }) => topic).sort()).toEqual(['Qmoi-error', 'Qmoi-error', 'Qmoi-status']);
});

/** Its outcome on a retry is told by whether the outage lasts. */
function withoutRetry({ thenOnRetry: _, ...job }: JobSpec): JobSpec {
  return job;
}
