import * as z from 'zod/mini';

/** What QMOI may do: the `remediation` section of the settings, and what a backtest may change. */

/**
 * `act` carries out what is safe, `approve` asks the master before each step, `observe` only says what it would do, `off` does
 * not even judge.
 */
export const MODES = ['act', 'approve', 'observe', 'off'] as const;
export type Mode = (typeof MODES)[number];

const positive = z.number().check(z.int(), z.positive());
const notNegative = z.number().check(z.nonnegative());

/** A scope of a control or a mode, without `all`. */
const scope = z
  .string()
  .check(
    z.regex(
      /^(?:platform:[a-z][a-z0-9-]*|repository:[^\s/]+(?:\/[^\s/]+)+)$/,
      'a scope is platform:<name> or repository:<owner>/<name>',
    ),
  );

const window = z
  .strictObject({
    /** Absent: everywhere. */
    scope: z.optional(scope),
    from: z.iso.datetime({ offset: true }),
    to: z.iso.datetime({ offset: true }),
    reason: z.optional(z.string().check(z.maxLength(200))),
  })
  .check(z.refine(({ from, to }) => Date.parse(from) < Date.parse(to), 'a window ends after it begins'));

export const remediationSettings = z.strictObject({
  mode: z.prefault(z.enum(MODES), 'act'),
  /** Modes of narrower scopes; the most restrictive of all that apply wins. */
  scopes: z.prefault(z.record(scope, z.enum(MODES)), {}),
  budgets: z.prefault(
    z.strictObject({
      perRepositoryPerHour: z.prefault(positive, 20),
      perHour: z.prefault(positive, 100),
    }),
    {},
  ),
  /** Tiers: 0 reads, 1 retries, 2 changes what can be changed back, 3 destroys. */
  tiers: z.prefault(
    z.strictObject({
      /** From this tier on, the master is asked. */
      askFrom: z.prefault(z.literal([1, 2, 3, 4]), 2),
      /** Beyond this tier, nothing is done. */
      max: z.prefault(z.literal([0, 1, 2, 3]), 3),
    }),
    {},
  ),
  /** Modes of single playbooks, by their id; the most restrictive that applies wins. */
  playbooks: z.prefault(z.record(z.string().check(z.regex(/^[a-z][a-z0-9-]{0,63}$/)), z.enum(MODES)), {}),
  /** Between two fixes of one subject, unless the playbook wants more. */
  cooldownMinutes: z.prefault(notNegative, 0),
  /** When no answer has come by then, the answer is no. */
  approvalWithinMinutes: z.prefault(positive, 60),
  /** Many failures of one cause in a short time: nothing is retried until a probe shows that it would help. */
  outage: z.prefault(
    z.strictObject({
      /** More failed runs than this … */
      runs: z.prefault(positive, 10),
      /** … within this time are an outage. */
      withinMinutes: z.prefault(positive, 10),
      /** How long a run that was held for it may still be recovered. */
      recoverWithinHours: z.prefault(positive, 24),
    }),
    {},
  ),
  /** Stretches of time in which QMOI starts nothing. */
  maintenance: z.prefault(z.array(window).check(z.maxLength(20)), []),
  /** What the effectiveness of fixes is told in, beside how often they helped. */
  prices: z.prefault(
    z.strictObject({
      /** US dollars a minute, by `<platform>/<label of the runner>` or `<platform>/linux`, `windows`, `macos`; beside the list prices. */
      perMinute: z.prefault(z.record(z.string().check(z.maxLength(200)), notNegative), {}),
      /** What looking at a failure takes whoever would have to. */
      personMinutes: z.prefault(notNegative, 10),
      /** And costs, in US dollars an hour. */
      personPerHour: z.prefault(notNegative, 0),
    }),
    {},
  ),
  /** The share of eligible retries that are only watched, to learn what gets well by itself. */
  holdOut: z.prefault(z.number().check(z.nonnegative(), z.maximum(0.5)), 0.02),
});
export type RemediationSettings = z.infer<typeof remediationSettings>;
