import { describe, expect, it } from 'vitest';
import type { EntityName, Fact } from '../../../../shared/model/index.ts';
import { appendActivity, type Store } from '../../../../shared/store/index.ts';
import { aFailure, aFix, aJob, anIncident, aRun } from '../../../support/items.ts';
import { withTable } from '../../../support/table.ts';
import { type Answer, askOf } from './ask.ts';

const engine = withTable();

const RESOURCES = [
  'deliveries',
  'runs',
  'jobs',
  'runners',
  'automations',
  'failures',
  'incidents',
  'remediations',
  'flaky',
  'notifications',
  'activity',
  'controls',
];

const create = (store: Store, entity: EntityName, fact: Fact) => store.create(entity, fact as never);
const expectProblem = (answer: Answer, status: number, detail: RegExp) => {
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.body).toMatchObject({ type: 'about:blank', status, requestId: 'request-1' });
  expect(answer.body.title).not.toBe('Error');
  expect(answer.body.detail).toMatch(detail);
};

describe('without the token', () => {
  it('gets a 503 while nobody can tell whether it is the right one', async () => {
    const { store } = await engine.fresh();
    const ask = askOf(store);
    const answer = await ask('/v1/runs', { principal: 'unchecked' });
    expectProblem(answer, 503, /try again/i);
    expect(answer.headers['retry-after']).toBe('5');
  });

  it.each([null, 'nobody', 'Master', ''])(
    '%j gets nothing but a 401 under /v1, whatever is there',
    async (principal) => {
      const { store } = await engine.fresh();
      const ask = askOf(store);
      for (const path of [
        '/v1',
        '/v1/',
        '/v1/runs',
        '/v1/runs/x',
        '/v1/nothing',
        '/v1/openapi.json',
        '/v1/controls/all',
      ]) {
        for (const method of ['GET', 'PUT', 'OPTIONS', 'DELETE', 'TRACE']) {
          const answer = await ask(path, { method, principal, body: '{}' });
          expectProblem(answer, 401, /Bearer/);
          expect(answer.headers['www-authenticate']).toBe('Bearer');
        }
      }
      for (const path of ['/x/../v1/runs', '/./v1/runs', '/%76%31/runs', '/v1%2f..%2fv1/runs']) {
        expect((await ask(path, { principal })).body.items).toBeUndefined();
      }
      expect(await store.get('control', 'all')).toBeUndefined();
      expect(ask.counted).toContain('ApiUnauthorized');
    },
  );

  it('shows health and where to go on', async () => {
    const ask = askOf((await engine.fresh()).store);
    const health = await ask('/healthz', { principal: null });
    expect([health.status, health.body]).toEqual([200, { status: 'up' }]);
    expect((await ask('/', { principal: null })).body).toMatchObject({ name: 'QMOI', api: '/v1' });
    expectProblem(await ask('/nothing', { principal: null }), 404, /nothing/);
    expectProblem(await ask('/v1runs', { principal: null }), 404, /nothing/);
  });
});

describe('every answer', () => {
  it('forbids sniffing, keeping and running, and names its request', async () => {
    const ask = askOf((await engine.fresh()).store);
    for (const path of ['/', '/healthz', '/v1/runs', '/v1/nothing', '/v1/runs?limit=0']) {
      expect((await ask(path)).headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
        'x-request-id': 'request-1',
      });
    }
  });

  it('to another method names those there are', async () => {
    const ask = askOf((await engine.fresh()).store);
    for (const [path, allow] of [
      ['/v1/runs', 'GET, HEAD'],
      ['/v1/runs/x', 'GET, HEAD'],
      ['/v1/controls', 'GET, HEAD'],
      ['/v1/controls/all', 'GET, HEAD, PUT'],
      ['/healthz', 'GET, HEAD'],
      ['/v1/openapi.json', 'GET, HEAD'],
    ] as const) {
      for (const method of ['DELETE', 'POST', 'OPTIONS']) {
        const answer = await ask(path, { method });
        expectProblem(answer, 405, /./);
        expect(answer.headers.allow).toBe(allow);
      }
    }
    expectProblem(await ask('/v1/runs', { method: 'TRACE' }), 405, /./);
  });

  it('to HEAD is that to GET without its body', async () => {
    const ask = askOf((await engine.fresh()).store);
    const head = await ask('/v1/runs', { method: 'HEAD' });
    expect([head.status, head.body]).toEqual([200, undefined]);
    expect((await ask('/v1/runs/x', { method: 'HEAD' })).status).toBe(404);
  });

  it('to what went wrong inside says nothing of it, and the log says all', async () => {
    const { client } = await engine.fresh();
    const broken = new (await import('../../../../shared/store/index.ts')).Store({
      client,
      tableName: 'secret-name',
      now: () => 0,
    });
    const ask = askOf(broken);
    const answer = await ask('/v1/runs');
    expectProblem(answer, 500, /request failed/);
    expect(JSON.stringify(answer.body)).not.toMatch(/secret-name|ResourceNotFound|dynamo/i);
    expect(ask.logged[0]?.error.name).toBe('ResourceNotFoundException');
    const health = await ask('/healthz', { principal: null });
    expect([health.status, health.body]).toEqual([503, { status: 'down' }]);
  });
});

