import * as z from 'zod/mini';
import { CATEGORIES } from '../model/index.ts';
import { PROOFS } from '../platforms/action.ts';

/** What a playbook is: data, versioned, with examples that the tests decide. */

export const STRATEGIES = ['immediate', 'gradual', 'preventive', 'systematic', 'comprehensive'] as const;
/** 0 reads, 1 retries, 2 changes what can be changed back, 3 destroys. */
export const TIERS = [0, 1, 2, 3] as const;
export type Tier = (typeof TIERS)[number];

const name = z.string().check(z.regex(/^[a-z][a-z0-9-]{0,63}$/));
const parameters = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const seconds = z.number().check(z.int(), z.positive());

/** Action of the port that every platform maps to its own way of trying failed jobs again. */
export const RETRY_STEP = 'retry';

/** Which event or probe proves that a step took effect, and by when it is waited for; what is not proved by then has failed. */
const verification = z.strictObject({
  /**
   * `next-attempt`: its jobs' own ends. `new-run`: the end of the run that the act has made. `run-ended`: the end of the run
   * itself. `state`: how things stand, as events or the platform tell. `answer`: the platform has said yes, which is all.
   */
  by: z.enum(PROOFS),
  withinSeconds: seconds,
});

const step = z.strictObject({
  /** `retry`, or an action that the platform's adapter names. */
  action: name,
  parameters: z.optional(parameters),
  /**
   * Of what failed alike: `one` job of one run first, where the platform tries a job by itself; the `rest` once that has helped.
   * Absent: all.
   */
  targets: z.optional(z.enum(['one', 'rest', 'all'])),
  tier: z.literal([...TIERS]),
  /** The whole step, the call and whatever must be looked up. */
  withinSeconds: seconds,
  /** What takes the step back; `itself`: it is made good without that; null: there is nothing to take back. */
  rollback: z.nullable(
    z.union([z.literal('itself'), z.strictObject({ action: name, parameters: z.optional(parameters) })]),
  ),
  /** Only where that is known, by the name that parameters have for it: `cache`, say. */
  knowing: z.optional(name),
  /** It is not taken back though no step helped. */
  stays: z.optional(z.boolean()),
  /** How long what it changed lasts, where it helped; it is taken back by itself then. */
  lastsHours: z.optional(seconds),
  /** After the step before, at least. */
  afterSeconds: z.optional(seconds),
  /** Absent: the playbook's. */
  verification: z.optional(verification),
  /** It mends nothing itself: once it is proved, the next step follows. Always so of what is proved by its answer. */
  prepares: z.optional(z.boolean()),
});

/** Whether a rerun may help, as the diagnosis says it. */
const transience = z.enum(['yes', 'no', 'unknown']);

const failedRun = z.strictObject({
  /** A run that has ended badly, all of its failed jobs diagnosed. */
  on: z.literal('run-failed'),
  platforms: z.optional(z.array(name)),
  categories: z.optional(z.array(z.enum(CATEGORIES))),
  /** Names of causes; one that ends in `*` stands for all that begin so. */
  causes: z.optional(z.array(z.string().check(z.regex(/^[a-z0-9-]+\*?$/)))),
  transient: z.array(transience).check(z.minLength(1)),
  /** Only where several incidents have this in common, and the failed jobs with them. */
  root: z.optional(z.enum(['runner'])),
});
const superseded = z.strictObject({
  /** A run that goes on although newer work, with another commit, has taken its place. */
  on: z.literal('run-superseded'),
  platforms: z.array(name),
  /** What the platforms call the occasions of such runs. */
  events: z.array(z.string()).check(z.minLength(1)),
});
const strained = z.strictObject({
  /** A machine that sends heartbeats, and will have used up its memory before long. */
  on: z.literal('machine-strained'),
  platforms: z.array(name),
});
const trigger = z.union([failedRun, superseded, strained, z.strictObject({ on: z.enum(['asked-for', 'taken-back']) })]);

