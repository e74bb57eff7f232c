import { describe, expect, it } from 'vitest';
import { machines } from '../../../../shared/model/index.ts';
import { github } from '../../../../shared/platforms/github/index.ts';
import type { PlatformFacts } from '../../../../shared/platforms/index.ts';
import { examplesOf } from './github-examples.ts';

type Fields = Record<string, unknown>;
const repository = { id: 7, full_name: 'octo-org/octo-repo' };
const receivedAt = '2030-01-01T00:00:00.000Z';
const normalise = (event: string, payload: Fields): PlatformFacts =>
  github.normalise({
    event,
    body: Buffer.from(JSON.stringify({ repository, ...payload })),
    contentType: 'application/json',
    origin: 'live',
    receivedAt,
  });
const read = (event: string, payload: Fields) =>
  github.read({
    headers: { 'x-github-event': event, 'x-github-delivery': 'd', 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ repository, ...payload })),
  });

const deployment = {
  id: 15,
  sha: 'a'.repeat(40),
  ref: 'main',
  task: 'deploy',
  environment: 'production',
  created_at: '2026-01-01T10:00:00Z',
  creator: { login: 'ada' },
};
const workflow_run = {
  id: 5,
  workflow_id: 9,
  run_attempt: 2,
  name: 'Release',
  event: 'push',
  status: 'in_progress',
  conclusion: null,
  created_at: '2026-01-01T09:59:00Z',
  run_started_at: '2026-01-01T09:59:00Z',
  updated_at: '2026-01-01T09:59:30Z',
};
const statusOf = (state: string, at: string) => ({
  state,
  created_at: at,
  log_url: 'https://github.com/octo-org/octo-repo/actions/runs/5',
});

describe('a deployment', () => {
  const word = (state: string, at = '2026-01-01T10:01:00Z') =>
    normalise('deployment_status', { deployment, deployment_status: statusOf(state, at), workflow_run });

  it('is a run of its own, and says of the workflow’s run where it deploys to', () => {
    const { runs, automations } = normalise('deployment', { deployment, workflow_run });
    expect(runs).toMatchObject([
      {
        id: 'github:deployment-15:1',
        kind: 'deployment',
        status: 'queued',
        environment: 'production',
        name: 'production',
        branch: 'main',
        commit: 'a'.repeat(40),
        actor: 'ada',
        event: 'deploy',
        parentRunId: 'github:5:2',
        queuedAt: '2026-01-01T10:00:00.000Z',
      },
      { id: 'github:5:2', status: 'running', environment: 'production' },
    ]);
    expect(automations).toMatchObject([{ id: 'github:environment-7-production' }]);
  });

  it.each([
    ['pending', 'queued'],
    ['queued', 'queued'],
    ['waiting', 'waiting'],
    ['in_progress', 'running'],
    ['success', 'succeeded'],
    ['failure', 'failed'],
    ['error', 'failed'],
    ['inactive', 'succeeded'],
  ])('reported %s is %s', (state, expected) => {
    expect(word(state).runs[0]).toMatchObject({ id: 'github:deployment-15:1', status: expected });
  });

  it('ends when it succeeded, and not when a later one took its place', () => {
    const words = [word('success'), word('inactive', '2026-02-01T00:00:00Z')];
    for (const [first, second] of [words, [...words].reverse()]) {
      const merged = [first, second].reduce(
        (state, facts) => machines.run.merge(state, facts?.runs[0] as never),
        undefined as ReturnType<typeof machines.run.merge> | undefined,
      );
      expect(merged).toMatchObject({ status: 'succeeded', endedAt: '2026-01-01T10:01:00.000Z' });
    }
  });

  it('is told of by the job that deploys, too', () => {
    const waiting = examplesOf('workflow_job').find((example) => example.deployment !== undefined);
    const { runs } = normalise('workflow_job', waiting as Fields);
    expect(runs).toMatchObject([
      { id: 'github:4747967848:1', environment: 'Test' },
      { id: 'github:deployment-875096709:1', environment: 'Test', parentRunId: 'github:4747967848:1' },
    ]);
  });

  it('of nobody’s workflow stands alone, whatever it says of one', () => {
    expect(normalise('deployment', { deployment, workflow_run: null }).runs).toHaveLength(1);
    expect(normalise('deployment', { deployment, workflow_run: { id: 'x' } }).runs).toHaveLength(1);
  });

  it('that waits for reviewers makes its run and its job wait', () => {
    const job = { id: 11, name: 'ship', status: 'waiting', conclusion: null, environment: 'production' };
    const { runs, jobs } = normalise('deployment_review', {
      action: 'requested',
      environment: 'production',
      workflow_run: { ...workflow_run, status: 'waiting', name: 'Ship it by @ada' },
      workflow_job_run: job,
    });
    expect(runs).toMatchObject([{ id: 'github:5:2', status: 'waiting', environment: 'production' }]);
    expect(runs[0]).not.toHaveProperty('name');
    expect(jobs).toMatchObject([{ id: 'github:5:job:11', name: 'ship', status: 'waiting', runId: 'github:5:2' }]);
  });
});

