import examples from '@octokit/webhooks-examples';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../scripts/eval/webhooks/carried.ts';
import {
  deliver,
  errorsOf,
  type Outcome,
  type Planned,
  roundsOf,
  SETTINGS,
  titleOf,
} from '../../scripts/eval/webhooks/deliver.ts';
import { githubExamples, gitlabExample } from '../../scripts/eval/webhooks/examples.ts';
import { TestHost } from '../support/host.ts';
import { build, jobHook, pipelineHook } from '../unit/shared/platforms/gitlab-payloads.ts';

/**
 * What the platforms' examples carry of runs, jobs, deployments and runners is found again in the API. Which field of which
 * event goes where is written down in `scripts/eval/webhooks/`, and every field of an example has its line there.
 */
const environment = { name: 'production', action: 'start', deployment_tier: 'production' };
const project = { id: 7, web_url: 'https://gitlab.example/group/app', path_with_namespace: 'group/app' };
const gitlab: Readonly<Record<string, Json>> = {
  'a failed pipeline': pipelineHook(),
  'a child pipeline that deploys': {
    ...pipelineHook({ id: 32, source: 'parent_pipeline', status: 'success' }, [
      build({ id: 401, status: 'success', environment, failure_reason: null }),
      build({ id: 402, name: 'lint', allow_failure: true }),
      build({ id: 403, name: 'slow', failure_reason: 'job_execution_timeout' }),
    ]),
    source_pipeline: { project, pipeline_id: 31, job_id: 380 },
  },
  'a pipeline that waits for somebody and for a delay': pipelineHook({ id: 33, status: 'manual', finished_at: null }, [
    build({
      id: 411,
      status: 'manual',
      when: 'manual',
      manual: true,
      started_at: null,
      finished_at: null,
      runner: null,
    }),
    build({ id: 412, name: 'later', status: 'scheduled', when: 'delayed', started_at: null, finished_at: null }),
  ]),
  'a job': jobHook({ build_id: 421, pipeline_id: 34 }),
  'a job that may fail and deploys': jobHook({
    ...{ build_id: 422, pipeline_id: 35, build_allow_failure: true, environment, project },
    source_pipeline: { project, pipeline_id: 34, job_id: 421 },
  }),
  'a job in the queue': jobHook({
    ...{ build_id: 423, pipeline_id: 36, build_status: 'pending', build_started_at: null, build_finished_at: null },
  }),
  ...Object.fromEntries(
    ['created', 'blocked', 'running', 'success', 'failed', 'canceled'].map((status, index) => [
      `a deployment that is ${status}`,
      {
        object_kind: 'deployment',
        status,
        status_changed_at: '2026-01-01 12:00:00 +0200',
        deployment_id: 50 + index,
        deployable_id: 380,
        deployable_url: 'https://gitlab.example/group/app/-/jobs/380',
        environment: 'staging',
        environment_tier: 'staging',
        environment_slug: 'staging',
        environment_external_url: 'https://staging.example',
        project,
        short_sha: 'aaaaaaaa',
        user: { id: 1, username: 'ada', name: 'Ada' },
        user_url: 'https://gitlab.example/ada',
        commit_url: `https://gitlab.example/group/app/-/commit/${'a'.repeat(40)}`,
        commit_title: 'Add it',
        ref: 'main',
      },
    ]),
  ),
  'a release': { object_kind: 'release', action: 'create', tag: 'v1', project },
  'a push': { object_kind: 'push', ref: 'refs/heads/main', project },
};
const system: Readonly<Record<string, Json>> = {
  'a renamed project': { event_name: 'project_rename', project_id: 7, path_with_namespace: 'group/new' },
  'a new user': { event_name: 'user_create', username: 'ada' },
};

const planned: Planned[] = [
  ...githubExamples(examples as unknown as Parameters<typeof githubExamples>[0]),
  ...Object.entries(gitlab).map(([name, payload]) => gitlabExample(name, payload, false)),
  ...Object.entries(system).map(([name, payload]) => gitlabExample(name, payload, true)),
];
const rounds = roundsOf(planned);

describe('every field of every example', () => {
  const outcomes = new Map<string, Outcome>();
  const errors: string[] = [];
  let host: TestHost | undefined;

  beforeAll(async () => {
    for (const round of rounds) {
      host = await TestHost.boot({ settings: SETTINGS });
      for (const outcome of await deliver(host, round)) outcomes.set(titleOf(outcome.planned.example), outcome);
      errors.push(...(await errorsOf(host, round)), ...host.complaints);
      await host.end();
      host = undefined;
    }
  }, 300_000);
  afterAll(() => host?.end());

  it.each(planned.map((each) => [titleOf(each.example), each] as const))('%s', (title, { expected, fields }) => {
    const outcome = outcomes.get(title);
    expect(outcome?.verdict).toBe(expected);
    expect(outcome?.missed).toEqual([]);
    expect(fields.filter((field) => field.expected === undefined && field.reason === undefined)).toEqual([]);
  });

  it('is looked for, of as many as there are', () => {
    const found = (event: string) =>
      [...outcomes.values()]
        .filter(({ planned: { example } }) => example.event === event)
        .reduce((sum, outcome) => sum + outcome.found.length, 0);
    // Per example, the fewest that are worth the name.
    expect(found('workflow_run')).toBeGreaterThan(5 * 12);
    expect(found('workflow_job')).toBeGreaterThan(8 * 15);
    expect(found('deployment_status')).toBeGreaterThan(4 * 10);
    expect(found('Pipeline Hook')).toBeGreaterThan(3 * 20);
    expect(found('Job Hook')).toBeGreaterThan(3 * 15);
    expect(found('Deployment Hook')).toBeGreaterThan(6 * 8);
  });

  it('came without a message given up, a delivery not understood or a call refused', () => {
    expect(errors).toEqual([]);
  });
});
