import * as z from 'zod/mini';
import { largest, latest, newest, once, unionBy } from './join.ts';
import { type FactOf, machine, type StateOf, withStatus } from './machine.ts';
import { joinSchedules, schedule } from './schedule.ts';

const recentRun = z.object({
  runId: z.string(),
  endedAt: z.string(),
  succeeded: z.boolean(),
  /** How long it was at work. */
  seconds: z.optional(z.number()),
  /** Its platform's own schedule started it. */
  scheduled: z.optional(z.boolean()),
  branch: z.optional(z.string()),
  environment: z.optional(z.string()),
});
export type RecentRun = z.infer<typeof recentRun>;
/** How many of its last runs an automation remembers. Its status, its habit and how long it takes are derived from them. */
export const RECENT_RUNS = 12;
const byEnd = (a: RecentRun, b: RecentRun) => (`${a.endedAt}|${a.runId}` < `${b.endedAt}|${b.runId}` ? -1 : 1);
/** A GitLab pipeline keeps its id when it is retried: its newest end counts. */
const joinRuns = (a: RecentRun, b: RecentRun): RecentRun =>
  a.endedAt === b.endedAt ? once(a, b) : a.endedAt > b.endedAt ? a : b;

/** Of two ids the one that sorts first. */
const first = (a: string, b: string): string => (a <= b ? a : b);

/** What an automation is for. */
export const PURPOSES = ['revenue', 'evolution', 'testing', 'deployment', 'monitoring'] as const;
export type Purpose = (typeof PURPOSES)[number];

const AUTOMATION = ['healthy', 'degraded', 'failing', 'silent', 'disabled'] as const;
const automationStatus = (self: (typeof AUTOMATION)[number], means: string) => ({
  rank: 0,
  next: AUTOMATION.filter((status) => status !== self),
  means,
});

/** A workflow, a pipeline definition: whatever runs again and again. Its status is derived (`shared/tracking/standing.ts`). */
export const automation = machine({
  entity: 'automation',
  schema: 1,
  order: 'latest',
  initial: 'healthy',
  statuses: {
    healthy: automationStatus('healthy', 'its runs succeed, but for a single one that was made good'),
    degraded: automationStatus('degraded', 'its last run failed, or it has not yet proved to be over its failures'),
    failing: automationStatus('failing', 'three runs in a row failed, and no two have succeeded since'),
    silent: automationStatus('silent', 'it did not run when its schedule or its habit says that it should have'),
    disabled: automationStatus('disabled', 'switched off on its platform'),
  },
  fields: {
    platform: z.string(),
    externalId: z.string(),
    repository: z.string(),
    name: z.optional(z.string()),
    path: z.optional(z.string()),
    /** What it is for, by the first of the master's rules that fits. */
    category: z.optional(z.enum(PURPOSES)),
    /** The version of the rules that said so: a process that has not heard of newer ones does not overrule them. */
    rulesVersion: z.optional(z.number()),
    /** The automation that this one mirrors on another platform, and those that mirror this one. */
    mirrorOf: z.optional(z.string()),
    mirrors: z.optional(z.array(z.string())),
    /** Why it has its status. */
    reason: z.optional(z.string()),
    recent: z.array(recentRun),
    /** When the last of its runs began. */
    lastRunAt: z.optional(z.string()),
    /** When it should be heard of; absent where only its habit tells. */
    schedule: z.optional(schedule),
    /** When it last was heard of by a heartbeat: the next beat is due by its schedule from then on. */
    lastBeatAt: z.optional(z.string()),
    /** When its platform last said that it is off, and that it is on. */
    disabledAt: z.optional(z.string()),
    enabledAt: z.optional(z.string()),
    /** What its platform said at `disabledAt`: that it is off, or should have started it and has not; and why. */
    off: z.optional(z.object({ at: z.string(), status: z.enum(['disabled', 'silent']), reason: z.string() })),
  },
  joins: {
    platform: once,
    externalId: once,
    repository: once,
    name: once,
    path: once,
    category: withStatus,
    rulesVersion: largest,
    mirrorOf: first,
    mirrors: unionBy<string>(
      (id) => id,
      once,
      (a, b) => (a < b ? -1 : 1),
    ),
    reason: withStatus,
    recent: unionBy<RecentRun>((item) => item.runId, joinRuns, byEnd, RECENT_RUNS),
    lastRunAt: latest,
    schedule: joinSchedules,
    lastBeatAt: latest,
    disabledAt: latest,
    enabledAt: latest,
    off: newest,
  },
});

export type Automation = StateOf<(typeof AUTOMATION)[number], typeof automation.fields>;
export type AutomationFact = FactOf<(typeof AUTOMATION)[number], typeof automation.fields>;
