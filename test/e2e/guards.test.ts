import { afterAll, beforeAll, expect, it } from 'vitest';
import { editedAssembly } from '../support/assembly.ts';
import { frozen, type Traffic } from '../support/client.ts';
import { type Forge, type ManualClock, manualClock } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import { expectContractKept, openForge, storyOf, withRemediation } from './support/scenario.ts';

/** What is done before anything fails: learnt from what happened, in force for a time, and counted. */

const TOKEN = 'heartbeat-token-of-the-tests';

let forge: Forge;
let clock: ManualClock;
let still: Traffic;
let host: TestHost;

beforeAll(async () => {
  clock = manualClock(Date.now());
  forge = await openForge('github', { clock, speed: 1 });
  still = frozen(forge, clock);
  const assemblyDir = await editedAssembly(
    withRemediation({
      playbooks: { 'cancel-superseded': 'act', 'restart-runner': 'act' },
      tiers: { askFrom: 4, max: 3 },
    }),
  );
  host = await TestHost.boot({
    clock: 'manual',
    forges: [forge],
    assemblyDir,
    settings: { QMOI_HEARTBEAT_TOKEN: TOKEN },
  });
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

it('a machine that is about to run out of memory has its service restarted by its agent, before a job fails there', async () => {
  const now = Date.parse((await host.status()).clock.now);
  const beat = async (memory: number, minutesAgo: number, more: object = {}) => {
    const at = new Date(now - minutesAgo * 60_000).toISOString();
    const body = JSON.stringify({ source: 'web-1', platform: 'local', at, host: { memory }, ...more });
    const headers = { 'content-type': 'application/json' };
    const { status, json } = await host.request('/heartbeats', { method: 'POST', token: TOKEN, headers, body });
    expect(status).toBe(202);
    await host.settled(still);
    return (json as { commands: { id: string; command: string }[] }).commands;
  };
  for (const [n, memory] of [0.6, 0.7, 0.8, 0.9].entries()) expect(await beat(memory, 40 - n * 10)).toEqual([]);
  const [told, ...others] = await beat(0.91, 9);
  expect([told?.command, others]).toEqual(['restart-runner-service', []]);
  await beat(0.3, 0, { results: [{ id: told?.id, outcome: 'done' }] });
  await pass(2);
  await pass(2);
  const [fix] = (await host.list('remediations')).filter(({ playbook }) => playbook === 'restart-runner');
  expect(fix).toMatchObject({ status: 'succeeded', strategy: 'preventive', subject: 'local:machines:web-1' });
  expect(await host.get('remediations', String(fix?.id))).toMatchObject({ reason: 'memory is free again' });
  const { items } = (await host.request('/v1/guards')).json as { items: { kind: string }[] };
  expect(items.filter(({ kind }) => kind === 'restart-runner')).toMatchObject([
    { status: 'in-force', subject: 'local:machines:web-1', hits: 1, remediationId: fix?.id },
  ]);
  await host.nothingDenied();
});
