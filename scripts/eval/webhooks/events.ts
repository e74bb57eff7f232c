import {
  type Carrier,
  type EventTable,
  type Expected,
  type Item,
  type Json,
  objectIn,
  type Place,
  textIn,
  time,
} from './carried.ts';

/** What comes as an event and not as a platform's own webhook: CDEvents, Braket on the account's bus; and Vercel. */

const at = (of: Item, name: string, as: (value: unknown) => unknown = (value) => value): Place => {
  return (value: unknown): Expected => ({ of, at: name, value: as(value) });
};
const id = (value: unknown): unknown => textIn(value as Json, 'id');
/** Something is there. */
const exists = (of: Item): Place => at(of, 'platform', () => of.id.split(':')[0]);

const OUTCOME: Readonly<Record<string, string>> = {
  ...{ success: 'succeeded', pass: 'succeeded', failure: 'failed', fail: 'failed', error: 'failed' },
  ...{ cancel: 'canceled', skipped: 'skipped' },
};
const STAGE: Readonly<Record<string, readonly [status: string, time: string]>> = {
  queued: ['queued', 'queuedAt'],
  started: ['running', 'startedAt'],
};

/** `pipelinerun.finished` of `dev.cdevents.pipelinerun.finished.0.3.0`. */
const nameIn = (payload: Json): readonly [subject: string, predicate: string] => {
  const [, , subject = '', predicate = ''] = (textIn(objectIn(payload, 'context'), 'type') ?? '').split('.');
  return [subject, predicate];
};

/** CDEvents number nothing: an id of theirs stands in QMOI's beside a hash of where it is from. */
const keyOf = (prefix: string, text: string): string => `${prefix}-${text.replace(/[^\w.+@/-]/g, '_').slice(0, 80)}-*`;
const run = (prefix: string, text: string): Item => ({ resource: 'runs', id: `events:${keyOf(prefix, text)}:1` });
const job = (prefix: string, text: string, part: string): Item => ({
  resource: 'jobs',
  id: `events:${keyOf(prefix, text)}:job:${part}`,
});

/** What an event is about, the job that says why it failed, and the fields of its content. */
function subjectOf(payload: Json): { item: Item; status: string; content: Record<string, Place>; not: Carrier['not'] } {
  const [subject, predicate] = nameIn(payload);
  const it = objectIn(payload, 'subject') ?? {};
  const content = objectIn(it, 'content') ?? {};
  const [own = '', unique] = [textIn(it, 'id'), `${it.id}-${objectIn(payload, 'context')?.id}`];
  const status = STAGE[predicate]?.[0] ?? OUTCOME[String(content.outcome ?? 'success')] ?? '?';
  const of = (prefix: string, text = own) => {
    const item = run(prefix, text);
    const place = (name: string, as?: (value: unknown) => unknown) => at(item, name, as);
    const why = at(job(prefix, text, 'run'), 'failureReason');
    return { item, place, why };
  };
  switch (subject) {
    case 'pipelinerun': {
      const { item, place, why } = of('pipeline');
      const fields = {
        pipelineName: place('name'),
        uri: place('url'),
        outcome: place('status', () => status),
        errors: why,
      };
      return { item, status, content: fields, not: {} };
    }
    case 'taskrun': {
      const pipeline = textIn(objectIn(content, 'pipelineRun'), 'id') ?? '';
      const item = job('pipeline', pipeline, keyOf('task', own));
      return {
        item,
        status,
        content: {
          taskName: at(item, 'name'),
          uri: at(item, 'url'),
          outcome: at(item, 'status', () => status),
          errors: at(item, 'failureReason'),
          pipelineRun: exists(run('pipeline', pipeline)),
        },
        not: {},
      };
    }
    case 'testsuiterun': {
      const { item, place, why } = of('tests');
      return {
        item,
        status,
        content: {
          environment: place('environment', id),
          testSuite: place('name', (value) => textIn(value as Json, 'name')),
          outcome: place('status', () => status),
          reason: why,
        },
        not: { flag: ['severity'], internal: ['trigger'] },
      };
    }
    case 'service': {
      const { item, place } = of('deployment', unique);
      return { item, status, content: { environment: place('environment', id) }, not: { elsewhere: ['artifactId'] } };
    }
    case 'environment': {
      const { item, place } = of('environment', unique);
      const fields = { name: place('name', (value) => `environment ${value}`), uri: place('url') };
      return { item, status, content: fields, not: {} };
    }
    case 'incident': {
      const resolved = predicate === 'resolved';
      const { item, place, why } = of(resolved ? 'incident-end' : 'incident');
      return {
        item,
        status: resolved ? 'succeeded' : 'failed',
        content: {
          description: resolved ? () => 'text' : why,
          environment: place('environment', id),
          service: place('name', (value) => `${id(value)} in ${textIn(objectIn(content, 'environment'), 'id')}`),
          ticketURI: place('url'),
        },
        not: { elsewhere: ['artifactId'] },
      };
    }
    case 'artifact': {
      const { item, place } = of(`artifact-${predicate}`);
      // Of a change, what has the form of a commit is one.
      return { item, status, content: { user: place('actor') }, not: { elsewhere: ['change', 'sbom'] } };
    }
    default:
      return { item: of('build').item, status, content: {}, not: { elsewhere: ['artifactId'] } };
  }
}

