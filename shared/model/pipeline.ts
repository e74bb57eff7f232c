import * as z from 'zod/mini';
import { earliest, either, highest, largest, latest, once, unionBy } from './join.ts';
import { type FactOf, machine, ORIGINS, type StateOf, withStatus } from './machine.ts';

/** Why a run or a job is where it is: the statuses of both, after OpenTelemetry's CI/CD conventions and CDEvents. */
const ENDED = ['succeeded', 'failed', 'canceled', 'skipped', 'timed-out'] as const;
const end = (means: string) => ({ rank: 3, terminal: true, next: ENDED, means });
const lifecycle = {
  queued: { rank: 0, next: ['waiting', 'running', ...ENDED], means: 'accepted by the platform, not started' },
  waiting: { rank: 1, next: ['running', ...ENDED], means: 'held for an approval, a manual start or a delay' },
  running: { rank: 2, next: ENDED, means: 'at work' },
  succeeded: end('ended well'),
  failed: end('ended badly'),
  canceled: end('ended by a person or by another run'),
  skipped: end('never needed'),
  'timed-out': end('ended by a time limit'),
} as const;

export type Outcome = (typeof ENDED)[number];
export const OUTCOMES: readonly Outcome[] = ENDED;
export const isEnded = (status: string): status is Outcome => (ENDED as readonly string[]).includes(status);

/** What a run is on its platform; absent for the ordinary case, a workflow run or a pipeline. */
export const RUN_KINDS = ['deployment', 'check', 'status', 'task', 'build', 'custom'] as const;

const identity = {
  platform: z.string(),
  /** The platform's own id. */
  externalId: z.string(),
  /** `owner/name` or the full project path. */
  repository: z.string(),
  /** The platform's own id of the repository or project, where its API wants that one. */
  repositoryId: z.optional(z.string()),
  name: z.optional(z.string()),
  attempt: z.number(),
  branch: z.optional(z.string()),
  commit: z.optional(z.string()),
  url: z.optional(z.string()),
  startedAt: z.optional(z.string()),
  endedAt: z.optional(z.string()),
};
const identityJoins = {
  platform: once,
  externalId: once,
  repository: once,
  repositoryId: once,
  name: once,
  branch: once,
  commit: once,
  url: once,
};

const pipelineEnd = z.object({
  at: z.string(),
  status: z.enum(ENDED),
  origin: z.enum(ORIGINS),
  /** The newest job there was, as text that sorts. */
  newestJob: z.optional(z.string()),
  /** Jobs that had not started by then, so that a start of theirs belongs to a later attempt. */
  idleJobs: z.optional(z.array(z.string())),
});
export type PipelineEnd = z.infer<typeof pipelineEnd>;
/** Tells the ends of one pipeline apart, and sorts them by time. */
const keyOfEnd = ({ at, newestJob = '' }: PipelineEnd): string => `${at}|${newestJob}`;
const joinEnds = (a: PipelineEnd, b: PipelineEnd): PipelineEnd => ({
  ...once({ ...a, origin: 'live' }, { ...b, origin: 'live' }),
  origin: highest(ORIGINS)(a.origin, b.origin),
});

/** From what says least of how far a pipeline is to what says most. */
const UNENDED = ['queued', 'waiting', 'running', 'skipped'] as const;
const sighting = z.object({
  /** When the latest of its jobs was created or started. */
  at: z.string(),
  status: z.enum(UNENDED),
  origin: z.enum(ORIGINS),
  /** The newest job there was, as text that sorts. */
  newestJob: z.optional(z.string()),
});
type Sighting = z.infer<typeof sighting>;
export const isUnended = (status: string): status is Sighting['status'] =>
  (UNENDED as readonly string[]).includes(status);
const keyOfSighting = ({ at, status, newestJob = '' }: Sighting): string => `${at}|${newestJob}|${status}`;
const joinSightings = (a: Sighting, b: Sighting): Sighting => ({ ...a, origin: highest(ORIGINS)(a.origin, b.origin) });
/** Whether one says no less than the other, whichever ends of the pipeline come to be known. */
const covers = (a: Sighting, b: Sighting): boolean =>
  a.at >= b.at && (a.newestJob ?? '') >= (b.newestJob ?? '') && UNENDED.indexOf(a.status) >= UNENDED.indexOf(b.status);
/** Whether something was seen after an end. */
const isAfter = (end: PipelineEnd, { at, newestJob }: Pick<Sighting, 'at' | 'newestJob'>): boolean =>
  at > end.at || (newestJob !== undefined && end.newestJob !== undefined && newestJob > end.newestJob);

