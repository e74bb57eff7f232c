import { isEnded } from '../../model/index.ts';
import { ids } from '../../store/keys.ts';
import { linkOf, nameOf, timeOf } from '../clean.ts';
import { type DeliveredEvent, noFacts, type PlatformFacts } from '../port.ts';
import { factsOfSingleRun, idOf } from '../single-run.ts';
import type { DeploymentEvent } from './payloads.ts';
import { DEPLOYMENT_STATE } from './status.ts';
import { factsOfRun } from './workflow-runs.ts';

const platform = 'github';

/** A deployment, as it was asked for or as somebody reports of it, and the run of the workflow that deploys. */
export function factsOfDeployment(event: DeploymentEvent, delivery: DeliveredEvent): PlatformFacts {
  const { deployment: native, repository, workflow, workflow_run } = event;
  const environment = nameOf(native.environment);
  const parent =
    workflow_run == null ? noFacts() : factsOfRun({ repository, workflow, workflow_run }, delivery, environment);
  const created = timeOf(native.created_at);
  const deployment = factsOfSingleRun(
    {
      platform,
      kind: 'deployment',
      externalId: `deployment-${native.id}`,
      automation: { externalId: idOf('environment', repository.id, environment ?? ''), name: environment },
      repository: repository.full_name,
      repositoryId: String(repository.id),
      ...progressOf(event, created, delivery.receivedAt),
      // GitHub takes a branch, a tag or a commit.
      branch: native.ref === native.sha ? undefined : nameOf(native.ref),
      commit: nameOf(native.sha),
      environment,
      event: nameOf(native.task),
      actor: nameOf(native.creator?.login),
      queuedAt: created,
      parentRunId: workflow_run == null ? undefined : ids.run(platform, workflow_run.id, workflow_run.run_attempt ?? 1),
    },
    delivery.origin,
  );
  return {
    ...noFacts(),
    runs: [...deployment.runs, ...parent.runs],
    automations: [...deployment.automations, ...parent.automations],
  };
}

function progressOf(event: DeploymentEvent, created: string | undefined, receivedAt: string) {
  if (!('deployment_status' in event)) return { status: 'queued' as const, statusAt: created ?? receivedAt };
  const { deployment_status: told } = event;
  const status = DEPLOYMENT_STATE[told.state];
  const statusAt = timeOf(told.created_at) ?? receivedAt;
  // Only what has succeeded becomes inactive, which is no news of when it did: any other word is the better one.
  if (told.state === 'inactive') return { status, statusAt: created ?? statusAt };
  return {
    status,
    statusAt,
    url: linkOf(told.log_url) ?? linkOf(told.target_url) ?? linkOf(told.environment_url),
    startedAt: status === 'running' ? statusAt : undefined,
    endedAt: isEnded(status) ? statusAt : undefined,
  };
}
