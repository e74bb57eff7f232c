import * as z from 'zod/mini';
import { earliest, either, largest, newest, once } from './join.ts';
import { type FactOf, machine, type StateOf, withStatus } from './machine.ts';

/** What was decided of a fix, and on what: enough to decide it again. */
const decision = z.object({
  at: z.string(),
  verdict: z.enum(['act', 'ask', 'hold', 'refuse']),
  /** The rule that spoke last. */
  rule: z.string(),
  reason: z.string(),
  /** What no other item tells of the moment. */
  spent: z.optional(z.object({ repository: z.number(), all: z.number() })),
  control: z.optional(z.string()),
  latestAttempt: z.optional(z.number()),
  supersededBy: z.optional(z.string()),
  tries: z.optional(z.number()),
  outage: z.optional(z.object({ key: z.string(), mayProbe: z.boolean() })),
  /** Why the playbook was followed or not, by what came of it before. */
  choice: z.optional(
    z.object({
      choice: z.string(),
      why: z.string(),
      considered: z.array(
        z.object({
          playbook: z.string(),
          successes: z.number(),
          failures: z.number(),
          sample: z.number(),
          demoted: z.boolean(),
        }),
      ),
    }),
  ),
  broken: z.optional(z.boolean()),
  rival: z.optional(z.string()),
  canary: z.optional(z.string()),
  waited: z.optional(z.boolean()),
  lastActedAt: z.optional(z.number()),
  heldForOutage: z.optional(z.boolean()),
  maintenance: z.optional(z.object({ until: z.number(), reason: z.string() })),
  heldInWindow: z.optional(z.boolean()),
  approved: z.optional(z.boolean()),
  asked: z.optional(z.boolean()),
  heldOut: z.optional(z.boolean()),
  /** What the master had said of the guard that it would have been. */
  guard: z.optional(z.enum(['lifted', 'approved'])),
  /** It was not known yet whether an outage had begun. */
  suspected: z.optional(z.boolean()),
});

/**
 * One fix of one subject: proposed, claimed, carried out, verified. `basis` numbers the tries: once it is certain that a try
 * had no effect, the next one starts over at `proposed` with a higher basis.
 */
