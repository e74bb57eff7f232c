import { afterAll, beforeAll, expect, it } from 'vitest';
import { editedAssembly } from '../support/assembly.ts';
import type { Forge } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import {
  approvalLink,
  approving,
  expectFixed,
  expectLeftAlone,
  fixedOnce,
  LOGS,
  openForge,
  pipeline,
  storyOf,
} from './support/scenario.ts';

/** The master's word: asked for by a message, given by its link; and given unasked, by hand. */

let forge: Forge;
let host: TestHost;

beforeAll(async () => {
  forge = await openForge('github');
  host = await TestHost.boot({ assemblyDir: await editedAssembly(approving), forges: [forge] });
});
afterAll(async () => {
  await host?.end();
  await forge?.close();
});

it('asks by a message, shows what is asked to whoever looks, and acts once a POST says yes', async () => {
  const run = forge.repository('acme/asks').run(pipeline('asks', { logMissingCalls: 0, steps: ['Run asks'] }));
  await run.play();
  await host.settled(forge);
  const { remediations } = await storyOf(host, 'github', run.id);
  expect(remediations).toMatchObject([{ status: 'awaiting-approval', decision: { verdict: 'ask', rule: 'approval' } }]);

  const messages = (await host.list('outbox')).filter(({ topic }) => topic === 'Qmoi-real-time');
  expect(messages).toHaveLength(1);
  const link = approvalLink(messages) ?? '';
  for (let look = 0; look < 2; look++) {
    const shown = await host.request(link, { token: undefined });
    expect([shown.status, shown.text]).toEqual([200, expect.stringContaining('acme/asks')]);
  }
  await host.settled(forge);
  await expectLeftAlone(host, forge, run);

  const answer = () =>
    host.request(link, {
      method: 'POST',
      token: undefined,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'answer=approve',
    });
  expect((await answer()).status).toBe(200);
  expect((await answer()).status).toBe(410);
  await fixedOnce(forge, run);
  await host.settled(forge);
  const story = await expectFixed(host, forge, run, 'asks');
  expect(story.remediations).toMatchObject([{ approvedBy: 'link' }]);
});

it('does what is asked for by hand, once', async () => {
  const failing = { log: LOGS.deterministic, logMissingCalls: 0, steps: ['Run hand'] };
  const run = forge.repository('acme/hand').run(pipeline('hand', failing));
  await run.play();
  await host.settled(forge);
  await expectLeftAlone(host, forge, run);
  const ask = () =>
    host.request('/v1/remediations', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ runId: `github:${run.id}:1`, action: 'rerun-with-debug' }),
    });
  const answers = await Promise.all([ask(), ask()]);
  expect(answers.map(({ status }) => status)).toEqual([202, 202]);
  await fixedOnce(forge, run);
  await host.settled(forge);
  expect(forge.effects.filter(({ runId }) => runId === run.id)).toHaveLength(1);
  const { remediations } = await storyOf(host, 'github', run.id);
  const byHand = remediations.filter(({ playbook }) => playbook === 'by-hand');
  expect(byHand).toMatchObject([{ action: 'rerun-with-debug', tier: 1, approvedBy: 'master' }]);
  expect(['succeeded', 'failed']).toContain(byHand[0]?.status);
});
