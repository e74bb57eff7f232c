import { afterEach, describe, expect, it } from 'vitest';
import { agentController } from '../../../../shared/platforms/controllers/agent.ts';
import { withControllers } from '../../../../shared/platforms/controllers/index.ts';
import { askFor } from '../../../../shared/remediation/index.ts';
import { settleCommand, takeCommands } from '../../../../shared/runners/index.ts';
import { taskEvents } from '../../../support/braket.ts';
import { createForge } from '../../../support/forges/index.ts';
import { fakeHub } from '../../../support/huggingface.ts';
import { provingWorld } from '../../../support/proving-world.ts';
import { fakeVercel } from '../../../support/vercel.ts';

/** Each way in which a fix is proved, between the real adapters and stateful fakes. */

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

describe('a deployment that is deployed anew', () => {
  async function world(policy: object = {}) {
    const fake = await fakeVercel({ token: 't', secret: 's', team: 'team_a' });
    open.push(fake);
    const failed = { name: 'shop', state: 'ERROR', target: 'production', meta: {} };
    fake.production.project('prj_shop', 'dpl_0', [{ uid: 'dpl_1', ...failed }]);
    const it = await provingWorld('vercel', {
      settings: fake.settings,
      policy: { playbooks: { 'vercel-redeploy': 'act' }, ...policy },
    });
    const say = async (id: string, ...words: Parameters<typeof fake.deploy>[1]) => {
      for (const delivery of fake.deploy({ id, createdAt: it.time.now }, words)) await it.hear(delivery);
    };
    await say('dpl_1', 'created', 'error');
    const runId = await it.failed('dpl_1', {}, { repository: 'shop' });
    const writes = () => fake.calls.filter(({ method }) => method === 'POST').map(({ path }) => path);
    return { ...it, fake, say, runId, writes };
  }

  it('is left alone unless the settings say otherwise', async () => {
    const it = await world({ playbooks: {} });
    await it.pass(3);
    expect([it.writes(), await it.fixes(it.runId)]).toEqual([[], []]);
  });

  it('is proved by the events of the new one, and nobody is asked', async () => {
    const it = await world();
    await it.pass(1);
    expect(await it.fixes(it.runId)).toMatchObject([
      { action: 'redeploy', status: 'verifying', proof: 'new-run', made: 'vercel:dpl_101:1' },
    ]);
    await it.say('dpl_101', 'created', 'ready');
    const asked = it.fake.calls.length;
    await it.pass(3);
    expect(await it.fixes(it.runId)).toMatchObject([{ status: 'succeeded', reason: 'vercel:dpl_101:1 succeeded' }]);
    expect(it.fake.calls.slice(asked)).toEqual([]);
    expect([it.writes(), await it.incident()]).toEqual([['/v13/deployments'], 'resolved']);
  });

  it('is not deployed once more when the new one fails as well: the master is told', async () => {
    const it = await world();
    await it.pass(1);
    await it.say('dpl_101', 'created', 'error');
    await it.failed('dpl_101', {}, { repository: 'shop' });
    await it.pass(5);
    expect(await it.fixes(it.runId)).toMatchObject([{ status: 'failed', reason: 'vercel:dpl_101:1 failed' }]);
    expect(await it.fixes('vercel:dpl_101:1')).toMatchObject([{ status: 'refused', decision: { rule: 'tries' } }]);
    expect([it.writes(), await it.incident()]).toEqual([['/v13/deployments'], 'escalated']);
  });

  it('is looked up when no event comes', async () => {
    const it = await world();
    await it.pass(6);
    expect(await it.fixes(it.runId)).toMatchObject([{ status: 'verifying' }]);
    it.fake.production.built('dpl_101', 'READY');
    await it.pass(15);
    expect(await it.fixes(it.runId)).toMatchObject([
      { status: 'succeeded', reason: 'the deployment dpl_101 is READY' },
    ]);
    // Ever more seldom: once a minute would be twenty times.
    expect(it.fake.calls.filter(({ method }) => method === 'GET').length).toBeLessThan(10);
  });

  it('is lost when nothing shows in time what came of it', async () => {
    const it = await world();
    await it.pass(119);
    expect(await it.fixes(it.runId)).toMatchObject([{ status: 'verifying' }]);
    await it.pass(20);
    expect(await it.fixes(it.runId)).toMatchObject([
      { status: 'failed', shown: { status: 'lost' }, reason: expect.stringContaining('dpl_101 is QUEUED') },
    ]);
    expect(await it.incident()).toBe('escalated');
  });

  it('is found when the answer was lost, and leads back all the same', async () => {
    const it = await world();
    const client = await it.deps.platforms.vercel?.client(it.deps.read);
    const lossy = {
      ...it.deps.platforms.vercel,
      client: async () => ({
        ...client,
        act: async (of: never) => {
          await client?.act(of);
          return { kind: 'unknown', reason: 'no answer' };
        },
      }),
    };
    it.deps.platforms.vercel = lossy as never;
    await it.pass(2);
    expect(await it.fixes(it.runId)).toMatchObject([{ status: 'verifying', made: 'vercel:dpl_101:1' }]);
    await it.say('dpl_101', 'created', 'ready');
    await it.pass(3);
    expect(await it.fixes(it.runId)).toMatchObject([{ status: 'succeeded' }]);
    expect(it.writes()).toEqual(['/v13/deployments']);
  });
});