describe('a check', () => {
  const check = (fields: Fields = {}) => ({
    check_run: {
      id: 4,
      name: 'coverage',
      head_sha: 'abc',
      html_url: 'https://github.com/octo-org/octo-repo/runs/4',
      status: 'completed',
      conclusion: 'failure',
      started_at: '2026-01-01T10:00:00Z',
      completed_at: '2026-01-01T10:01:00Z',
      app: { id: 3, slug: 'codecov', name: 'Codecov' },
      check_suite: { id: 8, head_branch: 'main' },
      ...fields,
    },
  });
  const suite = (fields: Fields = {}) => ({
    check_suite: {
      id: 8,
      head_branch: 'main',
      head_sha: 'abc',
      status: 'completed',
      conclusion: 'failure',
      created_at: '2026-01-01T10:00:00Z',
      updated_at: '2026-01-01T10:01:00Z',
      app: { id: 3, slug: 'codecov', name: 'Codecov' },
      ...fields,
    },
  });

  it('of an App is a run of kind check, below its suite', () => {
    expect(normalise('check_run', check()).runs).toMatchObject([
      {
        id: 'github:check-4:1',
        kind: 'check',
        status: 'failed',
        name: 'coverage',
        branch: 'main',
        commit: 'abc',
        url: 'https://github.com/octo-org/octo-repo/runs/4',
        actor: 'codecov',
        startedAt: '2026-01-01T10:00:00.000Z',
        endedAt: '2026-01-01T10:01:00.000Z',
        parentRunId: 'github:check-suite-8:1',
      },
    ]);
    expect(normalise('check_suite', suite()).runs).toMatchObject([
      { id: 'github:check-suite-8:1', kind: 'check', status: 'failed', actor: 'codecov' },
    ]);
  });

  it('of GitHub’s own CI is a job told twice, and ignored', () => {
    const app = { id: 15368, slug: 'github-actions', name: 'GitHub Actions' };
    expect(read('check_run', check({ app }))).toEqual({ kind: 'ignored', event: 'check_run' });
    expect(read('check_suite', suite({ app }))).toEqual({ kind: 'ignored', event: 'check_suite' });
    expect(read('check_run', check({ app: { id: 9, name: 'GitHub Actions' } })).kind).toBe('ignored');
    expect(read('check_run', check())).toMatchObject({ kind: 'delivery' });
  });

  it('suite that nothing was reported in is ignored until something was', () => {
    expect(read('check_suite', suite({ status: 'queued', conclusion: null })).kind).toBe('ignored');
    expect(read('check_suite', suite({ status: null, conclusion: null })).kind).toBe('ignored');
    expect(read('check_suite', suite()).kind).toBe('delivery');
  });

  it('is nothing that QMOI tries again', () => {
    const [run] = normalise('check_run', check()).runs.map((fact) => machines.run.merge(undefined, fact));
    expect(run && github.retryOptions(run, [])).toEqual([]);
  });
});

describe('a commit status', () => {
  const word = (fields: Fields = {}) =>
    normalise('status', {
      id: 1,
      sha: 'abc',
      context: 'ci/jenkins',
      state: 'pending',
      target_url: 'https://jenkins.example/1',
      branches: [{ name: 'main' }],
      created_at: '2026-01-01T10:00:00Z',
      updated_at: '2026-01-01T10:00:00Z',
      sender: { login: 'jenkins' },
      ...fields,
    }).runs;

  it('is one run, however often it is set, from its first word to its last', () => {
    const words = [word(), word({ id: 2, state: 'error', updated_at: '2026-01-01T10:05:00Z' })].flat();
    const merged = words.reduce(
      (state, fact) => machines.run.merge(state, fact),
      undefined as ReturnType<typeof machines.run.merge> | undefined,
    );
    expect(new Set(words.map(({ id }) => id)).size).toBe(1);
    expect(merged).toMatchObject({
      kind: 'status',
      status: 'failed',
      name: 'ci/jenkins',
      branch: 'main',
      commit: 'abc',
      actor: 'jenkins',
      url: 'https://jenkins.example/1',
      startedAt: '2026-01-01T10:00:00.000Z',
      endedAt: '2026-01-01T10:05:00.000Z',
    });
  });

  it('is another of another commit, context or repository', () => {
    const ids = [
      word(),
      word({ sha: 'abd' }),
      word({ context: 'ci/other' }),
      word({ repository: { ...repository, id: 8 } }),
    ];
    expect(new Set(ids.map(([run]) => run?.id)).size).toBe(4);
  });
});

describe('what tells no state', () => {
  it.each(['ping', 'meta', 'installation', 'installation_repositories', 'workflow_dispatch', 'repository_dispatch'])(
    'is kept where it tells of the hook, of the App or of a run to come: %s',
    (event) => {
      expect(read(event, { action: 'deleted' })).toMatchObject({ kind: 'delivery', event, action: 'deleted' });
      expect(normalise(event, { action: 'deleted' })).toMatchObject({
        runs: [],
        jobs: [],
        runners: [],
        automations: [],
      });
    },
  );

  it.each(['push', 'star', 'pull_request', 'issues', 'merge_group', 'constructor'])('is ignored: %s', (event) => {
    expect(read(event, {})).toEqual({ kind: 'ignored', event });
  });
});
