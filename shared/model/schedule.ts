import * as z from 'zod/mini';
import { newest } from './join.ts';

/** Who may say when an automation is due, the last of them with the last word. */
export const SCHEDULE_SETTERS = ['beat', 'platform', 'settings'] as const;

/** When an automation should be heard of: by `cron` or every `periodSeconds`; by neither, it has no schedule any more. */
export const schedule = z.object({
  /** Since when this schedule holds. */
  at: z.string(),
  by: z.enum(SCHEDULE_SETTERS),
  /** Five fields, in the time zone `zone` (IANA's name; UTC when absent). */
  cron: z.optional(z.string()),
  zone: z.optional(z.string()),
  periodSeconds: z.optional(z.number()),
  /** How long after its time it counts as on time. */
  graceSeconds: z.number(),
});
export type Schedule = z.infer<typeof schedule>;

export function joinSchedules(a: Schedule, b: Schedule): Schedule {
  const [x, y] = [SCHEDULE_SETTERS.indexOf(a.by), SCHEDULE_SETTERS.indexOf(b.by)];
  return x === y ? newest(a, b) : x > y ? a : b;
}
