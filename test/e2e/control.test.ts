import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Forge, manualClock } from '../support/forges/index.ts';
import { editedAssembly, TestHost, until } from '../support/host.ts';
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
let host: TestHost;

beforeEach(async () => {
  forge = await openForge('github');
  host = await TestHost.boot({ forges: [forge] });
});
afterEach(async () => {
  await host?.end();
  await forge?.close();
});

/** A run that the network broke, heard of from beginning to end. */
async function fail(repository: string, job = 'test') {
  const run = forge.repository(repository).run(pipeline(job, { logMissingCalls: 0, steps: [`Run ${job}`] }));
  await run.play();
  return run;
}

const heldFix = async (runId: number) => (await storyOf(host, 'github', runId)).remediations;

describe('stopped', () => {
  it('lets nothing happen, over a restart, and what it held is judged anew on release', async () => {
    const stop = await host.control('all', 'stopped', 'a hunch');
    expect([stop.status, stop.json]).toMatchObject([200, { status: 'stopped', reason: 'a hunch', scope: 'all' }]);
    const run = await fail('acme/shop');
    await host.settled(forge);
    expect(forge.effects).toEqual([]);
    expect(await heldFix(run.id)).toMatchObject([{ status: 'proposed', reason: expect.stringContaining('stopped') }]);
    const outbox = await host.list('outbox');
    expect(outbox.map(({ topic }) => topic).sort()).toEqual(['Qmoi-emergency', 'Qmoi-error']);

    host = await host.restart();
    expect(await host.get('controls', 'all')).toMatchObject({ status: 'stopped', reason: 'a hunch' });
    await host.settled(forge);
    expect(forge.effects).toEqual([]);

    const release = await host.control('all', 'running');
    expect([release.status, release.json]).toMatchObject([200, { status: 'running' }]);
    await fixedOnce(forge, run);
    await host.settled(forge);
    await expectFixed(host, forge, run, 'test');
  });

  it('is judged anew and not run blindly: what somebody reran meanwhile is left alone', async () => {
    await host.control('all', 'stopped');
    const run = await fail('acme/shop');
    await host.settled(forge);
    const byHand = await fetch(`${forge.url}/repos/acme/shop/actions/runs/${run.id}/rerun-failed-jobs`, {
      method: 'POST',
      headers: { authorization: 'Bearer ghp-the-token', 'user-agent': 'a person' },
    });
    expect(byHand.status).toBe(201);
    await host.settled(forge);
    await host.control('all', 'running');
    await host.settled(forge);
    expect(forge.effects).toHaveLength(1);
    const { remediations, incidents } = await storyOf(host, 'github', run.id);
    expect(remediations.filter(({ status }) => ['executing', 'verifying', 'succeeded'].includes(status))).toEqual([]);
    expect(incidents).toMatchObject([{ status: 'resolved' }]);
  });

  it('waits for what is under way: 202 stopping until it has ended, then 200 stopped', async () => {
    await forge.close();
    // The forge's own clock stands still: the answer to the rerun comes when the test says so.
    const clock = manualClock(Date.now());
    forge = await openForge('github', { clock, speed: 1 });
    host = await host.restart({ forges: [forge] });
    forge.faults.add({ kind: 'slow', ms: 1_000, method: 'POST', path: 'rerun-failed-jobs' });
    const run = forge.repository('acme/shop').run(pipeline('test', { logMissingCalls: 0 }));
    run.record();
    await sendAll(forge, pick(run, 'workflow_job.completed test', 'workflow_run.completed'));
    await fixedOnce(forge, run);

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
    const other = forge.repository('acme/shop').run(pipeline('test', { logMissingCalls: 0 }));
    other.record();
    await sendAll(forge, pick(other, 'workflow_job.completed test', 'workflow_run.completed'));
    await until('the second failure to be held', async () => (await heldFix(other.id)).length > 0);
    expect(forge.effects).toHaveLength(1);
  });
});

it('paused starts nothing, and goes on when released', async () => {
  const pause = await host.control('all', 'paused');
  expect([pause.status, pause.json]).toMatchObject([200, { status: 'paused' }]);
  const run = await fail('acme/shop');
  await host.settled(forge);
  expect(forge.effects).toEqual([]);
  expect(await heldFix(run.id)).toMatchObject([{ status: 'proposed', reason: expect.stringContaining('paused') }]);
  await host.control('all', 'running');
  await fixedOnce(forge, run);
  await host.settled(forge);
  await expectFixed(host, forge, run, 'test');
});

it.each(['repository:acme/shop', 'repository:ACME/Shop', 'platform:github'])(
  'stops no more than its scope: %s',
  async (scope) => {
    const gitlab = await openForge('gitlab');
    try {
      host = await host.restart({ forges: [forge, gitlab] });
      expect((await host.control(scope, 'stopped')).status).toBe(200);
      const inside = await fail('acme/shop');
      const elsewhere = await fail('acme/other', 'other');
      const there = gitlab.repository('acme/shop').run(pipeline('there', { logMissingCalls: 0 }));
      // A repository's scope holds on every platform; GitLab's project has another name here.
      const away = gitlab.repository('acme/elsewhere').run(pipeline('away', { logMissingCalls: 0 }));
      await Promise.all([there.play(), away.play()]);
      await host.settled(forge, gitlab);
      const ran = (of: Forge, id: number) => of.effects.some(({ runId }) => runId === id);
      const wholePlatform = scope.startsWith('platform:');
      expect({
        inside: ran(forge, inside.id),
        elsewhere: ran(forge, elsewhere.id),
        there: ran(gitlab, there.id),
        away: ran(gitlab, away.id),
      }).toEqual({ inside: false, elsewhere: !wholePlatform, there: wholePlatform, away: true });
    } finally {
      await gitlab.close();
    }
  },
);

it('holds what goes beyond the budget of an hour', async () => {
  const assemblyDir = await editedAssembly(withBudgets(2, 3));
  // Time stands still, as the budget is of a clock's hour.
  host = await host.restart({ assemblyDir, clock: 'manual' });
  for (const [index, repository] of ['acme/a', 'acme/a', 'acme/a', 'acme/b', 'acme/c'].entries()) {
    await fail(repository, `job-${index}`);
    await host.settled(forge);
  }
  expect(forge.effects.map(({ repository }) => repository)).toEqual(['acme/a', 'acme/a', 'acme/b']);
  const held = await host.list('remediations', { status: 'proposed' });
  expect(held.map(({ repository, reason }) => [repository, reason]).sort()).toEqual([
    ['acme/a', expect.stringContaining("the repository's budget")],
    ['acme/c', expect.stringContaining('use up the budget')],
  ]);
});
