import { createHmac } from 'node:crypto';
import {
  failureReason,
  GITLAB,
  hookTime,
  jobDuration,
  jobQueued,
  jobStatus,
  nameOf,
  pipelineDuration,
  pipelineStatus,
  userId,
} from './gitlab-fields.ts';
import { latestJobs, stageOf, stagesOf } from './gitlab-runs.ts';
import type { Random } from './random.ts';
import { latest } from './run-state.ts';
import type { Delivery, Job, Json, JsonObject, RepositoryState, Run } from './types.ts';

export interface GitlabPayloadOptions {
  random: Random;
  secret: string;
  signingToken?: string;
  now(): number;
}

export class GitlabPayloads {
  readonly #options: GitlabPayloadOptions;

  constructor(options: GitlabPayloadOptions) {
    this.#options = options;
  }

  pipelineEvent(run: Run): Delivery {
    const status = pipelineStatus(run);
    const pipeline = latest(run);
    const { repository } = run;
    const body: JsonObject = {
      object_kind: 'pipeline',
      object_attributes: {
        id: run.id,
        iid: run.number,
        name: run.spec.workflow ?? null,
        ref: run.branch,
        tag: false,
        sha: run.commit,
        before_sha: '0000000000000000000000000000000000000000',
        source: run.event,
        status,
        detailed_status: status === 'success' ? 'passed' : status,
        stages: stagesOf(run),
        created_at: hookTime(run.createdAt),
        // Still the old end while a retried pipeline runs again: GitLab sets it anew only when it ends.
        finished_at: hookTime(run.finishedAt),
        duration: pipelineDuration(run),
        queued_duration: run.startedAt === null ? null : Math.round((run.startedAt - run.createdAt) / 1000),
        protected_ref: run.branch === 'main',
        variables: [],
        url: `${GITLAB}/${repository.fullName}/-/pipelines/${run.id}`,
      },
      merge_request: null,
      user: user(pipeline.actor),
      project: project(repository),
      commit: {
        id: run.commit,
        message: run.message,
        title: run.message.split('\n')[0] ?? '',
        timestamp: `${new Date(run.createdAt).toISOString().slice(0, 19)}+00:00`,
        url: `${GITLAB}/${repository.fullName}/-/commit/${run.commit}`,
        author: { name: 'Ada Keller', email: 'ada.keller@example.com' },
      },
      // The latest job of each name only: what was retried is no longer among them.
      builds: [...latestJobs(run)].sort((a, b) => b.id - a.id).map((job) => build(job, pipeline.actor)),
    };
    const label = `pipeline.${status} ${run.workflow} #${run.retries + 1}`;
    return this.#delivery('Pipeline Hook', label, body, { runId: run.id, attempt: run.retries + 1 });
  }

  jobEvent(run: Run, job: Job): Delivery {
    const status = jobStatus(job);
    const { repository } = run;
    const body: JsonObject = {
      object_kind: 'build',
      ref: run.branch,
      tag: false,
      before_sha: '0000000000000000000000000000000000000000',
      sha: run.commit,
      build_id: job.id,
      build_name: job.spec.name,
      build_stage: stageOf(job.spec),
      build_status: status,
      build_created_at: hookTime(job.createdAt),
      build_started_at: hookTime(job.startedAt),
      build_finished_at: hookTime(job.finishedAt),
      build_duration: jobDuration(job),
      build_queued_duration: jobQueued(job),
      build_allow_failure: job.spec.allowFailure ?? false,
      // Set whatever the status; a job that did not fail has this value.
      build_failure_reason: failureReason(job) ?? 'unknown_failure',
      // Wrong upstream (gitlab-org/gitlab#439479): a failed first run already says 1.
      retries_count: job.execution + (status === 'failed' ? 1 : 0),
      pipeline_id: run.id,
      runner: job.startedAt === null ? null : runner(job),
      project_id: repository.id,
      project_name: repository.fullName.split('/').join(' / '),
      user: user(latest(run).actor),
      commit: {
        id: run.id,
        name: run.spec.workflow ?? null,
        sha: run.commit,
        message: run.message,
        author_name: 'Ada Keller',
        author_email: 'ada.keller@example.com',
        author_url: 'mailto:ada.keller@example.com',
        status: pipelineStatus(run),
        duration: pipelineDuration(run),
        started_at: hookTime(run.startedAt),
        finished_at: hookTime(run.finishedAt),
      },
      repository: {
        name: nameOf(repository),
        url: `git@gitlab.example:${repository.fullName}.git`,
        description: '',
        homepage: `${GITLAB}/${repository.fullName}`,
        git_http_url: `${GITLAB}/${repository.fullName}.git`,
        git_ssh_url: `git@gitlab.example:${repository.fullName}.git`,
        visibility_level: 0,
      },
      environment: null,
    };
    const label = `job.${status} ${job.spec.name} #${job.execution + 1}`;
    return this.#delivery('Job Hook', label, body, { runId: run.id, jobId: job.id, attempt: job.execution + 1 });
  }

