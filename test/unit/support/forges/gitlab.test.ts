import { Gitlab } from '@gitbeaker/rest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createForge, type Forge, type JobSpec, type ManualClock, manualClock } from '../../../support/forges/index.ts';
import { receiver } from './receiver.ts';

const NOW = Date.parse('2026-03-02T10:00:00Z');
const flaky: JobSpec = {
  name: 'test',
  stage: 'test',
  outcome: 'failure',
  thenOnRetry: 'success',
  log: 'curl: (6) Could not resolve host: registry.npmjs.org\n',
};
const chain: JobSpec[] = [{ name: 'build', stage: 'build' }, flaky, { name: 'deploy', stage: 'deploy' }];

let clock: ManualClock;
let qmoi: Awaited<ReturnType<typeof receiver>>;
let forge: Forge;

async function call(path: string, init: { method?: string; token?: string } = {}) {
  const response = await fetch(`${forge.url}/api/v4${path}`, {
    method: init.method ?? 'GET',
    headers: init.token === '' ? {} : { 'private-token': init.token ?? 'glpat-ok' },
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : undefined;
  return { status: response.status, headers: response.headers, text, json };
}

async function settle(): Promise<void> {
  clock.drain();
  await forge.idle();
}

beforeEach(async () => {
  clock = manualClock(NOW);
  qmoi = await receiver();
  forge = await createForge({
    platform: 'gitlab',
    webhookUrl: qmoi.url,
    secret: 'hook-token',
    token: 'glpat-ok',
    seed: 7,
    clock,
    speed: 1,
  });
});

afterEach(async () => {
  await forge.close();
  await qmoi.close();
});

describe('who may do what', () => {
  it('turns bad, absent, foreign, revoked and read-only tokens down as GitLab does', async () => {
    const repository = forge.repository('acme/shop');
    const run = repository.run({ jobs: [flaky] });
    run.record();
    forge.tokens.allow('glpat-read', { access: 'read' });
    forge.tokens.allow('glpat-other', { repositories: ['acme/other'] });
    const path = `/projects/${repository.id}/jobs/${run.job('test').id}`;

    expect(await call(path, { token: 'nonsense' })).toMatchObject({
      status: 401,
      json: { message: '401 Unauthorized' },
    });
    expect((await call(path, { token: '' })).status).toBe(401);
    expect(await call(path, { token: 'glpat-other' })).toMatchObject({
      status: 404,
      json: { message: '404 Project Not Found' },
    });
    expect((await call(path, { token: 'glpat-read' })).status).toBe(200);
    expect(await call(`${path}/retry`, { token: 'glpat-read', method: 'POST' })).toMatchObject({
      status: 403,
      json: { error: 'insufficient_scope', scope: 'api' },
    });
    forge.tokens.revoke('glpat-ok');
    expect(await call(path)).toMatchObject({ status: 401, json: { error: 'invalid_token' } });
    repository.hide();
    expect((await call(path, { token: 'glpat-read' })).status).toBe(404);
    expect(forge.effects).toEqual([]);
  });

  it('takes a project by number or by its encoded path, and a bearer token', async () => {
    const repository = forge.repository('acme/web/shop');
    const run = repository.run({ jobs: [flaky] });
    run.record();
    for (const id of [String(repository.id), 'acme%2Fweb%2Fshop']) {
      expect((await call(`/projects/${id}/pipelines/${run.id}`)).json).toMatchObject({ id: run.id, status: 'failed' });
    }
    const bearer = await fetch(`${forge.url}/api/v4/projects/${repository.id}`, {
      headers: { authorization: 'Bearer glpat-ok' },
    });
    expect(bearer.status).toBe(200);
  });

  it('works with the real client', async () => {
    const repository = forge.repository('acme/shop');
    const run = repository.run({ jobs: [flaky] });
    run.record();
    const gitlab = new Gitlab({ host: forge.url, token: 'glpat-ok' });
    expect(await gitlab.Jobs.showLog('acme/shop', run.job('test').id)).toContain('Could not resolve host');
    const retried = await gitlab.Jobs.retry(repository.id, run.job('test').id);
    expect(retried).toMatchObject({ name: 'test', pipeline: { id: run.id } });
    await settle();
    expect((await gitlab.Pipelines.show(repository.id, run.id)).status).toBe('success');
  });
});

describe('traces', () => {
  it('are plain text, and empty while they are not there', async () => {
    const repository = forge.repository('acme/shop');
    const run = repository.run({ jobs: [{ ...flaky, logDelayMs: 5000 }] });
    run.record();
    const path = `/projects/${repository.id}/jobs/${run.job('test').id}/trace`;
    expect(await call(path)).toMatchObject({ status: 200, text: '' });
    clock.advance(5000);
    const trace = await call(path);
    expect(trace.headers.get('content-type')).toBe('text/plain');
    expect(trace.text).toContain('Could not resolve host');
    expect(trace.text).toContain('ERROR: Job failed: exit code 1');
  });
});

describe('a retry', () => {
  it('adds a job of the same name to the same pipeline, once, and runs what had been skipped', async () => {
    const repository = forge.repository('acme/shop');
    const run = repository.run({ workflow: 'CI', jobs: chain });
    run.record();
    expect(run.conclusion).toBe('failure');
    const old = { test: run.job('test'), deploy: run.job('deploy') };
    expect(old.deploy.conclusion).toBe('skipped');
    const ended = (await call(`/projects/${repository.id}/pipelines/${run.id}`)).json.finished_at;

    clock.advance(2000);
    const path = `/projects/${repository.id}/jobs/${old.test.id}/retry`;
    const answers = await Promise.all([call(path, { method: 'POST' }), call(path, { method: 'POST' })]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 403]);
    const made = answers.find((answer) => answer.status === 201)?.json;
    expect(made).toMatchObject({ name: 'test', stage: 'test', pipeline: { id: run.id, status: 'running' } });
    expect(made.id).toBeGreaterThan(old.deploy.id);
    expect(answers.find((answer) => answer.status === 403)?.json).toEqual({
      message: '403 Forbidden - Job is not retryable',
    });
    expect((await call(`/projects/${repository.id}/pipelines/${run.id}`)).json).toMatchObject({
      status: 'running',
      finished_at: ended,
    });
    await settle();

    expect(forge.effects).toMatchObject([{ kind: 'retry-job', jobId: old.test.id, newJobIds: [made.id], attempt: 2 }]);
    expect(run.conclusion).toBe('success');
    expect(run.job('deploy')).toMatchObject({ id: old.deploy.id, conclusion: 'success' });
    const after = (await call(`/projects/${repository.id}/pipelines/${run.id}`)).json;
    expect(after.status).toBe('success');
    expect(Date.parse(after.finished_at)).toBeGreaterThan(Date.parse(ended));
    const latest = (await call(`/projects/${repository.id}/pipelines/${run.id}/jobs`)).json;
    expect(latest.map((job: { id: number }) => job.id)).not.toContain(old.test.id);
    const all = (await call(`/projects/${repository.id}/pipelines/${run.id}/jobs?include_retried=true`)).json;
    expect(all.map((job: { id: number }) => job.id)).toContain(old.test.id);

    const hooks = qmoi.received.map((hook) => JSON.parse(hook.body));
    const pipelines = hooks.filter((hook) => hook.object_kind === 'pipeline');
    expect(pipelines.map((hook) => hook.object_attributes.status)).toEqual(['running', 'success']);
    // A retried pipeline still shows its old end while it runs, and only the latest job of each name.
    expect(pipelines[0].object_attributes.finished_at).toBe('2026-03-02 10:00:00 UTC');
    expect(pipelines[1].builds.map((build: { id: number }) => build.id).sort()).toEqual(
      [run.job('build').id, made.id, old.deploy.id].sort(),
    );
    expect(pipelines[1].object_attributes.finished_at > pipelines[0].object_attributes.finished_at).toBe(true);
  });

  it('of a job is taken while the rest of the pipeline is still running', async () => {
    const repository = forge.repository('acme/shop');
    const run = repository.run({
      jobs: [
        { ...flaky, durationSeconds: 10 },
        { name: 'long', durationSeconds: 300 },
      ],
    });
    const played = run.play();
    clock.advance(60_000);
    const retried = await call(`/projects/${repository.id}/jobs/${run.job('test').id}/retry`, { method: 'POST' });
    expect(retried.status).toBe(201);
    const running = await call(`/projects/${repository.id}/jobs/${run.job('long').id}/retry`, { method: 'POST' });
    expect(running.json).toEqual({ message: '403 Forbidden - Job is not retryable' });
    clock.drain();
    await played;
    await forge.idle();
    expect(run.conclusion).toBe('success');
    const ends = qmoi.received
      .map((hook) => JSON.parse(hook.body))
      .filter((hook) => hook.object_attributes?.status === 'success');
    expect(ends).toHaveLength(1);
  });

  it('of a pipeline takes up every failed job', async () => {
    const repository = forge.repository('acme/shop');
    const run = repository.run({ jobs: [flaky, { ...flaky, name: 'e2e' }, { name: 'lint', stage: 'test' }] });
    run.record();
    const answer = await call(`/projects/${repository.id}/pipelines/${run.id}/retry`, { method: 'POST' });
    expect([answer.status, answer.json.status]).toEqual([201, 'running']);
    await settle();
    expect(run.conclusion).toBe('success');
    expect(forge.effects).toMatchObject([{ kind: 'retry-pipeline', attempt: 2 }]);
    expect(forge.effects[0]?.newJobIds).toHaveLength(2);
  });

  it('is refused for what does not exist', async () => {
    const repository = forge.repository('acme/shop');
    expect(await call(`/projects/${repository.id}/jobs/1/retry`, { method: 'POST' })).toMatchObject({
      status: 404,
      json: { message: '404 Not found' },
    });
  });
});

describe('hooks', () => {
  it("carry GitLab's own times and fields", async () => {
    const run = forge.repository('acme/shop').run({ workflow: 'CI', jobs: chain });
    const hooks = run.record().map((delivery) => JSON.parse(delivery.body));
    const jobs = hooks.filter((hook) => hook.object_kind === 'build');
    expect(jobs.filter((hook) => hook.build_name === 'test').map((hook) => hook.build_status)).toEqual([
      'created',
      'pending',
      'running',
      'failed',
    ]);
    expect(jobs.find((hook) => hook.build_status === 'failed')).toMatchObject({
      build_failure_reason: 'script_failure',
      // Wrong upstream: nothing was retried.
      retries_count: 1,
      build_duration: 30,
      pipeline_id: run.id,
      commit: { id: run.id, status: 'running' },
    });
    expect(jobs.find((hook) => hook.build_status === 'success')).toMatchObject({
      build_failure_reason: 'unknown_failure',
    });
    expect(hooks.at(-1)).toMatchObject({
      object_kind: 'pipeline',
      object_attributes: {
        id: run.id,
        status: 'failed',
        finished_at: '2026-03-02 10:00:00 UTC',
        stages: ['build', 'test', 'deploy'],
      },
      project: { path_with_namespace: 'acme/shop' },
    });
  });

  it('of a job that ran out of time or may fail say so', () => {
    const repository = forge.repository('acme/shop');
    const slow = repository.run({ jobs: [{ name: 'test', outcome: 'timed_out' }] });
    const bodies = slow.record().map((delivery) => JSON.parse(delivery.body));
    expect(bodies.find((hook) => hook.build_status === 'failed').build_failure_reason).toBe('job_execution_timeout');
    const tolerant = repository.run({
      jobs: [
        { name: 'audit', outcome: 'failure', allowFailure: true },
        { name: 'b', stage: 'z' },
      ],
    });
    tolerant.record();
    expect([tolerant.job('b').conclusion, tolerant.conclusion]).toEqual(['success', 'success']);
  });
});

describe('limits', () => {
  it('tells what is left and answers 429 beyond', async () => {
    const small = await createForge({ platform: 'gitlab', secret: 's', token: 't', seed: 1, clock, rateLimit: 2 });
    const version = () => fetch(`${small.url}/api/v4/version`, { headers: { 'private-token': 't' } });
    const first = await version();
    expect([first.headers.get('ratelimit-limit'), first.headers.get('ratelimit-remaining')]).toEqual(['2', '1']);
    await version();
    const third = await version();
    expect([third.status, third.headers.get('retry-after'), await third.text()]).toEqual([429, '60', 'Retry later\n']);
    clock.advance(60_000);
    expect((await version()).status).toBe(200);
    await small.close();
  });
});