describe('a Space', () => {
  async function world(comesTo: string[], playbook = 'space-ladder', policy: object = {}) {
    const hub = await fakeHub({ token: 't', secret: 's' });
    open.push(hub);
    hub.spaces.set('acme/demo', { stage: 'RUNTIME_ERROR', head: 'abc1234', comesTo });
    const it = await provingWorld('huggingface', {
      ...{ settings: hub.settings, minute: () => hub.settle() },
      policy: { playbooks: { [playbook]: 'act' }, ...policy },
    });
    const runId = await it.failed('acme/demo@abc1234', {}, { repository: 'acme/demo' });
    const did = () =>
      hub.calls.flatMap(({ method, path, query }) =>
        method === 'POST' ? [`${path.split('/').at(-1)}${query.factory ? ' factory' : ''}`] : [],
      );
    return { ...it, hub, runId, did, stage: () => hub.spaces.get('acme/demo')?.stage };
  }

  it('that comes up after a start is mended', async () => {
    const it = await world([], 'space-restart');
    await it.pass(4);
    expect(await it.fixes(it.runId)).toMatchObject([
      { action: 'restart-space', status: 'succeeded', proof: 'state', reason: 'the Space is RUNNING' },
    ]);
    expect([it.did(), await it.incident()]).toEqual([['restart'], 'resolved']);
  });

  it('is built anew when a start did not help', async () => {
    const it = await world(['RUNTIME_ERROR', 'RUNNING']);
    await it.pass(8);
    expect(await it.fixes(it.runId)).toMatchObject([
      { action: 'restart-space', status: 'failed', reason: 'the Space is RUNTIME_ERROR' },
      { action: 'factory-rebuild', status: 'succeeded' },
    ]);
    expect([it.did(), await it.incident()]).toEqual([['restart', 'restart factory'], 'resolved']);
  });

  it('that nothing mends is switched off and stays so, and the master is told', async () => {
    const it = await world(['RUNTIME_ERROR', 'BUILD_ERROR']);
    await it.pass(14);
    expect(await it.fixes(it.runId)).toMatchObject([
      { action: 'restart-space', status: 'failed' },
      { action: 'factory-rebuild', status: 'failed', reason: 'the Space is BUILD_ERROR' },
      { action: 'pause-space', status: 'succeeded', result: 'the Space is PAUSED' },
    ]);
    expect([it.did(), it.stage(), await it.incident()]).toEqual([
      ['restart', 'restart factory', 'pause'],
      'PAUSED',
      'escalated',
    ]);
  });

  it('is not switched off without the master’s word', async () => {
    const it = await world(['RUNTIME_ERROR', 'BUILD_ERROR'], 'space-ladder', { tiers: {} });
    await it.pass(10);
    expect([it.did(), (await it.fixes(it.runId)).at(-1)]).toMatchObject([
      ['restart', 'restart factory'],
      { action: 'pause-space', status: 'awaiting-approval' },
    ]);
  });

  it('is treated the same, whichever call of the table its workers die at', async () => {
    let deaths = 0;
    for (let n = 1; ; n += 11) {
      const it = await world(['RUNTIME_ERROR', 'BUILD_ERROR']);
      it.dyingAt(n);
      await it.pass(18);
      expect(it.did(), `died at call ${n}`).toEqual(['restart', 'restart factory', 'pause']);
      expect(await it.incident(), `died at call ${n}`).toBe('escalated');
      await Promise.all(open.splice(0).map((one) => one.close()));
      if (!it.died()) break;
      deaths++;
    }
    expect(deaths).toBeGreaterThan(5);
  });
});

