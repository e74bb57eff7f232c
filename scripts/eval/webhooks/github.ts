import {
  type Carrier,
  type EventTable,
  type Item,
  type Json,
  objectIn,
  type Place,
  text,
  textIn,
  time,
} from './carried.ts';
import { checkRun, checkSuite, commitStatus } from './github-checks.ts';
import {
  ADDRESSES,
  deployment,
  deploymentCarrier,
  ended,
  environmentOf,
  fieldsAbout,
  MORE_ADDRESSES,
  repositoryOf,
  run,
  STATUS,
  statusOf,
} from './github-parts.ts';

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

const isActions = (part: Json | undefined): boolean => {
  const [slug, name] = ['slug', 'name'].map((key) => textIn(objectIn(part, 'app'), key));
  return slug === 'github-actions' || (slug === undefined && name === 'GitHub Actions');
};
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
