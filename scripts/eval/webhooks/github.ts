import { createHash } from 'node:crypto';
import { type Carrier, type EventTable, type Item, type Json, objectIn, type Place, textIn, time } from './carried.ts';

/** https://docs.github.com/en/webhooks/webhook-events-and-payloads */

const STATUS: Readonly<Record<string, string>> = {
  ...{ queued: 'queued', requested: 'queued', pending: 'queued', waiting: 'waiting', in_progress: 'running' },
  ...{ success: 'succeeded', neutral: 'succeeded', failure: 'failed', startup_failure: 'failed', error: 'failed' },
  ...{ cancelled: 'canceled', skipped: 'skipped', timed_out: 'timed-out', stale: 'timed-out' },
  ...{ action_required: 'waiting', inactive: 'succeeded' },
};
const ENDED = ['succeeded', 'failed', 'canceled', 'skipped', 'timed-out'];
const statusOf = (part: Json): string => STATUS[String(part.conclusion ?? part.status ?? 'queued')] ?? '?';
const ended = (part: Json): boolean => ENDED.includes(statusOf(part));

const run = (id: unknown, attempt: unknown = 1): Item => ({ resource: 'runs', id: `github:${id}:${attempt ?? 1}` });
const fieldsAbout = (item: (part: Json) => Item) => {
  const at =
    (name: string, as: (value: unknown, part: Json) => unknown = (value) => value): Place =>
    (value: unknown, part) => ({ of: item(part), at: name, value: as(value, part) });
  const when =
    (holds: (part: Json) => boolean, name: string, as: (value: unknown) => unknown = (value) => value): Place =>
    (value: unknown, part) =>
      holds(part) ? { of: item(part), at: name, value: as(value) } : 'moot';
  return {
    at,
    when,
    progress: {
      status: at('status', (_, part) => statusOf(part)),
      conclusion: at('status', (_, part) => statusOf(part)),
    },
    login: (name: string) => at(name, (value) => textIn(value as Json, 'login')),
  };
};
const text = (value: unknown): string => String(value);

/** Every event names its repository once, in its body. */
const repositoryOf = (item: Item): Carrier => ({
  at: '',
  item: () => item,
  fields: { repository: fieldsAbout(() => item).at('repository', (value) => textIn(value as Json, 'full_name')) },
  not: {},
});

const ADDRESSES = ['url', 'jobs_url', 'logs_url', 'check_suite_url', 'artifacts_url', 'cancel_url', 'rerun_url'];
const MORE_ADDRESSES = ['previous_attempt_url', 'workflow_url', 'repository_url', 'statuses_url', 'check_runs_url'];

function runCarrier(payload: Json, names = true): Carrier {
  const item = (part: Json) => run(part.id, part.run_attempt);
  const { at, when, progress, login } = fieldsAbout(item);
  const began = (part: Json) => statusOf(part) === 'running' || (ended(part) && statusOf(part) !== 'skipped');
  return {
    at: 'workflow_run',
    item,
    fields: {
      id: at('externalId', text),
      run_attempt: 'attempt',
      // A run is called what its workflow is.
      name: at('name', (value) => textIn(objectIn(payload, 'workflow'), 'name') ?? value),
      event: 'event',
      head_branch: 'branch',
      head_sha: 'commit',
      html_url: 'url',
      workflow_id: at('automationId', (value) => `github:${value}`),
      ...progress,
      created_at: when((part) => (part.run_attempt ?? 1) === 1, 'queuedAt', time),
      run_started_at: when(began, 'startedAt', time),
      updated_at: when(ended, 'endedAt', time),
      actor: at('actor', (value, part) => textIn((part.triggering_actor ?? value) as Json, 'login')),
      triggering_actor: login('actor'),
      ...(names ? {} : { name: () => 'repeated' as const }),
    },
    not: {
      address: [...ADDRESSES, ...MORE_ADDRESSES],
      internal: ['node_id', 'check_suite_id', 'check_suite_node_id', 'run_number'],
      text: ['display_title', 'head_commit'],
      repeated: ['head_repository', 'path', 'pull_requests', 'repository'],
      flag: ['referenced_workflows'],
    },
  };
}

