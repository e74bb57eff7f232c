import { parseCron } from './cron.ts';
import { type Zone, zoneOf } from './zone.ts';

export interface Timetable {
  /** The first due time after `after`; null when there is none. */
  next(after: number): number | null;
}

/** `since` is when the schedule was created: nothing is due before it, and a rate counts from it. */
export type Expression = (since: number) => Timetable;

export interface ExpressionOptions {
  readonly timezone?: string;
  readonly startDate?: string;
  readonly endDate?: string;
  /** A schedule of EventBridge Scheduler fires at its creation, a rule of EventBridge one period later; only the former has at(). */
  readonly service: 'scheduler' | 'events';
}

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
/** AWS's own limit; keeps a pattern's list of parts small. */
const MAX_LENGTH = 256;

/** Throws one sentence where AWS would refuse the expression. */
export function parseExpression(text: string, options: ExpressionOptions): Expression {
  const matched = text.length <= MAX_LENGTH ? /^(rate|cron|at)\((.+)\)$/.exec(text) : null;
  const [, kind, inner = ''] = matched ?? [];
  if (kind === 'rate') return windowed(rate(inner, options), options);
  if (kind === 'cron') return windowed(cron(inner, zoneOf(options.timezone ?? 'UTC')), options);
  // One-time schedules know no start and end.
  if (kind === 'at' && options.service === 'scheduler') return at(inner, zoneOf(options.timezone ?? 'UTC'));
  throw new Error(
    options.service === 'scheduler' ? 'it is none of rate(…), cron(…) and at(…)' : 'it is neither rate(…) nor cron(…)',
  );
}

function rate(text: string, { service, startDate }: ExpressionOptions): Expression {
  const [, count, unit = '', plural] = /^(\d{1,9}) (minute|hour|day)(s?)$/.exec(text) ?? [];
  const value = Number(count);
  if (!(value > 0) || (value === 1) === (plural === 's')) {
    throw new Error('rate() takes a positive number and minutes, hours or days, in the singular for 1');
  }
  const period = value * (UNIT_MS[unit] ?? 0);
  return (since) => {
    const first = instantOf(startDate) ?? (service === 'scheduler' ? since : since + period);
    return {
      next: (after) => (after < first ? first : first + (Math.floor((after - first) / period) + 1) * period),
    };
  };
}

/**
 * As EventBridge Scheduler treats shifts of the clocks: what falls on a time that is jumped over is skipped, what falls on a time
 * that occurs twice is due the first time only.
 */
function cron(text: string, zone: Zone): Expression {
  const pattern = parseCron(text);
  return () => ({
    next(after) {
      let wall: number | null = zone.wallOf(after);
      for (;;) {
        wall = pattern.next(wall);
        if (wall === null) return null;
        const instant = zone.instantOf(wall);
        if (instant !== null && instant > after) return instant;
      }
    },
  });
}

function at(text: string, zone: Zone): Expression {
  const wall = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/.test(text) ? Date.parse(`${text}Z`) : Number.NaN;
  // A day that its month does not have is taken by Date.parse for one of the next month.
  if (Number.isNaN(wall) || !new Date(wall).toISOString().startsWith(text)) {
    throw new Error('at() takes a date and time: yyyy-mm-ddThh:mm:ss');
  }
  const due = zone.instantOf(wall);
  return () => ({ next: (after) => (due !== null && due > after ? due : null) });
}

function windowed(expression: Expression, { startDate, endDate }: ExpressionOptions): Expression {
  const start = instantOf(startDate) ?? Number.NEGATIVE_INFINITY;
  const end = instantOf(endDate) ?? Number.POSITIVE_INFINITY;
  if (end <= start) throw new Error('its end is not after its start');
  return (since) => {
    const table = expression(since);
    return {
      next(after) {
        const due = table.next(Math.max(after, start - 1));
        return due !== null && due <= end ? due : null;
      },
    };
  };
}

function instantOf(date: string | undefined): number | undefined {
  if (date === undefined) return undefined;
  const instant = Date.parse(date);
  if (Number.isNaN(instant)) throw new Error(`"${date}" is no date`);
  return instant;
}

/** The last due time after `after` and not after `until`: of a day's worth of missed minutes only one is asked for. */
export function latestDue(table: Timetable, after: number, until: number): number | null {
  let due = table.next(after);
  if (due === null || due > until) return null;
  for (let window = 60_000; until - window > after; window *= 2) {
    const near = table.next(until - window);
    if (near === null || near > until) continue;
    due = near;
    break;
  }
  for (;;) {
    const later = table.next(due);
    if (later === null || later > until) return due;
    due = later;
  }
}
