import * as z from 'zod/mini';
import { automationSettings } from './automation-settings.ts';
import { controllerSettings } from './controller-settings.ts';
import { diagnosisSettings } from './diagnosis-settings.ts';
import { heartbeatSettings } from './heartbeat-settings.ts';
import { remediationSettings } from './remediation-settings.ts';

export { MODES, type Mode, type RemediationSettings, remediationSettings } from './remediation-settings.ts';

/** The shapes of QMOI's settings. Reading them from a file is `config.ts`, which no function bundles. */

/** A variable of a function's environment that has to be there. */
export const required = z.string().check(z.minLength(1));

/** The path that every parameter of QMOI lies under, with its closing slash. */
export const parameterPrefix = z.string().check(z.regex(/^\/(?:[a-z0-9-]+\/)+$/));

/** JSON text in, the value it stands for out. */
export const jsonOf = <T extends z.core.$ZodType>(schema: T) =>
  z.pipe(
    z.pipe(
      z.string(),
      z.transform((text, context) => {
        try {
          return JSON.parse(text) as unknown;
        } catch {
          context.issues.push({ code: 'custom', message: 'not JSON', input: text });
          return z.NEVER;
        }
      }),
    ),
    schema,
  );

export const TOPICS = ['real-time', 'error', 'performance', 'status', 'emergency'] as const;
export type Topic = (typeof TOPICS)[number];

const positive = z.number().check(z.int(), z.positive());

export const reconciliationSettings = z.strictObject({
  everyMinutes: z.prefault(positive.check(z.maximum(60)), 5),
  /** Of each platform's API, for sweeps alone. */
  callsPerHour: z.prefault(positive, 1000),
  /** Repositories to sweep besides those that QMOI has heard of, by platform. */
  repositories: z.prefault(
    z.record(
      z.string().check(z.regex(/^[a-z][a-z0-9-]*$/)),
      z.array(z.string().check(z.regex(/^[^\s/]+(?:\/[^\s/]+)+$/, 'a repository is <owner>/<name>'))),
    ),
    {},
  ),
});
export type ReconciliationSettings = z.infer<typeof reconciliationSettings>;

const recipients = z.prefault(
  z.strictObject({
    mail: z.prefault(z.array(z.email()), []),
    sms: z.prefault(
      z.array(z.string().check(z.regex(/^\+[1-9]\d{6,14}$/, 'a number in E.164 form, such as +4915112345678'))),
      [],
    ),
  }),
  {},
);

/** What CloudWatch Logs accepts: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

export const settings = z.strictObject({
  notifications: z.prefault(
    z.strictObject({
      'real-time': recipients,
      error: recipients,
      performance: recipients,
      status: recipients,
      emergency: recipients,
    }),
    {},
  ),
  remediation: z.prefault(remediationSettings, {}),
  reconciliation: z.prefault(reconciliationSettings, {}),
  automations: z.prefault(automationSettings, {}),
  heartbeats: z.prefault(heartbeatSettings, {}),
  controllers: z.prefault(controllerSettings, {}),
  diagnosis: z.prefault(diagnosisSettings, {}),
  throttling: z.prefault(
    z.strictObject({
      /** GitHub does not retry what is turned away, so the limit guards the bill, not the functions. */
      ratePerSecond: z.prefault(positive, 200),
      burst: z.prefault(positive, 400),
    }),
    {},
  ),
  /** How many invocations at once each consumer's queue may cause. SQS allows 2 to 1000. */
  maximumConcurrency: z.prefault(positive.check(z.minimum(2), z.maximum(1000)), 10),
  logs: z.prefault(
    z.strictObject({
      level: z.prefault(z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']), 'INFO'),
      retentionDays: z.prefault(z.literal([...LOG_RETENTION_DAYS]), 30),
    }),
    {},
  ),
  /** Where the API is reached from outside, so that messages can link to it: `https://qmoi.example.com`. */
  publicUrl: z.optional(z.url({ protocol: /^https?$/ }).check(z.regex(/[^/]$/, 'without a slash at its end'))),
  /** Where the runbook can be read; every alarm links its heading there. */
  runbookUrl: z.prefault(required, 'docs/runbook.md'),
});
export type Settings = z.infer<typeof settings>;
