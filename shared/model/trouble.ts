import * as z from 'zod/mini';
import { earliest, highest, largest, latest, once, unionBy } from './join.ts';
import { type FactOf, machine, type StateOf, withStatus } from './machine.ts';

export const CATEGORIES = ['runner', 'automation', 'system', 'network', 'performance', 'unknown'] as const;
export type Category = (typeof CATEGORIES)[number];
/** Lowest first. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** The points of which severity and priority are made, by what they are for (`shared/incidents/priority.ts`). */
export const TERMS = ['cause', 'blastRadius', 'environment', 'recurrence', 'branch', 'automation'] as const;
const terms = z.object({
  cause: z.number(),
  blastRadius: z.number(),
  environment: z.number(),
  recurrence: z.number(),
  branch: z.number(),
  automation: z.number(),
});
export type Terms = z.infer<typeof terms>;
/** The worst that was seen of each. */
export const joinTerms = (a: Terms, b: Terms): Terms =>
  Object.fromEntries(TERMS.map((name) => [name, Math.max(a[name], b[name])])) as Terms;

/** How many places an incident names; which ones it keeps does not depend on their order. */
const MAX_PLACES = 50;
/** What several incidents may have in common, the likeliest root last. */
export const ROOTS = ['commit', 'pool', 'host', 'runner'] as const;
export type Root = (typeof ROOTS)[number];
const likelier = (a: string, b: string): string => {
  const rank = (root: string): number => ROOTS.findIndex((kind) => root.startsWith(`${kind}:`));
  return rank(a) === rank(b) ? once(a, b) : rank(a) > rank(b) ? a : b;
};

/** One job attempt that failed, and why. Shares its id with the job. */
export const failure = machine({
  entity: 'failure',
  schema: 1,
  order: 'ranked',
  initial: 'detected',
  statuses: {
    detected: { rank: 0, next: ['diagnosed'], means: 'known to have failed; its log is being read or waited for' },
    diagnosed: { rank: 1, terminal: true, next: [], means: 'its cause is named, or honestly unknown' },
  },
  fields: {
    platform: z.string(),
    externalId: z.string(),
    repository: z.string(),
    name: z.optional(z.string()),
    branch: z.optional(z.string()),
    commit: z.optional(z.string()),
    url: z.optional(z.string()),
    jobId: z.string(),
    runId: z.string(),
    attempt: z.number(),
    /** The platform's time of the failure itself. */
    failedAt: z.string(),
    category: z.optional(z.enum(CATEGORIES)),
    cause: z.optional(z.string()),
    transient: z.optional(z.nullable(z.boolean())),
    severity: z.optional(z.enum(SEVERITIES)),
    priority: z.optional(z.number()),
    terms: z.optional(terms),
    remedy: z.optional(z.string()),
    excerpt: z.optional(z.string()),
    /** Names of the tests that failed, as the platform's report tells them, or else the log. */
    tests: z.optional(z.array(z.string())),
    /** Keys of the caches that the job has restored, by its log. */
    caches: z.optional(z.array(z.string())),
    template: z.optional(z.string()),
    fingerprint: z.optional(z.string()),
    confidence: z.optional(z.number()),
    incidentId: z.optional(z.string()),
    /** Since when a later attempt has made the failure good. */
    resolvedAt: z.optional(z.string()),
  },
  joins: {
    platform: once,
    externalId: once,
    repository: once,
    name: once,
    branch: once,
    commit: once,
    url: once,
    jobId: once,
    runId: once,
    attempt: largest,
    failedAt: earliest,
    category: withStatus,
    cause: withStatus,
    transient: withStatus,
    severity: withStatus,
    priority: withStatus,
    terms: withStatus,
    remedy: withStatus,
    excerpt: withStatus,
    tests: withStatus,
    caches: withStatus,
    template: withStatus,
    fingerprint: withStatus,
    confidence: withStatus,
    incidentId: withStatus,
    resolvedAt: earliest,
  },
  watched: ['resolvedAt'],
});

/** Failures of one fingerprint, from its first to its last in one stretch (an episode). */
export const incident = machine({
  entity: 'incident',
  schema: 1,
  order: 'ranked',
  initial: 'open',
  statuses: {
    open: { rank: 0, next: ['fixing', 'escalated', 'resolved'], means: 'something is broken' },
    fixing: { rank: 1, next: ['escalated', 'resolved'], means: 'QMOI is at work on it' },
    escalated: { rank: 2, next: ['resolved'], means: 'QMOI could not fix it: the master has to' },
    resolved: { rank: 3, terminal: true, next: [], means: 'every failure in it was made good' },
  },
  fields: {
    fingerprint: z.string(),
    episode: z.number(),
    title: z.string(),
    cause: z.string(),
    category: z.enum(CATEGORIES),
    severity: z.enum(SEVERITIES),
    priority: z.number(),
    platform: z.string(),
    repository: z.string(),
    firstSeenAt: z.string(),
    lastSeenAt: z.string(),
    acknowledgedAt: z.optional(z.string()),
    remedy: z.optional(z.string()),
    reason: z.optional(z.string()),
    terms: z.optional(terms),
    /** `<platform>/<repository>` of its failures. */
    repositories: z.optional(z.array(z.string())),
    /** The episode before, which had been resolved: what had gone came back. */
    regressionOf: z.optional(z.string()),
    /** How many episodes in a row came back soon after their end. Who flaps is closed only after it has been quiet. */
    flaps: z.optional(z.number()),
    /** The incident that has taken its failures over, by the master's word. */
    mergedInto: z.optional(z.string()),
    /** The incident that its failures were taken from, by the master's word. */
    splitFrom: z.optional(z.string()),
    /** What it shares with other incidents of the same hour, `<kind>:<name>`: probably one trouble at one root. */
    suspectedRoot: z.optional(z.string()),
  },
  joins: {
    fingerprint: once,
    episode: once,
    title: once,
    cause: once,
    category: once,
    severity: highest(SEVERITIES),
    // Priority 1 is the most urgent.
    priority: (a: number, b: number) => Math.min(a, b),
    platform: once,
    repository: once,
    firstSeenAt: earliest,
    lastSeenAt: latest,
    acknowledgedAt: earliest,
    remedy: once,
    reason: withStatus,
    terms: joinTerms,
    repositories: unionBy<string>(
      (name) => name,
      once,
      (a, b) => (a < b ? -1 : 1),
      MAX_PLACES,
    ),
    regressionOf: once,
    flaps: largest,
    mergedInto: withStatus,
    splitFrom: once,
    suspectedRoot: likelier,
  },
  watched: ['acknowledgedAt', 'priority', 'severity', 'suspectedRoot'],
});

export type Failure = StateOf<keyof typeof failure.statuses, typeof failure.fields>;
export type FailureFact = FactOf<keyof typeof failure.statuses, typeof failure.fields>;
export type Incident = StateOf<keyof typeof incident.statuses, typeof incident.fields>;
export type IncidentFact = FactOf<keyof typeof incident.statuses, typeof incident.fields>;