describe('what serves production', () => {
  async function moved(action: string, moves: 'succeeded' | 'failed' | 'pending', minutes: number) {
    const fake = await fakeVercel({ token: 't', secret: 's', team: 'team_a' });
    open.push(fake);
    fake.production.project('prj_shop', 'dpl_2');
    fake.production.moves = moves;
    const it = await provingWorld('vercel', { settings: fake.settings, policy: {} });
    for (const delivery of fake.deploy({ id: 'dpl_2', createdAt: it.time.now }, ['created', 'ready'])) {
      await it.hear(delivery);
    }
    const parameters = { deployment: 'dpl_1' };
    await askFor(it.store, { runId: 'vercel:dpl_2:1', action, parameters, by: 'master' });
    await it.pass(minutes);
    return { fixes: await it.fixes('vercel:dpl_2:1'), settle: it.pass, it, fake };
  }

  it.each(['promote', 'instant-rollback'])('proves a %s by the hand of the master', async (action) => {
    const { fixes } = await moved(action, 'succeeded', 4);
    expect(fixes).toMatchObject([{ action, status: 'succeeded', reason: 'dpl_1 serves production' }]);
  });

  it.each(['promote', 'instant-rollback'])('shows that a %s did not come about', async (action) => {
    expect((await moved(action, 'failed', 4)).fixes).toMatchObject([
      { action, status: 'failed', reason: 'the change is failed, and dpl_2 serves production' },
    ]);
  });

  it('is waited for', async () => {
    const { fixes, fake, it } = await moved('promote', 'pending', 6);
    expect(fixes).toMatchObject([{ status: 'verifying' }]);
    fake.production.project('prj_shop', 'dpl_1');
    await it.pass(8);
    expect(await it.fixes('vercel:dpl_2:1')).toMatchObject([{ status: 'succeeded' }]);
  });
});

