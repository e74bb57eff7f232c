import * as z from 'zod/mini';
import { platformId } from '../request.ts';
import { NATIVE_STATUSES } from './status.ts';

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
});
export type Build = z.infer<typeof build>;

const project = z.object({ id: platformId, path_with_namespace: z.string().check(z.minLength(1)), web_url: text });

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
    url: text,
  }),
  project,
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
  project: z.catch(z.nullish(z.object({ path_with_namespace: text, web_url: text })), undefined),
  repository: z.nullish(z.object({ homepage: text, git_ssh_url: text, url: text })),
  commit: z.nullish(z.object({ name: text })),
});

/** By the `X-Gitlab-Event` header; job events had another name before GitLab 9. */
export const EVENTS = { 'Pipeline Hook': pipelineEvent, 'Job Hook': jobEvent, 'Build Hook': jobEvent } as const;
export type EventName = keyof typeof EVENTS;
export const isKnownEvent = (name: string): name is EventName => Object.hasOwn(EVENTS, name);

export type PipelineEvent = z.infer<typeof pipelineEvent>;
export type JobEvent = z.infer<typeof jobEvent>;
