import * as z from 'zod/mini';

/** What a heartbeat says: as it may be sent in full, and as it is kept. */

/** Where automations and machines that no platform of its own speaks for belong. */
export const HEARTBEAT_PLATFORMS = ['custom', 'local', 'qcity'] as const;
export type HeartbeatPlatform = (typeof HEARTBEAT_PLATFORMS)[number];

/** Becomes part of keys, so without what separates their parts. */
const SOURCE = /^[\w][\w./+-]{0,79}$/;
const RUN_ID = /^[\w.+-]{1,64}$/;
export const MAX_MESSAGE = 2000;
export const MAX_RESULTS = 10;
const MAX_OUTPUT = 32_000;
const MAX_SECONDS = 1e9;

const source = z.string().check(z.regex(SOURCE));
const name = z.string().check(z.minLength(1), z.maxLength(100));
const share = z.number().check(z.minimum(0), z.maximum(1));
const duration = z.union([z.number().check(z.minimum(0), z.maximum(MAX_SECONDS)), z.string().check(z.maxLength(32))]);

const host = z.strictObject({
  /** What tells the machine apart from others; the source when absent. */
  id: z.optional(source),
  name: z.optional(name),
  os: z.optional(name),
  arch: z.optional(name),
  cpu: z.optional(share),
  memory: z.optional(share),
  disk: z.optional(share),
  load: z.optional(z.number().check(z.minimum(0), z.maximum(10_000))),
  pool: z.optional(name),
  labels: z.optional(z.array(name).check(z.maxLength(30))),
  busy: z.optional(z.boolean()),
  paused: z.optional(z.boolean()),
  agentVersion: z.optional(name),
  /** The service that takes jobs, and its state in the words of the machine's service manager. */
  service: z.optional(z.strictObject({ name, state: name })),
});

export const result = z.strictObject({
  id: z.string().check(z.regex(/^[\w-]{1,64}$/)),
  outcome: z.enum(['done', 'failed', 'refused', 'unknown']),
  output: z.optional(z.string().check(z.maxLength(MAX_OUTPUT))),
});
export type CommandResult = z.infer<typeof result>;

/** What may be sent. */
export const sent = z.strictObject({
  source,
  platform: z._default(z.enum(HEARTBEAT_PLATFORMS), 'custom'),
  status: z.optional(z.enum(['ok', 'fail'])),
  run: z.optional(z.enum(['start', 'finish'])),
  runId: z.optional(z.string().check(z.regex(RUN_ID))),
  exitCode: z.optional(z.number().check(z.int(), z.minimum(-2147483648), z.maximum(4294967295))),
  duration: z.optional(duration),
  message: z.optional(z.string()),
  at: z.optional(z.string().check(z.maxLength(40))),
  repository: z.optional(name),
  branch: z.optional(name),
  commit: z.optional(z.string().check(z.regex(/^[0-9a-fA-F]{7,64}$/))),
  environment: z.optional(name),
  url: z.optional(z.string().check(z.maxLength(2048))),
  schedule: z.optional(
    z.strictObject({
      cron: z.optional(z.string()),
      zone: z.optional(z.string()),
      every: z.optional(duration),
      grace: z.optional(duration),
    }),
  ),
  host: z.optional(host),
  /** It goes down for so long, or is back: `2h`, `end`. */
  maintenance: z.optional(duration),
  /** Seconds after which the next beat is meant to come. */
  interval: z.optional(z.number().check(z.minimum(1), z.maximum(86_400))),
  results: z.optional(z.array(result).check(z.maxLength(MAX_RESULTS))),
});

/** What is kept and becomes facts. The results of commands go another way. */
export const beat = z.object({
  ...sent.shape,
  message: z.optional(z.string().check(z.maxLength(MAX_MESSAGE))),
  duration: z.optional(z.number().check(z.minimum(0), z.maximum(MAX_SECONDS))),
  /** In seconds; 0: it is over. */
  maintenance: z.optional(z.number().check(z.minimum(0), z.maximum(MAX_SECONDS))),
  schedule: z.optional(
    z.object({
      cron: z.optional(z.string()),
      zone: z.optional(z.string()),
      periodSeconds: z.optional(z.number()),
      graceSeconds: z.number(),
    }),
  ),
});
export type Beat = z.infer<typeof beat>;
