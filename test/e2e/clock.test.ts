import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { editedAssembly } from '../support/assembly.ts';
import { frozen, type Traffic } from '../support/client.ts';
import { type Forge, type JobSpec, type ManualClock, manualClock, type RunHandle } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import { expectFixed, openForge, pick, pipeline, sendAll, storyOf, withBudgets } from './support/scenario.ts';

let clock: ManualClock;
let forge: Forge;
let host: TestHost;
let still: Traffic;

beforeAll(async () => {
  clock = manualClock(Date.now());
  forge = await openForge('github', { clock, speed: 1 });
  still = frozen(forge, clock);
  // One action an hour is all that each of these tests needs, in a repository of its own.
  const assemblyDir = await editedAssembly(withBudgets(1, 100));
  host = await TestHost.boot({ clock: 'manual', forges: [forge], assemblyDir });
});
beforeEach(async () => {
  // The forge's time follows QMOI's.
  clock.advance(Math.max(0, Date.parse((await host.status()).clock.now) - clock.now()));
  await host.settled(still);
});
afterAll(async () => {
  await host?.end();
  await forge?.close();
});

/** A run that failed a moment ago, told by the ends of its job and of itself. */
async function fail(name: string, failing: Partial<JobSpec> = {}, repository = `acme/${name}`): Promise<RunHandle> {
  const run = forge
    .repository(repository)
    .run(pipeline(name, { logMissingCalls: 0, steps: [`Run ${name}`], ...failing }));
  run.record();
  await sendAll(forge, pick(run, `workflow_job.completed ${name}`, 'workflow_run.completed'));
  await host.settled(still);
  return run;
}

const ran = (run: RunHandle) => forge.effects.filter(({ runId }) => runId === run.id).length;

const eventsOf = async (run: RunHandle) =>
  (await storyOf(host, 'github', run.id)).notifications.map(({ event, status }) => [event, status]).sort();

it('gives a held fix up after half an hour, and hands it to the master', async () => {
  await host.control('all', 'stopped');
  const run = await fail('held');
  expect((await storyOf(host, 'github', run.id)).remediations).toMatchObject([{ status: 'proposed' }]);
  await host.pass(25, [still]);
  expect((await storyOf(host, 'github', run.id)).remediations).toMatchObject([{ status: 'proposed' }]);
  await host.pass(20, [still]);
  const { remediations, incidents } = await storyOf(host, 'github', run.id);
  expect(remediations).toMatchObject([{ status: 'expired', reason: expect.stringContaining('minutes ago') }]);
  expect(incidents).toMatchObject([{ status: 'escalated' }]);
  expect(await eventsOf(run)).toEqual([
    ['incident.escalated', 'sent'],
    ['incident.open', 'sent'],
  ]);
  // What has expired stays so, whatever the master says afterwards.
  await host.control('all', 'running');
  await host.pass(5, [still]);
  expect(ran(run)).toBe(0);
});

it('takes a fix up that the budget held, once the next hour has begun', async () => {
  const now = Date.parse((await host.status()).clock.now);
  const hour = 3_600_000;
  const tenToTheHour = Math.ceil(now / hour + 1) * hour - 10 * 60_000;
  await host.pass((tenToTheHour - now) / 60_000, [], 30);
  clock.advance(tenToTheHour - now);
  const first = await fail('first', {}, 'acme/a');
  const second = await fail('second', {}, 'acme/a');
  expect([ran(first), ran(second)]).toEqual([1, 0]);
  await host.pass(13, [still]);
  expect([ran(first), ran(second)]).toEqual([1, 1]);
  clock.drain();
  await host.settled(still);
  await expectFixed(host, forge, second, 'second');
});

it('stops waiting for the outcome of a fix after six hours, and escalates', async () => {
  const run = await fail('silent');
  expect(ran(run)).toBe(1);
  expect((await storyOf(host, 'github', run.id)).remediations).toMatchObject([{ status: 'verifying' }]);
  await host.pass(355, [still], 60);
  expect((await storyOf(host, 'github', run.id)).remediations).toMatchObject([{ status: 'verifying' }]);
  await host.pass(20, [still], 5);
  const { remediations, incidents } = await storyOf(host, 'github', run.id);
  expect(remediations).toMatchObject([{ status: 'failed', reason: expect.stringContaining('360 minutes') }]);
  expect(incidents).toMatchObject([{ status: 'escalated' }]);
  expect(await eventsOf(run)).toEqual([
    ['incident.escalated', 'sent'],
    ['incident.open', 'sent'],
  ]);
  expect(ran(run)).toBe(1);
});

it('diagnoses without a log that never comes, and retries nothing', async () => {
  const run = await fail('logless', { logMissingCalls: Number.MAX_SAFE_INTEGER });
  expect((await storyOf(host, 'github', run.id)).failures).toMatchObject([{ status: 'detected' }]);
  await host.pass(20, [still]);
  const { failures, remediations } = await storyOf(host, 'github', run.id);
  expect(failures).toMatchObject([
    { status: 'diagnosed', cause: 'log-unavailable', category: 'unknown', transient: null },
  ]);
  expect(remediations).toMatchObject([{ status: 'refused' }]);
  expect(ran(run)).toBe(0);
});

it('neither acts on nor tells what is older than half an hour', async () => {
  const run = forge.repository('acme/old').run(pipeline('old', { logMissingCalls: 0 }));
  run.record();
  await host.pass(31, [still], 31);
  await sendAll(forge, pick(run, 'workflow_job.completed old', 'workflow_run.completed'));
  await host.settled(still);
  await host.pass(3, [still]);
  expect(ran(run)).toBe(0);
  const { runs, remediations, notifications } = await storyOf(host, 'github', run.id);
  expect(runs).toMatchObject([{ status: 'failed' }]);
  expect(remediations).toMatchObject([{ status: 'refused', reason: expect.stringContaining('minutes ago') }]);
  expect(notifications).toEqual([]);
});
