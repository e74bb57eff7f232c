import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Forge, type ManualClock, manualClock } from '../support/forges/index.ts';
import { editedAssembly, frozen, TestHost, type Traffic } from '../support/host.ts';
import { expectContractKept, openForge, storyOf, withRemediation } from './support/scenario.ts';

/** What is done before anything fails: learnt from what happened, in force for a time, and counted. */

let forge: Forge;
let clock: ManualClock;
let still: Traffic;
let host: TestHost;

beforeAll(async () => {
  clock = manualClock(Date.now());
  forge = await openForge('github', { clock, speed: 1 });
  still = frozen(forge, clock);
  const assemblyDir = await editedAssembly(
    withRemediation({ playbooks: { 'cancel-superseded': 'act' }, tiers: { askFrom: 4, max: 3 } }),
  );
  host = await TestHost.boot({ clock: 'manual', forges: [forge], assemblyDir });
});
afterAll(async () => {
  await host?.end();
  await forge?.close();
});

/** QMOI's clock goes first, so that nothing comes to it from the future. */
async function pass(minutes: number): Promise<void> {
  await host.pass(minutes, [still], minutes);
  clock.advance(minutes * 60_000);
  await host.settled(still);
}

it('runs of a pull request that newer work has overtaken are cancelled, where three have gone on for nothing', async () => {
  const push = (n: number) => {
    const run = forge.repository('acme/overtaken').run({
      ...{ workflow: 'ci', branch: 'feature', event: 'pull_request', commit: String(n).repeat(40) },
      jobs: [{ name: 'test', durationSeconds: 600 }],
    });
    void run.play();
    return run;
  };
  for (const n of [1, 2, 3, 4]) {
    push(n);
    await pass(1);
  }
  await pass(12);
  expect(forge.effects).toEqual([]);
  const overtaken = push(5);
  await pass(1);
  const newest = push(6);
  for (let minute = 0; minute < 3; minute++) await pass(1);
  const { runs, remediations } = await storyOf(host, 'github', overtaken.id);
  expect(runs).toMatchObject([{ status: 'canceled', supersededBy: `github:${newest.id}:1` }]);
  expect(remediations).toMatchObject([
    { action: 'cancel-run', status: 'succeeded', strategy: 'preventive', playbook: 'cancel-superseded' },
  ]);
  expect(forge.calls.filter(({ method }) => method === 'POST').map(({ path }) => path)).toEqual([
    `/repos/acme/overtaken/actions/runs/${overtaken.id}/cancel`,
  ]);
  expect((await host.request('/v1/guards')).json).toMatchObject({
    items: [
      {
        ...{ kind: 'cancel-superseded', status: 'in-force', repository: 'acme/overtaken', subject: 'ci', hits: 1 },
        ...{ evidence: { before: { failed: 0, of: 3 } }, prevented: 0.2 },
      },
    ],
  });
  expectContractKept(forge);
  await host.nothingDenied();
});