describe('a workflow that is dispatched before failed jobs are tried again', () => {
  async function world(policy: object = {}, path = '.github/workflows/qmoi-recover.yml') {
    const forge = await createForge({
      ...{ platform: 'github', webhookUrl: 'http://127.0.0.1:1', secret: 's', token: 't', seed: 3 },
    });
    open.push(forge);
    const { fullName } = forge.repository('acme/shop');
    forge.resources.add('workflows', fullName, { path, state: 'active' });
    const it = await provingWorld('github', {
      settings: forge.settings,
      policy: { playbooks: { 'retry-failed-jobs': 'off', 'recovery-workflow': 'act' }, ...policy },
      // The forge’s own clock.
      start: Date.now(),
    });
    const runId = await it.failed('5', {}, { branch: 'main' });
    await it.pass(1);
    const [dispatched] = forge.resources.list('dispatches', fullName);
    const ends = (conclusion: string) => Object.assign(dispatched ?? {}, { status: 'completed', conclusion });
    const asked = () =>
      forge.calls.flatMap(({ method, path: at }) => (method === 'POST' ? [at.split('/').at(-1)] : []));
    return { ...it, runId, ends, dispatched, asked };
  }

  it('is proved by its own run, and only then are they tried', async () => {
    const it = await world();
    expect([it.dispatched?.head_branch, it.asked()]).toEqual(['main', ['dispatches']]);
    await it.pass(4);
    expect(it.asked()).toEqual(['dispatches']);
    it.ends('success');
    await it.pass(8);
    expect(it.asked()).toEqual(['dispatches', 'rerun-failed-jobs']);
    expect((await it.fixes(it.runId))[0]).toMatchObject({ status: 'succeeded', proof: 'new-run', step: 0 });
  });

  it('is left out where the repository has none', async () => {
    const it = await world({}, '.github/workflows/ci.yml');
    await it.pass(1);
    expect(it.asked()).toEqual(['dispatches', 'rerun-failed-jobs']);
    expect((await it.fixes(it.runId))[0]).toMatchObject({
      ...{ action: 'dispatch-workflow', status: 'failed', reason: expect.stringContaining('(404)') },
    });
  });

  it('is not followed by its retry before the master’s word, as nobody here knows what it does', async () => {
    expect((await world({ tiers: {} })).asked()).toEqual([]);
  });
});

describe('the agent of a machine', () => {
  async function told(outcome: 'done' | 'failed' | undefined) {
    const it = await provingWorld('github', { settings: {}, policy: {} });
    Object.assign(it.deps.platforms, withControllers(it.deps.platforms, [agentController(it.store)]));
    const runner = 'custom:machines:web-1';
    const machine = { platform: 'custom', externalId: 'web-1', scope: 'machines', origin: 'live' } as const;
    await it.store.merge('runner', { ...machine, id: runner, status: 'idle', statusAt: it.store.now() });
    const runId = await it.failed('5', { transient: false });
    await askFor(it.store, { runId, action: 'restart-runner', parameters: { runner }, by: 'master' });
    await it.pass(1);
    const [command] = await takeCommands(it.store, runner, 'token');
    if (outcome !== undefined) await settleCommand(it.store, runner, { id: command?.id ?? '', outcome });
    await it.pass(outcome === undefined ? 60 : 3);
    return (await it.fixes(runId)).filter(({ action }) => action === 'restart-runner');
  }

  it('proves by its answer that it did what it was told', async () => {
    expect(await told('done')).toMatchObject([{ status: 'succeeded', reason: 'restart-runner-service is done' }]);
    expect(await told('failed')).toMatchObject([{ status: 'failed', reason: 'restart-runner-service is failed' }]);
  });

  it('shows nothing when it is never heard of again', async () => {
    expect(await told(undefined)).toMatchObject([{ status: 'failed', reason: 'restart-runner-service is unknown' }]);
  });
});

it('a quantum task that is submitted anew is proved by the events of the new one', async () => {
  for (const [last, status] of [
    ['COMPLETED', 'succeeded'],
    ['FAILED', 'failed'],
  ] as const) {
    const it = await provingWorld('braket', {
      ...{ settings: {}, policy: {} },
      platform: {
        verify: async () => 'verified',
        client: async () => ({
          jobLog: async () => (async function* () {})(),
          act: async () => ({ kind: 'done', detail: 'submitted as 8-b', made: 'task-8-b' }),
          lookUp: async () => 'unclear',
        }),
      },
    });
    const runId = await it.failed('task-7-a', { transient: false });
    await askFor(it.store, { runId, action: 'resubmit-task', parameters: { program: 'OPENQASM 3;' }, by: 'master' });
    await it.pass(1);
    for (const event of taskEvents('8-b', ['CREATED', 'RUNNING', last], { start: it.time.now })) {
      await it.hear({ event: event['detail-type'], headers: {}, body: JSON.stringify(event) });
    }
    await it.pass(2);
    expect(await it.fixes(runId)).toMatchObject([{ action: 'resubmit-task', status, made: 'braket:task-8-b:1' }]);
  }
});
