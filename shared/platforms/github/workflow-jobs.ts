import { isEnded, type JobFact, type RunFact, type RunnerFact, type Step } from '../../model/index.ts';
import { ids } from '../../store/keys.ts';
import { linkOf, nameOf, present, timeOf } from '../clean.ts';
import type { DeliveredEvent, PlatformFacts } from '../port.ts';
import { factsOfDeploymentOf, joined } from './deployments.ts';
import { parseStep, type WorkflowJobEvent } from './payloads.ts';
import { NATIVE_CONCLUSIONS, NATIVE_STATUSES, type NativeConclusion, type NativeStatus, statusOf } from './status.ts';

const PLATFORM = 'github';
/** Items are billed by size, and steps are most of a job. */
const [MAX_STEPS, MAX_STEP_NAME, MAX_LABELS] = [100, 100, 20];

export function factsOfJob(event: WorkflowJobEvent, { origin, receivedAt }: DeliveredEvent): PlatformFacts {
  const { workflow_job: native, repository } = event;
  const status = statusOf(native.status, native.conclusion) ?? 'queued';
  const attempt = native.run_attempt ?? 1;
  const runId = ids.run(PLATFORM, native.run_id, attempt);
  const id = ids.job(PLATFORM, native.run_id, native.id);
  const [created, started, completed] = [native.created_at, native.started_at, native.completed_at].map(timeOf);
  const began = hasBegun(native, status);
  const startedAt = began ? started : undefined;
  const endedAt = isEnded(status) ? completed : undefined;
  const statusAt = endedAt ?? startedAt ?? created ?? started ?? receivedAt;
  const common = {
    origin,
    platform: PLATFORM,
    repository: repository.full_name,
    repositoryId: String(repository.id),
    attempt,
    branch: nameOf(native.head_branch),
    commit: nameOf(native.head_sha),
  };
  const runner = runnerOf(event, { began, id, startedAt, endedAt, statusAt, origin });

  const job: JobFact = present({
    ...common,
    id,
    status,
    statusAt,
    externalId: String(native.id),
    name: nameOf(native.name),
    url: linkOf(native.html_url),
    runId,
    runner: runner && { id: runner.id, name: runner.name ?? '' },
    labels: native.labels?.slice(0, MAX_LABELS).map((label) => nameOf(label) ?? ''),
    // Until a job has started, `started_at` is when it was created.
    queuedAt: created ?? (began ? undefined : started),
    startedAt,
    endedAt,
    steps: stepsOf(native.steps ?? []),
  });
  const run: RunFact = present({
    ...common,
    id: runId,
    statusAt,
    externalId: String(native.run_id),
    name: nameOf(native.workflow_name),
    url: runLinkOf(native.html_url, native.run_id),
    environment: nameOf(event.deployment?.environment),
    // An ended job proves less: a rerun repeats the jobs that it leaves alone, with their times of the attempt before.
    ...(status === 'running' && { status, startedAt }),
  });
  const facts = { runs: [run], jobs: [job], runners: runner ? [runner] : [], automations: [] };
  if (!event.deployment) return facts;
  return joined(
    facts,
    factsOfDeploymentOf(repository, event.deployment, { origin, receivedAt }, { parentRunId: runId }),
  );
}

/** A job that was cancelled or skipped in the queue has a `started_at` too, but no runner. */
const hasBegun = (native: WorkflowJobEvent['workflow_job'], status: JobFact['status']): boolean =>
  ['running', 'succeeded', 'failed', 'timed-out'].includes(status ?? '') ||
  (status === 'canceled' && (native.runner_id ?? 0) > 0);

/** A job's address lies below its run's. */
function runLinkOf(url: string | null | undefined, runId: number): string | undefined {
  const path = `/actions/runs/${runId}`;
  const at = url?.indexOf(`${path}/`) ?? -1;
  return at < 0 ? undefined : linkOf(url?.slice(0, at + path.length));
}

function stepsOf(steps: readonly unknown[]): Step[] {
  const isStatus = (text: string): text is NativeStatus => (NATIVE_STATUSES as string[]).includes(text);
  const isConclusion = (text: string): text is NativeConclusion => (NATIVE_CONCLUSIONS as string[]).includes(text);
  return steps.slice(-MAX_STEPS).flatMap((value): Step[] => {
    const native = parseStep(value);
    if (native === undefined || !isStatus(native.status)) return [];
    const status = statusOf(
      native.status,
      isConclusion(native.conclusion ?? '') ? (native.conclusion as NativeConclusion) : null,
    );
    // A step that has not begun tells nothing that its later word does not repeat.
    if (status === undefined || status === 'queued') return [];
    return [
      present({
        number: native.number,
        name: nameOf(native.name, MAX_STEP_NAME) ?? '',
        status,
        startedAt: timeOf(native.started_at),
        endedAt: timeOf(native.completed_at),
      }),
    ];
  });
}

interface Moment {
  began: boolean;
  id: string;
  startedAt: string | undefined;
  endedAt: string | undefined;
  statusAt: string;
  origin: RunnerFact['origin'];
}

/** The runner that took a job. Runners are registered with an organisation or, without one, with a repository. */
function runnerOf({ workflow_job: native, organization, repository }: WorkflowJobEvent, at: Moment) {
  if (!native.runner_id || native.runner_id < 0) return undefined;
  const scope = nameOf(organization?.login) ?? repository.full_name.split('/')[0] ?? '';
  const hosted = isHosted(native);
  const fact: RunnerFact = present({
    id: ids.runner(PLATFORM, scope, native.runner_id),
    ...stateOf(at, hosted),
    origin: at.origin,
    platform: PLATFORM,
    externalId: String(native.runner_id),
    scope,
    name: nameOf(native.runner_name),
    kind: hosted ? ('hosted' as const) : ('self-hosted' as const),
    pool: nameOf(native.runner_group_name),
    lastSeenAt: at.began ? (at.endedAt ?? at.startedAt ?? at.statusAt) : undefined,
  });
  return fact;
}

/** Until its job begins, there is nothing to tell of a runner but that it is there. */
function stateOf({ began, id, startedAt, endedAt, statusAt }: Moment, hosted: boolean) {
  if (!began) return { statusAt };
  return endedAt === undefined
    ? { status: 'busy' as const, statusAt: startedAt ?? statusAt, jobId: id }
    : { status: hosted ? ('removed' as const) : ('idle' as const), statusAt: endedAt };
}

/** GitHub does not say whether a machine is its own; its group, its name and the labels of its images do. */
function isHosted(native: WorkflowJobEvent['workflow_job']): boolean {
  const labels = native.labels ?? [];
  if (labels.includes('self-hosted')) return false;
  if (native.runner_group_name === 'GitHub Actions' || /^GitHub Actions \d+$/.test(native.runner_name ?? ''))
    return true;
  return labels.some((label) => /^(ubuntu|windows|macos)-/.test(label));
}
