import { afterAll, beforeAll, expect, it } from 'vitest';
import { editedAssembly } from '../support/assembly.ts';
import { frozen, type Item, type Traffic } from '../support/client.ts';
import { type Forge, type JobSpec, type ManualClock, manualClock, type RunHandle } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import { LOGS, openForge, pipeline, storyOf, withRemediation } from './support/scenario.ts';

/** What goes beyond one fix of one run: one job before the others, one machine for all of its jobs, and what lasts for a time. */

let forge: Forge;
let github: Forge;
let clocks: [ManualClock, ManualClock];
let still: Traffic[];
let host: TestHost;

beforeAll(async () => {
  clocks = [manualClock(Date.now()), manualClock(Date.now())];
  forge = await openForge('gitlab', { clock: clocks[0], speed: 1 });
  github = await openForge('github', { clock: clocks[1], speed: 1 });
  still = [frozen(forge, clocks[0]), frozen(github, clocks[1])];
  const playbooks = {
    'retry-failed-jobs': 'off',
    'patient-retry': 'act',
    'quarantine-runner': 'act',
    'github-ladder': 'act',
  };
  const assemblyDir = await editedAssembly(withRemediation({ playbooks, tiers: { askFrom: 4, max: 3 } }));
  host = await TestHost.boot({ clock: 'manual', forges: [forge, github], assemblyDir });
});
afterAll(async () => {
  await host?.end();
  await Promise.all([forge?.close(), github?.close()]);
});

/** QMOI's clock goes first, so that nothing comes to it from the future. */
async function pass(minutes: number, step = minutes): Promise<void> {
  for (let minute = 0; minute < minutes; minute += step) {
    await host.pass(step, still, step);
    for (const clock of clocks) clock.advance(step * 60_000);
    await host.settled(...still);
  }
}

const effectsOf = (runId: number) => forge.effects.filter((effect) => effect.runId === runId).map(({ kind }) => kind);
const statusOf = async (runId: number) =>
  (await host.list('runs', { platform: 'gitlab', externalId: String(runId) })).map(({ status }) => status)[0];

it('canary: one job of a run is tried first, and the others once it has helped', async () => {
  const failing = { outcome: 'failure', thenOnRetry: 'success', log: LOGS.transient, logMissingCalls: 0 } as const;
  const jobs = ['lint', 'test', 'build'].map((name): JobSpec => ({ name, stage: 'check', ...failing }));
  const run = forge.repository('acme/canary').run({ workflow: 'ci', jobs });
  void run.play();
  await pass(1);
  expect(effectsOf(run.id)).toHaveLength(1);
  await pass(3, 1);
  expect(effectsOf(run.id)).toHaveLength(3);
  expect(await statusOf(run.id)).toBe('succeeded');
});

/** A machine on which everything fails until it is paused: two jobs, each of another kind, in a repository each. */
function bad(name: string) {
  const { id } = forge.resources.add('runners', undefined, { paused: false, status: 'online' });
  const isPaused = () => forge.resources.find('runners', undefined, String(id))?.paused === true;
  const runs = [LOGS.reset, LOGS.empty].map((log, index) => {
    const { jobs, ...spec } = pipeline(`${name}-${index}`, {
      log,
      logMissingCalls: 0,
      runner: { id, name, labels: [] },
    });
    const depends = { enumerable: true, get: () => (isPaused() ? 'success' : 'failure') };
    const untilPaused = ({ thenOnRetry, ...job }: JobSpec): JobSpec =>
      thenOnRetry === undefined ? job : Object.defineProperty(job, 'thenOnRetry', depends);
    return forge.repository(`acme/${name}-${index}`).run({ ...spec, jobs: jobs.map(untilPaused) });
  }) as [RunHandle, RunHandle];
  const pause = async (): Promise<Item | undefined> =>
    (await storyOf(host, 'gitlab', runs[1].id)).remediations.find(({ action }) => action === 'pause-runner');
  const writes = () =>
    forge.calls.filter(({ method, path }) => method === 'PUT' && path.endsWith(`/runners/${id}`)).length;
  return { runs, isPaused, pause, writes };
}

/** Has the second repository's jobs pass or fail, one run each. */
async function six(name: string, job: Partial<JobSpec>): Promise<void> {
  for (let index = 0; index < 6; index++) {
    const spec = {
      workflow: 'ci',
      branch: `${name}-${index}`,
      jobs: [{ name, stage: 'check', logMissingCalls: 0, ...job }],
    };
    void forge.repository('acme/rusty-1').run(spec).play();
  }
  await pass(2, 1);
}