describe('a list', () => {
  it.each(RESOURCES.filter((name) => name !== 'controls'))('of %s is there, and empty at first', async (name) => {
    const ask = askOf((await engine.fresh()).store);
    expect(await ask(`/v1/${name}`)).toMatchObject({ status: 200, body: { items: [], nextCursor: null } });
    expectProblem(await ask(`/v1/${name}/nothing`), 404, /no such/);
  });

  it.each(['components', 'predictions', 'metrics', 'run', 'Runs', 'constructor'])(
    'of %s is not there',
    async (name) => {
      const ask = askOf((await engine.fresh()).store);
      expectProblem(await ask(`/v1/${name}`), 404, /nothing/);
      expectProblem(await ask(`/v1/${name}/x`), 404, /nothing/);
    },
  );

  it('pages and filters', async () => {
    const { store, time } = await engine.fresh();
    for (let n = 1; n <= 5; n++) {
      await create(store, 'run', aRun(`${n}`, { status: n % 2 === 0 ? 'failed' : 'succeeded' }));
      time.now += 1000;
    }
    const ask = askOf(store);
    const first = await ask('/v1/runs?limit=2');
    expect(first.body.items.map((item: { id: string }) => item.id)).toEqual(['github:5:1', 'github:4:1']);
    const second = await ask(`/v1/runs?limit=3&cursor=${first.body.nextCursor}`);
    expect(second.body.items.map((item: { id: string }) => item.id)).toEqual([
      'github:3:1',
      'github:2:1',
      'github:1:1',
    ]);
    expect(second.body.nextCursor).toBeNull();
    const failed = await ask('/v1/runs?status=failed&repository=acme%2Fweb');
    expect(failed.body.items).toHaveLength(2);
    expectProblem(await ask(`/v1/jobs?cursor=${first.body.nextCursor}`), 400, /cursor/);
    expectProblem(await ask('/v1/runs?colour=red'), 400, /colour.*there are.*status/);
    expectProblem(await ask('/v1/runs?status=broken'), 400, /status is one of/);
    expectProblem(await ask('/v1/runs?limit=201'), 400, /limit/);
  });

  it('of incidents counts their failures', async () => {
    const { store } = await engine.fresh();
    await create(store, 'incident', anIncident('f1'));
    await create(store, 'failure', aFailure('1', '11', { incidentId: 'f1:1' }));
    await create(store, 'failure', aFailure('1', '12', { incidentId: 'f1:1' }));
    await create(store, 'failure', aFailure('2', '21', { incidentId: 'f2:1' }));
    const ask = askOf(store);
    const counts = { failures: 2, runs: 1, complete: true };
    expect((await ask('/v1/incidents')).body.items[0]).toMatchObject({ id: 'f1:1', counts });
    expect((await ask('/v1/incidents/f1:1')).body).toMatchObject({ id: 'f1:1', counts });
  });

  it('of activity shows the events', async () => {
    const { store } = await engine.fresh();
    await appendActivity(store, [
      {
        type: 'run.failed',
        envelope: {
          id: 'run#github:1:1@1',
          entity: 'run',
          key: 'github:1:1',
          from: null,
          to: 'failed',
          version: 1,
          at: '2026-03-04T05:06:07.000Z',
          origin: 'live',
          changed: [],
        },
      },
    ]);
    const ask = askOf(store);
    const [item] = (await ask('/v1/activity?entity=run')).body.items;
    expect(item).toMatchObject({ type: 'run.failed', key: 'github:1:1', status: 'failed', version: 1 });
    expect((await ask(`/v1/activity/${encodeURIComponent(item?.id ?? '')}`)).body).toEqual(item);
    expectProblem(await ask('/v1/activity?entity=nothing'), 400, /entity is one of/);
  });
});

