import {
  about,
  type Carrier,
  type EventTable,
  type Item,
  isObject,
  type Json,
  objectIn,
  text,
  textIn,
  time,
} from './carried.ts';

/** https://docs.gitlab.com/user/project/integrations/webhook_events/ */

const STATUS: Readonly<Record<string, string>> = {
  ...{ created: 'queued', waiting_for_resource: 'queued', preparing: 'queued', pending: 'queued' },
  ...{ manual: 'waiting', scheduled: 'waiting', blocked: 'waiting', running: 'running', canceling: 'running' },
  ...{ success: 'succeeded', failed: 'failed', canceled: 'canceled', skipped: 'skipped' },
};
const TIMED_OUT = ['job_execution_timeout', 'stuck_or_timeout_failure'];
const endedWord = (word: unknown): boolean => ['success', 'failed', 'canceled', 'skipped'].includes(String(word));
const jobStatus = (word: unknown, reason: unknown): string =>
  word === 'failed' && TIMED_OUT.includes(String(reason)) ? 'timed-out' : (STATUS[String(word)] ?? '?');

const pipeline = (id: unknown): Item => ({ resource: 'runs', id: `gitlab:${id}:1` });
const job = (pipelineId: unknown, id: unknown): Item => ({ resource: 'jobs', id: `gitlab:${pipelineId}:job:${id}` });
const runner = (id: unknown): Item => ({ resource: 'runners', id: `gitlab:instance:${id}` });

const path = (value: unknown): unknown => textIn(value as Json, 'path_with_namespace');
const username = (value: unknown): unknown => textIn(value as Json, 'username');

const runnerCarrier = (at: string): Carrier => {
  const on = about((part) => runner(part.id));
  return {
    at,
    item: (part) => runner(part.id),
    fields: {
      id: on.at('externalId', text),
      description: 'name',
      runner_type: on.at('pool', (value) => String(value).replace('_type', '')),
      tags: on.at('labels', (value) => [...(value as string[])]),
    },
    not: { flag: ['active', 'is_shared'] },
  };
};

const environmentCarrier = (at: string, item: Item, deploys: (part: Json) => boolean): Carrier => {
  const on = about(() => item);
  return {
    at,
    item: () => item,
    fields: { name: on.when(deploys, 'environment') },
    not: { flag: ['action', 'deployment_tier'] },
  };
};

const sourceCarrier = (item: Item): Carrier => ({
  at: 'source_pipeline',
  item: () => item,
  fields: { pipeline_id: about(() => item).at('parentRunId', (value) => pipeline(value).id) },
  not: { elsewhere: ['project', 'job_id'] },
});

/** GitLab names the reason of a failure whatever the status. */
const failed = (word: unknown) => (): boolean => word === 'failed';

const pipelineEvent = (payload: Json): Carrier[] => {
  const native = objectIn(payload, 'object_attributes') ?? {};
  const its = pipeline(native.id);
  const on = about(() => its);
  const ended = endedWord(native.status) && native.status !== 'skipped';
  const ofJob = about((part) => job(native.id, part.id));
  const builds = (Array.isArray(payload.builds) ? payload.builds : []).filter(isObject);
  // Of several environments, one.
  const deployed = builds
    .filter((build) => build.started_at !== null && (objectIn(build, 'environment')?.action ?? 'start') === 'start')
    .flatMap((build) => textIn(objectIn(build, 'environment'), 'name') ?? [])
    .sort()
    .at(-1);
  return [
    {
      at: 'object_attributes',
      item: () => its,
      fields: {
        id: on.at('externalId', text),
        name: 'name',
        ref: 'branch',
        sha: 'commit',
        source: 'event',
        status: on.at('status', (value) => STATUS[String(value)]),
        created_at: on.at('queuedAt', time),
        finished_at: on.when(() => ended, 'endedAt', time),
        url: 'url',
      },
      not: {
        repeated: ['detailed_status', 'duration', 'queued_duration', 'stages'],
        internal: ['iid', 'before_sha', 'variables'],
        flag: ['tag', 'protected_ref'],
      },
    },
    {
      at: '',
      item: () => its,
      fields: { user: on.at('actor', username), project: on.at('repository', path) },
      not: {},
    },
    sourceCarrier(its),
    {
      at: 'builds[]',
      item: (part) => job(native.id, part.id),
      fields: {
        id: ofJob.at('externalId', text),
        stage: 'stage',
        name: 'name',
        status: ofJob.at('status', (value, part) => jobStatus(value, part.failure_reason)),
        created_at: ofJob.at('queuedAt', time),
        started_at: ofJob.at('startedAt', time),
        finished_at: ofJob.when((part) => endedWord(part.status), 'endedAt', time),
        failure_reason: ofJob.when((part) => failed(part.status)(), 'failureReason'),
        allow_failure: 'allowFailure',
      },
      not: {
        repeated: ['duration', 'queued_duration', 'user', 'manual', 'when'],
        internal: ['artifacts_file'],
      },
    },
    runnerCarrier('builds[].runner'),
    environmentCarrier('builds[].environment', its, (part) => textIn(part, 'name') === deployed),
  ];
};

