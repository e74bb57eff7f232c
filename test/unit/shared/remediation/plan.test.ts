import { describe, expect, it } from 'vitest';
import { answerApproval } from '../../../../shared/remediation/index.ts';
import { readEffects, tallyOf } from '../../../../shared/remediation/learning/index.ts';
import { INCIDENT, type PlannedWorld, plannedWorld } from '../../../support/planned-world.ts';

/** All of GitLab's ladder, at the end of which nothing has helped. */
async function climb({ attemptEnds, settle }: PlannedWorld) {
  for (const attempt of [1, 2, 3]) {
    await attemptEnds(attempt, 'failed');
    await settle();
  }
}
const ALL_OF_IT = ['rerun 1', 'pause-runner 2', 'rerun 2', 'open-issue 3', 'resume-runner 2'];

describe('a ladder', () => {
  it('is climbed step by step; when nothing helps, the master is told and what was changed is taken back', async () => {
    const it = await plannedWorld('gitlab', 'gitlab-ladder');
    await it.attemptEnds(1, 'failed');
    await it.settle();
    expect([it.did(), await it.incident()]).toEqual([['rerun 1'], 'fixing']);
    await it.attemptEnds(2, 'failed');
    await it.settle();
    expect([it.did(), await it.incident()]).toEqual([['rerun 1', 'pause-runner 2', 'rerun 2'], 'fixing']);
    await it.attemptEnds(3, 'failed');
    await it.settle();
    expect([it.did(), await it.incident()]).toEqual([ALL_OF_IT, 'escalated']);
    expect(it.sent[1]?.parameters).toEqual({ runner: '7' });
    expect(it.sent[3]?.parameters).toEqual({
      key: INCIDENT,
      title: 'test keeps failing of unknown',
      body: expect.stringContaining('the very lines'),
    });
    expect(await it.fixOf('pause-runner')).toMatchObject([
      { status: 'rolled-back', plan: 'gitlab:5:rerun:1', step: 1 },
    ]);
    expect(await it.fixOf('open-issue')).toMatchObject([{ status: 'succeeded', step: 3 }]);
    // As one case, however many steps there were.
    expect(await tallyOf(it.store, { cause: 'unknown', playbook: 'gitlab-ladder' })).toEqual({
      successes: 0,
      failures: 1,
    });
  });

  it('ends where a step helps, and keeps what helped', async () => {
    const it = await plannedWorld('gitlab', 'gitlab-ladder');
    await it.attemptEnds(1, 'failed');
    await it.settle();
    await it.attemptEnds(2, 'failed');
    await it.settle();
    await it.attemptEnds(3, 'succeeded');
    await it.settle();
    expect([it.did(), await it.incident()]).toEqual([['rerun 1', 'pause-runner 2', 'rerun 2'], 'resolved']);
    expect((await it.fixes()).map(({ status }) => status)).toEqual(['succeeded', 'failed', 'succeeded']);
    expect(await tallyOf(it.store, { cause: 'unknown', playbook: 'gitlab-ladder' })).toEqual({
      successes: 1,
      failures: 0,
    });
    expect(await readEffects(it.store)).toHaveLength(1);
  });

  it('leaves out a step that there is nothing known for', async () => {
    const it = await plannedWorld('gitlab', 'gitlab-ladder');
    for (const attempt of [1, 2, 3]) {
      await it.attemptEnds(attempt, 'failed', { runner: '' });
      await it.settle();
    }
    expect(it.did()).toEqual(['rerun 1', 'rerun 2', 'open-issue 3']);
  });

  it.each([
    [
      ['npm-1', 'turbo-1'],
      ['rerun 1', 'rerun-with-debug 2', 'delete-cache 3', 'delete-cache 3', 'rerun 3', 'open-issue 4'],
    ],
    [[], ['rerun 1', 'rerun-with-debug 2', 'open-issue 3']],
  ])(
    'clears the caches that the job has used, and tries again only where there were any: %j',
    async (caches, steps) => {
      const it = await plannedWorld('github', 'github-ladder');
      for (const attempt of caches.length > 0 ? [1, 2, 3, 4] : [1, 2, 3]) {
        await it.attemptEnds(attempt, 'failed', { caches: attempt === 3 ? caches : ['another'] });
        await it.settle();
      }
      expect(it.did()).toEqual(steps);
      const cleared = it.sent.filter(({ action }) => action === 'delete-cache').map(({ parameters }) => parameters);
      expect(cleared).toEqual(caches.map((key) => ({ key })));
      expect(await it.incident()).toBe('escalated');
    },
  );

  it('is judged anew for each step: what has turned out to be no accident is not tried again', async () => {
    const it = await plannedWorld('github', 'github-ladder');
    await it.attemptEnds(1, 'failed');
    await it.settle();
    await it.attemptEnds(2, 'failed', { cause: 'test-failed', transient: false });
    await it.settle();
    expect([it.did(), await it.incident()]).toEqual([['rerun 1'], 'escalated']);
    expect(await it.fixOf('rerun-with-debug')).toMatchObject([{ status: 'refused', decision: { rule: 'cause' } }]);
  });

  it('asks the master only where a step changes something', async () => {
    const it = await plannedWorld('gitlab', 'gitlab-ladder', { tiers: {} });
    await it.attemptEnds(1, 'failed');
    await it.settle();
    expect(it.did()).toEqual(['rerun 1']);
    await it.attemptEnds(2, 'failed');
    await it.settle();
    const [asked] = await it.fixOf('pause-runner');
    expect([it.did(), asked]).toMatchObject([['rerun 1'], { status: 'awaiting-approval', tier: 2 }]);
    await answerApproval(it.store, asked?.id ?? '', { answer: 'approve', by: 'master' });
    await it.settle();
    expect(it.did()).toEqual(['rerun 1', 'pause-runner 2', 'rerun 2']);
  });

  it('does the same whichever call of the table its workers die at', async () => {
    let deaths = 0;
    // Not every call, as that would take its time: each step is hit at another one.
    for (let n = 1; ; n += 3) {
      const it = await plannedWorld('gitlab', 'gitlab-ladder');
      it.dyingAt(n);
      await climb(it);
      expect(it.did(), `died at call ${n}`).toEqual(ALL_OF_IT);
      expect(await it.incident(), `died at call ${n}`).toBe('escalated');
      if (!it.died()) break;
      deaths++;
    }
    expect(deaths).toBeGreaterThan(30);
  });
});

it('patience is a longer wait before each try', async () => {
  const it = await plannedWorld('github', 'patient-retry');
  const cause = { cause: 'dns-resolution-failed', transient: true };
  await it.attemptEnds(1, 'failed', cause);
  await it.settle(1);
  await it.attemptEnds(2, 'failed', cause);
  await it.settle(1);
  expect(it.did()).toEqual(['rerun-one 1']);
  await it.settle(3);
  expect(it.did()).toEqual(['rerun-one 1', 'rerun-one 2']);
  await it.attemptEnds(3, 'failed', cause);
  await it.settle(9);
  expect(it.did()).toEqual(['rerun-one 1', 'rerun-one 2']);
  await it.settle(8);
  expect(it.did()).toEqual(['rerun-one 1', 'rerun-one 2', 'rerun-one 3']);
  await it.attemptEnds(4, 'failed', cause);
  await it.settle(20);
  expect([it.did().length, await it.incident()]).toEqual([3, 'escalated']);
});
