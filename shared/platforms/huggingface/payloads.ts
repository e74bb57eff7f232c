import * as z from 'zod/mini';
import { STAGES, type Stage } from './status.ts';

/**
 * The fields QMOI uses of the Hub's events (https://huggingface.co/docs/hub/webhooks, version 3), and nothing else: what is
 * not needed is not judged.
 */
const text = z.nullish(z.string());
/** `owner/name`, and the bare names of the Hub's first models. */
const repoName = z.string().check(z.regex(/^[\w.-]{1,100}(\/[\w.-]{1,100})?$/));
/** A commit, whose name becomes part of a key. */
export const commitId = z.string().check(z.regex(/^[0-9a-f]{7,64}$/));

export const event = z.object({
  event: z.object({ action: z.string(), scope: z.string().check(z.maxLength(64)) }),
  repo: z.object({
    type: z.enum(['model', 'dataset', 'space']),
    name: repoName,
    id: z.string().check(z.regex(/^[\w-]{1,64}$/)),
    url: z.nullish(z.object({ web: text })),
    headSha: z.nullish(commitId),
  }),
  movedTo: z.nullish(z.object({ name: repoName })),
  updatedRefs: z.nullish(
    // Of a deleted reference, `newSha` is null.
    z.array(z.object({ ref: z.string(), newSha: z.nullish(commitId) })).check(z.maxLength(1000)),
  ),
});
export type HubEvent = z.infer<typeof event>;

/** Where a Space's program is. https://huggingface.co/docs/huggingface_hub/package_reference/space_runtime */
export const runtime = z.object({
  stage: z.string(),
  errorMessage: text,
  /** The commit that runs, where the Hub says so. */
  sha: z.nullish(commitId),
});
export type SpaceRuntime = z.infer<typeof runtime>;

/** What a look at a Space has found, in the form in which it is kept: QMOI's own words, as no webhook of the Hub says it. */
export const STAGE_EVENT = 'space.stage';
export const stageEvent = z.object({
  space: repoName,
  stage: z.enum(Object.keys(STAGES) as [Stage, ...Stage[]]),
  /** What it is built from. */
  commit: z.nullish(commitId),
  errorMessage: text,
  /** The Hub does not say since when: the time of looking. */
  at: z.iso.datetime(),
});
export type StageEvent = z.infer<typeof stageEvent>;

export const spaceInfo = z.object({ sha: z.nullish(commitId) });
