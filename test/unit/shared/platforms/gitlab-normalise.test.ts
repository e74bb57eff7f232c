import { describe, expect, it } from 'vitest';
import { type JobFact, machines, type RunFact } from '../../../../shared/model/index.ts';
import { gitlab } from '../../../../shared/platforms/gitlab/index.ts';
import type { PlatformFacts } from '../../../../shared/platforms/index.ts';
import { build, jobHook, pipelineHook } from './gitlab-payloads.ts';

const receivedAt = '2030-01-01T00:00:00.000Z';
const normalise = (event: string, payload: unknown): PlatformFacts =>
  gitlab.normalise({
    event,
    body: Buffer.from(JSON.stringify(payload)),
    contentType: 'application/json',
    origin: 'live',
    receivedAt,
  });
const ofPipeline = (...args: Parameters<typeof pipelineHook>) => normalise('Pipeline Hook', pipelineHook(...args));
const ofJob = (...args: Parameters<typeof jobHook>) => normalise('Job Hook', jobHook(...args));

const unit: JobFact = {
  id: 'gitlab:31:job:380',
  status: 'failed',
  statusAt: '2026-01-01T10:01:00.000Z',
  basis: 1,
  origin: 'live',
  platform: 'gitlab',
  externalId: '380',
  repository: 'group/sub/project',
  repositoryId: '7',
  name: 'unit',
  attempt: 1,
  branch: 'main',
  commit: 'abc',
  url: 'https://gitlab.example/group/sub/project/-/jobs/380',
  runId: 'gitlab:31:1',
  stage: 'test',
  runner: { id: 'gitlab:instance:42', name: 'builder-42' },
  queuedAt: '2026-01-01T10:00:00.000Z',
  startedAt: '2026-01-01T10:00:05.000Z',
  endedAt: '2026-01-01T10:01:00.000Z',
  steps: [],
  failureReason: 'script_failure',
  allowFailure: false,
};

describe('a pipeline hook', () => {
  it('tells of its pipeline, its jobs, their runners and the project', () => {
    const { runs, jobs, runners, automations } = ofPipeline();
    expect(runs).toEqual([
      {
        id: 'gitlab:31:1',
        status: 'failed',
        statusAt: '2026-01-01T10:01:01.000Z',
        origin: 'live',
        platform: 'gitlab',
        externalId: '31',
        repository: 'group/sub/project',
        repositoryId: '7',
        name: 'Nightly',
        attempt: 1,
        branch: 'main',
        commit: 'abc',
        url: 'https://gitlab.example/group/sub/project/-/pipelines/31',
        automationId: 'gitlab:7',
        event: 'schedule',
        actor: 'ada',
        queuedAt: '2026-01-01T10:00:00.000Z',
        endedAt: '2026-01-01T10:01:01.000Z',
        course: {
          ends: [{ at: '2026-01-01T10:01:01.000Z', status: 'failed', origin: 'live', newestJob: '0000000000000380' }],
          seen: [],
        },
      },
    ]);
    expect(jobs).toEqual([unit]);
    expect(runners).toMatchObject([
      { id: 'gitlab:instance:42', status: 'idle', pool: 'project', kind: 'self-hosted', labels: ['linux', 'docker'] },
    ]);
    expect(automations).toMatchObject([
      { id: 'gitlab:7', recent: [{ runId: 'gitlab:31:1', endedAt: '2026-01-01T10:01:01.000Z', succeeded: false }] },
    ]);
  });

  it.each([
    ['created', 'queued'],
    ['waiting_for_resource', 'queued'],
    ['preparing', 'queued'],
    ['pending', 'queued'],
    ['running', 'running'],
    ['canceling', 'running'],
    ['manual', 'waiting'],
    ['scheduled', 'waiting'],
    ['success', 'succeeded'],
    ['failed', 'failed'],
    ['canceled', 'canceled'],
    ['skipped', 'skipped'],
  ])('that says %s means %s', (status, expected) => {
    expect(ofPipeline({ status, finished_at: null }, []).runs[0]?.status).toBe(expected);
    expect(ofPipeline({}, [build({ status, failure_reason: null })]).jobs[0]?.status).toBe(expected);
  });

  it('reads ISO times too, and makes do without an end’s time', () => {
    expect(ofPipeline({ finished_at: '2026-01-01T12:00:00.250+02:00' }).runs[0]?.endedAt).toBe(
      '2026-01-01T10:00:00.250Z',
    );
    expect(ofPipeline({ finished_at: null }).runs[0]?.endedAt).toBe('2026-01-01T10:01:00.000Z');
    expect(ofPipeline({ finished_at: null }, []).runs[0]?.endedAt).toBe(receivedAt);
  });

  it('has one word on each runner: the latest', () => {
    const builds = [
      build({ id: 1 }),
      build({ id: 2, status: 'running', started_at: '2026-01-01 10:02:00 UTC', finished_at: null }),
      build({ id: 3, runner: 'mystery' }),
    ];
    expect(ofPipeline({ status: 'running', finished_at: null }, builds).runners).toMatchObject([
      { id: 'gitlab:instance:42', status: 'busy', jobId: 'gitlab:31:job:2' },
    ]);
  });

  it('only names the runner of a job that has not started', () => {
    const idle = build({ status: 'skipped', started_at: null, finished_at: null });
    const { runners, jobs } = ofPipeline({}, [idle]);
    expect(jobs[0]?.runner).toEqual({ id: 'gitlab:instance:42', name: 'builder-42' });
    expect(runners).toMatchObject([{ id: 'gitlab:instance:42', name: 'builder-42', pool: 'project' }]);
    expect(runners[0]).not.toHaveProperty('status');
    expect(ofPipeline({}, [idle, build({ id: 381 })]).runners).toMatchObject([{ status: 'idle' }]);
  });
});

