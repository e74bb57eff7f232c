import { type AutomationFact, isEnded, type RunFact } from '../../model/index.ts';
import { ids } from '../../store/keys.ts';
import { linkOf, nameOf, present, timeOf } from '../clean.ts';
import { type DeliveredEvent, noFacts, type PlatformFacts, type RunLine } from '../port.ts';
import type { WorkflowRunEvent } from './payloads.ts';
import { statusOf } from './status.ts';

const PLATFORM = 'github';

/** `environment`: where the run is known to deploy to. */
export function factsOfRun(
  event: WorkflowRunEvent,
  { origin, receivedAt }: Pick<DeliveredEvent, 'origin' | 'receivedAt'>,
  environment?: string,
): PlatformFacts {
  const { workflow_run: native, repository, workflow } = event;
  const status = statusOf(native.status, native.conclusion) ?? 'queued';
  const attempt = native.run_attempt ?? 1;
  const created = timeOf(native.created_at);
  // Of a rerun, the time it was asked for; `created_at` stays that of the first attempt.
  const begun = timeOf(native.run_started_at) ?? created;
  const updated = timeOf(native.updated_at) ?? receivedAt;
  const statusAt = status === 'queued' ? (begun ?? updated) : updated;
  const name = nameOf(workflow?.name) ?? nameOf(native.name);
  const id = ids.run(PLATFORM, native.id, attempt);
  const automationId = ids.automation(PLATFORM, native.workflow_id);
  const began = status === 'running' || (isEnded(status) && status !== 'skipped');

  const run: RunFact = present({
    id,
    status,
    statusAt,
    origin,
    platform: PLATFORM,
    externalId: String(native.id),
    repository: repository.full_name,
    repositoryId: String(repository.id),
    name,
    attempt,
    branch: nameOf(native.head_branch),
    commit: nameOf(native.head_sha),
    url: linkOf(native.html_url),
    automationId,
    environment,
    event: nameOf(native.event),
    actor: nameOf(native.triggering_actor?.login) ?? nameOf(native.actor?.login),
    queuedAt: attempt === 1 ? (created ?? begun) : begun,
    startedAt: began ? begun : undefined,
    endedAt: isEnded(status) ? updated : undefined,
  });
  const facts = { ...noFacts(), runs: [run], lines: lineOf(event, id) };
  if (status === 'running' || status === 'waiting') return facts;
  // What a person or a condition ended says nothing of how healthy the workflow is.
  const counts = status === 'succeeded' || status === 'failed' || status === 'timed-out';
  const automation: AutomationFact = present({
    id: automationId,
    statusAt,
    origin,
    platform: PLATFORM,
    externalId: String(native.workflow_id),
    repository: repository.full_name,
    name,
    // Of a run it may carry a branch.
    path: nameOf(workflow?.path) ?? nameOf(native.path?.split('@', 1)[0]),
    recent: counts ? [{ runId: id, endedAt: updated, succeeded: status === 'succeeded' }] : [],
  });
  return { ...facts, automations: [automation] };
}

/**
 * Events whose every run is about the newest state of something. A dispatch has inputs of its own, and a comment or a
 * release is about itself.
 */
const FOLLOWING: readonly string[] = ['push', 'pull_request', 'pull_request_target', 'schedule'];

function lineOf({ workflow_run: native }: Pick<WorkflowRunEvent, 'workflow_run'>, runId: string): RunLine[] {
  const { event, head_branch, head_repository } = native;
  if (!event || !FOLLOWING.includes(event) || !head_branch) return [];
  // Two forks may both have a branch of that name.
  return [{ runId, line: [native.workflow_id, event, head_repository?.id ?? '', head_branch].join('\n') }];
}