const workflowJob = (payload: Json): Carrier[] => {
  const owner =
    textIn(objectIn(payload, 'organization'), 'login') ??
    textIn(objectIn(payload, 'repository'), 'full_name')?.split('/')[0];
  const job = (part: Json): Item => ({ resource: 'jobs', id: `github:${part.run_id}:job:${part.id}` });
  const runner = (part: Json): Item => ({ resource: 'runners', id: `github:${owner}:${part.runner_id}` });
  const { at, when, progress } = fieldsAbout(job);
  const itsRun = fieldsAbout((part) => run(part.run_id, part.run_attempt));
  const machine = fieldsAbout(runner);
  const hasRunner = (part: Json) => Number(part.runner_id ?? 0) > 0;
  const steps: Place = at('steps', (value) =>
    (value as Json[])
      .filter((step) => statusOf(step) !== 'queued')
      .map((step) => ({
        number: step.number,
        name: step.name,
        status: statusOf(step),
        ...(step.started_at !== null && { startedAt: time(step.started_at) }),
        ...(step.completed_at !== null && { endedAt: time(step.completed_at) }),
      })),
  );
  const began = (part: Json) =>
    statusOf(part) !== 'queued' && statusOf(part) !== 'waiting' && statusOf(part) !== 'skipped';
  return [
    {
      at: 'workflow_job',
      item: job,
      fields: {
        id: at('externalId', text),
        run_id: at('runId', (value, part) => run(value, part.run_attempt).id),
        run_attempt: 'attempt',
        name: 'name',
        head_branch: 'branch',
        head_sha: 'commit',
        html_url: 'url',
        labels: 'labels',
        ...progress,
        created_at: at('queuedAt', time),
        started_at: when(
          (part) => began(part) && (statusOf(part) !== 'canceled' || hasRunner(part)),
          'startedAt',
          time,
        ),
        completed_at: when(ended, 'endedAt', time),
        steps,
        workflow_name: itsRun.at('name'),
        runner_id: when(hasRunner, 'runner.id', (id) => runner({ runner_id: id }).id),
        runner_name: when(hasRunner, 'runner.name'),
        runner_group_name: machine.when(hasRunner, 'pool'),
      },
      not: {
        address: ['url', 'run_url', 'check_run_url'],
        internal: ['node_id', 'runner_group_id'],
      },
    },
    {
      at: 'workflow_job',
      item: runner,
      fields: {
        runner_id: machine.when(hasRunner, 'externalId', text),
        runner_name: machine.when(hasRunner, 'name'),
        runner_group_name: machine.when(hasRunner, 'pool'),
      },
      not: {},
    },
    repositoryOf(job(objectIn(payload, 'workflow_job') ?? {})),
    deploymentCarrier('deployment'),
    environmentOf(
      'deployment',
      run(objectIn(payload, 'workflow_job')?.run_id, objectIn(payload, 'workflow_job')?.run_attempt),
    ),
  ];
};

const deployment = (part: Json) => run(`deployment-${part.id}`);

function deploymentCarrier(at: string): Carrier {
  const about = fieldsAbout(deployment);
  return {
    at,
    item: deployment,
    fields: {
      id: about.at('externalId', (value) => `deployment-${value}`),
      sha: 'commit',
      ref: about.when((part) => part.ref !== part.sha, 'branch'),
      task: 'event',
      environment: 'environment',
      creator: about.login('actor'),
      created_at: about.at('queuedAt', time),
    },
    not: {
      address: [...ADDRESSES, ...MORE_ADDRESSES],
      internal: ['node_id', 'performed_via_github_app'],
      text: ['description', 'payload'],
      flag: ['transient_environment', 'production_environment'],
      repeated: ['original_environment', 'updated_at'],
    },
  };
}

/** The run that deploys shows where to. */
const environmentOf = (at: string, item: Item): Carrier => ({
  at,
  item: () => item,
  fields: { environment: 'environment' },
  not: {},
});