describe('a job hook', () => {
  it('tells the same of the job as a pipeline hook, and what it knows of the pipeline', () => {
    const { jobs, runs } = ofJob();
    expect(jobs).toEqual([unit]);
    expect(runs).toMatchObject([{ id: 'gitlab:31:1', name: 'Nightly', repository: 'group/sub/project' }]);
    expect(runs[0]).not.toHaveProperty('status');
  });

  it.each([
    ['job_execution_timeout', 'timed-out'],
    ['stuck_or_timeout_failure', 'timed-out'],
    ['runner_system_failure', 'failed'],
  ])('that failed for %s says %s, and keeps the reason', (reason, status) => {
    expect(ofJob({ build_failure_reason: reason }).jobs).toMatchObject([{ status, failureReason: reason }]);
  });

  it('has no reason where nothing failed, whatever it says', () => {
    expect(ofJob({ build_status: 'success' }).jobs[0]).not.toHaveProperty('failureReason');
  });

  it('says whether the job may fail', () => {
    expect(ofJob({ build_allow_failure: true }).jobs[0]?.allowFailure).toBe(true);
    expect(ofJob().jobs[0]?.allowFailure).toBe(false);
    expect(ofJob({ build_allow_failure: null }).jobs[0]).not.toHaveProperty('allowFailure');
  });

  it.each([
    [{ project: { path_with_namespace: 'a/b' } }, 'a/b'],
    [{ repository: { git_ssh_url: 'ssh://git@gitlab.example:2222/a/b/c.git' } }, 'a/b/c'],
    [{ repository: { homepage: 'https://gitlab.example/a/b' } }, 'a/b'],
    [{ repository: null }, '7'],
  ])('finds the path of its project in %o', (fields, path) => {
    expect(ofJob(fields).jobs[0]?.repository).toBe(path);
  });
});

