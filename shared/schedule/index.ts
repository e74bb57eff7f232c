import { Cron } from 'croner';
import type { Schedule } from '../model/index.ts';

/** When an automation should be heard of again. What is declared comes from outside: it is read with limits, and refused in words. */

/** What can be declared of a schedule, in a heartbeat or in the settings. */
export interface DeclaredSchedule {
  /** Five fields. */
  readonly cron?: string | undefined;
  /** IANA's name of the time zone that `cron` is meant in; UTC when absent. */
  readonly zone?: string | undefined;
  /** Such as `15m`; instead of `cron`. */
  readonly every?: string | number | undefined;
  /** Such as `5m`. */
  readonly grace?: string | number | undefined;
}

/** A schedule that cannot be understood, in one sentence for whoever wrote it. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

const MAX_CRON = 100;
const MAX_ZONE = 64;
const DAY = 86_400;
const MAX_PERIOD_SECONDS = 366 * DAY;
const MAX_GRACE_SECONDS = 31 * DAY;
/** A minute does for what runs by the minute; a tenth of its period for what runs by the day; never more than an hour. */
const [LEAST_GRACE, MOST_GRACE] = [60, 3600];
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: DAY, w: 7 * DAY };

/** `90`, `90s`, `15m`, `1h30m`, `2d` in seconds. Throws a `ScheduleError`. */
export function secondsOf(text: string | number): number {
  const given = String(text).trim().toLowerCase();
  if (/^\d{1,9}$/.test(given)) return Number(given);
  if (!/^(?:\d{1,6}[smhdw]){1,5}$/.test(given)) {
    throw new ScheduleError(`"${given.slice(0, 32)}" is no duration; write 90s, 15m, 1h30m or 2d`);
  }
  return [...given.matchAll(/(\d+)([smhdw])/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? ''] ?? 0),
    0,
  );
}

/** Throws a `ScheduleError`. Undefined: nothing is declared. */
export function readSchedule(declared: DeclaredSchedule): Omit<Schedule, 'at' | 'by'> | undefined {
  const { cron, zone, every, grace } = declared;
  if (cron === undefined && every === undefined) return undefined;
  if (cron !== undefined && every !== undefined) throw new ScheduleError('a schedule has a cron or a period, not both');
  if (cron === undefined) {
    if (zone !== undefined) throw new ScheduleError('a period has no time zone');
    const periodSeconds = within(secondsOf(every ?? ''), 1, MAX_PERIOD_SECONDS, 'a period');
    return { periodSeconds, graceSeconds: graceOf(grace, periodSeconds) };
  }
  const pattern = patternOf(cron, zone);
  const first = pattern.nextRun(new Date(0));
  const second = first === null ? null : pattern.nextRun(first);
  if (first === null) throw new ScheduleError(`the cron "${cron}" never comes`);
  const spacing = second === null ? DAY : (second.getTime() - first.getTime()) / 1000;
  return { cron, ...(zone !== undefined && { zone }), graceSeconds: graceOf(grace, spacing) };
}

const graceOf = (grace: string | number | undefined, spacingSeconds: number): number =>
  grace === undefined
    ? Math.min(MOST_GRACE, Math.max(LEAST_GRACE, Math.round(spacingSeconds / 10)))
    : within(secondsOf(grace), 0, MAX_GRACE_SECONDS, 'a grace');

function within(seconds: number, least: number, most: number, what: string): number {
  if (seconds < least || seconds > most) throw new ScheduleError(`${what} lasts from ${least} to ${most} seconds`);
  return seconds;
}

function patternOf(cron: string, zone: string | undefined): Cron {
  if (cron.length > MAX_CRON) throw new ScheduleError('the cron is too long');
  if (zone !== undefined && !isZone(zone)) throw new ScheduleError(`"${zone.slice(0, MAX_ZONE)}" is no time zone`);
  try {
    return new Cron(cron, { timezone: zone ?? 'UTC', mode: '5-part', paused: true });
  } catch (error) {
    throw new ScheduleError(`"${cron}" is no cron of five fields: ${(error as Error).message.slice(0, 120)}`);
  }
}

function isZone(zone: string): boolean {
  if (zone.length > MAX_ZONE) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) !== undefined;
  } catch {
    return false;
  }
}

/** Clocks differ: what comes this much before its time is on time, and not the last one's belated echo. */
const EARLY_MS = 5_000;

/** When the beat after the one at `lastBeatAt` is expected (RFC 3339); undefined when it is on no schedule. */
export function expectedAt(schedule: Schedule, lastBeatAt: string): string | undefined {
  const last = Date.parse(lastBeatAt);
  if (schedule.periodSeconds !== undefined) return new Date(last + schedule.periodSeconds * 1000).toISOString();
  if (schedule.cron === undefined) return undefined;
  return patternOf(schedule.cron, schedule.zone)
    .nextRun(new Date(last + EARLY_MS))
    ?.toISOString();
}

/** From when on an automation that was last heard of at `lastBeatAt` is overdue. */
export function overdueAt(schedule: Schedule, lastBeatAt: string): string | undefined {
  const expected = expectedAt(schedule, lastBeatAt);
  return expected && new Date(Date.parse(expected) + schedule.graceSeconds * 1000).toISOString();
}