export const remediation = machine({
  entity: 'remediation',
  schema: 1,
  order: 'ranked',
  initial: 'proposed',
  statuses: {
    proposed: {
      rank: 0,
      next: ['awaiting-approval', 'claimed', 'refused', 'expired', 'proposed'],
      means: 'would be done, and is held for the reason given',
    },
    'awaiting-approval': {
      rank: 1,
      next: ['claimed', 'refused', 'expired', 'proposed', 'awaiting-approval'],
      means: 'waits for the master',
    },
    claimed: {
      rank: 2,
      next: ['executing', 'unknown', 'refused', 'claimed', 'proposed'],
      means: 'one worker holds the lease; nothing was sent',
    },
    executing: {
      rank: 3,
      next: ['verifying', 'unknown', 'succeeded', 'failed', 'refused', 'proposed'],
      means: 'the call to the platform is on its way',
    },
    unknown: {
      rank: 4,
      next: ['verifying', 'succeeded', 'failed', 'refused', 'proposed'],
      means: 'the answer was lost; looked up at the platform, never repeated blindly',
    },
    verifying: { rank: 5, next: ['succeeded', 'failed'], means: 'done; its effect is awaited' },
    // Only where it becomes known that the reason does not hold.
    refused: { rank: 6, terminal: true, next: ['proposed'], means: 'not done, for the reason given' },
    expired: { rank: 6, terminal: true, next: ['proposed'], means: 'not done in time' },
    failed: { rank: 7, next: ['rolling-back'], terminal: true, means: 'done, and it did not help' },
    succeeded: { rank: 7, next: ['rolling-back'], terminal: true, means: 'done, and it helped' },
    'rolling-back': { rank: 8, next: ['rolled-back', 'not-rolled-back'], means: 'being taken back' },
    'rolled-back': { rank: 9, terminal: true, next: [], means: 'taken back' },
    'not-rolled-back': { rank: 9, terminal: true, next: [], means: 'could not be taken back: the master has to' },
  },
  fields: {
    platform: z.string(),
    repository: z.string(),
    repositoryId: z.optional(z.string()),
    /** The id of the run or job that is fixed. */
    subject: z.string(),
    runId: z.string(),
    externalId: z.string(),
    attempt: z.number(),
    action: z.string(),
    /** What the action takes beyond its subject. */
    parameters: z.optional(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
    playbook: z.string(),
    strategy: z.string(),
    /** The names of the jobs whose next attempt proves the fix. */
    targets: z.array(z.string()),
    incidentIds: z.array(z.string()),
    incidentId: z.optional(z.string()),
    /** Who holds the claim, and until when; a crash leaves both behind. */
    leaseOwner: z.optional(z.string()),
    leaseUntil: z.optional(z.string()),
    /** How often its outcome was looked up. */
    lookUps: z.optional(z.number()),
    reason: z.optional(z.string()),
    result: z.optional(z.string()),
    /** What shows that it took effect; absent: the next attempt. */
    proof: z.optional(z.enum(['next-attempt', 'new-run', 'run-ended', 'state', 'answer'])),
    /** The run that it has made, by its id, where the platform's answer names it. */
    made: z.optional(z.string()),
    /** What it came to, as another run or the platform has shown; `lost`: nothing did, in time. */
    shown: z.optional(
      z.object({ at: z.string(), status: z.enum(['succeeded', 'failed', 'lost']), detail: z.string() }),
    ),
    /** When its outcome is not waited for any more. */
    verifyUntil: z.optional(z.string()),
    /** Of the playbook, as it was followed. */
    playbookVersion: z.optional(z.number()),
    /** 0 reads, 1 retries, 2 changes what can be changed back, 3 destroys. */
    tier: z.optional(z.number()),
    causes: z.optional(z.array(z.string())),
    decision: z.optional(decision),
    /** The outage it was held for, and is judged by beyond the ordinary freshness. */
    outage: z.optional(z.string()),
    /** It was let through to find out whether the outage is over. */
    probe: z.optional(z.boolean()),
    /** It fell into an outage, so that its failure says nothing of it. */
    excused: z.optional(z.boolean()),
    /** When the master's approval is not waited for any more. */
    approvalUntil: z.optional(z.string()),
    approvedAt: z.optional(z.string()),
    approvedBy: z.optional(z.string()),
    /** Only watched, to learn what gets well by itself. */
    heldOut: z.optional(z.boolean()),
    /** It was so before, so that there is nothing to take back. */
    unchanged: z.optional(z.boolean()),
    /** Since when it is to be taken back, by whom, and why. */
    rollbackAskedAt: z.optional(z.string()),
    rollbackAskedBy: z.optional(z.string()),
    rollbackReason: z.optional(z.string()),
    /** The fix that it takes back. */
    rollbackOf: z.optional(z.string()),
    /** The plan that it is a step of, by the id of its first fix; and which one. */
    plan: z.optional(z.string()),
    step: z.optional(z.number()),
    /** Why it is taken to have done harm. */
    harm: z.optional(z.string()),
    /** When it is taken back by itself. */
    lastsUntil: z.optional(z.string()),
  },
  joins: {
    platform: once,
    repository: once,
    repositoryId: once,
    subject: once,
    runId: once,
    externalId: once,
    attempt: largest,
    action: once,
    parameters: once,
    playbook: once,
    strategy: once,
    targets: once,
    incidentIds: once,
    incidentId: once,
    leaseOwner: withStatus,
    leaseUntil: withStatus,
    lookUps: largest,
    reason: withStatus,
    result: withStatus,
    proof: once,
    made: once,
    shown: newest<{ at: string; status: 'succeeded' | 'failed' | 'lost'; detail: string }>,
    verifyUntil: withStatus,
    playbookVersion: largest,
    tier: largest,
    causes: once,
    decision: withStatus,
    outage: once,
    probe: either,
    excused: either,
    approvalUntil: withStatus,
    approvedAt: earliest,
    approvedBy: once,
    heldOut: either,
    unchanged: either,
    rollbackAskedAt: earliest,
    rollbackAskedBy: once,
    rollbackReason: once,
    rollbackOf: once,
    plan: once,
    step: largest,
    harm: once,
    lastsUntil: once,
  },
  watched: ['approvedAt', 'rollbackAskedAt'],
});

/** One message to one route about one event. */
export const notification = machine({
  entity: 'notification',
  schema: 1,
  order: 'ranked',
  initial: 'pending',
  statuses: {
    pending: { rank: 0, next: ['sent', 'failed', 'suppressed', 'digested'], means: 'owed' },
    failed: { rank: 1, next: ['sent'], means: 'the channel refused it' },
    suppressed: { rank: 2, terminal: true, next: [], means: 'not owed any more, for the reason given' },
    digested: { rank: 2, terminal: true, next: [], means: 'part of a digest' },
    sent: { rank: 3, terminal: true, next: [], means: 'accepted by the channel' },
  },
  fields: {
    event: z.string(),
    subject: z.string(),
    route: z.string(),
    topic: z.string(),
    title: z.string(),
    body: z.string(),
    incidentId: z.optional(z.string()),
    messageId: z.optional(z.string()),
    reason: z.optional(z.string()),
    leaseUntil: z.optional(z.string()),
  },
  joins: {
    event: once,
    subject: once,
    route: once,
    topic: once,
    title: once,
    body: once,
    incidentId: once,
    messageId: withStatus,
    reason: withStatus,
    leaseUntil: withStatus,
  },
});

/** The master's word on what QMOI may do in a scope: `all`, `platform:github`, `repository:owner/name`. The latest word holds. */
export const control = machine({
  entity: 'control',
  schema: 1,
  order: 'latest',
  initial: 'running',
  statuses: {
    running: { rank: 0, next: ['paused', 'stopping', 'stopped'], means: 'QMOI may act' },
    paused: { rank: 0, next: ['running', 'stopping', 'stopped'], means: 'QMOI watches and starts nothing' },
    stopping: {
      rank: 0,
      next: ['stopped', 'running', 'paused'],
      means: 'nothing new starts; an action under way may still end',
    },
    stopped: { rank: 0, next: ['running', 'paused', 'stopping'], means: 'nothing is under way and nothing starts' },
  },
  fields: {
    scope: z.string(),
    reason: z.optional(z.string()),
    actor: z.optional(z.string()),
  },
  joins: { scope: once, reason: withStatus, actor: withStatus },
});

export type RecordedDecision = z.infer<typeof decision>;
export type Remediation = StateOf<keyof typeof remediation.statuses, typeof remediation.fields>;
export type RemediationFact = FactOf<keyof typeof remediation.statuses, typeof remediation.fields>;
export type Notification = StateOf<keyof typeof notification.statuses, typeof notification.fields>;
export type Control = StateOf<keyof typeof control.statuses, typeof control.fields>;
export type ControlFact = FactOf<keyof typeof control.statuses, typeof control.fields>;