describe('the attempts of a pipeline', () => {
  const { place } = gitlab;
  if (place === undefined) throw new Error('GitLab does not number attempts');
  const stateOf = (facts: PlatformFacts) => ({
    runs: facts.runs.map((fact: RunFact) => machines.run.merge(undefined, fact)),
    jobs: facts.jobs.map((fact: JobFact) => machines.job.merge(undefined, fact)),
  });
  const nothing = { runs: [], jobs: [] };
  const first = place(ofPipeline(), nothing);

  it('begin with the first', () => {
    expect(first.runs).toMatchObject([{ id: 'gitlab:31:1', status: 'failed', startedAt: '2026-01-01T10:00:05.000Z' }]);
    expect(first.jobs).toMatchObject([{ attempt: 1, runId: 'gitlab:31:1' }]);
  });

  it('go on when a job is retried after the end, though it is in the very second of it', () => {
    const clone = ofJob({
      build_id: 381,
      build_created_at: '2026-01-01 10:01:01 UTC',
      build_started_at: null,
      build_status: 'created',
    });
    expect(place(clone, stateOf(first))).toMatchObject({
      runs: [{ id: 'gitlab:31:2', status: 'queued', attempt: 2 }],
      jobs: [{ id: 'gitlab:31:job:381', attempt: 2, runId: 'gitlab:31:2' }],
    });
  });

  it('do not go on when a job is retried before the end', () => {
    const clone = ofJob({
      build_id: 379,
      build_created_at: '2026-01-01 10:00:30 UTC',
      build_status: 'created',
      build_started_at: null,
    });
    expect(place(clone, stateOf(first)).jobs).toMatchObject([
      { id: 'gitlab:31:job:379', attempt: 1, runId: 'gitlab:31:1' },
      { id: 'gitlab:31:job:380', attempt: 2, runId: 'gitlab:31:1' },
    ]);
  });

  it('move up when an earlier end is heard of late', () => {
    const second = place(
      ofPipeline({ status: 'success', finished_at: '2026-01-01 10:05:00 UTC' }, [
        build({ id: 381, status: 'success' }),
      ]),
      nothing,
    );
    expect(second.runs).toMatchObject([{ id: 'gitlab:31:1', status: 'succeeded' }]);
    expect(place(ofPipeline(), stateOf(second)).runs).toMatchObject([
      { id: 'gitlab:31:1', status: 'failed', basis: 2 },
      { id: 'gitlab:31:2', status: 'succeeded', basis: 2 },
    ]);
  });

  it('ask for nothing to be written twice', () => {
    expect(place(ofPipeline(), stateOf(first))).toMatchObject({ runs: [], jobs: [] });
  });
});

describe('the ways to try a pipeline again', () => {
  const [run] = ofPipeline().runs.map((fact) => machines.run.merge(undefined, fact));
  const jobsOf = (fields: Record<string, unknown>) =>
    ofJob(fields).jobs.map((fact) => machines.job.merge(undefined, fact));
  if (run === undefined) throw new Error('no run');

  it('are one call for each failed job that must not fail', () => {
    const failed = [
      ...jobsOf({}),
      ...jobsOf({ build_id: 381, build_allow_failure: true }),
      ...jobsOf({ build_id: 382 }),
    ];
    expect(gitlab.retryOptions(run, failed)).toMatchObject([
      { action: 'retry-job', part: '380', subject: 'gitlab:31:job:380', externalId: '380', attempt: 1 },
      { action: 'retry-job', part: '382', subject: 'gitlab:31:job:382', externalId: '382', attempt: 1 },
    ]);
  });

  it('are none while it runs', () => {
    expect(gitlab.retryOptions({ ...run, status: 'running' }, jobsOf({}))).toEqual([]);
  });
});

describe('where a pipeline comes from and deploys to', () => {
  const environment = { name: 'production', action: 'start', deployment_tier: 'production' };

  it('names the pipeline that triggered it, as a child or from another project', () => {
    const source_pipeline = { project: { id: 9 }, pipeline_id: 30, job_id: 3401 };
    const parent = { parentRunId: 'gitlab:30:1' };
    expect(normalise('Pipeline Hook', { ...pipelineHook(), source_pipeline }).runs).toMatchObject([parent]);
    expect(normalise('Job Hook', { ...jobHook(), source_pipeline }).runs).toMatchObject([parent]);
  });

  it('names the environment that one of its jobs deploys to, in every attempt', () => {
    const told = ofPipeline({}, [build({ environment })]);
    expect(told.runs).toMatchObject([{ environment: 'production' }]);
    expect(ofJob({ environment }).runs).toMatchObject([{ environment: 'production' }]);
    const placed = gitlab.place?.(told, { runs: [], jobs: [] });
    expect(placed?.runs).toMatchObject([{ id: 'gitlab:31:1', environment: 'production', actor: 'ada' }]);
  });

  it.each([
    ['a job that waits to be started', { environment, status: 'manual', started_at: null }],
    ['a job that takes it down', { environment: { ...environment, action: 'stop' } }],
    ['a job without any', { environment: null }],
  ])('and none for %s', (_, fields) => {
    expect(ofPipeline({}, [build(fields)]).runs[0]).not.toHaveProperty('environment');
  });
});

