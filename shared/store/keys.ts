/**
 * Every access pattern of the table and its key.
 *
 * | pattern | key |
 * | --- | --- |
 * | one item by id | pk, sk (`keyOf`) |
 * | a run with all its attempts, jobs, failures and remediations, consistently | pk = `run#<platform>:<run>` |
 * | the fixes that the end of a run proves, of other runs | pk = `run#<platform>:<run>`, sk = `awaited#<fix>` |
 * | an incident's newest episode | pk = `incident#<fingerprint>`, sk = `pointer` |
 * | incidents that share a runner, a host, a commit …, and when | pk = `correlation#<hash>`, sk = incident id |
 * | the fix that sees to such a thing | pk = `treatment#<hash>`, sk = `fix` |
 * | the parts of a delivery's body | pk = `delivery#<id>`, sk begins with `body#` |
 * | the runs of one line of work (a workflow on a branch), in their order | pk = `line#<platform>:<hash>`, sk = padded run |
 * | all sources of a platform, and how far each was swept | pk = `source#<platform>`, `sweep#<platform>`; sk = repository |
 * | what is known of the runs of an hour of a source | pk = `sweep#<source>`, sk = hour |
 * | calls that a platform's API may still be asked, for sweeps and for green logs | pk = `limit#<platform>`; sk = `calls`, `green-logs` |
 * | what the last green log of a job prints; samples of such lines | pk = `green#<hash>`; pk = `green-lines`, sk = slot |
 * | the master's rules of diagnosis; how each rule has done | pk = `rules`; `rule-standing`; sk = rule |
 * | what no rule explains, by its template | pk = `unknowns`, sk = words in the template |
 * | the run that a source of heartbeats has begun | pk = `beat#<platform>:<source>`, sk = `open` |
 * | what the agent of a runner was told | pk = `command#<runner>`, sk = the command's id |
 * | the jobs whose schedules the settings declare | pk = `declared`, sk = `heartbeats` |
 * | all controls; actions under way; actions of an hour | pk = `control`; `lease`; `budget#<scope>#<hour>` |
 * | all outages; the runs that failed of one cause, by time | pk = `outage`; `storm#<hash>`, sk = `<time>|<run>` |
 * | what came of fixes, by time; each cause × playbook | pk = `outcome#<hash>`, sk = `<time>|<fix>`; pk = `effects` |
 * | guards that last for a time; what one had its say about | pk = `guard`, sk = the guard's id; pk = `hit#<hash>` |
 * | windows of maintenance that events have opened | pk = `maintenance`, sk = what they are of |
 * | what the master says of automations; automations of one commit and name | pk = `policy`; `mirror#<hash>`, sk = automation id |
 * | newest items of an entity | index `list`: lp = `<entity>#<day>#<shard>`, ls = `<createdAt>|<id>` |
 * | the days an entity (or the activity feed) has items of | pk = `days#<entity>`, sk = day |
 * | runs and jobs of a repository; failures, remediations and notifications of an incident | index `by-parent`: bp, ls |
 * | whatever is due | index `wake`: wp = `wake#<shard>`, wakeAt |
 * | what happened, newest first | pk = `activity#<day>`, sk = `<time>|<id of the first event>` |
 */
import { createHash } from 'node:crypto';
import type { EntityName, State } from '../model/index.ts';

export interface Key {
  pk: string;
  sk: string;
}

/** DynamoDB wants at least three letters in an index's name. */
export const INDEX = { list: 'list', by: 'by-parent', wake: 'wake' } as const;

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** Sorts numbers as text. */
const padded = (value: string | number) => String(value).padStart(6, '0');

/** `github:123` of `github:123:1`, `github:123:job:456`, `github:123:rerun-failed-jobs:1`. */
export const runKeyOf = (id: string): string => id.split(':').slice(0, 2).join(':');
const tailOf = (id: string): string => id.split(':').slice(2).join(':');

export const ids = {
  run: (platform: string, externalId: string | number, attempt: number) => `${platform}:${externalId}:${attempt}`,
  /** Also the id of the job's failure. */
  job: (platform: string, runExternalId: string | number, externalId: string | number) =>
    `${platform}:${runExternalId}:job:${externalId}`,
  runner: (platform: string, scope: string, externalId: string | number) => `${platform}:${scope}:${externalId}`,
  automation: (platform: string, externalId: string | number) => `${platform}:${externalId}`,
  delivery: (platform: string, externalId: string) => `${platform}:${externalId}`,
  /** Names of tests are long and hold anything. */
  flake: (kind: string, platform: string, repository: string, name: string) =>
    `${kind}:${platform}:${hashOf(`${repository}\n${name}`)}`,
  source: (platform: string, repository: string) => `${platform}:${repository}`,
  /** `hour` as `2026-01-31T12`. */
  completeness: (platform: string, repository: string, hour: string) => `${platform}:${repository}@${hour}`,
  incident: (fingerprint: string, episode: number) => `${fingerprint}:${episode}`,
  /** `part` is the attempt of a run, or the id of a job, which is an attempt by itself. */
  remediation: (runKey: string, action: string, part: string | number) => `${runKey}:${action}:${part}`,
  notification: (entity: string, id: string, status: string, route: string) => `${entity}.${status}:${id}:${route}`,
};

