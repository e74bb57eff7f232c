import { createHash } from 'node:crypto';
import { type Carrier, type Json, objectIn, textIn, time } from './carried.ts';
import {
  ADDRESSES,
  deploymentCarrier,
  ended,
  fieldsAbout,
  MORE_ADDRESSES,
  repositoryOf,
  run,
  STATUS,
  statusOf,
} from './github-parts.ts';

const check = (part: Json) => run(`check-${part.id}`);
const suite = (part: Json) => run(`check-suite-${part.id}`);

export const checkRun = (payload: Json): Carrier[] => {
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

export const checkSuite = (payload: Json): Carrier[] => {
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

export const commitStatus = (payload: Json): Carrier[] => {
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