describe('a deployment hook', () => {
  const hook = (fields: Record<string, unknown> = {}) => ({
    object_kind: 'deployment',
    status: 'success',
    status_changed_at: '2026-01-01 12:00:00 +0200',
    deployment_id: 15,
    deployable_id: 380,
    deployable_url: 'https://gitlab.example/group/sub/project/-/jobs/380',
    environment: 'staging',
    environment_external_url: 'https://staging.example',
    project: { id: 7, path_with_namespace: 'group/sub/project' },
    short_sha: '279484c0',
    user: { username: 'ada', name: 'Ada' },
    commit_url: `https://gitlab.example/group/sub/project/-/commit/${'a'.repeat(40)}`,
    ref: 'main',
    ...fields,
  });

  it('tells of a run of its own, and of the environment', () => {
    const { runs, jobs, automations } = normalise('Deployment Hook', hook());
    expect(jobs).toEqual([]);
    expect(runs).toEqual([
      {
        id: 'gitlab:deployment-15:1',
        kind: 'deployment',
        status: 'succeeded',
        statusAt: '2026-01-01T10:00:00.000Z',
        origin: 'live',
        platform: 'gitlab',
        externalId: 'deployment-15',
        repository: 'group/sub/project',
        repositoryId: '7',
        name: 'staging',
        attempt: 1,
        branch: 'main',
        commit: 'a'.repeat(40),
        url: 'https://gitlab.example/group/sub/project/-/jobs/380',
        environment: 'staging',
        automationId: 'gitlab:environment-7-staging',
        actor: 'ada',
        endedAt: '2026-01-01T10:00:00.000Z',
      },
    ]);
    expect(automations).toMatchObject([{ id: 'gitlab:environment-7-staging', recent: [{ succeeded: true }] }]);
  });

  it.each([
    ['created', 'queued'],
    ['blocked', 'waiting'],
    ['running', 'running'],
    ['failed', 'failed'],
    ['canceled', 'canceled'],
    ['skipped', 'skipped'],
  ])('that says %s means %s', (status, expected) => {
    expect(normalise('Deployment Hook', hook({ status })).runs[0]?.status).toBe(expected);
  });

  it('is not numbered as a pipeline, nor tried again', () => {
    const facts = normalise('Deployment Hook', hook({ status: 'failed', commit_url: null }));
    expect(gitlab.place?.(facts, { runs: [], jobs: [] })).toEqual(facts);
    const [run] = facts.runs.map((fact) => machines.run.merge(undefined, fact));
    expect(run?.commit).toBe('279484c0');
    expect(run && gitlab.retryOptions(run, [])).toEqual([]);
  });
});

describe('a hook of a whole instance', () => {
  const read = (event: string, payload: object) =>
    gitlab.read({
      headers: { 'x-gitlab-event': event, 'content-type': 'application/json', 'idempotency-key': 'k' },
      body: Buffer.from(JSON.stringify(payload)),
    });
  const renamed = { event_name: 'project_rename', project_id: 7, path_with_namespace: 'group/new' };

  it('tells what a project’s own hook tells', () => {
    expect(read('System Hook', pipelineHook())).toMatchObject({
      kind: 'delivery',
      event: 'System Hook',
      action: 'failed',
      repository: 'group/sub/project',
    });
    expect(normalise('System Hook', pipelineHook())).toEqual(ofPipeline());
    expect(normalise('System Hook', jobHook())).toEqual(ofJob());
  });

  it('is kept where a project or a release is told of, and tells no run', () => {
    const kept = { kind: 'delivery', action: 'project_rename', repository: 'group/new' };
    expect(read('System Hook', renamed)).toMatchObject(kept);
    expect(read('Project Hook', renamed)).toMatchObject(kept);
    const release = { object_kind: 'release', action: 'create', project: { id: 7, path_with_namespace: 'a/b' } };
    expect(read('Release Hook', release)).toMatchObject({ kind: 'delivery', action: 'create', repository: 'a/b' });
    for (const payload of [renamed, release]) {
      expect(normalise('System Hook', payload)).toEqual({ runs: [], jobs: [], runners: [], automations: [] });
    }
  });

  it.each([
    ['System Hook', { event_name: 'user_create' }],
    ['System Hook', { event_name: 'push', object_kind: 'push' }],
    ['System Hook', { object_kind: 'constructor' }],
    ['System Hook', [1]],
    ['Push Hook', pipelineHook()],
    ['Note Hook', {}],
  ])('is ignored otherwise: %s %#', (event, payload) => {
    expect(read(event, payload)).toEqual({ kind: 'ignored', event });
  });
});
