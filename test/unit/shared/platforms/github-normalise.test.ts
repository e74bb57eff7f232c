import { describe, expect, it } from 'vitest';
import { machines } from '../../../../shared/model/index.ts';
import { github } from '../../../../shared/platforms/github/index.ts';
import type { PlatformFacts } from '../../../../shared/platforms/index.ts';
import { examplesOf } from './github-examples.ts';

const receivedAt = '2030-01-01T00:00:00.000Z';
const normalise = (event: string, payload: unknown): PlatformFacts =>
  github.normalise({
    event,
    body: Buffer.from(JSON.stringify(payload)),
    contentType: 'application/json',
    origin: 'live',
    receivedAt,
  });

const repository = { id: 7, full_name: 'octo-org/octo-repo' };
const jobEvent = (fields: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  normalise('workflow_job', {
    repository,
    organization: { login: 'octo-org' },
    ...more,
    workflow_job: {
      id: 11,
      run_id: 5,
      run_attempt: 2,
      name: 'test',
      workflow_name: 'CI',
      head_branch: 'main',
      head_sha: 'abc',
      html_url: 'https://github.com/octo-org/octo-repo/actions/runs/5/job/11',
      created_at: '2026-01-01T10:00:00Z',
      started_at: '2026-01-01T10:00:05Z',
      completed_at: null,
      status: 'in_progress',
      conclusion: null,
      steps: [],
      labels: ['self-hosted', 'linux'],
      runner_id: 3,
      runner_name: 'builder-3',
      runner_group_name: 'Default',
      ...fields,
    },
  });
const runEvent = (fields: Record<string, unknown>) =>
  normalise('workflow_run', {
    repository,
    workflow: { name: 'CI', path: '.github/workflows/ci.yml' },
    workflow_run: {
      id: 5,
      workflow_id: 9,
      run_attempt: 1,
      name: 'CI',
      event: 'push',
      head_branch: 'main',
      head_sha: 'abc',
      html_url: 'https://github.com/octo-org/octo-repo/actions/runs/5',
      created_at: '2026-01-01T10:00:00Z',
      run_started_at: '2026-01-01T10:00:00Z',
      updated_at: '2026-01-01T10:09:00Z',
      actor: { login: 'ada' },
      triggering_actor: { login: 'bob' },
      status: 'completed',
      conclusion: 'success',
      ...fields,
    },
  });

describe('GitHub’s own examples', () => {
  it.each([
    ['workflow_run', 5],
    // One of them tells of a deployment too.
    ['workflow_job', 9],
    ['check_run', 10],
    ['check_suite', 9],
    ['status', 4],
    ['deployment', 5],
    ['deployment_status', 5],
    ['deployment_review', 1],
    ['ping', 0],
    ['meta', 0],
    ['installation', 0],
    ['workflow_dispatch', 0],
    ['repository_dispatch', 0],
    ['push', 0],
  ])('of %s become facts that the model takes', (event, runs) => {
    const all = examplesOf(event).map((example) => normalise(event, example));
    expect(all.flatMap((facts) => facts.runs)).toHaveLength(runs);
    for (const facts of all) {
      for (const [entity, list] of [
        ['run', facts.runs],
        ['job', facts.jobs],
        ['runner', facts.runners],
        ['automation', facts.automations],
      ] as const) {
        for (const fact of list) {
          const { merge, parse } = machines[entity];
          const state = merge(undefined, fact as never);
          expect(parse(state)).toEqual(state);
          expect(fact.statusAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        }
      }
    }
  });
});

describe('a workflow run', () => {
  it('that ended', () => {
    const { runs, jobs, automations } = runEvent({ conclusion: 'failure' });
    expect(jobs).toEqual([]);
    expect(runs).toEqual([
      {
        id: 'github:5:1',
        status: 'failed',
        statusAt: '2026-01-01T10:09:00.000Z',
        origin: 'live',
        platform: 'github',
        externalId: '5',
        repository: 'octo-org/octo-repo',
        repositoryId: '7',
        name: 'CI',
        attempt: 1,
        branch: 'main',
        commit: 'abc',
        url: 'https://github.com/octo-org/octo-repo/actions/runs/5',
        automationId: 'github:9',
        event: 'push',
        actor: 'bob',
        queuedAt: '2026-01-01T10:00:00.000Z',
        startedAt: '2026-01-01T10:00:00.000Z',
        endedAt: '2026-01-01T10:09:00.000Z',
      },
    ]);
    expect(automations).toEqual([
      {
        id: 'github:9',
        statusAt: '2026-01-01T10:09:00.000Z',
        origin: 'live',
        platform: 'github',
        externalId: '9',
        repository: 'octo-org/octo-repo',
        name: 'CI',
        path: '.github/workflows/ci.yml',
        recent: [{ runId: 'github:5:1', endedAt: '2026-01-01T10:09:00.000Z', succeeded: false }],
      },
    ]);
  });

  it('was asked for again: another item, queued since the rerun was asked for', () => {
    const again = { run_attempt: 2, run_started_at: '2026-01-01T11:00:00Z', status: 'queued', conclusion: null };
    expect(runEvent(again).runs).toMatchObject([
      { id: 'github:5:2', attempt: 2, status: 'queued', queuedAt: '2026-01-01T11:00:00.000Z' },
    ]);
  });

  it.each([
    ['queued', null, 'queued'],
    ['requested', null, 'queued'],
    ['pending', null, 'queued'],
    ['waiting', null, 'waiting'],
    ['in_progress', null, 'running'],
    ['completed', 'success', 'succeeded'],
    ['completed', 'neutral', 'succeeded'],
    ['completed', 'failure', 'failed'],
    ['completed', 'startup_failure', 'failed'],
    ['completed', 'cancelled', 'canceled'],
    ['completed', 'skipped', 'skipped'],
    ['completed', 'timed_out', 'timed-out'],
    ['completed', 'stale', 'timed-out'],
    ['completed', 'action_required', 'waiting'],
  ])('that is %s, %s, is %s', (status, conclusion, expected) => {
    const [run] = runEvent({ status, conclusion }).runs;
    expect(run?.status).toBe(expected);
    const ended = ['succeeded', 'failed', 'canceled', 'skipped', 'timed-out'].includes(expected);
    expect(run?.endedAt !== undefined).toBe(ended);
  });

  it.each([
    ['success', [true]],
    ['failure', [false]],
    ['timed_out', [false]],
    ['cancelled', []],
    ['skipped', []],
  ])('that ended in %s counts for its workflow as it should', (conclusion, expected) => {
    const [automation] = runEvent({ conclusion }).automations;
    expect(automation?.recent?.map((run) => run.succeeded)).toEqual(expected);
  });
});

describe('a workflow job', () => {
  it('at work tells of its run and its runner too', () => {
    const { runs, jobs, runners } = jobEvent({});
    expect(jobs).toEqual([
      {
        id: 'github:5:job:11',
        status: 'running',
        statusAt: '2026-01-01T10:00:05.000Z',
        origin: 'live',
        platform: 'github',
        externalId: '11',
        repository: 'octo-org/octo-repo',
        repositoryId: '7',
        name: 'test',
        attempt: 2,
        branch: 'main',
        commit: 'abc',
        url: 'https://github.com/octo-org/octo-repo/actions/runs/5/job/11',
        runId: 'github:5:2',
        runner: { id: 'github:octo-org:3', name: 'builder-3' },
        labels: ['self-hosted', 'linux'],
        queuedAt: '2026-01-01T10:00:00.000Z',
        startedAt: '2026-01-01T10:00:05.000Z',
        steps: [],
      },
    ]);
    expect(runs).toMatchObject([
      {
        id: 'github:5:2',
        status: 'running',
        startedAt: '2026-01-01T10:00:05.000Z',
        name: 'CI',
        url: 'https://github.com/octo-org/octo-repo/actions/runs/5',
      },
    ]);
    expect(runners).toMatchObject([
      { id: 'github:octo-org:3', status: 'busy', jobId: 'github:5:job:11', kind: 'self-hosted', pool: 'Default' },
    ]);
  });

  it('in the queue tells nothing of how far its run is, nor that a runner is at work', () => {
    const { runs, runners, jobs } = jobEvent({ status: 'queued' });
    expect(runs[0]).not.toHaveProperty('status');
    expect(runners).toMatchObject([{ id: 'github:octo-org:3', name: 'builder-3' }]);
    expect(runners[0]).not.toHaveProperty('status');
    expect(jobEvent({ status: 'queued', runner_id: null }).runners).toEqual([]);
    expect(jobs[0]).not.toHaveProperty('startedAt');
  });

  it('frees its own runner when it ends, and a throw-away one is gone', () => {
    const ended = { status: 'completed', conclusion: 'success', completed_at: '2026-01-01T10:05:00Z' };
    expect(jobEvent(ended).runners).toMatchObject([{ status: 'idle', statusAt: '2026-01-01T10:05:00.000Z' }]);
    const hosted = { ...ended, labels: ['ubuntu-latest'], runner_name: 'GitHub Actions 12' };
    expect(jobEvent(hosted).runners).toMatchObject([{ status: 'removed', kind: 'hosted' }]);
  });

  it.each([
    [{ labels: ['ubuntu-24.04'], runner_name: 'x', runner_group_name: 'larger' }, 'hosted'],
    [{ labels: ['gpu'], runner_name: 'GitHub Actions 3', runner_group_name: null }, 'hosted'],
    [{ labels: [], runner_name: 'x', runner_group_name: 'GitHub Actions' }, 'hosted'],
    [{ labels: ['self-hosted', 'ubuntu-24.04'], runner_name: 'x' }, 'self-hosted'],
    [{ labels: ['gpu'], runner_name: 'x' }, 'self-hosted'],
  ])('knows whose machine %o is', (fields, kind) => {
    expect(jobEvent(fields).runners[0]?.kind).toBe(kind);
  });

  it('of a repository without an organisation has the runners of its owner', () => {
    expect(jobEvent({}, { organization: undefined }).runners[0]?.scope).toBe('octo-org');
  });

  it('cancelled in the queue never began, whatever its times say', () => {
    const canceled = {
      status: 'completed',
      conclusion: 'cancelled',
      completed_at: '2026-01-01T10:05:00Z',
      runner_id: 0,
    };
    const { jobs, runners, runs } = jobEvent(canceled);
    expect(jobs[0]).toMatchObject({ status: 'canceled', endedAt: '2026-01-01T10:05:00.000Z' });
    expect(jobs[0]).not.toHaveProperty('startedAt');
    expect(runners).toEqual([]);
    expect(runs[0]).not.toHaveProperty('status');
  });

  it('keeps the steps that have begun and leaves out what nobody understands', () => {
    const step = { number: 1, name: 'Set up job', started_at: '2026-01-01T10:00:05Z', completed_at: null };
    const { jobs } = jobEvent({
      steps: [
        { ...step, status: 'completed', conclusion: 'failure', completed_at: '2026-01-01T10:00:06Z' },
        { ...step, number: 2, status: 'in_progress', conclusion: null },
        { ...step, number: 3, status: 'queued', conclusion: null },
        { ...step, number: 4, status: 'completed', conclusion: 'marvellous' },
        { ...step, number: 'five', status: 'in_progress' },
        null,
      ],
    });
    expect(jobs[0]?.steps).toEqual([
      {
        number: 1,
        name: 'Set up job',
        status: 'failed',
        startedAt: '2026-01-01T10:00:05.000Z',
        endedAt: '2026-01-01T10:00:06.000Z',
      },
      { number: 2, name: 'Set up job', status: 'running', startedAt: '2026-01-01T10:00:05.000Z' },
    ]);
  });

  it('is cut to limits, and links only where a browser may go', () => {
    const { jobs } = jobEvent({
      name: 'n'.repeat(254) + '😀'.repeat(10),
      head_branch: 'b'.repeat(100_000),
      html_url: 'javascript:alert(1)',
      steps: Array.from({ length: 5000 }, (_, number) => ({ number, name: 's'.repeat(999), status: 'in_progress' })),
      labels: Array.from({ length: 5000 }, () => 'l'.repeat(999)),
    });
    expect(jobs[0]?.name).toBe('n'.repeat(254));
    expect(jobs[0]).not.toHaveProperty('url');
    expect(JSON.stringify(jobs[0]).length).toBeLessThan(50_000);
  });

  it('without a time of its own takes the time it was heard of', () => {
    const times = { created_at: null, started_at: 'yesterday', completed_at: '0001-01-01T00:00:00Z' };
    expect(jobEvent(times).jobs[0]?.statusAt).toBe(receivedAt);
  });
});

describe('the ways to try a run again', () => {
  const { merge } = machines.run;
  const runOf = (conclusion: string | null) => {
    const [fact] = runEvent(conclusion === null ? { status: 'in_progress', conclusion } : { conclusion }).runs;
    if (fact === undefined) throw new Error('no run');
    return merge(undefined, fact);
  };
  const [fact] = jobEvent({ status: 'completed', conclusion: 'failure' }).jobs;
  const job = machines.job.merge(undefined, fact as NonNullable<typeof fact>);

  it('are one call for all of its failed jobs', () => {
    expect(github.retryOptions(runOf('failure'), [job, job])).toMatchObject([
      { action: 'rerun-failed-jobs', part: '1', subject: 'github:5:1', externalId: '5', attempt: 1, jobs: [job, job] },
    ]);
  });

  it('are none while it runs, or when nothing failed', () => {
    expect(github.retryOptions(runOf(null), [job])).toEqual([]);
    expect(github.retryOptions(runOf('failure'), [])).toEqual([]);
  });
});