/** The key of an item, from its id alone. Ids are opaque to clients; a malformed one maps to a key that holds nothing. */
export function keyOf(entity: EntityName, id: string): Key {
  switch (entity) {
    case 'run':
      return { pk: `run#${runKeyOf(id)}`, sk: `run#${padded(tailOf(id))}` };
    case 'job':
    case 'failure':
      return { pk: `run#${runKeyOf(id)}`, sk: `${entity}#${tailOf(id).replace(/^job:/, '')}` };
    case 'remediation':
      return { pk: `run#${runKeyOf(id)}`, sk: `remediation#${tailOf(id)}` };
    case 'incident': {
      const [fingerprint = '', episode = ''] = id.split(':');
      return { pk: `incident#${fingerprint}`, sk: `episode#${padded(episode)}` };
    }
    case 'control':
      return { pk: 'control', sk: id };
    case 'source': {
      const [platform = '', ...repository] = id.split(':');
      return { pk: sourcePartition(platform), sk: repository.join(':') || '-' };
    }
    case 'delivery':
    case 'runner':
    case 'automation':
    case 'notification':
    case 'flake':
    case 'completeness':
      return { pk: `${entity}#${id}`, sk: 'header' };
  }
}

export const runPartition = (idOfAnythingInIt: string): string => `run#${runKeyOf(idOfAnythingInIt)}`;
/** A fix of another run that this run's end proves. */
export const awaitedKey = (runId: string, fixId: string): Key => ({
  pk: runPartition(runId),
  sk: `${AWAITED}${fixId}`,
});
export const AWAITED = 'awaited#';
export const incidentPointer = (fingerprint: string): Key => ({ pk: `incident#${fingerprint}`, sk: 'pointer' });
export const correlationPartition = (root: string): string => `correlation#${root}`;
export const treatmentKey = (root: string): Key => ({ pk: `treatment#${hashOf(root)}`, sk: 'fix' });
export const bodyPart = (deliveryId: string, part: number): Key => ({
  pk: `delivery#${deliveryId}`,
  sk: `body#${padded(part)}`,
});
/** The runs that supersede each other, one item each. A branch's name may be longer than a key. */
export const linePartition = (platform: string, line: string): string =>
  `line#${platform}:${createHash('sha256').update(line).digest('hex').slice(0, 32)}`;
/** Where a run stands in its line. Platforms number runs in the order of their creation. */
export const placeInLine = (runId: string): string => (runId.split(':')[1] ?? '').padStart(20, '0');
export const daysPartition = (entity: EntityName | 'activity'): string => `days#${entity}`;
export const sourcePartition = (platform: string): string => `source#${platform}`;
export const sweepCursor = (platform: string, repository: string): Key => ({ pk: `sweep#${platform}`, sk: repository });
export const sweptHour = (sourceId: string, hour: string): Key => ({ pk: `sweep#${sourceId}`, sk: hour });
export const callLimit = (platform: string, what: 'calls' | 'green-logs' = 'calls'): Key => ({
  pk: `limit#${platform}`,
  sk: what,
});
/** A job of an automation on a branch, and what it prints when it succeeds. */
export const greenLogKey = (job: readonly (string | undefined)[]): Key => ({
  pk: `green#${hashOf(JSON.stringify(job))}`,
  sk: 'log',
});
export const greenLinesPartition = 'green-lines';
export const rulesPartition = 'rules';
export const standingPartition = 'rule-standing';
export const unknownsPartition = 'unknowns';
export const policyKey: Key = { pk: 'policy', sk: 'automations' };
export const mirrorPartition = (key: string): string => `mirror#${key}`;
/** The run that a source of heartbeats has begun and not ended. */
export const openRun = (platform: string, source: string): Key => ({ pk: `beat#${platform}:${source}`, sk: 'open' });
export const commandPartition = (runnerId: string): string => `command#${runnerId}`;
/** The automations whose schedules the settings declared when they were last looked at. */
export const DECLARED: Key = { pk: 'declared', sk: 'heartbeats' };
export const leasePartition = 'lease';
export const budgetPartition = (scope: string, hour: string): string => `budget#${scope}#${hour}`;
/** All outages that QMOI knows; what failed of one of them, in order of time. */
export const outagePartition = 'outage';
export const stormPartition = (key: string): string =>
  `storm#${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;
/** What came of the fixes of one cause, or in one place; and everything that anything is known of. */
export const outcomePartition = (subject: string): string =>
  `outcome#${createHash('sha256').update(subject).digest('hex').slice(0, 32)}`;
