import * as z from 'zod/mini';
import { latest, newest, once, unionBy } from './join.ts';
import { type FactOf, machine, type StateOf, withStatus } from './machine.ts';

const anyOther = <const S extends string>(all: readonly S[], self: S) => all.filter((status) => status !== self);

const RUNNER = ['idle', 'busy', 'offline', 'paused', 'stale', 'removed'] as const;
const runnerStatus = (self: (typeof RUNNER)[number], means: string) => ({
  rank: 0,
  next: anyOther(RUNNER, self),
  means,
});

/** How the machine of a runner was, by its own word. Shares are from 0 to 1. */
const vitals = z.object({
  at: z.string(),
  cpu: z.optional(z.number()),
  memory: z.optional(z.number()),
  disk: z.optional(z.number()),
  /** Of the last minute, per processor. */
  load: z.optional(z.number()),
  /** The service that takes the jobs, in the words of the machine's own service manager. */
  service: z.optional(z.string()),
});
export type Vitals = z.infer<typeof vitals>;

/** One of each ten minutes, of the last hour or so. */
const sample = z.object({ at: z.string(), memory: z.number() });
type Sample = z.infer<typeof sample>;
const SAMPLES = 8;
/** `2026-03-04T05:0` of `2026-03-04T05:06:07.000Z`. */
const tenMinutesOf = ({ at }: Sample): string => at.slice(0, 15);

/** It is running out of memory: since when, and when all would be used up; or that is over. */
const strain = z.object({
  at: z.string(),
  since: z.string(),
  memory: z.number(),
  usedUpAt: z.string(),
  over: z.optional(z.boolean()),
});

/** A worker that takes jobs. The latest word about it holds. */
export const runner = machine({
  entity: 'runner',
  schema: 1,
  order: 'latest',
  initial: 'idle',
  statuses: {
    idle: runnerStatus('idle', 'online, without a job'),
    busy: runnerStatus('busy', 'at work on a job'),
    offline: runnerStatus('offline', 'not connected to its platform'),
    paused: runnerStatus('paused', 'takes no new jobs'),
    stale: runnerStatus('stale', 'not heard of for longer than its platform allows'),
    removed: runnerStatus('removed', 'gone from its platform, or the throw-away machine of a job that ended'),
  },
  fields: {
    platform: z.string(),
    externalId: z.string(),
    scope: z.string(),
    name: z.optional(z.string()),
    kind: z.optional(z.enum(['hosted', 'self-hosted'])),
    pool: z.optional(z.string()),
    labels: z.optional(z.array(z.string())),
    jobId: z.optional(z.string()),
    lastSeenAt: z.optional(z.string()),
    os: z.optional(z.string()),
    /** The version of the runner's program, or of the agent beside it. */
    agentVersion: z.optional(z.string()),
    vitals: z.optional(vitals),
    trend: z.optional(z.array(sample)),
    strain: z.optional(strain),
    /** How often its agent says that it will be heard of. */
    beatSeconds: z.optional(z.number()),
  },
  joins: {
    platform: once,
    externalId: once,
    scope: once,
    name: once,
    kind: once,
    pool: once,
    labels: once,
    jobId: withStatus,
    lastSeenAt: latest,
    os: withStatus,
    agentVersion: withStatus,
    vitals: newest<Vitals>,
    trend: unionBy<Sample>(tenMinutesOf, newest<Sample>, (a, b) => (a.at < b.at ? -1 : 1), SAMPLES),
    strain: newest<z.infer<typeof strain>>,
    beatSeconds: withStatus,
  },
  watched: ['strain'],
});

export type Runner = StateOf<(typeof RUNNER)[number], typeof runner.fields>;
export type RunnerFact = FactOf<(typeof RUNNER)[number], typeof runner.fields>;
