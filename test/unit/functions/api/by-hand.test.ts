import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { agentController } from '../../../../shared/platforms/controllers/agent.ts';
import { withControllers } from '../../../../shared/platforms/controllers/index.ts';
import { github } from '../../../../shared/platforms/github/index.ts';
import { remediateRun, setControl, verifyRun } from '../../../../shared/remediation/index.ts';
import { listCommands } from '../../../../shared/runners/index.ts';
import { remediationSettings } from '../../../../shared/runtime/remediation-settings.ts';
import { withTable } from '../../../support/table.ts';
import { askOf } from './ask.ts';

const engine = withTable();
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

const RUN = 'github:5:1';

/** A run under way on a GitHub that answers as told: a status, or `lost` (it happens, and nobody hears). */
async function world(answers: (number | 'lost')[] = []) {
  const { store, time } = await engine.fresh();
  const sent: string[] = [];
  let runStatus = 'in_progress';
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' });
      const actions_caches = [{ key: 'npm-1', ref: 'refs/heads/main' }];
      response.end(JSON.stringify({ status: runStatus, run_attempt: 1, actions_caches }));
      return;
    }
    const answer = answers.shift() ?? 202;
    sent.push(`${request.method} ${request.url}`);
    if (answer === 'lost' || answer < 300) runStatus = 'completed';
    if (answer === 'lost') request.socket.destroy();
    else response.writeHead(answer, { 'content-type': 'application/json' }).end('{"message":"a reason"}');
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const common = { platform: 'github', repository: 'acme/shop', attempt: 1, origin: 'live' } as const;
  const at = store.now();
  await store.merge('run', { ...common, id: RUN, externalId: '5', status: 'running', statusAt: at });
  const job = { ...common, runId: RUN, externalId: '9', name: 'test', steps: [], statusAt: at };
  await store.merge('job', { ...job, id: 'github:5:job:9', status: 'running' });
  const deps = {
    ...{
      store,
      platforms: withControllers({ github }, [agentController(store)]),
      settings: remediationSettings.parse({ mode: 'observe' }),
      owner: 'worker',
    },
    read: async () => ({ 'github-token': 'a', 'github-api-url': url }),
    now: () => time.now,
  };
  const ask = askOf(store);
  const post = (body: object) =>
    ask('/v1/remediations', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const work = () => remediateRun(RUN, deps);
  const verify = () => verifyRun(RUN, { store, now: () => time.now });
  return { store, time, sent, post, work, verify, common };
}

const cancel = { runId: RUN, action: 'cancel-run', reason: 'it hangs' };

describe('a fix that the master asks for', () => {
  it('happens once, whatever the mode, and is proved by its run', async () => {
    const { store, sent, post, work, verify, common } = await world();
    const answer = await post(cancel);
    expect([answer.status, answer.body]).toMatchObject([202, { action: 'cancel-run', reason: 'it hangs', tier: 3 }]);
    expect((await post(cancel)).body.id).toBe(answer.body.id);
    await Promise.all([work(), work(), work()]);
    for (let round = 0; round < 3; round++) await work();
    expect(sent).toEqual(['POST /repos/acme/shop/actions/runs/5/cancel']);
    await verify();
    expect(await store.get('remediation', answer.body.id)).toMatchObject({ status: 'verifying', playbook: 'by-hand' });
    await store.merge('run', { ...common, id: RUN, externalId: '5', status: 'canceled', statusAt: store.now() });
    await verify();
    expect(await store.get('remediation', answer.body.id)).toMatchObject({
      status: 'succeeded',
      reason: 'the run is canceled',
    });
  });

  it('is looked up when the answer is lost, and not sent again', async () => {
    const { store, time, sent, post, work } = await world(['lost']);
    const { body } = await post(cancel);
    await work();
    expect(await store.get('remediation', body.id)).toMatchObject({ status: 'unknown' });
    time.now += 20_000;
    await work();
    expect(await store.get('remediation', body.id)).toMatchObject({ status: 'verifying' });
    expect(sent).toHaveLength(1);
  });

  it('is sent again once it is certain that it did not happen', async () => {
    const { store, time, sent, post, work } = await world([503]);
    const { body } = await post(cancel);
    for (let round = 0; round < 6; round++) {
      await work();
      time.now += 20_000;
    }
    expect(sent).toHaveLength(2);
    expect(await store.get('remediation', body.id)).toMatchObject({ status: 'verifying' });
  });

  it('waits while QMOI is stopped, and is refused in the words of the platform', async () => {
    const { store, time, sent, post, work } = await world([403]);
    await setControl(store, 'all', { status: 'stopped', actor: 'master' });
    const { body } = await post(cancel);
    await work();
    expect(sent).toEqual([]);
    expect(await store.get('remediation', body.id)).toMatchObject({ status: 'proposed' });
    await setControl(store, 'all', { status: 'running', actor: 'master' });
    time.now += 60_000;
    await work();
    expect(sent).toHaveLength(1);
    expect(await store.get('remediation', body.id)).toMatchObject({ status: 'refused', reason: 'a reason (403)' });
  });

  it('may have parameters, and is then proved by the answer', async () => {
    const { store, sent, post, work, verify } = await world([200]);
    const parameters = { key: 'npm-1', ref: 'refs/heads/main' };
    const { body } = await post({ runId: RUN, action: 'delete-cache', parameters });
    await work();
    await verify();
    expect(sent).toEqual(['DELETE /repos/acme/shop/actions/caches?key=npm-1&ref=refs%2Fheads%2Fmain']);
    expect(await store.get('remediation', body.id)).toMatchObject({ status: 'succeeded', parameters });
  });

  it('may be one for the agent of a runner, wherever the trouble is', async () => {
    const { store, sent, post, work, verify, common } = await world();
    const runner = 'local:machines:mac-3';
    const machine = { id: runner, platform: 'local', externalId: 'mac-3', scope: 'machines', status: 'idle' } as const;
    await store.merge('runner', { ...machine, origin: common.origin, statusAt: store.now() });
    const { status, body } = await post({ runId: RUN, action: 'restart-runner', parameters: { runner } });
    expect([status, body.tier]).toEqual([202, 1]);
    for (let round = 0; round < 3; round++) await work();
    await verify();
    // Its answer is waited for.
    expect(await store.get('remediation', body.id)).toMatchObject({ status: 'verifying', proof: 'state' });
    expect(await listCommands(store, runner)).toMatchObject([{ command: 'restart-runner-service', status: 'pending' }]);
    expect(sent).toEqual([]);
  });

  it.each([
    [404, { ...cancel, runId: 'github:6:1' }, 'no such run'],
    [400, { ...cancel, action: 'delete-everything' }, 'What can be asked for on github: rerun-failed-jobs'],
    [400, { ...cancel, action: 'constructor' }, 'What can be asked for'],
    [400, { ...cancel, action: 'rerun-job' }, 'takes a job'],
    [400, { ...cancel, action: 'rerun-job', jobId: 'github:6:job:1' }, 'takes a job'],
    [400, { ...cancel, action: 'delete-cache' }, 'takes the parameter key'],
    [400, { ...cancel, parameters: { force: '1' } }, 'takes no parameter force'],
    [400, { ...cancel, because: 1 }, 'The body is'],
  ])('is answered with %i for %o', async (status, body, detail) => {
    const { sent, post, work } = await world();
    const answer = await post(body);
    expect([answer.status, answer.body.detail]).toEqual([status, expect.stringContaining(detail)]);
    await work();
    expect(sent).toEqual([]);
  });
});