const jobEvent = (payload: Json): Carrier[] => {
  const its = job(payload.pipeline_id, payload.build_id);
  const run = pipeline(payload.pipeline_id);
  const [on, onRun] = [about(() => its), about(() => run)];
  return [
    {
      at: '',
      item: () => its,
      fields: {
        ref: 'branch',
        sha: 'commit',
        build_id: on.at('externalId', text),
        build_name: 'name',
        build_stage: 'stage',
        build_status: on.at('status', (value) => jobStatus(value, payload.build_failure_reason)),
        build_created_at: on.at('queuedAt', time),
        build_started_at: on.at('startedAt', time),
        build_finished_at: on.when(() => endedWord(payload.build_status), 'endedAt', time),
        build_allow_failure: 'allowFailure',
        build_failure_reason: on.when(failed(payload.build_status), 'failureReason'),
        pipeline_id: on.at('runId', (value) => pipeline(value).id),
        project_id: on.at('repositoryId', text),
        project: on.at('repository', path),
        commit: (value: unknown) => {
          const name = textIn(value as Json, 'name');
          return name === undefined ? 'repeated' : { of: run, at: 'name', value: name };
        },
      },
      not: {
        repeated: ['build_duration', 'build_queued_duration', 'project_name', 'user', 'repository'],
        // Wrong upstream: a failed first run already says 1.
        moot: ['retries_count'],
        internal: ['before_sha', 'iid'],
        flag: ['tag'],
      },
    },
    { at: '', item: () => run, fields: { pipeline_id: onRun.at('externalId', text) }, not: {} },
    sourceCarrier(run),
    runnerCarrier('runner'),
    environmentCarrier(
      'environment',
      run,
      (part) => payload.build_started_at !== null && (part.action ?? 'start') === 'start',
    ),
  ];
};

const deploymentEvent = (payload: Json): Carrier[] => {
  const its: Item = { resource: 'runs', id: `gitlab:deployment-${payload.deployment_id}:1` };
  const on = about(() => its);
  const at = { running: 'startedAt', created: 'queuedAt', blocked: 'statusAt' }[String(payload.status)] ?? 'endedAt';
  return [
    {
      at: '',
      item: () => its,
      fields: {
        status: on.at('status', (value) => STATUS[String(value)]),
        status_changed_at: on.at(at, time),
        deployment_id: on.at('externalId', (value) => `deployment-${value}`),
        deployable_url: 'url',
        environment: 'environment',
        project: on.at('repository', path),
        user: on.at('actor', username),
        commit_url: on.at('commit', (value) => String(value).split('/commit/')[1]),
        ref: 'branch',
      },
      not: {
        address: ['environment_external_url', 'user_url', 'deployable_id'],
        repeated: ['environment_slug', 'environment_tier', 'short_sha'],
        text: ['commit_title'],
      },
    },
  ];
};

const KIND = ['object_kind'];
/** What QMOI makes of each of GitLab's hooks; of any other, nothing. */
export const GITLAB: Readonly<Record<string, EventTable>> = {
  'Pipeline Hook': { carriers: pipelineEvent, beside: [...KIND, 'commit', 'merge_request'] },
  'Job Hook': { carriers: jobEvent, beside: KIND },
  'Deployment Hook': { carriers: deploymentEvent, beside: KIND },
};

/** By `object_kind`, the header that GitLab sends along. */
export const HEADERS: Readonly<Record<string, string>> = {
  ...{ pipeline: 'Pipeline Hook', build: 'Job Hook', deployment: 'Deployment Hook', release: 'Release Hook' },
  ...{
    push: 'Push Hook',
    tag_push: 'Tag Push Hook',
    issue: 'Issue Hook',
    note: 'Note Hook',
    wiki_page: 'Wiki Page Hook',
  },
  ...{
    merge_request: 'Merge Request Hook',
    feature_flag: 'Feature Flag Hook',
    access_token: 'Resource Access Token Hook',
  },
};
/** Kept in the ledger, though they tell of no run, job, deployment or runner. */
export const isNotice = (event: string, payload: Json): boolean =>
  event === 'Release Hook' || (event === 'System Hook' && /^project_/.test(String(payload.event_name)));
