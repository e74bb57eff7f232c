import { isEnded } from '../../model/index.ts';
import { cut, linkOf, nameOf, timeOf } from '../clean.ts';
import type { DeliveredEvent, PlatformFacts } from '../port.ts';
import { factsOfSingleRun, idOf } from '../single-run.ts';
import type { DeploymentEvent } from './payloads.ts';
import { DEPLOYMENT_STATUS } from './status.ts';

/**
 * A deployment. GitLab names the job that deploys by its address alone, and not the pipeline that it is of, which says by
 * itself where it deploys to.
 */
export function factsOfDeployment(event: DeploymentEvent, { origin, receivedAt }: DeliveredEvent): PlatformFacts {
  const { project } = event;
  const status = DEPLOYMENT_STATUS[event.status];
  const statusAt = timeOf(event.status_changed_at) ?? receivedAt;
  const environment = nameOf(event.environment);
  return factsOfSingleRun(
    {
      platform: 'gitlab',
      kind: 'deployment',
      externalId: `deployment-${event.deployment_id}`,
      automation: { externalId: idOf('environment', project.id, environment ?? ''), name: environment },
      repository: cut(project.path_with_namespace),
      repositoryId: String(project.id),
      status,
      statusAt,
      branch: nameOf(event.ref),
      commit: /\/commit\/([0-9a-f]{40,64})$/.exec(event.commit_url ?? '')?.[1] ?? nameOf(event.short_sha),
      url: linkOf(event.deployable_url) ?? linkOf(event.environment_external_url),
      environment,
      actor: nameOf(event.user?.username) ?? nameOf(event.user?.name),
      queuedAt: status === 'queued' ? statusAt : undefined,
      startedAt: status === 'running' ? statusAt : undefined,
      endedAt: isEnded(status) ? statusAt : undefined,
    },
    origin,
  );
}
