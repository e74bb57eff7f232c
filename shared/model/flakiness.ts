import * as z from 'zod/mini';
import { newest, once, unionBy } from './join.ts';
import { type FactOf, machine, type StateOf, withStatus } from './machine.ts';

export const FLAKE_KINDS = ['job', 'test'] as const;
export type FlakeKind = (typeof FLAKE_KINDS)[number];

const flip = z.object({
  /** The failure that a later attempt at the same commit made good. */
  failureId: z.string(),
  at: z.string(),
  commit: z.optional(z.string()),
  cause: z.optional(z.string()),
  /** Why the outcome may have changed, in a word. */
  suspected: z.string(),
});
export type Flip = z.infer<typeof flip>;
/** How many flips are remembered. */
export const FLIPS_KEPT = 30;
const keyOfFlip = ({ at, failureId }: Flip): string => `${at}|${failureId}`;

const sample = z.object({
  at: z.string(),
  /** Of the job in the latest jobs of its repository: how often it ran, failed, and ended otherwise than the time before. */
  runs: z.number(),
  failures: z.number(),
  flips: z.number(),
});
export type Sample = z.infer<typeof sample>;

/** A job or a test that ends one way or the other at one and the same commit. */
export const flake = machine({
  entity: 'flake',
  schema: 1,
  order: 'latest',
  initial: 'suspected',
  statuses: {
    suspected: { rank: 0, next: ['flaky', 'stable'], means: 'ended both ways at one commit, once' },
    flaky: { rank: 0, next: ['suspected', 'stable'], means: 'has done so again and again' },
    stable: { rank: 0, next: ['suspected', 'flaky'], means: 'has not done so for a month' },
  },
  fields: {
    kind: z.enum(FLAKE_KINDS),
    platform: z.string(),
    repository: z.string(),
    /** Of the job, or of the test. */
    name: z.string(),
    /** The job that the test failed in. */
    jobName: z.optional(z.string()),
    flips: z.array(flip),
    sample: z.optional(sample),
    /** Flips among consecutive ends of the sample, from 0 to 1. */
    flipRate: z.optional(z.number()),
    lastSeenAt: z.optional(z.string()),
    suspectedCause: z.optional(z.string()),
    /** That it is flaky, from 0 to 1. */
    confidence: z.optional(z.number()),
  },
  joins: {
    kind: once,
    platform: once,
    repository: once,
    name: once,
    jobName: once,
    flips: unionBy<Flip>(
      ({ failureId }) => failureId,
      once,
      (a, b) => (keyOfFlip(a) < keyOfFlip(b) ? -1 : 1),
      FLIPS_KEPT,
    ),
    sample: newest<Sample>,
    flipRate: withStatus,
    lastSeenAt: withStatus,
    suspectedCause: withStatus,
    confidence: withStatus,
  },
  watched: ['lastSeenAt'],
});

export type Flake = StateOf<keyof typeof flake.statuses, typeof flake.fields>;
export type FlakeFact = FactOf<keyof typeof flake.statuses, typeof flake.fields>;
