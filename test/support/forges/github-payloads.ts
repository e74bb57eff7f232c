import { createHmac } from 'node:crypto';
import { seconds, status, steps } from './github-fields.ts';
import { example, nodeId, object, rewrite, shorten } from './github-templates.ts';
import type { Random } from './random.ts';
import type { Delivery, Job, JsonObject, RepositoryState, Run, RunAttempt } from './types.ts';

export interface GithubPayloadOptions {
  random: Random;
  secret: string;
  /** `form`: the content type GitHub calls application/x-www-form-urlencoded. */
  format: 'json' | 'form';
}

const API = 'https://api.github.com';
const HOOK_ID = 493_018_227;

export class GithubPayloads {
  readonly #options: GithubPayloadOptions;
  readonly #jobModel = object(
    example('workflow_job', (payload) => 'organization' in payload && payload.action === 'completed').workflow_job,
  );
  readonly #runModel: JsonObject;
  readonly #workflowModel: JsonObject;
  readonly #orgModel: JsonObject;
  readonly #userModel: JsonObject;
  readonly #repositories = new Map<number, JsonObject>();

  constructor(options: GithubPayloadOptions) {
    this.#options = options;
    const run = example('workflow_run', (payload) => 'previous_attempt_url' in object(payload.workflow_run));
    this.#runModel = object(run.workflow_run);
    this.#workflowModel = object(run.workflow);
    this.#orgModel = object(run.organization);
    this.#userModel = object(run.sender);
  }

  runEvent(run: Run, attempt: RunAttempt, action: 'requested' | 'in_progress' | 'completed'): Delivery {
    const body: JsonObject = {
      action,
      workflow_run: this.run(run, attempt),
      workflow: this.#workflow(run),
      ...this.#around(run.repository, attempt.actor),
    };
    const label = `workflow_run.${action} ${run.workflow} #${attempt.number}`;
    return this.#delivery('workflow_run', label, body, { runId: run.id, attempt: attempt.number });
  }

  jobEvent(run: Run, attempt: RunAttempt, job: Job, action: 'queued' | 'in_progress' | 'completed'): Delivery {
    const body: JsonObject = {
      action,
      workflow_job: this.job(run, job),
      ...this.#around(run.repository, attempt.actor),
    };
    const label = `workflow_job.${action} ${job.spec.name} #${attempt.number}`;
    return this.#delivery('workflow_job', label, body, { runId: run.id, jobId: job.id, attempt: attempt.number });
  }

  ping(repository: RepositoryState, url: string, now: number): Delivery {
    const model = example('ping', (payload) => 'deliveries_url' in object(payload.hook) && 'repository' in payload);
    const hook = rewrite(object(model.hook), (text) =>
      this.#rename(repository, text.replace('109948940', String(HOOK_ID))),
    );
    return this.#delivery('ping', 'ping', {
      zen: 'Keep it logically awesome.',
      hook_id: HOOK_ID,
      hook: {
        ...object(hook),
        id: HOOK_ID,
        config: { content_type: this.#options.format, url, insecure_ssl: '0' },
        updated_at: seconds(now),
        created_at: seconds(now),
      },
      repository: this.repository(repository),
      sender: this.#user('octocat'),
    });
  }

  /** The run as the API and the webhook show it, at one of its attempts. */
  run(run: Run, attempt: RunAttempt): JsonObject {
    const repository = this.repository(run.repository);
    const url = `${API}/repos/${run.repository.fullName}/actions/runs/${run.id}`;
    const short = shorten(repository, object(this.#runModel.repository));
    const suite = run.id + 7_411;
    const workflow = this.#workflow(run);
    return {
      ...this.#runModel,
      id: run.id,
      name: run.workflow,
      node_id: nodeId('WFR', run.id),
      head_branch: run.branch,
      head_sha: run.commit,
      path: workflow.path ?? null,
      display_title: run.message,
      run_number: run.number,
      event: run.event,
      status: status(attempt.status),
      conclusion: attempt.conclusion,
      workflow_id: workflow.id ?? null,
      check_suite_id: suite,
      check_suite_node_id: nodeId('CS', suite),
      url,
      html_url: `https://github.com/${run.repository.fullName}/actions/runs/${run.id}`,
      pull_requests: [],
      created_at: seconds(run.createdAt),
      updated_at: seconds(attempt.updatedAt),
      actor: this.#user('octocat'),
      run_attempt: attempt.number,
      run_started_at: seconds(attempt.startedAt),
      triggering_actor: this.#user(attempt.actor),
      jobs_url: `${url}/jobs`,
      logs_url: `${url}/logs`,
      check_suite_url: `${API}/repos/${run.repository.fullName}/check-suites/${suite}`,
      artifacts_url: `${url}/artifacts`,
      cancel_url: `${url}/cancel`,
      rerun_url: `${url}/rerun`,
      previous_attempt_url: attempt.number > 1 ? `${url}/attempts/${attempt.number - 1}` : null,
      workflow_url: workflow.url ?? null,
      head_commit: {
        id: run.commit,
        tree_id: run.commit.split('').reverse().join(''),
        message: run.message,
        timestamp: seconds(run.createdAt),
        author: { name: 'Mona Octocat', email: 'mona@example.com' },
        committer: { name: 'GitHub', email: 'noreply@github.com' },
      },
      repository: short,
      head_repository: short,
    };
  }

  job(run: Run, job: Job): JsonObject {
    const base = `${API}/repos/${run.repository.fullName}`;
    const assigned = job.startedAt !== null && job.conclusion !== 'skipped';
    return {
      ...this.#jobModel,
      id: job.id,
      run_id: run.id,
      workflow_name: run.workflow,
      head_branch: run.branch,
      run_url: `${base}/actions/runs/${run.id}`,
      run_attempt: job.attempt,
      node_id: nodeId('CR', job.id),
      head_sha: run.commit,
      url: `${base}/actions/jobs/${job.id}`,
      html_url: `https://github.com/${run.repository.fullName}/actions/runs/${run.id}/job/${job.id}`,
      status: status(job.status),
      conclusion: job.conclusion,
      created_at: seconds(job.createdAt),
      started_at: seconds(job.startedAt ?? job.createdAt),
      completed_at: job.finishedAt === null ? null : seconds(job.finishedAt),
      name: job.spec.name,
      steps: steps(job),
      check_run_url: `${base}/check-runs/${job.id}`,
      labels: job.runner.labels,
      runner_id: assigned ? job.runner.id : null,
      runner_name: assigned ? job.runner.name : null,
      runner_group_id: assigned ? (job.runner.group === 'GitHub Actions' ? 0 : 1) : null,
      runner_group_name: assigned ? (job.runner.group ?? 'Default') : null,
    };
  }

  repository(state: RepositoryState): JsonObject {
    const known = this.#repositories.get(state.id);
    if (known) return known;
    const [owner = '', name = ''] = state.fullName.split('/');
    const model = object(
      example('workflow_job', (payload) => 'organization' in payload && payload.action === 'completed').repository,
    );
    const renamed = object(rewrite(model, (text) => this.#rename(state, text)));
    const built: JsonObject = {
      ...renamed,
      id: state.id,
      node_id: nodeId('R', state.id),
      name,
      full_name: state.fullName,
      private: true,
      visibility: 'private',
      default_branch: 'main',
      owner: { ...object(renamed.owner), login: owner, id: ownerId(owner), node_id: nodeId('O', ownerId(owner)) },
    };
    this.#repositories.set(state.id, built);
    return built;
  }

  #workflow(run: Run): JsonObject {
    const id =
      80_000_000 +
      [...run.workflow].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 999_983, run.repository.id % 997);
    const file = `.github/workflows/${run.workflow.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.yml`;
    return {
      ...this.#workflowModel,
      id,
      node_id: nodeId('W', id),
      name: run.workflow,
      path: file,
      url: `${API}/repos/${run.repository.fullName}/actions/workflows/${id}`,
      html_url: `https://github.com/${run.repository.fullName}/blob/main/${file}`,
      badge_url: `https://github.com/${run.repository.fullName}/workflows/${encodeURIComponent(run.workflow)}/badge.svg`,
    };
  }

  #around(repository: RepositoryState, sender: string): JsonObject {
    const owner = repository.fullName.split('/')[0] ?? '';
    const organization = object(rewrite(this.#orgModel, (text) => text.replaceAll('octo-org', owner)));
    const id = ownerId(owner);
    return {
      repository: this.repository(repository),
      organization: { ...organization, id, node_id: nodeId('O', id) },
      sender: this.#user(sender),
    };
  }

  #user(login: string): JsonObject {
    const user = object(rewrite(this.#userModel, (text) => text.replaceAll('Codertocat', login)));
    return { ...user, id: ownerId(login), node_id: nodeId('U', ownerId(login)) };
  }

  #rename(repository: RepositoryState, text: string): string {
    const owner = repository.fullName.split('/')[0] ?? '';
    return text
      .replaceAll(/(?:Codertocat|Octocoders)\/Hello-World/g, repository.fullName)
      .replaceAll(/Codertocat|Octocoders/g, owner);
  }

  #delivery(
    event: string,
    label: string,
    payload: JsonObject,
    about: Pick<Delivery, 'runId' | 'jobId' | 'attempt'> = {},
  ): Delivery {
    const { random, secret, format } = this.#options;
    const json = JSON.stringify(payload);
    const body = format === 'json' ? json : new URLSearchParams({ payload: json }).toString();
    const id = random.uuid();
    const sign = (hash: string): string => createHmac(hash, secret).update(body).digest('hex');
    const repository = object(payload.repository);
    return {
      id,
      event,
      label,
      ...about,
      body,
      headers: {
        accept: '*/*',
        'content-type': format === 'json' ? 'application/json' : 'application/x-www-form-urlencoded',
        'user-agent': 'GitHub-Hookshot/7c1a0de',
        'x-github-delivery': id,
        'x-github-event': event,
        'x-github-hook-id': String(HOOK_ID),
        'x-github-hook-installation-target-id': String(repository.id),
        'x-github-hook-installation-target-type': 'repository',
        'x-hub-signature': `sha1=${sign('sha1')}`,
        'x-hub-signature-256': `sha256=${sign('sha256')}`,
      },
    };
  }
}

function ownerId(login: string): number {
  return 9_000_000 + [...login].reduce((sum, char) => (sum * 131 + char.charCodeAt(0)) % 999_983, 7);
}
