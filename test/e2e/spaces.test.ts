import { afterAll, beforeAll, expect, it } from 'vitest';
import { editedAssembly } from '../support/assembly.ts';
import { TestHost } from '../support/host.ts';
import { type FakeHub, fakeHub } from '../support/huggingface.ts';
import { withRemediation } from './support/scenario.ts';

/** Spaces from a push to what came of it, of which the Hub's webhooks tell the push alone. */

const COMMIT = '575db8b7a51b6f85eb06eee540738584589f131c';
let hub: FakeHub;
let host: TestHost;
beforeAll(async () => {
  hub = await fakeHub({ token: 'hf_token', secret: 'hub-secret' });
  const assemblyDir = await editedAssembly(withRemediation({ playbooks: { 'space-restart': 'act' }, holdOut: 0 }));
  host = await TestHost.boot({ clock: 'manual', settings: hub.settings, assemblyDir });
});
afterAll(async () => {
  await host?.end();
  await hub?.close();
});

it('is followed to its end and diagnosed from its own log', async () => {
  hub.spaces.set('acme/demo', {
    stage: 'BUILD_ERROR',
    head: COMMIT,
    errorMessage: 'Exit code: 1',
    build: ['pip install -r requirements.txt\n', 'ERROR: No matching distribution found for nonesuch==9.9\n'],
  });
  const { headers, body } = hub.push('acme/demo', COMMIT);
  const answer = await host.request('/webhooks/huggingface', { method: 'POST', headers, body, token: undefined });
  expect(answer.status).toBe(202);
  await host.settled();
  const id = `huggingface:acme/demo@${COMMIT}:1`;
  expect(await host.get('runs', id)).toMatchObject({ status: 'queued', kind: 'build', repository: 'acme/demo' });

  await host.pass(6);
  expect(await host.get('runs', id)).toMatchObject({ status: 'failed' });
  expect(await host.list('deliveries', { platform: 'huggingface' })).toMatchObject([
    { event: 'space.stage', action: 'BUILD_ERROR', origin: 'recovered', status: 'recorded' },
    { event: 'repo.content', origin: 'live', status: 'recorded' },
  ]);
  expect(await host.list('failures', { platform: 'huggingface' })).toMatchObject([
    { status: 'diagnosed', excerpt: expect.stringContaining('No matching distribution found') },
  ]);
  const looks = hub.calls.length;
  await host.pass(5);
  expect(hub.calls.length).toBeLessThanOrEqual(looks + 2);
  expect(await host.list('deliveries', { platform: 'huggingface' })).toHaveLength(2);
});

it('that broke off for want of a name is started anew, and is mended once it runs', async () => {
  hub.spaces.set('acme/names', {
    ...{ stage: 'RUNTIME_ERROR', head: COMMIT, sha: COMMIT, errorMessage: 'Exit code: 1' },
    run: ['fatal: unable to access https://huggingface.co/acme/names: Could not resolve host: huggingface.co\n'],
  });
  const { headers, body } = hub.push('acme/names', COMMIT);
  await host.request('/webhooks/huggingface', { method: 'POST', headers, body, token: undefined });
  await host.settled();
  const id = `huggingface:acme/names@${COMMIT}:1`;
  const fixes = () => host.list('remediations', { repository: 'acme/names' });
  await host.pass(6);
  expect(await fixes()).toMatchObject([{ status: 'verifying' }]);
  expect(await host.get('runs', id)).toMatchObject({ status: 'failed' });
  hub.settle();
  await host.pass(3);
  expect(await fixes()).toMatchObject([
    { action: 'restart-space', playbook: 'space-restart', status: 'succeeded', reason: 'the Space is RUNNING' },
  ]);
  expect(await host.list('incidents', { status: 'resolved' })).toMatchObject([{ cause: 'dns-resolution-failed' }]);
  expect(hub.calls.filter(({ method }) => method === 'POST').map(({ path }) => path)).toEqual([
    '/api/spaces/acme/names/restart',
  ]);
  await host.nothingDenied();
});
