import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { editedAssembly } from '../support/assembly.ts';
import { frozen, until } from '../support/client.ts';
import { type Forge, manualClock, type RunHandle } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import {
  expectFixed,
  fixedOnce,
  openForge,
  pick,
  pipeline,
  sendAll,
  storyOf,
  withBudgets,
} from './support/scenario.ts';

let forge: Forge;
let gitlab: Forge;
let host: TestHost;

beforeAll(async () => {
  [forge, gitlab] = await Promise.all([openForge('github'), openForge('gitlab')]);
  host = await TestHost.boot({ forges: [forge, gitlab] });
});
afterEach(async () => {
  for (const { id, status } of await host.list('controls')) {
    if (status !== 'running') await host.control(id, 'running');
  }
  await host.settled(forge, gitlab);
});
afterAll(async () => {
  await host?.end();
  await Promise.all([forge?.close(), gitlab?.close()]);
});

/** A run that the network broke, heard of from beginning to end. */
async function fail(repository: string, job = 'test', at = forge) {
  const run = at.repository(repository).run(pipeline(job, { logMissingCalls: 0, steps: [`Run ${job}`] }));
  await run.play();
  return run;
}

const ran = (run: Pick<RunHandle, 'id'>, at = forge) => at.effects.filter(({ runId }) => runId === run.id).length;
const heldFix = async (runId: number) => (await storyOf(host, 'github', runId)).remediations;

describe('stopped', () => {
  it('lets nothing happen, over a restart, and what it held is judged anew on release', async () => {
    const stop = await host.control('all', 'stopped', 'a hunch');
    expect([stop.status, stop.json]).toMatchObject([200, { status: 'stopped', reason: 'a hunch', scope: 'all' }]);
    const run = await fail('acme/stopped');
    await host.settled(forge);
    expect(ran(run)).toBe(0);
    expect(await heldFix(run.id)).toMatchObject([{ status: 'proposed', reason: expect.stringContaining('stopped') }]);
    const outbox = await host.list('outbox');
    expect(outbox.map(({ topic }) => topic).sort()).toEqual(['Qmoi-emergency', 'Qmoi-error']);

    host = await host.restart();
    expect(await host.get('controls', 'all')).toMatchObject({ status: 'stopped', reason: 'a hunch' });
    await host.settled(forge);
    expect(ran(run)).toBe(0);

    const release = await host.control('all', 'running');
    expect([release.status, release.json]).toMatchObject([200, { status: 'running' }]);
    await fixedOnce(forge, run);
    await host.settled(forge);
    await expectFixed(host, forge, run, 'test');
  });

  it('is judged anew and not run blindly: what somebody reran meanwhile is left alone', async () => {
    await host.control('all', 'stopped');
    const run = await fail('acme/hand', 'hand');
    await host.settled(forge);
    const byHand = await fetch(`${forge.url}/repos/acme/hand/actions/runs/${run.id}/rerun-failed-jobs`, {
      method: 'POST',
      headers: { authorization: 'Bearer ghp-the-token', 'user-agent': 'a person' },
    });
    expect(byHand.status).toBe(201);
    await host.settled(forge);
    await host.control('all', 'running');
    await host.settled(forge);
    expect(ran(run)).toBe(1);
    const { remediations, incidents } = await storyOf(host, 'github', run.id);
    expect(remediations.filter(({ status }) => ['executing', 'verifying', 'succeeded'].includes(status))).toEqual([]);
    expect(incidents).toMatchObject([{ status: 'resolved' }]);
  });

  it('waits for what is under way: 202 stopping until it has ended, then 200 stopped', async () => {
    // This forge's clock stands still: the answer to the rerun comes when the test says so.
    const clock = manualClock(Date.now());
    const slow = await openForge('github', { clock, speed: 1, seed: 'slow' });
    try {
      const still = frozen(slow, clock);
      host = await host.restart({ forges: [slow, gitlab] });
      slow.faults.add({ kind: 'slow', ms: 1_000, method: 'POST', path: 'rerun-failed-jobs' });
      const run = slow.repository('acme/slow').run(pipeline('slow', { logMissingCalls: 0 }));
      run.record();
      await sendAll(slow, pick(run, 'workflow_job.completed slow', 'workflow_run.completed'));
      await fixedOnce(slow, run);

      const first = await host.control('all', 'stopped');
      expect([first.status, first.json]).toMatchObject([202, { status: 'stopping' }]);
      clock.advance(1_000);
      const last = await until('the stop', async () => {
        const answer = await host.control('all', 'stopped');
        return answer.status === 200 ? answer : undefined;
      });
      expect(last.json).toMatchObject({ status: 'stopped' });
      expect(await heldFix(run.id)).toMatchObject([{ status: 'verifying' }]);

      // Stopped means that nothing is sent any more, not that nothing is seen.
      const other = slow.repository('acme/slow').run(pipeline('later', { logMissingCalls: 0 }));
      other.record();
      await sendAll(slow, pick(other, 'workflow_job.completed later', 'workflow_run.completed'));
      await host.settled(still);
      expect(await heldFix(other.id)).toMatchObject([{ status: 'proposed' }]);
      expect(ran(other, slow)).toBe(0);
    } finally {
      host = await host.restart({ forges: [forge, gitlab] });
      await slow.close();
    }
  });
});