export const effectsPartition = 'effects';
/** The guards that last for a time; and what one that is in force since then had its say about. */
export const guardPartition = 'guard';
export const hitPartition = (guard: string, since: string): string => `hit#${hashOf(`${guard}\n${since}`)}`;
/** Which run of an incident is tried before the others, for each playbook. */
export const canaryPartition = (incident: string): string => `canary#${incident}`;
/** The windows of maintenance that events have opened. */
export const maintenancePartition = 'maintenance';
export const activityPartition = (day: string): string => `activity#${day}`;

/** Partitions a day's items of an entity are spread over, so that no index key is hot. */
const LIST_SHARDS: Record<EntityName, number> = {
  delivery: 4,
  run: 4,
  job: 4,
  runner: 4,
  automation: 1,
  failure: 2,
  incident: 1,
  remediation: 2,
  notification: 2,
  control: 1,
  flake: 1,
  source: 1,
  completeness: 1,
};
export const WAKE_SHARDS = 4;

/** A stable number below `shards` for an id. */
function shardOf(id: string, shards: number): number {
  return shards === 1 ? 0 : createHash('sha1').update(id).digest().readUInt32BE(0) % shards;
}

export const dayOf = (timestamp: string): string => timestamp.slice(0, 10);
export const listSort = (createdAt: string, id: string): string => `${createdAt}|${id}`;
export const listPartitions = (entity: EntityName, day: string): string[] =>
  Array.from({ length: LIST_SHARDS[entity] }, (_, shard) => `${entity}#${day}#${shard}`);
export const wakePartitions = (): string[] => Array.from({ length: WAKE_SHARDS }, (_, shard) => `wake#${shard}`);

export const byRepository = (entity: EntityName, platform: string, repository: string): string =>
  `${entity}@${platform}/${repository}`;
export const byIncident = (entity: EntityName, incidentId: string): string => `${entity}@${incidentId}`;

function byKey(state: State): string | undefined {
  const fields = state as unknown as { platform: string; repository: string; incidentId?: string };
  switch (state.entity) {
    case 'run':
    case 'job':
      return byRepository(state.entity, fields.platform, fields.repository);
    case 'failure':
    case 'remediation':
    case 'notification':
      return fields.incidentId === undefined ? undefined : byIncident(state.entity, fields.incidentId);
    default:
      return undefined;
  }
}

const DAY = 86_400;
/** How long items are kept, in days. Deliveries outlive every platform's redelivery window; the activity feed promises 90 days. */
export const KEEP_DAYS: Partial<Record<EntityName | 'activity' | 'budget' | 'line' | 'outage', number>> = {
  delivery: 35,
  run: 400,
  job: 400,
  failure: 400,
  remediation: 400,
  notification: 90,
  flake: 400,
  activity: 90,
  completeness: 90,
  budget: 1,
  line: 90,
  outage: 7,
};
/** Throw-away machines are not kept once their job has ended. */
const KEEP_REMOVED_RUNNER_DAYS = 2;

/** Epoch seconds after which the table may drop an item written at `from`. */
export const expiry = (from: string, days: number): number => Math.floor(Date.parse(from) / 1000) + days * DAY;

/** The attributes that place an item in the table and its indexes. All but `expiresAt` follow from the state alone. */
export function placement(state: State): Key & Record<string, string | number | undefined> {
  const entity = state.entity as EntityName;
  const shard = shardOf(state.id, LIST_SHARDS[entity]);
  const days = entity === 'runner' && state.status === 'removed' ? KEEP_REMOVED_RUNNER_DAYS : KEEP_DAYS[entity];
  return {
    ...keyOf(entity, state.id),
    lp: `${entity}#${dayOf(state.createdAt)}#${shard}`,
    ls: listSort(state.createdAt, state.id),
    bp: byKey(state),
    wp: state.wakeAt === undefined ? undefined : `wake#${shardOf(state.id, WAKE_SHARDS)}`,
    expiresAt: days === undefined ? undefined : expiry(entity === 'runner' ? state.updatedAt : state.createdAt, days),
  };
}

/** The names of `placement`'s attributes, which are no part of a state. */
export const PLACEMENT = ['pk', 'sk', 'lp', 'ls', 'bp', 'wp', 'expiresAt'] as const;
