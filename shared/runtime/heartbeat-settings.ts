import * as z from 'zod/mini';

const text = z.string().check(z.minLength(1), z.maxLength(100));
const duration = z.union([text, z.number().check(z.int(), z.positive())]);

/** Jobs that are to be heard of by heartbeats, by the name of their source. What a cron or a duration is, synth sees to. */
export const heartbeatSettings = z.record(
  z.string().check(z.regex(/^\w[\w./+-]{0,79}$/, 'a source is a name of letters, digits and . _ / + -')),
  z.strictObject({
    platform: z.optional(z.enum(['custom', 'local', 'qcity'])),
    cron: z.optional(text),
    zone: z.optional(text),
    every: z.optional(duration),
    grace: z.optional(duration),
  }),
);
export type HeartbeatSettings = z.infer<typeof heartbeatSettings>;
