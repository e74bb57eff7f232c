import * as z from 'zod/mini';
import { platformId } from '../request.ts';
import { DEPLOYMENT_STATUSES, NATIVE_STATUSES } from './status.ts';

/**
 * The fields QMOI uses of GitLab's events, and nothing else.
 * https://docs.gitlab.com/user/project/integrations/webhook_events/
 */
const text = z.nullish(z.string());
const flag = z.nullish(z.boolean());
const status = z.enum(NATIVE_STATUSES);

/** A runner QMOI does not understand is left out; it is no reason to refuse a job. */
const runner = z.catch(
  z.nullish(z.object({ id: platformId, description: text, runner_type: text, tags: z.nullish(z.array(z.string())) })),
  undefined,
);
export type NativeRunner = z.infer<typeof runner>;

/** Where a job deploys to, and whether it does: it may as well take the environment down, or only look at it. */
const environment = z.catch(z.nullish(z.object({ name: text, action: text })), undefined);
/** The pipeline that triggered this one, as its child or in another project. */
const sourcePipeline = z.catch(z.nullish(z.object({ pipeline_id: platformId })), undefined);

const build = z.object({
  id: platformId,
  name: z.string(),
  stage: text,
  status,
  created_at: text,
  started_at: text,
  finished_at: text,
  allow_failure: flag,
  failure_reason: text,
  runner,
  environment,
});
export type Build = z.infer<typeof build>;

const project = z.object({ id: platformId, path_with_namespace: z.string().check(z.minLength(1)), web_url: text });
const user = z.catch(z.nullish(z.object({ username: text, name: text })), undefined);

export const pipelineEvent = z.object({
  object_attributes: z.object({
    id: platformId,
    name: text,
    ref: text,
    sha: text,
    source: text,
    status,
    created_at: text,
    finished_at: text,
    /** Seconds at work, without the time between an end and a retry. */
    duration: z.catch(z.nullish(z.number().check(z.minimum(0), z.maximum(1e9))), undefined),
    url: text,
  }),
  merge_request: z.catch(z.nullish(z.object({ id: platformId })), undefined),
  user,
  project,
  source_pipeline: sourcePipeline,
  /** Only the newest job of each name: what was retried is no longer among them. */
  builds: z.nullish(z.array(build)),
});

export const jobEvent = z.object({
  build_id: platformId,
  build_name: z.string(),
  build_stage: text,
  build_status: status,
  build_created_at: text,
  build_started_at: text,
  build_finished_at: text,
  build_allow_failure: flag,
  build_failure_reason: text,
  pipeline_id: platformId,
  project_id: platformId,
  ref: text,
  sha: text,
  runner,
  environment,
  source_pipeline: sourcePipeline,
  project: z.catch(z.nullish(z.object({ path_with_namespace: text, web_url: text })), undefined),
  repository: z.nullish(z.object({ homepage: text, git_ssh_url: text, url: text })),
  commit: z.nullish(z.object({ name: text })),
});

export const deploymentEvent = z.object({
  deployment_id: platformId,
  status: z.enum(DEPLOYMENT_STATUSES),
  status_changed_at: text,
  deployable_url: text,
  environment: z.string().check(z.minLength(1)),
  environment_external_url: text,
  project,
  short_sha: text,
  commit_url: text,
  ref: text,
  user,
});

/** What tells of no run, job or runner: a release, a project that came, went or has another name. Kept, and rare. */
export const releaseEvent = z.object({ action: text, project });
export const projectEvent = z.object({ event_name: z.string(), path_with_namespace: z.string().check(z.minLength(1)) });

export const EVENTS = {
  pipeline: pipelineEvent,
  job: jobEvent,
  deployment: deploymentEvent,
  release: releaseEvent,
  project: projectEvent,
} as const;
export type Kind = keyof typeof EVENTS;

/** By the `X-Gitlab-Event` header; job events had another name before GitLab 9, and groups tell of their projects. */
const KINDS: Readonly<Record<string, Kind>> = {
  'Pipeline Hook': 'pipeline',
  'Job Hook': 'job',
  'Build Hook': 'job',
  'Deployment Hook': 'deployment',
  'Release Hook': 'release',
};
/** Hooks of a whole instance or group name their event in the body. */
const OBJECT_KINDS: Readonly<Record<string, Kind>> = {
  pipeline: 'pipeline',
  build: 'job',
  deployment: 'deployment',
  release: 'release',
};
const PROJECT_EVENTS: readonly string[] = ['create', 'destroy', 'rename', 'transfer', 'update'].map(
  (verb) => `project_${verb}`,
);
const envelope = z.object({ object_kind: text, event_name: text });

/**
 * What a hook tells of; undefined for whatever QMOI has no use for. A push is among that: nothing follows from it that the
 * pipeline it sets off does not tell.
 */
export function kindOf(event: string, payload: unknown): Kind | undefined {
  if (Object.hasOwn(KINDS, event)) return KINDS[event];
  if (event !== 'System Hook' && event !== 'Project Hook') return undefined;
  const { object_kind, event_name } = envelope.safeParse(payload).data ?? {};
  if (object_kind && Object.hasOwn(OBJECT_KINDS, object_kind)) return OBJECT_KINDS[object_kind];
  return event_name && PROJECT_EVENTS.includes(event_name) ? 'project' : undefined;
}

export type PipelineEvent = z.infer<typeof pipelineEvent>;
export type JobEvent = z.infer<typeof jobEvent>;
export type DeploymentEvent = z.infer<typeof deploymentEvent>;
export type AnyEvent = z.infer<(typeof EVENTS)[Kind]>;