const cdEvent = (payload: Json): Carrier[] => {
  const [, predicate] = nameIn(payload);
  const { item, status, content, not } = subjectOf(payload);
  const when = STAGE[predicate]?.[1] ?? 'endedAt';
  return [
    {
      at: 'context',
      item: () => item,
      fields: { type: at(item, 'status', () => status), timestamp: at(item, when, time) },
      not: { internal: ['specversion', 'id', 'chainId', 'source', 'schemaUri', 'links', 'version'] },
    },
    {
      at: 'subject',
      item: () => item,
      fields: { id: exists(item), source: at(item, 'repository') },
      not: { internal: ['type'] },
    },
    { at: 'subject.content', item: () => item, fields: content, not },
  ];
};

/** By subject and predicate: those that tell of automation. */
export const CDEVENTS: readonly string[] = [
  ...['pipelinerun.queued', 'pipelinerun.started', 'pipelinerun.finished', 'taskrun.started', 'taskrun.finished'],
  ...['testsuiterun.queued', 'testsuiterun.started', 'testsuiterun.finished'],
  ...['build.queued', 'build.started', 'build.finished', 'artifact.packaged', 'artifact.published'],
  ...['deployed', 'upgraded', 'rolledback', 'removed', 'published'].map((predicate) => `service.${predicate}`),
  ...['environment.created', 'environment.modified', 'environment.deleted'],
  ...['incident.detected', 'incident.reported', 'incident.resolved'],
];
export const CDEVENT: EventTable = { carriers: cdEvent, beside: ['customData', 'customDataContentType'] };
export const cdEventName = (payload: Json): string => nameIn(payload).join('.');

/** https://docs.aws.amazon.com/braket/latest/developerguide/braket-monitor-eventbridge.html */
const braketTask = (payload: Json): Carrier[] => {
  const detail = objectIn(payload, 'detail') ?? {};
  const task = `task-${String(detail.quantumTaskArn).split('/').at(-1)}`;
  const [item, work]: Item[] = [
    { resource: 'runs', id: `braket:${task}:1` },
    { resource: 'jobs', id: `braket:${task}:job:work` },
  ] as const;
  if (item === undefined || work === undefined) return [];
  const [, , provider, device] = String(detail.deviceArn).split('/');
  const status: Readonly<Record<string, string>> = {
    ...{ CREATED: 'queued', QUEUED: 'queued', RUNNING: 'running', CANCELLING: 'running' },
    ...{ COMPLETED: 'succeeded', FAILED: 'failed', CANCELLED: 'canceled' },
  };
  return [
    {
      at: 'detail',
      item: () => item,
      fields: {
        quantumTaskArn: at(item, 'externalId', () => task),
        status: at(item, 'status', (value) => status[String(value)]),
        deviceArn: at(item, 'repository', () => `${provider}/${device}`),
        createdAt: at(item, 'queuedAt', time),
        endedAt: at(item, 'endedAt', time),
        failureReason: at(work, 'failureReason'),
      },
      not: { address: ['outputS3Bucket', 'outputS3Directory'], flag: ['shots'], internal: ['eventName'] },
    },
    { at: 'detail', item: () => work, fields: { deviceArn: at(work, 'runner.name', () => device) }, not: {} },
  ];
};
export const BRAKET: Readonly<Record<string, EventTable>> = {
  'Braket Task State Change': {
    carriers: braketTask,
    beside: ['version', 'id', 'detail-type', 'source', 'account', 'time', 'region', 'resources'],
  },
};

/** https://vercel.com/docs/webhooks/webhooks-api */
const vercelDeployment = (payload: Json): Carrier[] => {
  const its = objectIn(payload, 'payload');
  const item: Item = { resource: 'runs', id: `vercel:${objectIn(its, 'deployment')?.id}:1` };
  const [project, team] = [objectIn(its, 'project')?.id, objectIn(its, 'team')?.id];
  const [status, when] = (
    {
      'deployment.created': ['queued', 'queuedAt'],
      'deployment.succeeded': ['succeeded', 'endedAt'],
      'deployment.error': ['failed', 'endedAt'],
      'deployment.canceled': ['canceled', 'endedAt'],
    } as Record<string, readonly [string, string]>
  )[String(payload.type)] ?? ['?', '?'];
  return [
    {
      at: '',
      item: () => item,
      fields: {
        type: at(item, 'status', () => status),
        createdAt: at(item, when, (value) => new Date(Number(value)).toISOString()),
      },
      not: { internal: ['id'] },
    },
    {
      at: 'payload.deployment',
      item: () => item,
      fields: { id: 'externalId', url: 'url' },
      not: { repeated: ['name'] },
    },
    {
      at: 'payload.deployment.meta',
      item: () => item,
      fields: { githubCommitRef: 'branch', githubCommitSha: 'commit' },
      not: { text: ['githubCommitMessage'] },
    },
    {
      at: 'payload.project',
      item: () => item,
      fields: { id: at(item, 'automationId', (value) => `vercel:${value}`), name: 'name' },
      not: {},
    },
    {
      at: 'payload.team',
      item: () => item,
      fields: { id: at(item, 'repositoryId', () => `${team}/${project}`) },
      not: { text: ['name'] },
    },
  ];
};
export const VERCEL: EventTable = { carriers: vercelDeployment, beside: ['payload'] };
