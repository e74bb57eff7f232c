import * as z from 'zod/mini';
import { platformId } from '../request.ts';
import { COMMIT_STATES, DEPLOYMENT_STATES, NATIVE_CONCLUSIONS, NATIVE_STATUSES, statusOf } from './status.ts';

/**
 * The fields QMOI uses of GitHub's events, and nothing else: a fifth of GitHub's own examples do not fit GitHub's own
 * schemas, so whatever is not needed is not judged, and null stands for absent wherever GitHub has been seen to send it.
 */
const text = z.nullish(z.string());
const login = z.nullish(z.object({ login: text }));
const attempt = z.nullish(z.int().check(z.positive(), z.maximum(100_000)));

const repository = z.object({
  id: platformId,
  full_name: z.string().check(z.maxLength(255), z.regex(/^[^\s/]+\/[^\s/]+$/)),
  html_url: text,
});
export type NativeRepository = z.infer<typeof repository>;

const progress = {
  status: z.enum(NATIVE_STATUSES),
  conclusion: z.nullish(z.enum(NATIVE_CONCLUSIONS)),
};
const says = z.refine<z.infer<z.ZodMiniObject<typeof progress>>>(
  ({ status, conclusion }) => statusOf(status, conclusion) !== undefined,
  { path: ['conclusion'] },
);

const workflow = z.nullish(z.object({ name: text, path: text }));
const nativeRun = z
  .object({
    ...progress,
    id: platformId,
    workflow_id: platformId,
    run_attempt: attempt,
    name: text,
    event: text,
    head_branch: text,
    head_sha: text,
    html_url: text,
    created_at: text,
    run_started_at: text,
    updated_at: text,
    actor: login,
    triggering_actor: login,
    path: text,
    // Of a pull request, the fork that it comes from.
    head_repository: z.catch(z.nullish(z.object({ id: z.nullish(platformId) })), undefined),
  })
  .check(says);

export const workflowRun = z.object({ action: text, repository, workflow, workflow_run: nativeRun });

/** A step QMOI does not understand is left out; it is no reason to refuse a whole job. */
const step = z.object({
  number: z.int().check(z.nonnegative()),
  name: text,
  status: z.string(),
  conclusion: text,
  started_at: text,
  completed_at: text,
});

const nativeDeployment = z.object({
  id: platformId,
  sha: text,
  ref: text,
  task: text,
  environment: z.string(),
  created_at: text,
  creator: login,
});

export type NativeDeployment = z.infer<typeof nativeDeployment>;
/** What is told of beside something else; should it be none, that is no reason to refuse the rest. */
const deploymentBeside = z.catch(z.nullish(nativeDeployment), undefined);

export const workflowJob = z.object({
  action: text,
  repository,
  organization: login,
  workflow_job: z
    .object({
      ...progress,
      id: platformId,
      run_id: platformId,
      run_attempt: attempt,
      name: text,
      workflow_name: text,
      head_branch: text,
      head_sha: text,
      html_url: text,
      created_at: text,
      started_at: text,
      completed_at: text,
      labels: z.nullish(z.array(z.string())),
      steps: z.nullish(z.array(z.unknown())),
      // Zero and an empty name stand for "no runner took it".
      runner_id: z.nullish(z.int()),
      runner_name: text,
      runner_group_name: text,
    })
    .check(says),
  deployment: deploymentBeside,
});

const ofWorkflow = { workflow: z.catch(workflow, undefined), workflow_run: z.catch(z.nullish(nativeRun), undefined) };
const app = z.nullish(z.object({ id: z.nullish(z.int()), slug: text, name: text }));

export const checkRun = z.object({
  action: text,
  repository,
  check_run: z
    .object({
      ...progress,
      id: platformId,
      name: z.string(),
      head_sha: text,
      html_url: text,
      started_at: text,
      completed_at: text,
      app,
      check_suite: z.nullish(z.object({ id: z.nullish(platformId), head_branch: text })),
      deployment: deploymentBeside,
    })
    .check(says),
});

