import { expect, it } from 'vitest';
import { answerApproval, liftGuard, preventedBy, readGuards } from '../../../../shared/remediation/index.ts';
import { tallyOf } from '../../../../shared/remediation/learning/index.ts';
import { INCIDENT, plannedWorld } from '../../../support/planned-world.ts';

it('the one runner behind thirty failures is paused, and then all of them are tried again, within the budget', async () => {
  const it = await plannedWorld('gitlab', 'quarantine-runner');
  for (let run = 5; run < 35; run++) await it.attemptEnds(1, 'failed', { run });
  await it.settle(1);
  expect(it.did()).toEqual([]);
  await it.suspectRunner();
  await it.attemptEnds(1, 'failed', { run: 40 });
  await it.settle(3);
  // The pause is one of the twenty actions of an hour.
  expect(it.did()).toEqual(['pause-runner 1', ...Array(19).fill('rerun 1')]);
  it.time.now += 56 * 60_000;
  await it.settle(3);
  expect(it.did()).toEqual(['pause-runner 1', ...Array(31).fill('rerun 1')]);
  expect(new Set(it.sent.map(({ runId }) => runId)).size).toBe(31);
});

it('a runner that is behind several incidents is paused once, for a day, and all is tried again without it', async () => {
  const it = await plannedWorld('gitlab', 'quarantine-runner');
  for (let run = 50; run < 62; run++) await it.attemptEnds(1, 'succeeded', { run, runner: '8' });
  const ALL = [5, 6, 7, 15, 16, 17];
  for (const run of [5, 6, 7]) await it.attemptEnds(1, 'failed', { run });
  it.time.now += 60_000;
  await it.settle(1);
  expect(it.did()).toEqual([]);
  await it.suspectRunner();
  for (const run of [15, 16, 17]) await it.attemptEnds(1, 'failed', { run });
  it.time.now += 60_000;
  await it.settle(2);
  for (const run of ALL) await it.attemptEnds(2, 'succeeded', { run });
  await it.settle(2);
  // What was judged before anybody suspected the machine as well.
  expect(it.did()).toEqual(['pause-runner 1', ...ALL.map(() => 'rerun 1')]);
  expect(
    it.sent
      .slice(1)
      .map(({ runId }) => runId)
      .sort(),
  ).toEqual(ALL.map((run) => `gitlab:${run}:1`).sort());
  it.time.now += 23 * 3_600_000;
  await it.settle(1);
  expect(it.did()).not.toContain('resume-runner 1');
  const [guard] = await readGuards(it.store);
  expect(guard).toMatchObject({
    ...{ id: 'quarantine-runner:gitlab:7', kind: 'quarantine-runner', status: 'in-force', subject: '7' },
    remediationId: 'gitlab:15:pause-runner:1',
    evidence: { incidentIds: [INCIDENT, 'f2:1'], before: { failed: 6, of: 6 }, otherwise: { failed: 0, of: 12 } },
    // The jobs of the second attempts, which went elsewhere.
    hits: 6,
  });
  // A third of the jobs were its own; of such it fails seven in eight, and others one in fourteen.
  expect(guard?.chance).toBeCloseTo((1 / 3) * (7 / 8 - 1 / 14));
  expect(guard && preventedBy(guard)).toBe(1.6);
  it.time.now += 3_600_000;
  await it.settle(2);
  expect(it.did().slice(7)).toEqual(['resume-runner 1']);
  expect(await readGuards(it.store)).toEqual([]);
});

it('the runner is paused once and all is tried again once, whichever call of the table their workers die at', async () => {
  let deaths = 0;
  for (let n = 1; ; n += 11) {
    const it = await plannedWorld('gitlab', 'quarantine-runner');
    await it.attemptEnds(1, 'failed', { run: 6 });
    await it.settle(1);
    await it.suspectRunner();
    await it.attemptEnds(1, 'failed', { run: 5 });
    it.dyingAt(n);
    await it.settle(4);
    expect(it.did(), `died at call ${n}`).toEqual(['pause-runner 1', 'rerun 1', 'rerun 1']);
    expect(new Set(it.sent.slice(1).map(({ runId }) => runId)).size, `died at call ${n}`).toBe(2);
    if (!it.died()) break;
    deaths++;
  }
  expect(deaths).toBeGreaterThan(10);
});

