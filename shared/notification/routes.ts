import type { Envelope } from '../events/index.ts';
import type { Incident } from '../model/index.ts';
import type { Topic } from '../runtime/settings.ts';

/** Who hears what: ordered data; every route whose event and conditions fit gets one message. */
export interface Route {
  readonly name: string;
  readonly event: string;
  readonly topic: Topic;
  /** Only what comes from one of these statuses. */
  readonly from?: readonly string[];
  /** How long ago it may have happened; half an hour, unless it says otherwise: anything older is history. */
  readonly withinMs?: number;
  readonly when?: (incident: Incident) => boolean;
}

export const FRESH_MS = 30 * 60_000;
/** What stands still goes on doing so, and is as true a day later. */
const STANDING_MS = 24 * 60 * 60_000;

/** An automation that does not run any more. That its runs fail is told with the incidents of these. */
const [RUNNING, STOPPED] = [
  ['healthy', 'degraded', 'failing'],
  ['silent', 'disabled'],
] as const;
const DEAF = ['failing', 'unhooked', 'unreachable'] as const;

export const routes: readonly Route[] = [
  { name: 'error', event: 'incident.open', topic: 'error' },
  { name: 'status', event: 'incident.resolved', topic: 'status' },
  { name: 'error', event: 'incident.escalated', topic: 'error' },
  // A critical incident that QMOI cannot fix is the one thing worth waking somebody for.
  {
    name: 'emergency',
    event: 'incident.escalated',
    topic: 'emergency',
    when: ({ severity }) => severity === 'critical',
  },
  { name: 'emergency', event: 'control.stopped', topic: 'emergency' },
  { name: 'approval', event: 'remediation.awaiting-approval', topic: 'real-time' },
  // Its incident may be long over: this is all that the master hears of it.
  { name: 'error', event: 'remediation.rolling-back', topic: 'error' },
  // What QMOI changed and could not change back.
  { name: 'emergency', event: 'remediation.not-rolled-back', topic: 'emergency' },
  // What did not run says nothing itself.
  { name: 'error', event: 'automation.silent', topic: 'error', withinMs: STANDING_MS },
  // Whoever connects a repository is not told of all that was switched off there long ago.
  {
    name: 'status',
    event: 'automation.disabled',
    topic: 'status',
    from: [...RUNNING, 'silent'],
    withinMs: STANDING_MS,
  },
  ...RUNNING.map(
    (status) => ({ name: 'status', event: `automation.${status}`, topic: 'status', from: STOPPED }) as const,
  ),
  // Whoever is deaf is told nothing else. An hour that is not complete yet is no news: the next sweep completes it.
  ...DEAF.map((status) => ({ name: 'error', event: `source.${status}`, topic: 'error' }) as const),
  { name: 'status', event: 'source.active', topic: 'status' },
];

/** The routes that an event is fresh enough for, as far as it tells by itself. `now`: milliseconds since the epoch. */
export const routesFor = (event: string, { from, at }: Pick<Envelope, 'from' | 'at'>, now: number): Route[] =>
  routes.filter(
    (route) =>
      route.event === event &&
      (route.from === undefined || (from !== null && route.from.includes(from))) &&
      now - Date.parse(at) <= (route.withinMs ?? FRESH_MS),
  );
