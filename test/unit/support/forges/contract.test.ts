import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Gitlab } from '@gitbeaker/rest';
import { Octokit } from '@octokit/rest';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Call, checkCalls, createForge } from '../../../support/forges/index.ts';

/** As much of the two descriptions as the rules need; the real ones are used when they are there. */
const github = {
  paths: {
    '/repos/{owner}/{repo}/actions/runs/{run_id}/jobs': {
      get: {
        parameters: [
          { $ref: '#/components/parameters/run-id' },
          { name: 'filter', in: 'query', schema: { type: 'string', enum: ['latest', 'all'] } },
          { name: 'per_page', in: 'query', schema: { type: 'integer' } },
        ],
      },
    },
    '/repos/{owner}/{repo}/actions/runs/{run_id}/rerun-failed-jobs': {
      post: {
        parameters: [{ $ref: '#/components/parameters/run-id' }],
        requestBody: {
          content: {
            'application/json': {
              schema: { type: 'object', nullable: true, properties: { enable_debug_logging: { type: 'boolean' } } },
            },
          },
        },
      },
    },
  },
  components: { parameters: { 'run-id': { name: 'run_id', in: 'path', schema: { type: 'integer' } } } },
};
const gitlab = {
  paths: {
    '/api/v4/projects/{id}/pipelines/latest': { get: { parameters: [{ name: 'ref', in: 'query', type: 'string' }] } },
    '/api/v4/projects/{id}/pipelines/{pipeline_id}': {
      get: {
        parameters: [
          { name: 'pipeline_id', in: 'path', type: 'integer' },
          { name: 'scope', in: 'query', type: 'array', items: { type: 'string', enum: ['failed', 'success'] } },
        ],
      },
    },
    '/api/v4/projects/{id}/jobs/{job_id}/retry': {
      post: {
        parameters: [
          { name: 'id', in: 'path', type: 'integer' },
          { name: 'job_id', in: 'path', type: 'integer' },
        ],
      },
    },
  },
};

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'contract-'));
  mkdirSync(join(dir, 'api'));
  writeFileSync(join(dir, 'api', 'github-actions.openapi.json'), JSON.stringify(github));
  writeFileSync(join(dir, 'api', 'gitlab-ci.swagger.json'), JSON.stringify(gitlab));
});

afterEach(() => {
  rmSync(dir, { recursive: true });
});

function call(method: string, path: string, more: Partial<Call> = {}): Call {
  return { method, path, query: {}, at: 0, status: 200, headers: {}, body: '', ...more };
}

