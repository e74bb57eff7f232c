import type { EntityName } from '../model/index.ts';

/** Which events a function hears. The only wiring there is: the stack's rules and the rendered graph both come from it. */
export interface Subscription {
  readonly entity: EntityName;
  /** Statuses, or `due` and `updated`. Always named one by one. */
  readonly statuses: readonly string[];
  /** Only attempts above this one. */
  readonly attemptAbove?: number;
  /** Only of these. */
  readonly platforms?: readonly string[];
  /** Only what comes from one of these statuses. */
  readonly from?: readonly string[];
}

const ENDED = ['succeeded', 'failed', 'canceled', 'skipped', 'timed-out'] as const;

export const subscriptions = {
  record: [{ entity: 'delivery', statuses: ['received'] }],
  diagnose: [
    { entity: 'job', statuses: ['failed', 'timed-out'] },
    // What fails and then passes at one commit is flaky.
    { entity: 'job', statuses: ['succeeded'], attemptAbove: 1 },
    { entity: 'failure', statuses: ['due'] },
  ],
  remediate: [
    { entity: 'failure', statuses: ['diagnosed'] },
    { entity: 'run', statuses: ['failed', 'timed-out', 'updated'] },
    // Where runs have no attempts, another run, or the state of the first one, proves a fix.
    { entity: 'run', statuses: ['succeeded', 'canceled'], platforms: ['vercel', 'huggingface', 'braket'] },
    // A machine that is running out of memory, and what became of it.
    { entity: 'runner', statuses: ['updated', 'offline', 'stale'], platforms: ['custom', 'local', 'qcity'] },
    { entity: 'remediation', statuses: ['due', 'updated'] },
  ],
  verify: [
    // Only a later attempt can prove a fix.
    { entity: 'run', statuses: ENDED, attemptAbove: 1 },
    { entity: 'job', statuses: ENDED, attemptAbove: 1 },
    { entity: 'remediation', statuses: ['due'] },
    { entity: 'incident', statuses: ['due'] },
    { entity: 'flake', statuses: ['due'] },
  ],
  notify: [
    { entity: 'incident', statuses: ['open', 'resolved', 'escalated'] },
    { entity: 'control', statuses: ['stopped'] },
    { entity: 'remediation', statuses: ['awaiting-approval', 'rolling-back', 'not-rolled-back'] },
    { entity: 'automation', statuses: ['silent', 'disabled'] },
    { entity: 'automation', statuses: ['healthy', 'degraded', 'failing'], from: ['silent', 'disabled'] },
    { entity: 'source', statuses: ['failing', 'unhooked', 'unreachable', 'active'] },
    { entity: 'notification', statuses: ['due'] },
  ],
  wake: [{ entity: 'control', statuses: ['running'] }],
  reconcile: [{ entity: 'run', statuses: ['due'] }],
} as const satisfies Record<string, readonly Subscription[]>;

export type Subscriber = keyof typeof subscriptions;

/** The bus pattern of one subscription. */
export function patternOf(subscription: Subscription): { source: string[]; detailType: string[]; detail?: object } {
  const { entity, statuses, attemptAbove, platforms, from } = subscription;
  const detail = {
    ...(attemptAbove !== undefined && { attempt: [{ numeric: ['>', attemptAbove] }] }),
    ...(platforms !== undefined && { platform: platforms }),
    ...(from !== undefined && { from }),
  };
  return {
    source: ['qmoi'],
    detailType: statuses.map((status) => `${entity}.${status}`),
    ...(Object.keys(detail).length > 0 && { detail }),
  };
}

/** The entities whose changes the stream hands to `publish`. */
export const PUBLISHED: readonly EntityName[] = [
  'delivery',
  'run',
  'job',
  'runner',
  'automation',
  'failure',
  'incident',
  'remediation',
  'notification',
  'control',
  'flake',
  'source',
  'completeness',
];

/** What each function's writes may become on the bus. `due` is `wake`'s alone. Rendered and held free of loops. */
export const emissions: Readonly<Record<string, readonly Subscription[]>> = {
  'receive-webhook': [{ entity: 'delivery', statuses: ['received', 'quarantined'] }],
  'receive-event': [{ entity: 'delivery', statuses: ['received', 'quarantined'] }],
  'receive-heartbeat': [{ entity: 'delivery', statuses: ['received'] }],
  api: [
    { entity: 'delivery', statuses: ['received'] },
    { entity: 'control', statuses: ['running', 'paused', 'stopping', 'stopped'] },
    { entity: 'incident', statuses: ['open', 'resolved', 'updated'] },
    { entity: 'remediation', statuses: ['awaiting-approval', 'updated', 'refused'] },
  ],
  record: [
    { entity: 'delivery', statuses: ['quarantined'] },
    ...(['run', 'job'] as const).map((entity) => ({ entity, statuses: ['queued', 'waiting', 'running', ...ENDED] })),
    { entity: 'run', statuses: ['updated'] },
    { entity: 'runner', statuses: ['idle', 'busy', 'offline', 'paused', 'stale', 'removed', 'updated'] },
    { entity: 'automation', statuses: ['healthy', 'degraded', 'failing', 'silent', 'disabled'] },
  ],
  diagnose: [
    { entity: 'failure', statuses: ['detected', 'diagnosed'] },
    { entity: 'flake', statuses: ['suspected', 'flaky', 'updated'] },
    { entity: 'incident', statuses: ['open', 'resolved', 'updated'] },
  ],
  remediate: [
    {
      entity: 'remediation',
      statuses: [
        ...['proposed', 'awaiting-approval', 'claimed', 'executing', 'unknown', 'verifying', 'refused', 'expired'],
        ...['succeeded', 'failed', 'rolling-back', 'rolled-back', 'not-rolled-back'],
      ],
    },
    { entity: 'incident', statuses: ['fixing', 'escalated'] },
  ],
  verify: [
    { entity: 'remediation', statuses: ['succeeded', 'failed', 'rolling-back', 'rolled-back', 'not-rolled-back'] },
    { entity: 'failure', statuses: ['updated'] },
    { entity: 'incident', statuses: ['resolved', 'escalated'] },
    { entity: 'flake', statuses: ['stable'] },
  ],
  notify: [{ entity: 'notification', statuses: ['pending', 'sent', 'failed'] }],
  reconcile: [
    { entity: 'delivery', statuses: ['received'] },
    { entity: 'source', statuses: ['active', 'failing', 'unhooked', 'unreachable'] },
    { entity: 'completeness', statuses: ['incomplete'] },
    ...(['run', 'job'] as const).map((entity) => ({ entity, statuses: ['timed-out'] })),
  ],
  wake: [
    { entity: 'runner', statuses: ['stale'] },
    ...(['failure', 'remediation', 'notification', 'incident', 'flake', 'run'] as const).map((entity) => ({
      entity,
      statuses: ['due'],
    })),
    { entity: 'automation', statuses: ['healthy', 'degraded', 'failing', 'silent', 'disabled'] },
    { entity: 'control', statuses: ['stopped'] },
  ],
};
