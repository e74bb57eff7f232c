import * as z from 'zod/mini';
import { once } from './join.ts';
import { type FactOf, machine, type StateOf, withStatus } from './machine.ts';

const SOURCE = ['active', 'failing', 'unhooked', 'unreachable'] as const;
const sourceStatus = (self: (typeof SOURCE)[number], means: string) => ({
  rank: 0,
  next: SOURCE.filter((status) => status !== self),
  means,
});

/** A repository or project that QMOI hears of, and whether it can hear all of it. */
export const source = machine({
  entity: 'source',
  schema: 1,
  order: 'latest',
  initial: 'active',
  statuses: {
    active: sourceStatus('active', 'nothing says that anything of it is lost'),
    failing: sourceStatus('failing', 'its webhook is switched off, or its platform cannot deliver it'),
    unhooked: sourceStatus('unhooked', 'its platform has no webhook that leads to QMOI'),
    unreachable: sourceStatus('unreachable', 'its platform refuses to tell QMOI of it'),
  },
  fields: {
    platform: z.string(),
    repository: z.string(),
    reason: z.optional(z.string()),
  },
  joins: { platform: once, repository: once, reason: withStatus },
  // Every repository has it from its first delivery on, which is nobody's news.
  quietAtFirst: ['active'],
});

const count = z.number();

/** How much of what the platform knows of an hour QMOI knows too: runs and jobs, by the hour in which their run was created. */
export const completeness = machine({
  entity: 'completeness',
  schema: 1,
  order: 'latest',
  initial: 'complete',
  statuses: {
    complete: { rank: 0, next: ['incomplete'], means: 'all that the platform knows is known' },
    incomplete: { rank: 0, next: ['complete'], means: 'something is known to the platform alone, so far' },
  },
  fields: {
    platform: z.string(),
    repository: z.string(),
    /** When it begins. */
    hour: z.string(),
    /** Runs and jobs that the platform knows. */
    known: count,
    /** Of these, told by webhooks; found missing and recovered; still missing. */
    received: count,
    recovered: count,
    missing: count,
  },
  joins: {
    platform: once,
    repository: once,
    hour: once,
    known: withStatus,
    received: withStatus,
    recovered: withStatus,
    missing: withStatus,
  },
  unpublished: ['complete'],
});

export type Source = StateOf<(typeof SOURCE)[number], typeof source.fields>;
export type SourceFact = FactOf<(typeof SOURCE)[number], typeof source.fields>;
export type Completeness = StateOf<'complete' | 'incomplete', typeof completeness.fields>;
