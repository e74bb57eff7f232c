import { Octokit } from '@octokit/rest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createForge, type Forge, type JobSpec, type ManualClock, manualClock } from '../../../support/forges/index.ts';
import { receiver } from './receiver.ts';

const NOW = Date.parse('2026-03-02T10:00:00Z');
const LOG = "fatal: unable to access 'https://github.com/acme/lib/': Could not resolve host: github.com\n";
const repo = { owner: 'acme', repo: 'shop' };
const flaky: JobSpec = { name: 'test', outcome: 'failure', thenOnRetry: 'success', log: LOG };

let clock: ManualClock;
let qmoi: Awaited<ReturnType<typeof receiver>>;
let forge: Forge;
let github: Octokit;

function client(auth?: string): Octokit {
  return new Octokit({
    baseUrl: forge.url,
    ...(auth ? { auth } : {}),
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
}

async function refusal(call: Promise<unknown>): Promise<{ status: number; message: string }> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason as { status: number; response: { data: { message: string } } },
  );
  if (!error) throw new Error('the call was not refused');
  return { status: error.status, message: error.response.data.message };
}

beforeEach(async () => {
  clock = manualClock(NOW);
  qmoi = await receiver();
  forge = await createForge({
    platform: 'github',
    webhookUrl: qmoi.url,
    secret: 's3cret',
    token: 'ghp_ok',
    seed: 7,
    clock,
    speed: 1,
  });
  github = client('ghp_ok');
});

afterEach(async () => {
  await forge.close();
  await qmoi.close();
});

describe('who may do what', () => {
  it('turns bad, absent, foreign and read-only tokens down as GitHub does', async () => {
    const run = forge.repository('acme/shop').run({ jobs: [flaky] });
    run.record();
    forge.tokens.allow('ghp_read', { access: 'read' });
    forge.tokens.allow('ghp_other', { repositories: ['acme/other'] });
    const look = (auth?: string) => client(auth).actions.getWorkflowRun({ ...repo, run_id: run.id });

    expect((await look('ghp_read')).data.id).toBe(run.id);
    expect(await refusal(look('ghp_bad'))).toEqual({ status: 401, message: 'Bad credentials' });
    expect((await refusal(look())).status).toBe(404);
    expect((await refusal(look('ghp_other'))).status).toBe(404);
    const rerun = client('ghp_read').actions.reRunWorkflowFailedJobs({ ...repo, run_id: run.id });
    expect(await refusal(rerun)).toEqual({ status: 403, message: 'Resource not accessible by personal access token' });
    forge.tokens.revoke('ghp_ok');
    expect((await refusal(look('ghp_ok'))).status).toBe(401);
    expect(forge.effects).toEqual([]);
  });

  it('hides a repository behind 404', async () => {
    const repository = forge.repository('acme/shop');
    const run = repository.run({ jobs: [flaky] });
    run.record();
    repository.hide();
    expect((await refusal(github.actions.getWorkflowRun({ ...repo, run_id: run.id }))).status).toBe(404);
  });

  it('also serves its API below /api/v3, as an Enterprise server', async () => {
    const run = forge.repository('acme/shop').run({ jobs: [flaky] });
    run.record();
    const enterprise = new Octokit({ baseUrl: `${forge.url}/api/v3`, auth: 'ghp_ok' });
    expect((await enterprise.actions.getWorkflowRun({ ...repo, run_id: run.id })).data.id).toBe(run.id);
  });
});