  /** GitLab has no ping; its "Test" button sends an event of the project, mostly a push. */
  test(repository: RepositoryState): Delivery {
    return this.#delivery('Push Hook', 'push', {
      object_kind: 'push',
      event_name: 'push',
      before: '0000000000000000000000000000000000000000',
      after: this.#options.random.hex(40),
      ref: 'refs/heads/main',
      project_id: repository.id,
      project: project(repository),
      commits: [],
      total_commits_count: 0,
    });
  }

  /** Sent again: same Idempotency-Key, signed at a new time. */
  renew(delivery: Delivery): Delivery {
    return { ...delivery, headers: { ...delivery.headers, ...this.#signature(delivery.id, delivery.body) } };
  }

  #signature(id: string, body: string): Record<string, string> {
    const token = this.#options.signingToken;
    if (token === undefined) return {};
    const key = Buffer.from(token.replace(/^whsec_/, ''), 'base64');
    const timestamp = String(Math.floor(this.#options.now() / 1000));
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
  }

  #delivery(
    event: string,
    label: string,
    payload: JsonObject,
    about: Pick<Delivery, 'runId' | 'jobId' | 'attempt'> = {},
  ): Delivery {
    const { random, secret } = this.#options;
    const id = random.uuid();
    const body = JSON.stringify(payload);
    return {
      id,
      event,
      label,
      ...about,
      body,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'GitLab/18.4.1',
        'idempotency-key': id,
        'x-gitlab-event': event,
        'x-gitlab-event-uuid': random.uuid(),
        'x-gitlab-instance': GITLAB,
        'x-gitlab-webhook-uuid': random.uuid(),
        ...(secret === '' ? {} : { 'x-gitlab-token': secret }),
        ...this.#signature(id, body),
      },
    };
  }
}

function build(job: Job, actor: string): Json {
  return {
    id: job.id,
    stage: stageOf(job.spec),
    name: job.spec.name,
    status: jobStatus(job),
    created_at: hookTime(job.createdAt),
    started_at: hookTime(job.startedAt),
    finished_at: hookTime(job.finishedAt),
    duration: jobDuration(job),
    queued_duration: jobQueued(job),
    failure_reason: failureReason(job) ?? null,
    when: 'on_success',
    manual: false,
    allow_failure: job.spec.allowFailure ?? false,
    user: user(actor),
    runner: job.startedAt === null ? null : runner(job),
    artifacts_file: { filename: null, size: null },
    environment: null,
  };
}

function runner(job: Job): Json {
  return {
    id: job.runner.id,
    description: job.runner.name,
    runner_type: job.runner.group === undefined ? 'instance_type' : job.runner.group,
    active: true,
    is_shared: job.runner.group === undefined,
    tags: job.runner.labels,
  };
}

function user(login: string): JsonObject {
  const names: Record<string, string> = { root: 'Ada Keller' };
  return {
    id: userId(login),
    name: names[login] ?? login,
    username: login,
    avatar_url: `${GITLAB}/uploads/-/system/user/avatar/${userId(login)}/avatar.png`,
    email: '[REDACTED]',
  };
}

function project(repository: RepositoryState): JsonObject {
  const path = repository.fullName;
  return {
    id: repository.id,
    name: nameOf(repository),
    description: '',
    web_url: `${GITLAB}/${path}`,
    avatar_url: null,
    git_ssh_url: `git@gitlab.example:${path}.git`,
    git_http_url: `${GITLAB}/${path}.git`,
    namespace: path.split('/').slice(0, -1).join('/'),
    visibility_level: 0,
    path_with_namespace: path,
    default_branch: 'main',
    ci_config_path: null,
  };
}
