import { about, type Carrier, type Item, type Json, textIn, time } from './carried.ts';

/** What GitHub's events have in common. https://docs.github.com/en/webhooks/webhook-events-and-payloads */

export const STATUS: Readonly<Record<string, string>> = {
  ...{ queued: 'queued', requested: 'queued', pending: 'queued', waiting: 'waiting', in_progress: 'running' },
  ...{ success: 'succeeded', neutral: 'succeeded', failure: 'failed', startup_failure: 'failed', error: 'failed' },
  ...{ cancelled: 'canceled', skipped: 'skipped', timed_out: 'timed-out', stale: 'timed-out' },
  ...{ action_required: 'waiting', inactive: 'succeeded' },
};
const ENDED = ['succeeded', 'failed', 'canceled', 'skipped', 'timed-out'];
export const statusOf = (part: Json): string => STATUS[String(part.conclusion ?? part.status ?? 'queued')] ?? '?';
export const ended = (part: Json): boolean => ENDED.includes(statusOf(part));

export const run = (id: unknown, attempt: unknown = 1): Item => ({
  resource: 'runs',
  id: `github:${id}:${attempt ?? 1}`,
});
export const fieldsAbout = (item: (part: Json) => Item) => {
  const { at, when } = about(item);
  const status = at('status', (_, part) => statusOf(part));
  return {
    at,
    when,
    progress: { status, conclusion: status },
    login: (name: string) => at(name, (value) => textIn(value as Json, 'login')),
  };
};

/** Every event names its repository once, in its body. */
export const repositoryOf = (item: Item): Carrier => ({
  at: '',
  item: () => item,
  fields: { repository: fieldsAbout(() => item).at('repository', (value) => textIn(value as Json, 'full_name')) },
  not: {},
});

export const ADDRESSES = ['url', 'jobs_url', 'logs_url', 'check_suite_url', 'artifacts_url', 'cancel_url', 'rerun_url'];
export const MORE_ADDRESSES = [
  'previous_attempt_url',
  'workflow_url',
  'repository_url',
  'statuses_url',
  'check_runs_url',
];

export const deployment = (part: Json) => run(`deployment-${part.id}`);

export function deploymentCarrier(at: string): Carrier {
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
export const environmentOf = (at: string, item: Item): Carrier => ({
  at,
  item: () => item,
  fields: { environment: 'environment' },
  not: {},
});