describe('job logs', () => {
  async function log(job: number): Promise<string> {
    const { data } = await github.actions.downloadJobLogsForWorkflowRun({ ...repo, job_id: job });
    return Buffer.from(data as ArrayBuffer).toString('utf8');
  }

  it('redirects to a store on another host that serves text and is not shown the token', async () => {
    const run = forge.repository('acme/shop').run({ jobs: [flaky] });
    run.record();
    const bare = await fetch(`${forge.url}/repos/acme/shop/actions/jobs/${run.job('test').id}/logs`, {
      headers: { authorization: 'token ghp_ok' },
      redirect: 'manual',
    });
    expect(bare.status).toBe(302);
    const link = new URL(bare.headers.get('location') ?? '');
    expect(link.origin).not.toBe(forge.url);
    const stored = await fetch(link);
    expect(stored.headers.get('content-type')).toBe('text/plain');
    const text = await stored.text();
    expect(text).toContain('Could not resolve host: github.com');
    expect(text).toContain('##[error]Process completed with exit code 1.');
    expect(text.split('\n')[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z fatal/);
    expect((await fetch(link, { headers: { authorization: 'token ghp_ok' } })).status).toBe(401);
    const tail = await fetch(link, { headers: { range: 'bytes=0-9' } });
    expect([tail.status, (await tail.arrayBuffer()).byteLength]).toEqual([206, 10]);
    clock.advance(61_000);
    expect((await fetch(link)).status).toBe(403);
  });

  it('can be read with the real client', async () => {
    const run = forge.repository('acme/shop').run({ jobs: [flaky] });
    run.record();
    expect(await log(run.job('test').id)).toContain('Could not resolve host');
  });

  it('are not there for a while after the job ended, at the API or at the store', async () => {
    const run = forge.repository('acme/shop').run({
      jobs: [
        { ...flaky, name: 'late', logDelayMs: 5000 },
        { ...flaky, name: 'absent', logMissingCalls: 2 },
        { ...flaky, name: 'blob', logMissingCalls: 1, logMissing: 'blob' },
        { ...flaky, name: 'gone', logExpired: true },
      ],
    });
    const played = run.play();
    clock.drain();
    await played;
    expect((await refusal(log(run.job('gone').id))).status).toBe(410);
    for (const name of ['absent', 'absent', 'blob']) {
      await expect(log(run.job(name).id)).rejects.toMatchObject({ status: 404 });
    }
    expect(await log(run.job('absent').id)).toContain('fatal');
    expect(await log(run.job('blob').id)).toContain('fatal');

    const other = forge.repository('acme/shop').run({ jobs: [{ ...flaky, logDelayMs: 5000 }] });
    other.record();
    expect((await refusal(log(other.job('test').id))).status).toBe(404);
    clock.advance(5000);
    expect(await log(other.job('test').id)).toContain('fatal');
  });
});

describe('the rest of the API', () => {
  it('lists runs newest first, filtered and in pages', async () => {
    const repository = forge.repository('acme/shop');
    for (const branch of ['main', 'main', 'fix']) repository.run({ branch, jobs: [flaky] }).record();
    const page = await github.actions.listWorkflowRunsForRepo({ ...repo, branch: 'main', per_page: 1 });
    expect(page.data.total_count).toBe(2);
    expect(page.data.workflow_runs.map((run) => run.run_number)).toEqual([2]);
    expect(page.headers.link).toContain('rel="next"');
    const ended = await github.actions.listWorkflowRunsForRepo({ ...repo, status: 'success' });
    expect(ended.data.total_count).toBe(0);
  });

  it('counts calls against the limit, except those an ETag saves', async () => {
    const run = forge.repository('acme/shop').run({ jobs: [flaky] });
    run.record();
    const path = `${forge.url}/repos/acme/shop/actions/runs/${run.id}`;
    const headers = { authorization: 'Bearer ghp_ok' };
    const first = await fetch(path, { headers });
    const etag = first.headers.get('etag') ?? '';
    expect(first.headers.get('x-ratelimit-remaining')).toBe('4999');
    expect(first.headers.get('x-github-request-id')).toMatch(/^[0-9A-F:]+$/);
    const second = await fetch(path, { headers: { ...headers, 'if-none-match': etag } });
    expect([second.status, second.headers.get('x-ratelimit-remaining')]).toEqual([304, '4999']);
  });

  it('limits as GitHub does: 403 with nothing remaining, and Retry-After for too many writes', async () => {
    const small = await createForge({
      platform: 'github',
      secret: 's',
      token: 't',
      seed: 1,
      clock,
      rateLimit: 3,
      writesPerMinute: 1,
    });
    const call = (method: string) =>
      fetch(`${small.url}/repos/acme/shop/actions/runs/1/rerun`, { method, headers: { authorization: 'Bearer t' } });
    expect((await call('POST')).status).toBe(404);
    const secondary = await call('POST');
    expect([secondary.status, secondary.headers.get('retry-after')]).toEqual([403, '60']);
    await call('GET');
    const primary = await call('GET');
    expect([primary.status, primary.headers.get('x-ratelimit-remaining')]).toEqual([403, '0']);
    clock.advance(3_600_000);
    expect((await call('GET')).status).toBe(404);
    await small.close();
  });

  it('marks calls to what it does not know', async () => {
    forge.repository('acme/shop');
    await refusal(github.actions.listRepoSecrets(repo));
    expect(forge.calls).toMatchObject([
      { method: 'GET', path: '/repos/acme/shop/actions/secrets', status: 404, unknownRoute: true },
    ]);
  });
});
