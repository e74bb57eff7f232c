import { afterAll, beforeAll, expect, it } from 'vitest';
import { main } from '../../cli/main.ts';
import { editedAssembly } from '../support/assembly.ts';
import type { Forge } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import { ioOf } from '../unit/cli/io.ts';
import {
  expectContractKept,
  LOGS,
  openForge,
  pipeline,
  storyOf,
  withRemediation,
  writesOf,
} from './support/scenario.ts';

/** Plans of several steps, from the webhook to what they leave behind at the forge. */

const EVENTS = 'events-token-of-the-tests';

let forge: Forge;
let github: Forge;
let host: TestHost;

beforeAll(async () => {
  [forge, github] = await Promise.all([openForge('gitlab'), openForge('github')]);
  const assemblyDir = await editedAssembly(
    withRemediation({
      playbooks: { 'retry-failed-jobs': 'off', 'gitlab-ladder': 'act', 'patient-retry': 'act' },
      tiers: { askFrom: 4, max: 3 },
    }),
  );
  const settings = { QMOI_EVENTS_TOKEN: EVENTS };
  host = await TestHost.boot({ clock: 'manual', forges: [forge, github], assemblyDir, settings });
});
afterAll(async () => {
  await host?.end();
  await Promise.all([forge?.close(), github?.close()]);
});

/** A machine of the forge's, and a job that fails on it, as on any other. */
function failingOn(name: string) {
  const { id } = forge.resources.add('runners', undefined, { paused: false, status: 'online' });
  const runner = { id, name, labels: ['linux'] };
  const failing = { thenOnRetry: ['failure', 'failure'] as const, log: LOGS.unknown, logMissingCalls: 0 };
  const run = forge.repository(`acme/${name}`).run(pipeline(name, { ...failing, runner, steps: [`Run ${name}`] }));
  return { run, isPaused: () => forge.resources.find('runners', undefined, String(id))?.paused, id };
}

/** What was written at the forge, by the ends of the paths. */
const written = (since: number) =>
  forge.calls
    .slice(since)
    .flatMap(({ method, path }) => (method === 'GET' ? [] : `${method} ${path.split('/').at(-1)}`));

it('climbs a ladder step by step, tells the master by an issue, and leaves the runner as it was', async () => {
  const since = forge.calls.length;
  const { run, isPaused, id } = failingOn('ladder');
  await run.play();
  await host.settled(forge);
  // What is taken back and what a platform's word alone tells of is looked at by the minute.
  await host.pass(6, [forge]);
  const { remediations, incidents } = await storyOf(host, 'gitlab', run.id);
  expect(written(since)).toEqual(['POST retry', `PUT ${id}`, 'POST retry', 'POST issues', `PUT ${id}`]);
  expect(isPaused()).toBe(false);
  expect(forge.resources.list('issues', 'acme/ladder')).toMatchObject([
    { state: 'open', description: expect.stringContaining('ledger 7 does not balance') },
  ]);
  const steps = remediations.filter(({ plan }) => plan !== null).sort((a, b) => Number(a.step) - Number(b.step));
  expect(steps.map(({ action, status }) => [action, status])).toEqual([
    ['retry-job', 'failed'],
    ['pause-runner', 'rolled-back'],
    ['retry-job', 'failed'],
    ['open-issue', 'succeeded'],
  ]);
  expect(incidents).toMatchObject([{ status: 'escalated' }]);
  await host.nothingDenied();
});