const told = async (): Promise<string[]> => (await host.list('outbox')).map(({ subject }) => String(subject));
const rusty = { current: undefined as ReturnType<typeof bad> | undefined };

it('systematic: the machine behind two incidents is paused once, and all that failed there is tried again', async () => {
  await six('before', {});
  const machine = bad('rusty');
  rusty.current = machine;
  const [first, second] = machine.runs;
  void first.play();
  await pass(2, 1);
  // It was tried by itself, and failed there again.
  expect(effectsOf(first.id)).toHaveLength(1);
  expect(machine.isPaused()).toBe(false);
  void second.play();
  await pass(5, 1);
  expect(machine.isPaused()).toBe(true);
  expect(machine.writes()).toBe(1);
  for (const { id } of machine.runs) expect(await statusOf(id)).toBe('succeeded');
  expect(effectsOf(first.id)).toHaveLength(2);
  expect(effectsOf(second.id)).toHaveLength(1);
  expect((await host.list('incidents')).map(({ status }) => status)).toEqual(['resolved', 'resolved', 'resolved']);
});

it('harm: where runs fail since, the machine takes jobs again at once, and the master hears why', async () => {
  const machine = rusty.current;
  await six('since', { outcome: 'failure', log: LOGS.deterministic });
  expect(machine?.isPaused()).toBe(true);
  await pass(28);
  await pass(3, 1);
  expect(machine?.isPaused()).toBe(false);
  expect(await machine?.pause()).toMatchObject({
    status: 'rolled-back',
    harm: expect.stringContaining('6 of 7 runs failed since'),
  });
  expect((await told()).filter((subject) => subject.includes('did harm'))).toEqual([
    'Taken back, as it did harm: pause-runner for acme/rusty-1',
  ]);
});

it('expiry: a machine that is paused takes jobs again after a day, by itself', async () => {
  const machine = bad('dusty');
  for (const run of machine.runs) {
    void run.play();
    await pass(2, 1);
  }
  await pass(3, 1);
  for (const { id } of machine.runs) expect(await statusOf(id)).toBe('succeeded');
  await pass(23 * 60);
  expect(machine.isPaused()).toBe(true);
  await pass(60);
  await pass(3, 1);
  expect(machine.isPaused()).toBe(false);
  expect(machine.writes()).toBe(2);
  expect(await machine.pause()).toMatchObject({ status: 'rolled-back', harm: null });
});

it('comprehensive: what a rerun does not mend is tried again without the caches that it has used', async () => {
  const repository = 'acme/cache';
  for (const key of ['npm-1', 'npm-2']) github.resources.add('caches', repository, { key, ref: 'refs/heads/main' });
  const left = () => github.resources.list('caches', repository).map(({ key }) => key);
  const job = { log: `Cache restored from key: npm-1\n${LOGS.unknown}`, logMissingCalls: 0, steps: ['Run cache'] };
  const { jobs, ...spec } = pipeline('cache', job);
  const depends = { enumerable: true, get: () => (left().includes('npm-1') ? 'failure' : 'success') };
  const untilCleared = ({ thenOnRetry, ...one }: JobSpec): JobSpec =>
    thenOnRetry === undefined ? one : Object.defineProperty(one, 'thenOnRetry', depends);
  const run = github.repository(repository).run({ ...spec, jobs: jobs.map(untilCleared) });
  void run.play();
  await pass(8, 1);
  const { runs, failures, remediations, incidents } = await storyOf(host, 'github', run.id);
  expect(failures.map(({ caches }) => caches)).toEqual([['npm-1'], ['npm-1'], ['npm-1']]);
  const steps = remediations.filter(({ plan }) => plan !== null).sort((a, b) => Number(a.step) - Number(b.step));
  expect(steps.map(({ action, status }) => [action, status])).toEqual([
    ['rerun-failed-jobs', 'failed'],
    ['rerun-with-debug', 'failed'],
    ['delete-cache', 'succeeded'],
    ['rerun-failed-jobs', 'succeeded'],
  ]);
  // Another's cache stays.
  expect([left(), runs.at(-1)?.status]).toEqual([['npm-2'], 'succeeded']);
  expect(incidents.map(({ status }) => status)).toEqual(['resolved']);
  await host.nothingDenied();
});
