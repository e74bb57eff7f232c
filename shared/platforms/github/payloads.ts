import * as z from 'zod/mini';
import { platformId } from '../request.ts';
import { NATIVE_CONCLUSIONS, NATIVE_STATUSES, statusOf } from './status.ts';

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
});

const progress = {
  status: z.enum(NATIVE_STATUSES),
  conclusion: z.nullish(z.enum(NATIVE_CONCLUSIONS)),
};
const says = z.refine<z.infer<z.ZodMiniObject<typeof progress>>>(
  ({ status, conclusion }) => statusOf(status, conclusion) !== undefined,
  { path: ['conclusion'] },
);

export const workflowRun = z.object({
  action: text,
  repository,
  workflow: z.nullish(z.object({ name: text, path: text })),
  workflow_run: z
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
    })
    .check(says),
});

/** A step QMOI does not understand is left out; it is no reason to refuse a whole job. */
const step = z.object({
  number: z.int().check(z.nonnegative()),
  name: text,
  status: z.string(),
  conclusion: text,
  started_at: text,
  completed_at: text,
});

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
});

export const ping = z.object({
  hook_id: z.nullish(z.int()),
  repository: z.nullish(repository),
  action: text,
});

/** The events QMOI keeps. Everything else is answered and forgotten. */
export const EVENTS = { workflow_run: workflowRun, workflow_job: workflowJob, ping } as const;
export type EventName = keyof typeof EVENTS;
export const isKnownEvent = (name: string): name is EventName => Object.hasOwn(EVENTS, name);

export type WorkflowRunEvent = z.infer<typeof workflowRun>;
export type WorkflowJobEvent = z.infer<typeof workflowJob>;
export const parseStep = (value: unknown): z.infer<typeof step> | undefined => step.safeParse(value).data;