it('takes back what was asked for by hand, once, as the master says', async () => {
  const { run, isPaused, id } = failingOn('hand');
  await host.control('repository:acme/hand', 'paused');
  await run.play();
  await host.settled(forge);
  await host.control('repository:acme/hand', 'running');
  const post = (path: string, body: object) =>
    host.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const asked = await post('/v1/remediations', {
    ...{ runId: `gitlab:${run.id}:1`, action: 'pause-runner', parameters: { runner: String(id) }, lastsHours: 4 },
  });
  expect(asked.status).toBe(202);
  await host.settled(forge);
  await host.pass(3, [forge]);
  expect(isPaused()).toBe(true);
  const [fix] = (await storyOf(host, 'gitlab', run.id)).remediations.filter(({ playbook }) => playbook === 'by-hand');
  expect(fix).toMatchObject({ status: 'succeeded' });
  const qmoi = async (...args: string[]) => {
    const io = ioOf({ env: { QMOI_SERVER_URL: host.url, QMOI_MASTER_TOKEN: host.token } });
    expect(await main(args, io)).toBe(0);
    return io.texts().out;
  };
  const guard = `quarantine-runner:gitlab:${id}`;
  expect(await qmoi('guards')).toMatch(
    new RegExp(`^${guard}  in-force until .* hits, about [\\d.]+ failures prevented\n`),
  );
  expect(await qmoi('guards', 'delete', guard)).toBe(`${guard}: lifting\n`);
  const path = `/v1/remediations/${encodeURIComponent(String(fix?.id))}/rollback`;
  expect((await post(path, {})).status).toBe(202);
  await host.settled(forge);
  await host.pass(4, [forge]);
  expect(isPaused()).toBe(false);
  expect(await host.get('remediations', String(fix?.id))).toMatchObject({ status: 'rolled-back' });
});

it('on GitHub too, tries one job of one run of an incident first, and what is left of both once that has helped', async () => {
  const since = github.calls.length;
  const failing = { outcome: 'failure', thenOnRetry: 'success', log: LOGS.transient, logMissingCalls: 0 } as const;
  const jobs = ['lint', 'test'].map((name) => ({ name, stage: 'test', ...failing }));
  const runs = ['main', 'next'].map((branch) => github.repository('acme/canary').run({ workflow: 'ci', branch, jobs }));
  await host.control('repository:acme/canary', 'paused');
  for (const run of runs) await run.play();
  await host.settled(github);
  await host.control('repository:acme/canary', 'running');
  await host.settled(github);
  await host.pass(5, [github]);
  const asked = writesOf(github.calls.slice(since)).map(({ path }) => path.replace(/.*\/actions\/(\w+)\/\d+/, '$1'));
  expect([...asked].sort()).toEqual([...Array(2).fill('jobs/rerun'), ...Array(2).fill('runs/rerun-failed-jobs')]);
  const stories = await Promise.all(runs.map((run) => storyOf(host, 'github', run.id)));
  for (const { runs: attempts, remediations, incidents } of stories) {
    expect(attempts.map(({ status }) => status)).toEqual(['failed', 'failed', 'succeeded']);
    const done = remediations.filter(({ plan }) => plan !== null).sort((a, b) => Number(a.step) - Number(b.step));
    expect(done.map(({ action, attempt, status }) => [action, attempt, status])).toEqual([
      ['rerun-job', 1, 'succeeded'],
      ['rerun-failed-jobs', 2, 'succeeded'],
    ]);
    expect(incidents.map(({ status }) => status)).toEqual(incidents.map(() => 'resolved'));
  }
  expectContractKept(github);
});

it('holds what lies in a window of maintenance that an event has opened, and judges it anew at its end', async () => {
  const say = async (what: string) => {
    const time = (await host.status()).clock.now;
    const data = { scope: 'repository:acme/held', reason: 'the registry moves' };
    const event = { specversion: '1.0', id: what, source: '/ops', type: `dev.qmoi.maintenance.${what}`, time, data };
    const sent = await host.request('/webhooks/events', {
      ...{ method: 'POST', token: EVENTS, body: JSON.stringify(event) },
      headers: { 'content-type': 'application/cloudevents+json' },
    });
    expect(sent.status).toBe(202);
    await host.settled(forge);
  };
  await say('started');
  const open = await host.request('/v1/maintenance', {});
  expect(open).toMatchObject({
    json: { items: [{ repository: 'acme/held', reason: 'the registry moves', runner: null }] },
  });
  const run = forge.repository('acme/held').run(pipeline('test', { logMissingCalls: 0 }));
  await run.play();
  await host.settled(forge);
  await host.pass(40, [forge], 5);
  const fixes = async () => (await storyOf(host, 'gitlab', run.id)).remediations;
  expect([await fixes(), forge.effects.filter(({ runId }) => runId === run.id)]).toMatchObject([
    [{ status: 'proposed', reason: 'maintenance: the registry moves' }],
    [],
  ]);
  await say('ended');
  await host.pass(3, [forge]);
  expect(await fixes()).toMatchObject([{ status: 'succeeded', action: 'retry-job' }]);
  expect(await host.request('/v1/maintenance', {})).toMatchObject({ json: { items: [] } });
  await host.nothingDenied();
});