it('paused starts nothing, and goes on when released', async () => {
  const pause = await host.control('all', 'paused');
  expect([pause.status, pause.json]).toMatchObject([200, { status: 'paused' }]);
  const run = await fail('acme/paused', 'paused');
  await host.settled(forge);
  expect(ran(run)).toBe(0);
  expect(await heldFix(run.id)).toMatchObject([{ status: 'proposed', reason: expect.stringContaining('paused') }]);
  await host.control('all', 'running');
  await fixedOnce(forge, run);
  await host.settled(forge);
  await expectFixed(host, forge, run, 'paused');
});

it.each([
  { scope: 'repository:ACME/Scope-2', inside: { github: 0, gitlab: 0 }, outside: { github: 1, gitlab: 1 } },
  { scope: 'platform:github', inside: { github: 0, gitlab: 1 }, outside: { github: 0, gitlab: 1 } },
])('stops its scope and no more: $scope', async ({ scope, inside, outside }) => {
  expect((await host.control(scope, 'stopped')).status).toBe(200);
  const name = scope.replace(/^.*[:/]/, '').toLowerCase();
  const runs = await Promise.all(
    [`acme/${name}`, `acme/${name}-not`].map(async (repository) => ({
      github: await fail(repository, repository.slice('acme/'.length)),
      gitlab: await fail(repository, repository.slice('acme/'.length), gitlab),
    })),
  );
  await host.settled(forge, gitlab);
  const counts = runs.map((run) => ({ github: ran(run.github), gitlab: ran(run.gitlab, gitlab) }));
  expect(counts).toEqual([inside, outside]);
});

it('holds what goes beyond the budget of an hour', async () => {
  // Time stands still, as the budget is of a clock's hour.
  const forges = [await openForge('github')];
  const tight = await TestHost.boot({ assemblyDir: await editedAssembly(withBudgets(2, 3)), clock: 'manual', forges });
  const [only] = forges as [Forge];
  try {
    // Nor does one end while time is moved on a little for whoever waits.
    if (Date.parse((await tight.status()).clock.now) % 3_600_000 > 57 * 60_000) await tight.pass(4);
    for (const [index, repository] of ['acme/a', 'acme/a', 'acme/a', 'acme/b', 'acme/c'].entries()) {
      await fail(repository, `job-${index}`, only);
      await tight.settled(only);
    }
    expect(only.effects.map(({ repository }) => repository)).toEqual(['acme/a', 'acme/a', 'acme/b']);
    const held = await tight.list('remediations', { status: 'proposed' });
    expect(held.map(({ repository, reason }) => [repository, reason]).sort()).toEqual([
      ['acme/a', expect.stringContaining("the repository's budget")],
      ['acme/c', expect.stringContaining('use up the budget')],
    ]);
  } finally {
    await tight.end();
    await only.close();
  }
});