const example = z.strictObject({
  says: z.string(),
  given: z.strictObject({
    platform: z.optional(z.string()),
    category: z.optional(z.enum(CATEGORIES)),
    cause: z.optional(z.string()),
    transient: z.optional(z.nullable(z.boolean())),
    /** Of the run; it has failed unless told. */
    status: z.optional(z.string()),
    attempt: z.optional(z.number()),
    superseded: z.optional(z.boolean()),
    minutesAgo: z.optional(z.number()),
    approved: z.optional(z.boolean()),
  }),
  verdict: z.enum(['act', 'ask', 'hold', 'refuse']),
  rule: z.optional(z.string()),
});

export const playbook = z
  .strictObject({
    id: name,
    /** Goes up with every change of what it does. */
    version: seconds,
    title: z.string(),
    why: z.string(),
    strategy: z.enum(STRATEGIES),
    /** Off by default: the settings must name it. */
    enabled: z.boolean(),
    trigger,
    preconditions: z.array(z.enum(['live', 'fresh', 'latest-attempt', 'not-superseded'])),
    steps: z.array(step).check(z.minLength(1), z.maxLength(8)),
    verification,
    /** How often one run may be tried by it; what failed in an outage does not count. */
    maxTries: z.number().check(z.int(), z.positive(), z.maximum(5)),
    cooldownSeconds: z.number().check(z.int(), z.nonnegative()),
    /** How long what was done once is done again where it is called for, without another approval. */
    guardHours: z.optional(seconds),
    examples: z.array(example).check(z.minLength(2)),
  })
  .check(
    z.refine(
      ({ steps }) => steps.every((one) => one.tier !== 2 || one.rollback !== null),
      'a step that can be changed back says how',
    ),
    z.refine(
      ({ steps }) =>
        steps[0]?.targets !== 'rest' &&
        steps.every(({ action, targets }, at) => {
          const first = targets === 'one';
          return first === (steps[at + 1]?.targets === 'rest') && (!first || action === RETRY_STEP);
        }),
      'one is tried again by itself, and the rest follows',
    ),
  );

export type Playbook = z.infer<typeof playbook>;

type Step = Playbook['steps'][number];

/** What proves a step, and by when. */
export const verificationOf = (playbook: Playbook, step: Step): Playbook['verification'] =>
  step.verification ?? playbook.verification;

/** Whether a step is for the one after it, which follows as soon as this one is proved. */
export const prepares = (playbook: Playbook, step: Step): boolean =>
  step.prepares ?? verificationOf(playbook, step).by === 'answer';

/** The highest tier among its steps. */
export const tierOf = ({ steps }: Pick<Playbook, 'steps'>): Tier =>
  steps.reduce<Tier>((highest, { tier }) => (tier > highest ? tier : highest), 0);

interface Cause {
  readonly platform: string;
  readonly cause?: string | undefined;
  readonly category?: string | undefined;
  readonly transient?: boolean | null | undefined;
}

export const transienceOf = (transient: boolean | null | undefined): z.infer<typeof transience> =>
  transient === true ? 'yes' : transient === false ? 'no' : 'unknown';

/** The first failure that a playbook's trigger does not fit; undefined: it fits them all. */
export function misfit<F extends Cause>(
  { trigger: wanted }: Pick<Playbook, 'trigger'>,
  failures: readonly F[],
): F | undefined {
  if (wanted.on !== 'run-failed') return undefined;
  return failures.find(
    ({ platform, cause = '', category, transient }) =>
      (wanted.platforms !== undefined && !wanted.platforms.includes(platform)) ||
      !wanted.transient.includes(transienceOf(transient)) ||
      (wanted.categories !== undefined && !wanted.categories.some((one) => one === category)) ||
      (wanted.causes !== undefined &&
        !wanted.causes.some((one) => (one.endsWith('*') ? cause.startsWith(one.slice(0, -1)) : one === cause))),
  );
}