describe('the contract of outgoing calls', () => {
  it('accepts what the description has', () => {
    const runs = '/repos/acme/shop/actions/runs/12';
    const report = checkCalls(
      'github',
      [
        call('GET', `${runs}/jobs`, { query: { filter: 'all', per_page: '100' } }),
        call('POST', `/api/v3${runs}/rerun-failed-jobs`),
        call('POST', `${runs}/rerun-failed-jobs`, { body: '{"enable_debug_logging":true}' }),
        call('POST', `${runs}/rerun-failed-jobs`, { body: 'null' }),
        call('GET', '/actions-results/logs/1.txt'),
      ],
      dir,
    );
    expect(report).toEqual({ checked: 4, violations: [], uncovered: [] });
    expect(
      checkCalls('gitlab', [call('POST', '/api/v4/projects/acme%2Fshop/jobs/7/retry', { body: '{}' })], dir),
    ).toEqual({
      checked: 1,
      violations: [],
      uncovered: [],
    });
  });

  it.each<[string, 'github' | 'gitlab', Call]>([
    ['knows no GET', 'github', call('GET', '/repos/a/b/actions/runs/1/rerun-failed-jobs')],
    ['run_id is no integer', 'github', call('POST', '/repos/a/b/actions/runs/x/rerun-failed-jobs')],
    ['filter is "old"', 'github', call('GET', '/repos/a/b/actions/runs/1/jobs', { query: { filter: 'old' } })],
    ['per_page is no integer', 'github', call('GET', '/repos/a/b/actions/runs/1/jobs', { query: { per_page: 'all' } })],
    [
      'unknown query parameter limit',
      'github',
      call('GET', '/repos/a/b/actions/runs/1/jobs', { query: { limit: '1' } }),
    ],
    [
      'unknown body.force',
      'github',
      call('POST', '/repos/a/b/actions/runs/1/rerun-failed-jobs', { body: '{"force":true}' }),
    ],
    [
      'body.enable_debug_logging is no boolean',
      'github',
      call('POST', '/repos/a/b/actions/runs/1/rerun-failed-jobs', { body: '{"enable_debug_logging":"yes"}' }),
    ],
    ['the body is no JSON', 'github', call('POST', '/repos/a/b/actions/runs/1/rerun-failed-jobs', { body: 'x=1' })],
    ['takes no body', 'gitlab', call('POST', '/api/v4/projects/1/jobs/7/retry', { body: '{"force":1}' })],
    [
      'scope is "lost"',
      'gitlab',
      call('GET', '/api/v4/projects/1/pipelines/2', { query: { 'scope[]': 'failed,lost' } }),
    ],
    [
      'unknown query parameter page',
      'gitlab',
      call('GET', '/api/v4/projects/1/pipelines/latest', { query: { page: '1' } }),
    ],
  ])('reports: %s', (problem, platform, made) => {
    const { violations, checked } = checkCalls(platform, [made], dir);
    expect(checked).toBe(1);
    expect(violations).toEqual([expect.stringContaining(problem)]);
  });

  it('names what the description does not cover', () => {
    expect(checkCalls('github', [call('GET', '/repos/a/b')], dir)).toEqual({
      checked: 0,
      violations: [],
      uncovered: ['GET /repos/a/b'],
    });
  });

  it('says loudly that it was skipped where the descriptions are absent', () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const report = checkCalls('gitlab', [call('GET', '/api/v4/version')], join(dir, 'nowhere'));
    const said = stderr.mock.calls.join('');
    stderr.mockRestore();
    expect(report).toMatchObject({ checked: 0, skipped: expect.stringContaining('gitlab-ci.swagger.json') });
    expect(said).toContain('SKIPPED');
  });

  it('holds for the calls the real clients make', async () => {
    const forge = await createForge({
      platform: 'github',
      webhookUrl: 'http://127.0.0.1:1',
      secret: 's',
      token: 't',
      seed: 1,
    });
    const run = forge.repository('acme/shop').run({ jobs: [{ name: 'test', outcome: 'failure' }] });
    run.record();
    const octokit = new Octokit({ baseUrl: forge.url, auth: 't' });
    const repo = { owner: 'acme', repo: 'shop' };
    await octokit.actions.listJobsForWorkflowRun({ ...repo, run_id: run.id, filter: 'latest', per_page: 100 });
    await octokit.actions.reRunWorkflowFailedJobs({ ...repo, run_id: run.id });
    expect(checkCalls('github', forge.calls, dir)).toEqual({ checked: 2, violations: [], uncovered: [] });
    await forge.close();

    const other = await createForge({
      platform: 'gitlab',
      webhookUrl: 'http://127.0.0.1:1',
      secret: 's',
      token: 't',
      seed: 1,
    });
    const pipeline = other.repository('acme/shop').run({ jobs: [{ name: 'test', outcome: 'failure' }] });
    pipeline.record();
    const gitbeaker = new Gitlab({ host: other.url, token: 't' });
    await gitbeaker.Jobs.retry('acme/shop', pipeline.job('test').id);
    await gitbeaker.Pipelines.show('acme/shop', pipeline.id);
    expect(checkCalls('gitlab', other.calls, dir)).toEqual({ checked: 2, violations: [], uncovered: [] });
    await other.close();
  });
});