const deploymentEvent = (payload: Json): Carrier[] => {
  const its = objectIn(payload, 'deployment') ?? {};
  const runs = objectIn(payload, 'workflow_run');
  const { state } = objectIn(payload, 'deployment_status') ?? {};
  const about = fieldsAbout(() => deployment(its));
  const at = (name: string, ...states: string[]): Place => about.when(() => states.includes(String(state)), name, time);
  const status: Carrier = {
    at: 'deployment_status',
    item: () => deployment(its),
    fields: {
      state: about.at('status', (value) => STATUS[String(value)]),
      environment: 'environment',
      created_at:
        state === 'in_progress' ? at('startedAt', 'in_progress') : at('endedAt', 'success', 'failure', 'error'),
      log_url: about.when((part) => state !== 'inactive' && Boolean(part.log_url), 'url'),
      target_url: about.when((part) => state !== 'inactive' && !part.log_url, 'url'),
      environment_url: about.when((part) => state !== 'inactive' && !part.log_url && !part.target_url, 'url'),
    },
    not: {
      address: ['url', 'deployment_url', 'repository_url'],
      internal: ['id', 'node_id', 'performed_via_github_app'],
      text: ['description'],
      repeated: ['creator', 'updated_at'],
    },
  };
  const parent: Carrier = {
    at: 'workflow_run',
    item: () => deployment(its),
    fields: { id: about.at('parentRunId', (value, part) => run(value, part.run_attempt).id) },
    not: {},
  };
  const alone = [deploymentCarrier('deployment'), status, repositoryOf(deployment(its))];
  if (runs === undefined) return alone;
  return [...alone, environmentOf('deployment', run(runs.id, runs.run_attempt)), runCarrier(payload), parent];
};

const check = (part: Json) => run(`check-${part.id}`);
const suite = (part: Json) => run(`check-suite-${part.id}`);

const checkRun = (payload: Json): Carrier[] => {
  const { at, when, progress } = fieldsAbout(check);
  const queued = (part: Json) => statusOf(part) === 'queued';
  return [
    repositoryOf(check(objectIn(payload, 'check_run') ?? {})),
    {
      at: 'check_run',
      item: check,
      fields: {
        id: at('externalId', (value) => `check-${value}`),
        name: 'name',
        head_sha: 'commit',
        html_url: 'url',
        ...progress,
        started_at: (value: unknown, part) => ({
          of: check(part),
          at: queued(part) ? 'queuedAt' : 'startedAt',
          value: time(value),
        }),
        completed_at: when(ended, 'endedAt', time),
        app: at('actor', (value) => textIn(value as Json, 'slug') ?? textIn(value as Json, 'name')),
      },
      not: {
        address: ['url', 'details_url'],
        internal: ['node_id', 'external_id'],
        text: ['output'],
        repeated: ['pull_requests'],
      },
    },
    {
      at: 'check_run.check_suite',
      item: suite,
      fields: {},
      not: {
        repeated: ['head_sha', 'app', 'before', 'after', 'pull_requests', 'repository'],
        elsewhere: ['id', 'node_id', 'status', 'conclusion', 'created_at', 'updated_at', 'head_branch', 'deployment'],
        address: ['url'],
      },
    },
    deploymentCarrier('check_run.deployment'),
  ];
};

const checkSuite = (payload: Json): Carrier[] => {
  const { at, when, progress } = fieldsAbout(suite);
  return [
    repositoryOf(suite(objectIn(payload, 'check_suite') ?? {})),
    {
      at: 'check_suite',
      item: suite,
      fields: {
        id: at('externalId', (value) => `check-suite-${value}`),
        head_branch: 'branch',
        head_sha: 'commit',
        ...progress,
        app: at('actor', (value) => textIn(value as Json, 'slug') ?? textIn(value as Json, 'name')),
        created_at: at('queuedAt', time),
        updated_at: when(ended, 'endedAt', time),
      },
      not: {
        address: [...ADDRESSES, ...MORE_ADDRESSES],
        internal: ['node_id', 'latest_check_runs_count', 'runs_rerequestable', 'rerequestable'],
        text: ['head_commit'],
        repeated: ['before', 'after', 'pull_requests'],
      },
    },
  ];
};