export const checkSuite = z.object({
  action: text,
  repository,
  check_suite: z.object({
    id: platformId,
    // Null until somebody reports a check.
    status: z.nullish(progress.status),
    conclusion: progress.conclusion,
    head_branch: text,
    head_sha: text,
    created_at: text,
    updated_at: text,
    app,
  }),
});

export const commitStatus = z.object({
  action: text,
  repository,
  sha: z.string().check(z.minLength(1), z.maxLength(64)),
  context: z.string(),
  state: z.enum(COMMIT_STATES),
  target_url: text,
  branches: z.nullish(z.array(z.object({ name: text }))),
  created_at: text,
  updated_at: text,
  sender: login,
});

export const deployment = z.object({ action: text, repository, deployment: nativeDeployment, ...ofWorkflow });

export const deploymentStatus = z.object({
  action: text,
  repository,
  deployment: nativeDeployment,
  deployment_status: z.object({
    state: z.enum(DEPLOYMENT_STATES),
    created_at: text,
    environment: text,
    environment_url: text,
    log_url: text,
    target_url: text,
  }),
  ...ofWorkflow,
});

/** A job that waits for its reviewers, or was let go or turned down by them. */
const reviewedJob = z.object({
  ...progress,
  id: platformId,
  name: text,
  html_url: text,
  created_at: text,
  environment: text,
});
export type ReviewedJob = z.infer<typeof reviewedJob>;
export const deploymentReview = z.object({
  action: text,
  repository,
  workflow_run: nativeRun,
  workflow_job_run: z.catch(z.nullish(reviewedJob), undefined),
  workflow_job_runs: z.catch(z.nullish(z.array(reviewedJob).check(z.maxLength(256))), undefined),
  environment: text,
});

/** What tells of the hook, of the App, or of a run that was asked for: kept for whoever looks into them, and rare. */
const notice = z.object({ action: text, repository: z.nullish(repository) });

/**
 * The events QMOI keeps. Everything else is answered and forgotten; a push too, as nothing follows from it that the runs it
 * sets off do not tell: a workflow that it does not set off has nothing newer than its last run.
 */
export const EVENTS = {
  workflow_run: workflowRun,
  workflow_job: workflowJob,
  check_run: checkRun,
  check_suite: checkSuite,
  status: commitStatus,
  deployment,
  deployment_status: deploymentStatus,
  deployment_review: deploymentReview,
  workflow_dispatch: notice,
  repository_dispatch: notice,
  ping: notice,
  meta: notice,
  installation: notice,
  installation_repositories: notice,
  installation_target: notice,
} as const;
export type EventName = keyof typeof EVENTS;
export const isKnownEvent = (name: string): name is EventName => Object.hasOwn(EVENTS, name);

/** GitHub's own CI reports every job as a check as well. Its older events, and older servers, know no slug. */
const isActions = (told: z.infer<typeof app>): boolean =>
  told?.slug ? told.slug === 'github-actions' : told?.name === 'GitHub Actions';

/** Whether an event tells anything that no other event tells. */
export function tellsMore(payload: z.infer<(typeof EVENTS)[EventName]>): boolean {
  if ('check_run' in payload) return !isActions(payload.check_run.app);
  if ('check_suite' in payload) {
    const { app, status } = payload.check_suite;
    // A suite is opened for every App on every push, and most Apps never report anything in theirs.
    return !isActions(app) && status === 'completed';
  }
  return true;
}

export type WorkflowRunEvent = z.infer<typeof workflowRun>;
export type WorkflowJobEvent = z.infer<typeof workflowJob>;
export type CheckRunEvent = z.infer<typeof checkRun>;
export type CheckSuiteEvent = z.infer<typeof checkSuite>;
export type CommitStatusEvent = z.infer<typeof commitStatus>;
export type DeploymentReviewEvent = z.infer<typeof deploymentReview>;
export type DeploymentEvent = z.infer<typeof deployment> | z.infer<typeof deploymentStatus>;
export const parseStep = (value: unknown): z.infer<typeof step> | undefined => step.safeParse(value).data;