const course = z.object({
  /** Every end it is known to have come to. */
  ends: z.array(pipelineEnd),
  /** Where it was seen since the last of them, short of an end. */
  seen: z.array(sighting),
});
type Course = z.infer<typeof course>;
const unionOfEnds = unionBy<PipelineEnd>(keyOfEnd, joinEnds, (a, b) => (keyOfEnd(a) < keyOfEnd(b) ? -1 : 1));
const unionOfSightings = unionBy<Sighting>(keyOfSighting, joinSightings, (a, b) =>
  keyOfSighting(a) < keyOfSighting(b) ? -1 : 1,
);
/** What an end or a later sighting has made moot is dropped: neither is ever taken back. */
function joinCourses(a: Course, b: Course): Course {
  const [ends, all] = [unionOfEnds(a.ends, b.ends), unionOfSightings(a.seen, b.seen)];
  const isMoot = (one: Sighting): boolean =>
    ends.some((end) => !isAfter(end, one)) || all.some((other) => other !== one && covers(other, one));
  return { ends, seen: all.filter((one) => !isMoot(one)) };
}

/** Of two ids that differ in their numbers alone, the one with the smaller number. */
const nearerRun = (a: string, b: string): string =>
  a.length === b.length ? (a <= b ? a : b) : a.length < b.length ? a : b;

export const run = machine({
  entity: 'run',
  schema: 1,
  order: 'ranked',
  initial: 'queued',
  statuses: lifecycle,
  fields: {
    ...identity,
    automationId: z.optional(z.string()),
    event: z.optional(z.string()),
    actor: z.optional(z.string()),
    kind: z.optional(z.enum(RUN_KINDS)),
    /** Where a deployment goes. */
    environment: z.optional(z.string()),
    /** The run that started this one: a child or downstream pipeline's parent. */
    parentRunId: z.optional(z.string()),
    /** The next run of the same automation on the same branch or pull request, which has made this one's outcome moot. */
    supersededBy: z.optional(z.string()),
    /**
     * How a GitLab pipeline has gone, kept with its first attempt: what its attempts are derived from. Its ends only grow in
     * number, so that none is lost, whoever learns of which one first. GitLab numbers jobs as it creates them, and its times are
     * whole seconds, within which a pipeline can end, be retried and end again.
     */
    course: z.optional(course),
    queuedAt: z.optional(z.string()),
    /** Why QMOI took it for ended, where its platform did not say so. */
    reason: z.optional(z.string()),
  },
  joins: {
    ...identityJoins,
    // Part of the run's identity, so it never differs between facts about one item.
    attempt: largest,
    automationId: once,
    event: once,
    actor: once,
    kind: once,
    environment: once,
    parentRunId: once,
    supersededBy: nearerRun,
    course: joinCourses,
    queuedAt: earliest,
    // Every job that starts says anew that its run is running; only the first one tells since when.
    startedAt: earliest,
    endedAt: withStatus,
    reason: withStatus,
  },
  watched: ['supersededBy'],
  // Nearly every run is superseded some time; that of one which has ended is no news.
  watchedWhile: ['queued', 'waiting', 'running'],
});

const step = z.object({
  number: z.number(),
  name: z.string(),
  status: z.enum(Object.keys(lifecycle) as [keyof typeof lifecycle, ...(keyof typeof lifecycle)[]]),
  startedAt: z.optional(z.string()),
  endedAt: z.optional(z.string()),
});
export type Step = z.infer<typeof step>;

/** Of two ids that differ in their last number alone, the one with the greater number. */
const furtherRun = (a: string, b: string): string =>
  a.length === b.length ? (a >= b ? a : b) : a.length > b.length ? a : b;

const furthest = highest(Object.keys(lifecycle));
const joinSteps = unionBy<Step>(
  (item) => item.number,
  (a, b) => {
    if (a.status !== b.status && furthest(a.status, b.status) === b.status) return b;
    return a.status !== b.status ? a : once(a, b);
  },
  (a, b) => a.number - b.number,
);

export const job = machine({
  entity: 'job',
  schema: 1,
  order: 'ranked',
  initial: 'queued',
  statuses: lifecycle,
  fields: {
    ...identity,
    runId: z.string(),
    stage: z.optional(z.string()),
    runner: z.optional(z.object({ id: z.string(), name: z.string() })),
    labels: z.optional(z.array(z.string())),
    queuedAt: z.optional(z.string()),
    steps: z.array(step),
    /** The platform's own word for why it failed, where it has one (GitLab's `failure_reason`). */
    failureReason: z.optional(z.string()),
    /** A failure of this job does not fail its run. */
    allowFailure: z.optional(z.boolean()),
  },
  joins: {
    ...identityJoins,
    // The rank of a GitLab job among its namesakes only grows as more of them become known.
    attempt: largest,
    // A run id ends in its attempt; for the same reason the greater one is the better informed.
    runId: furtherRun,
    stage: once,
    runner: once,
    labels: once,
    queuedAt: earliest,
    startedAt: earliest,
    endedAt: latest,
    steps: joinSteps,
    failureReason: once,
    allowFailure: either,
  },
});

export type Run = StateOf<keyof typeof lifecycle, typeof run.fields>;
export type RunFact = FactOf<keyof typeof lifecycle, typeof run.fields>;
export type Job = StateOf<keyof typeof lifecycle, typeof job.fields>;
export type JobFact = FactOf<keyof typeof lifecycle, typeof job.fields>;