describe('an item', () => {
  it('shows the fields of the contract, and nothing of how the books are kept', async () => {
    const { store } = await engine.fresh();
    await create(store, 'run', aRun('1', { branch: 'main', wakeAt: '2026-03-04T05:06:07.000Z' }));
    await create(store, 'job', aJob('1', '11', { runner: { id: 'r', name: 'runner-1' } }));
    await create(store, 'failure', aFailure('1', '11', { transient: null }));
    await create(
      store,
      'remediation',
      aFix('1', { status: 'claimed', leaseOwner: 'me', leaseUntil: '2026-03-04T05:06:22.000Z', basis: 0 }),
    );
    const ask = askOf(store);
    const common = { version: 1, createdAt: store.now(), updatedAt: store.now(), platform: 'github', origin: 'live' };
    const run = (await ask('/v1/runs/github:1:1')).body;
    expect(run).toMatchObject({
      ...common,
      id: 'github:1:1',
      status: 'failed',
      externalId: '1',
      repository: 'acme/web',
      name: 'ci',
      attempt: 1,
      branch: 'main',
      commit: null,
      url: null,
      startedAt: null,
      endedAt: null,
    });
    const job = (await ask('/v1/jobs/github%3A1%3Ajob%3A11')).body;
    expect(job).toMatchObject({
      ...common,
      runId: 'github:1:1',
      runner: { name: 'runner-1' },
      steps: [{ number: 1, name: 'checkout', status: 'failed' }],
    });
    const failure = (await ask('/v1/failures/github:1:job:11')).body;
    expect(failure).toMatchObject({
      ...common,
      jobId: 'github:1:job:11',
      runId: 'github:1:1',
      category: 'network',
      cause: 'dns-resolution-failed',
      transient: null,
      severity: 'medium',
      priority: 3,
      excerpt: null,
      fingerprint: 'f1',
      incidentId: null,
    });
    const fix = (await ask('/v1/remediations/github:1:rerun-failed-jobs:1')).body;
    expect(fix).toMatchObject({
      ...common,
      status: 'claimed',
      subject: 'github:1:1',
      attempt: 1,
      action: 'rerun-failed-jobs',
      playbook: 'retry',
      strategy: 'immediate',
      incidentId: 'f1:1',
      reason: null,
      result: null,
    });
    const hidden = ['schema', 'wakeAt', 'wokenAt', 'basis', 'leaseOwner', 'leaseUntil', 'pk', 'sk', 'lp', 'expiresAt'];
    for (const item of [run, job, failure, fix]) {
      for (const name of hidden) expect(item).not.toHaveProperty(name);
    }
  });

  it('is found by its id alone, percent-encoded or not, and by no other spelling', async () => {
    const { store } = await engine.fresh();
    const runner = 'github:acme/web:100% ü#?';
    await create(store, 'runner', {
      id: runner,
      statusAt: store.now(),
      origin: 'live',
      platform: 'github',
      externalId: '1',
      scope: 'acme/web',
      status: 'idle',
    });
    await create(store, 'run', aRun('1'));
    const ask = askOf(store);
    expect((await ask(`/v1/runners/${encodeURIComponent(runner)}`)).body.id).toBe(runner);
    // As a gateway hands it over that decodes paths.
    const decoded = await askOf(store)(`/v1/runners/${runner.replace('?', '%3F')}`);
    expect(decoded.body.id).toBe(runner);
    for (const id of ['github:1:01', 'github:1', 'github:1:1:1', '%zz', '%', `${'x'.repeat(5000)}`, '%00', 'a/b/c']) {
      expectProblem(await ask(`/v1/runs/${id}`), 404, /./);
    }
  });
});
