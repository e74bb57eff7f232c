import * as z from 'zod/mini';

/**
 * The fields QMOI uses of Vercel's events (https://vercel.com/docs/webhooks/webhooks-api), and nothing else: what is not
 * needed is not judged.
 */
const text = z.nullish(z.string());
/** Ids become parts of keys and of addresses. */
const id = z.string().check(z.regex(/^[\w-]{1,128}$/));
/** Milliseconds since the epoch, by Vercel's examples; a date, by its reference. */
const time = z.union([z.number(), z.string()]);

/** What every event has. */
export const envelope = z.object({ id: z.string().check(z.minLength(1)), type: z.string(), createdAt: time });

/** The git providers that Vercel deploys from, and the command line, by the prefix of their keys in `meta`. */
export const SOURCES = ['github', 'gitlab', 'bitbucket', 'git'] as const;
const META = [
  ...SOURCES.flatMap((source) => [`${source}CommitRef`, `${source}CommitSha`, `${source}CommitAuthorLogin`]),
  ...['githubOrg', 'githubRepo', 'githubCommitOrg', 'githubCommitRepo'],
  ...['gitlabProjectPath', 'bitbucketRepoOwner', 'bitbucketRepoName'],
];

const common = {
  createdAt: time,
  type: z.string(),
};
const team = z.nullish(z.object({ id: z.nullish(id) }));
const user = z.nullish(z.object({ id: text, username: text }));

export const deploymentEvent = z.object({
  ...common,
  payload: z.object({
    team,
    user,
    deployment: z.object({
      id,
      name: text,
      url: text,
      target: text,
      // A map that anybody who deploys may fill.
      meta: z.nullish(z.object(Object.fromEntries(META.map((key) => [key, z.optional(z.unknown())])))),
    }),
    project: z.object({ id, name: text }),
    links: z.nullish(z.object({ deployment: text })),
    target: text,
  }),
});

export const rollbackEvent = z.object({
  ...common,
  id,
  payload: z.object({
    team,
    user,
    project: z.object({ id }),
    fromDeploymentId: z.nullish(id),
    toDeploymentId: id,
  }),
});

/** The events QMOI keeps. Everything else is answered and forgotten. */
export const EVENTS = {
  'deployment.created': deploymentEvent,
  'deployment.ready': deploymentEvent,
  'deployment.succeeded': deploymentEvent,
  'deployment.error': deploymentEvent,
  'deployment.canceled': deploymentEvent,
  'deployment.promoted': deploymentEvent,
  'deployment.rollback': rollbackEvent,
} as const;
export type EventName = keyof typeof EVENTS;
export const isKnownEvent = (name: string): name is EventName => Object.hasOwn(EVENTS, name);

export type DeploymentEvent = z.infer<typeof deploymentEvent>;
export type RollbackEvent = z.infer<typeof rollbackEvent>;
