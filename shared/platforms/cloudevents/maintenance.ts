import * as z from 'zod/mini';
import { cut, timeOf } from '../clean.ts';
import type { WindowFact } from '../port.ts';
import { windowKey } from '../windows.ts';

/** Word that somebody works on something, in types of QMOI's own, as CDEvents knows none. */

const TYPE = /^dev\.qmoi\.maintenance\.(started|ended)$/;
const name = z.string().check(z.minLength(1), z.maxLength(200));

export const maintenance = z
  .strictObject({
    /** `all`, `platform:<name>` or `repository:<owner>/<name>`. */
    scope: z.optional(z.string().check(z.regex(/^(?:all|platform:[a-z][a-z0-9-]*|repository:\S{1,200})$/))),
    environment: z.optional(name),
    /** A machine, by its name or its id. */
    runner: z.optional(name),
    /** RFC 3339. Four hours after its beginning unless told, and a week at most. */
    until: z.optional(z.string().check(z.maxLength(64))),
    reason: z.optional(z.string()),
  })
  .check(
    z.refine(
      ({ scope, environment, runner }) => scope !== undefined || environment !== undefined || runner !== undefined,
      'it names no scope, environment or runner',
    ),
  );
export type Maintenance = z.infer<typeof maintenance>;

const HOUR_MS = 3_600_000;
const [ORDINARY_MS, LONGEST_MS] = [4 * HOUR_MS, 7 * 24 * HOUR_MS];

/** Whether a type tells of maintenance, and of its beginning or its end. */
export const maintenanceIn = (type: string): 'started' | 'ended' | undefined =>
  TYPE.exec(type)?.[1] as 'started' | 'ended' | undefined;

/** `at`: when it was said, RFC 3339. */
export function windowOf(what: 'started' | 'ended', told: Maintenance, at: string): WindowFact {
  const { scope = 'all', environment, runner, until, reason } = told;
  const [kind, ...rest] = scope.split(':');
  const covers = {
    ...(kind === 'platform' && { platform: rest.join(':') }),
    ...(kind === 'repository' && { repository: rest.join(':') }),
    ...(environment !== undefined && { environment }),
    ...(runner !== undefined && { runner }),
  };
  const wanted = Date.parse(timeOf(until) ?? '') || Date.parse(at) + ORDINARY_MS;
  const open = {
    until: new Date(Math.min(wanted, Date.parse(at) + LONGEST_MS)).toISOString(),
    reason: cut(reason?.trim() || 'announced by an event', 200),
  };
  return { key: windowKey('event', covers), at, covers, ...(what === 'started' && { open }) };
}
