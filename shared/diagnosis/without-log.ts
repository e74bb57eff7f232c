import { fingerprintFor } from './diagnose.ts';
import type { Diagnosis, LogContext, Outcome } from './types.ts';

type Known = Pick<Diagnosis, 'cause' | 'category' | 'transient' | 'severity' | 'remedy' | 'confidence'>;

const OUTCOMES: Readonly<Record<Outcome, Known>> = {
  'timed-out': {
    cause: 'job-timeout',
    category: 'performance',
    transient: null,
    severity: 'high',
    remedy:
      'Find the step that hung or grew, make it faster or split the job; raise the limit only if the time is needed.',
    confidence: 0.9,
  },
  'runner-lost': {
    cause: 'runner-lost-communication',
    category: 'runner',
    transient: true,
    severity: 'high',
    remedy: 'Rerun the job; if it recurs on one runner, look at its memory, disk, network and host.',
    confidence: 0.9,
  },
  canceled: {
    cause: 'job-canceled',
    category: 'automation',
    transient: null,
    severity: 'low',
    remedy: 'Somebody, or a newer run of the same group, canceled the job. Start it again if it is still wanted.',
    confidence: 0.7,
  },
  failed: {
    cause: 'log-unavailable',
    category: 'unknown',
    transient: null,
    severity: 'medium',
    remedy: 'The log never became available. Open the job on the platform; check that the token may read logs.',
    confidence: 0,
  },
};

/** What the platform's status alone tells, when there is no log or it never became available. */
export function diagnoseWithoutLog(outcome: Outcome, context: LogContext): Diagnosis {
  const known = OUTCOMES[outcome];
  return {
    ...known,
    lines: [],
    excerpt: '',
    ranges: [],
    tests: [],
    template: '',
    fingerprint: fingerprintFor(known.cause, '', context),
    bytes: 0,
    truncated: false,
  };
}
