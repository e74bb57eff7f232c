import { isEnded, type JobFact, type RunFact } from '../../model/index.ts';
import { ids } from '../../store/keys.ts';
import { cut, linkOf, nameOf, present, timeOf, timeOfNumber } from '../clean.ts';
import { type DeliveredEvent, noFacts, type PlatformFacts } from '../port.ts';
import { jsonOf } from '../request.ts';
import { factsOfSingleRun } from '../single-run.ts';
import {
  type DeploymentEvent,
  deploymentEvent,
  isKnownEvent,
  type RollbackEvent,
  rollbackEvent,
  SOURCES,
} from './payloads.ts';
import { STATUS } from './status.ts';

const platform = 'vercel';
/** A deployment is one build; its log is the deployment's. */
const JOB = 'build';

export function normalise(delivery: DeliveredEvent): PlatformFacts {
  if (!isKnownEvent(delivery.event)) return noFacts();
  const payload = jsonOf(delivery.body.toString('utf8'));
  switch (delivery.event) {
    case 'deployment.rollback':
      return factsOfRollback(rollbackEvent.parse(payload), delivery);
    case 'deployment.promoted':
      return factsOfPromotion(deploymentEvent.parse(payload), delivery);
    default:
      return factsOfDeployment(deploymentEvent.parse(payload), STATUS[delivery.event], delivery);
  }
}

function factsOfDeployment(
  event: DeploymentEvent,
  status: (typeof STATUS)[keyof typeof STATUS],
  { origin, receivedAt }: DeliveredEvent,
): PlatformFacts {
  const { project } = event.payload;
  const statusAt = timeOfEvent(event) ?? receivedAt;
  const told = whatIsTold(event);
  const name = nameOf(project.name) ?? nameOf(event.payload.deployment.name);
  const times = {
    queuedAt: status === 'queued' ? statusAt : undefined,
    endedAt: isEnded(status) ? statusAt : undefined,
  };
  const run = factsOfSingleRun(
    // What is queued may be at work.
    {
      platform,
      kind: 'deployment',
      underWay: status === 'queued',
      ...told,
      ...times,
      automation: { externalId: project.id, name },
      status,
      statusAt,
    },
    origin,
  );
  const { externalId, repository, repositoryId, branch, commit, url } = told;
  const job: JobFact = present({
    ...{ platform, externalId, repository, repositoryId, branch, commit, url, ...times, status, statusAt, origin },
    id: ids.job(platform, externalId, JOB),
    name: JOB,
    runId: ids.run(platform, externalId, 1),
    attempt: 1,
    steps: [],
  });
  return { ...run, jobs: [job] };
}

/**
 * A deployment serves production from now on. That is no end of it, as it may have been built days ago: it only tells where
 * it went.
 */
function factsOfPromotion(event: DeploymentEvent, { origin, receivedAt }: DeliveredEvent): PlatformFacts {
  const told = whatIsTold(event);
  const run: RunFact = present({
    ...told,
    platform,
    kind: 'deployment' as const,
    environment: 'production',
    id: ids.run(platform, told.externalId, 1),
    attempt: 1,
    automationId: ids.automation(platform, event.payload.project.id),
    statusAt: timeOfEvent(event) ?? receivedAt,
    origin,
  });
  return { ...noFacts(), runs: [run] };
}

/** A deployment of its own, of what was deployed before: Vercel tells of no deployment but the two ids. */
function factsOfRollback(event: RollbackEvent, { origin, receivedAt }: DeliveredEvent): PlatformFacts {
  const { project, team, user, toDeploymentId } = event.payload;
  const externalId = `rollback-${event.id}`;
  const at = timeOfEvent(event) ?? receivedAt;
  const run: RunFact = present({
    id: ids.run(platform, externalId, 1),
    ...{ platform, externalId, origin, attempt: 1 },
    kind: 'deployment' as const,
    repository: project.id,
    repositoryId: placeOf(team?.id, project.id),
    name: 'rollback',
    event: 'rollback',
    environment: 'production',
    automationId: ids.automation(platform, project.id),
    // What it restores is what it came from.
    parentRunId: ids.run(platform, toDeploymentId, 1),
    actor: nameOf(user?.username) ?? nameOf(user?.id),
    status: 'succeeded' as const,
    ...{ statusAt: at, startedAt: at, endedAt: at },
  });
  return { ...noFacts(), runs: [run] };
}

/** Branch, commit and the like are the same in all events of a deployment. */
function whatIsTold({ payload }: DeploymentEvent) {
  const { deployment, project, team, user, links } = payload;
  const meta = metaOf(payload);
  const target = payload.target === undefined ? deployment.target : payload.target;
  const first = (suffix: string) =>
    SOURCES.map((source) => meta(`${source}${suffix}`)).find((text) => text !== undefined);
  return {
    externalId: deployment.id,
    repository: repositoryOf(payload),
    repositoryId: placeOf(team?.id, project.id),
    branch: first('CommitRef'),
    commit: first('CommitSha'),
    actor: first('CommitAuthorLogin') ?? nameOf(user?.username) ?? nameOf(user?.id),
    url: linkOf(links?.deployment) ?? linkOf(addressOf(deployment.url)),
    // Null stands for a preview; without a word, nothing is known.
    environment: target === null ? 'preview' : nameOf(target),
  };
}

const metaOf =
  ({ deployment }: DeploymentEvent['payload']) =>
  (key: string): string | undefined => {
    const value = deployment.meta?.[key];
    return typeof value === 'string' ? nameOf(value) : undefined;
  };

/** The repository that a project deploys from; of one that has none, or does not say, the project's name. */
export function repositoryOf(payload: DeploymentEvent['payload'] | RollbackEvent['payload']): string {
  if (!('deployment' in payload)) return payload.project.id;
  const meta = metaOf(payload);
  const pairs = [
    [meta('githubOrg') ?? meta('githubCommitOrg'), meta('githubRepo') ?? meta('githubCommitRepo')],
    [meta('bitbucketRepoOwner'), meta('bitbucketRepoName')],
  ];
  const [owner, name] = pairs.find(([a, b]) => a !== undefined && b !== undefined) ?? [];
  if (owner !== undefined && name !== undefined) return cut(`${owner}/${name}`);
  const { project, deployment } = payload;
  return meta('gitlabProjectPath') ?? nameOf(project.name) ?? nameOf(deployment.name) ?? project.id;
}

/** Vercel's API wants to know the team, too, of what belongs to one: `<team>/<project>`, or the project alone. */
const placeOf = (team: string | null | undefined, project: string): string => (team ? `${team}/${project}` : project);
export const teamIn = (place: string | undefined): string | undefined =>
  place?.includes('/') ? place.split('/')[0] : undefined;
export const projectIn = (place: string | undefined): string | undefined => place?.split('/').at(-1);

const addressOf = (host: string | null | undefined) => (host && !host.includes('://') ? `https://${host}` : host);

const timeOfEvent = ({ createdAt }: { createdAt: number | string }): string | undefined =>
  typeof createdAt === 'number' ? timeOfNumber(createdAt) : timeOf(createdAt);