const commitStatus = (payload: Json): Carrier[] => {
  const key = createHash('sha256')
    .update(`${objectIn(payload, 'repository')?.id}\n${payload.sha}\n${payload.context}`)
    .digest('hex');
  const item = () => run(`status-${key.slice(0, 32)}`);
  const { at, when, login } = fieldsAbout(item);
  const running = payload.state === 'pending';
  return [
    repositoryOf(item()),
    {
      at: '',
      item,
      fields: {
        sha: 'commit',
        context: 'name',
        state: at('status', (value) => (running ? 'running' : STATUS[String(value)])),
        target_url: 'url',
        branches: when(
          (part) => (part.branches as unknown[]).length === 1,
          'branch',
          (value) => textIn((value as Json[])[0], 'name'),
        ),
        updated_at: at(running ? 'startedAt' : 'endedAt', time),
        sender: login('actor'),
      },
      not: {
        internal: ['id'],
        address: ['avatar_url'],
        text: ['description', 'commit'],
        repeated: ['name', 'created_at', 'repository'],
      },
    },
  ];
};

const deploymentReview = (payload: Json): Carrier[] => {
  const runs = objectIn(payload, 'workflow_run') ?? {};
  const job = (part: Json): Item => ({ resource: 'jobs', id: `github:${runs.id}:job:${part.id}` });
  const { at, progress } = fieldsAbout(job);
  const reviewed = (where: string): Carrier => ({
    at: where,
    item: job,
    fields: {
      id: at('externalId', text),
      name: 'name',
      html_url: 'url',
      created_at: at('queuedAt', time),
      environment: () => ({ of: run(runs.id, runs.run_attempt), at: 'environment', value: payload.environment }),
      ...progress,
    },
    not: { repeated: ['updated_at'] },
  });
  const body = repositoryOf(run(runs.id, runs.run_attempt));
  return [body, runCarrier(payload, false), reviewed('workflow_job_run'), reviewed('workflow_job_runs[]')];
};

const ACTIONS = 'github-actions';
const isActions = (part: Json | undefined): boolean => textIn(objectIn(part, 'app'), 'slug') === ACTIONS;
const BESIDE = ['action', 'organization', 'enterprise', 'installation', 'sender', 'workflow'];

/** What QMOI makes of each of GitHub's events; of any other, nothing. */
export const GITHUB: Readonly<Record<string, EventTable>> = {
  workflow_run: {
    carriers: (payload) => {
      const its = objectIn(payload, 'workflow_run');
      return [runCarrier(payload), repositoryOf(run(its?.id, its?.run_attempt))];
    },
    beside: BESIDE,
  },
  workflow_job: { carriers: workflowJob, beside: BESIDE },
  deployment: { carriers: deploymentEvent, beside: BESIDE },
  // The check is the job that deploys, which tells of itself.
  deployment_status: { carriers: deploymentEvent, beside: [...BESIDE, 'check_run'] },
  deployment_review: {
    carriers: deploymentReview,
    beside: [...BESIDE, 'reviewers', 'requestor', 'requester', 'since', 'approver', 'comment', 'environment'],
  },
  check_run: {
    carriers: checkRun,
    beside: [...BESIDE, 'requested_action'],
    ignored: (payload) =>
      isActions(objectIn(payload, 'check_run')) ? 'a job of GitHub Actions, told twice' : undefined,
  },
  check_suite: {
    carriers: checkSuite,
    beside: BESIDE,
    ignored: (payload) => {
      const its = objectIn(payload, 'check_suite');
      if (isActions(its)) return 'a run of GitHub Actions, told twice';
      return its?.status === 'completed' ? undefined : 'a suite in which nothing was reported';
    },
  },
  status: { carriers: commitStatus, beside: BESIDE.filter((key) => key !== 'sender') },
};

/** Kept in the ledger, though they tell of no run, job, deployment or runner. */
export const GITHUB_NOTICES: readonly string[] = [
  ...['ping', 'meta', 'workflow_dispatch', 'repository_dispatch'],
  ...['installation', 'installation_repositories', 'installation_target'],
];
