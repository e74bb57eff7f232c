import { isEnded, type JobFact, type RunFact } from '../../model/index.ts';
import { ids } from '../../store/keys.ts';
import { linkOf, nameOf, present, timeOf } from '../clean.ts';
import { type DeliveredEvent, noFacts, type PlatformFacts } from '../port.ts';
import { factsOfSingleRun, idOf } from '../single-run.ts';
import type {
  DeploymentEvent,
  DeploymentReviewEvent,
  NativeDeployment,
  NativeRepository,
  ReviewedJob,
} from './payloads.ts';
import { DEPLOYMENT_STATE, statusOf } from './status.ts';
import { factsOfRun } from './workflow-runs.ts';

const platform = 'github';

/** A deployment, as it was asked for or as somebody reports of it, and the run of the workflow that deploys. */
export function factsOfDeployment(event: DeploymentEvent, delivery: DeliveredEvent): PlatformFacts {
  const { deployment: native, repository, workflow, workflow_run } = event;
  const environment = nameOf(native.environment);
  const parent =
    workflow_run == null ? noFacts() : factsOfRun({ repository, workflow, workflow_run }, delivery, environment);
  const parentRunId =
    workflow_run == null ? undefined : ids.run(platform, workflow_run.id, workflow_run.run_attempt ?? 1);
  const progress = 'deployment_status' in event ? progressOf(event, delivery.receivedAt) : undefined;
  return joined(factsOfDeploymentOf(repository, native, delivery, { parentRunId, progress }), parent);
}

/** The facts of a deployment alone, wherever it is told of. */
export function factsOfDeploymentOf(
  repository: NativeRepository,
  native: NativeDeployment,
  { origin, receivedAt }: Pick<DeliveredEvent, 'origin' | 'receivedAt'>,
  { parentRunId, progress }: { parentRunId: string | undefined; progress?: Progress | undefined },
): PlatformFacts {
  const environment = nameOf(native.environment);
  const created = timeOf(native.created_at);
  return factsOfSingleRun(
    {
      platform,
      kind: 'deployment',
      externalId: `deployment-${native.id}`,
      automation: { externalId: idOf('environment', repository.id, environment ?? ''), name: environment },
      repository: repository.full_name,
      repositoryId: String(repository.id),
      ...(progress ?? { status: 'queued', statusAt: created ?? receivedAt }),
      // GitHub takes a branch, a tag or a commit.
      branch: native.ref === native.sha ? undefined : nameOf(native.ref),
      commit: nameOf(native.sha),
      environment,
      event: nameOf(native.task),
      actor: nameOf(native.creator?.login),
      queuedAt: created,
      parentRunId,
    },
    origin,
  );
}

type Progress = ReturnType<typeof progressOf>;

function progressOf(event: Extract<DeploymentEvent, { deployment_status: unknown }>, receivedAt: string) {
  const { deployment_status: told, deployment } = event;
  const status = DEPLOYMENT_STATE[told.state];
  const statusAt = timeOf(told.created_at) ?? receivedAt;
  // Only what has succeeded becomes inactive, which is no news of when it did: any other word is the better one.
  if (told.state === 'inactive') return { status, statusAt: timeOf(deployment.created_at) ?? statusAt };
  return {
    status,
    statusAt,
    url: linkOf(told.log_url) ?? linkOf(told.target_url) ?? linkOf(told.environment_url),
    startedAt: status === 'running' ? statusAt : undefined,
    endedAt: isEnded(status) ? statusAt : undefined,
  };
}

/** A run that waits for the reviewers of an environment, and its jobs that do. */
export function factsOfDeploymentReview(event: DeploymentReviewEvent, delivery: DeliveredEvent): PlatformFacts {
  const { repository, workflow_job_run, workflow_job_runs } = event;
  // Here, a run's name is its title.
  const workflow_run = { ...event.workflow_run, name: undefined };
  const jobs = [...(workflow_job_run ? [workflow_job_run] : []), ...(workflow_job_runs ?? [])];
  const environment = nameOf(event.environment) ?? nameOf(jobs[0]?.environment);
  const facts = factsOfRun({ repository, workflow_run }, delivery, environment);
  const [run] = facts.runs;
  if (run === undefined) return facts;
  return { ...facts, jobs: jobs.map((job) => factOfReviewedJob(job, run, delivery)) };
}

function factOfReviewedJob(native: ReviewedJob, run: RunFact, { origin, receivedAt }: DeliveredEvent): JobFact {
  const { externalId = '', platform: _, repository, repositoryId, attempt, branch, commit } = run;
  const created = timeOf(native.created_at);
  const status = statusOf(native.status, native.conclusion) ?? 'queued';
  // How it ended is for its own event to tell, which knows when.
  const known = isEnded(status) ? {} : { status };
  return present({
    ...{ platform, repository, repositoryId, attempt, branch, commit, origin, ...known },
    id: ids.job(platform, externalId, native.id),
    statusAt: created ?? receivedAt,
    externalId: String(native.id),
    name: nameOf(native.name),
    url: linkOf(native.html_url),
    runId: run.id,
    queuedAt: created,
    steps: [],
  });
}

/** What two parts of an event tell. */
export const joined = (a: PlatformFacts, b: PlatformFacts): PlatformFacts => ({
  runs: [...a.runs, ...b.runs],
  jobs: [...a.jobs, ...b.jobs],
  runners: [...a.runners, ...b.runners],
  automations: [...a.automations, ...b.automations],
  lines: [...(a.lines ?? []), ...(b.lines ?? [])],
  windows: [...(a.windows ?? []), ...(b.windows ?? [])],
});