it.each([
  { answer: 'approve' as const, does: ['pause-runner 1', 'rerun 1', 'rerun 1', 'rerun 1'] },
  // What passes by itself may do so there as well.
  { answer: 'refuse' as const, does: ['rerun 1'] },
])('the master is asked once about the runner behind several incidents, and all wait for that: $answer', async (of) => {
  const playbooks = { 'quarantine-runner': 'act' };
  const it = await plannedWorld('gitlab', 'quarantine-runner', { playbooks, tiers: {} });
  await it.suspectRunner();
  for (const run of [5, 6, 7]) {
    const passing = { cause: 'dns-resolution-failed', transient: true };
    await it.attemptEnds(1, 'failed', { run, ...(run === 7 && passing) });
  }
  await it.settle(40);
  expect(it.did()).toEqual([]);
  const [asked, ...others] = await it.fixOf('pause-runner');
  expect(asked).toMatchObject({ status: 'awaiting-approval' });
  expect(others).toEqual([]);
  await answerApproval(it.store, String(asked?.id), { answer: of.answer, by: 'master' });
  await it.settle(3);
  expect(it.did()).toEqual(of.does);
});

it('a runner whose guard the master has lifted takes jobs again, and is not paused anew before its time', async () => {
  const it = await plannedWorld('gitlab', 'quarantine-runner', { playbooks: { 'quarantine-runner': 'act' } });
  const root = { suspectedRoot: 'runner:gitlab/a machine' };
  await it.store.change('incident', INCIDENT, (incident) => incident && { ...incident, ...root });
  const passing = { cause: 'dns-resolution-failed', transient: true };
  const failsOnce = async (run: number) => {
    await it.attemptEnds(1, 'failed', { run, ...passing });
    await it.settle(1);
    await it.attemptEnds(2, 'succeeded', { run });
    await it.settle(1);
  };
  await failsOnce(5);
  const [guard] = await readGuards(it.store);
  const lift = () => liftGuard(it.store, String(guard?.id), 'master');
  expect(await lift()).toMatchObject({ guard: { status: 'lifting' } });
  await it.settle(2);
  expect(await readGuards(it.store)).toMatchObject([{ status: 'lifted' }]);
  expect(await lift()).toMatchObject({ guard: { status: 'lifted' } });
  expect(await it.fixOf('pause-runner')).toMatchObject([{ status: 'rolled-back', rollbackAskedBy: 'master' }]);
  await failsOnce(6);
  expect(it.did()).toEqual(['pause-runner 1', 'rerun 1', 'resume-runner 1', 'rerun 1']);
  it.time.now += 24 * 3_600_000;
  expect(await readGuards(it.store)).toEqual([]);
  expect(await lift()).toBeUndefined();
  await failsOnce(8);
  expect(it.did().slice(4)).toEqual(['pause-runner 1', 'rerun 1']);
});

it.each([
  ['failed', true],
  ['succeeded', false],
] as const)('what lasts is taken back early where all %s since: %s', async (status, harmful) => {
  const it = await plannedWorld('gitlab', 'quarantine-runner');
  const others = async (outcome: 'failed' | 'succeeded', from: number) => {
    for (let run = from; run < from + 10; run++) {
      const place = { platform: 'gitlab', repository: 'acme/shop', origin: 'live', attempt: 1 } as const;
      const fact = { ...place, id: `gitlab:${run}:1`, externalId: String(run), statusAt: it.store.now() };
      await it.store.merge('run', { ...fact, status: outcome });
    }
  };
  await others('succeeded', 100);
  const root = { suspectedRoot: 'runner:gitlab/a machine' };
  await it.store.change('incident', INCIDENT, (incident) => incident && { ...incident, ...root });
  await it.attemptEnds(1, 'failed');
  await it.settle(1);
  await it.attemptEnds(2, 'succeeded');
  await it.settle(30);
  expect(it.did()).toEqual(['pause-runner 1', 'rerun 1']);
  await others(status, 200);
  await it.settle(2);
  expect(it.did().slice(2)).toEqual(harmful ? ['resume-runner 1'] : []);
  expect(await it.fixOf('pause-runner')).toMatchObject([{ status: harmful ? 'rolled-back' : 'succeeded' }]);
  expect(await tallyOf(it.store, { cause: 'unknown', playbook: 'quarantine-runner' })).toEqual({
    successes: 1,
    failures: harmful ? 1 : 0,
  });
});
