import { describe, expect, it } from 'vitest';
import type { RecentRun } from '../../../../shared/model/index.ts';
import { habitOf, healthOf, standingOf } from '../../../../shared/tracking/standing.ts';

const START = Date.parse('2026-03-02T06:00:00.000Z');
const HOUR = 3_600;
const DAY = 24 * HOUR;
const at = (seconds: number) => new Date(START + seconds * 1000).toISOString();

/** `+` succeeded, `-` failed; a run an hour. */
const runs = (text: string): RecentRun[] =>
  [...text].map((sign, index) => ({ runId: `github:${index}:1`, endedAt: at(index * HOUR), succeeded: sign === '+' }));
const every = (gaps: readonly number[], scheduled = true): RecentRun[] => {
  let now = 0;
  return [0, ...gaps].map((gap, index) => {
    now += gap;
    return { runId: `github:${index}:1`, endedAt: at(now), succeeded: true, ...(scheduled && { scheduled }) };
  });
};
const standing = (automation: Partial<Parameters<typeof standingOf>[0]>, now: number) =>
  standingOf({ platform: 'github', recent: [], ...automation }, at(now));

describe('health', () => {
  it.each([
    ['', 'healthy'],
    ['+', 'healthy'],
    ['-', 'degraded'],
    ['--', 'degraded'],
    ['---', 'failing'],
    ['++---', 'failing'],
    // One failure is forgiven by the next success, several are not.
    ['++-+', 'healthy'],
    ['-+-+', 'degraded'],
    ['-+-++', 'healthy'],
    ['+--+', 'degraded'],
    ['+--++', 'healthy'],
    // Failing is left by two in a row only.
    ['---+', 'degraded'],
    ['---+-', 'degraded'],
    ['---++', 'healthy'],
    // What flaps stays degraded.
    ['+-+-+-+-+', 'degraded'],
    // What is long past is forgotten.
    ['-+++++-+', 'healthy'],
  ])('of %j is %s', (text, status) => {
    expect(healthOf(runs(text)).status).toBe(status);
    expect(healthOf(runs(text)).reason === undefined).toBe(status === 'healthy');
  });
});

describe('a habit', () => {
  it('is learned from enough gaps that are alike', () => {
    expect(habitOf(every([HOUR, HOUR, HOUR, HOUR], false))).toBeUndefined();
    expect(habitOf(every([HOUR, HOUR, HOUR + 60, HOUR, HOUR], false))).toMatchObject({ everySeconds: HOUR });
    expect(habitOf(every([60, DAY, 300, 2 * DAY, HOUR, 500, 9000], false))).toBeUndefined();
  });

  it('of a schedule may have its gaps: weekdays only', () => {
    const weekdays = habitOf(every([DAY, DAY, DAY, DAY, 3 * DAY, DAY, DAY]));
    expect(weekdays).toMatchObject({ everySeconds: DAY, scheduled: true, patienceSeconds: 4.5 * DAY });
  });

  it('of a schedule is not changed by what else makes it run, nor by a rerun', () => {
    const daily = every([DAY, DAY, DAY, DAY, DAY]);
    const byHand: RecentRun = { runId: 'github:90:1', endedAt: at(DAY + 60), succeeded: true };
    const rerun: RecentRun = { runId: 'github:3:2', endedAt: at(3 * DAY + 60), succeeded: true, scheduled: true };
    const recent = [...daily, byHand, rerun].sort((a, b) => (a.endedAt < b.endedAt ? -1 : 1));
    expect(habitOf(recent)).toEqual(habitOf(daily));
  });
});

describe('an automation', () => {
  const nightly = every([DAY, DAY, DAY, DAY, DAY]);

  it('is silent once its habit is overdue, with the reason, and says when that will be', () => {
    const patient = standing({ recent: nightly }, 6 * DAY);
    expect(patient).toMatchObject({ status: 'healthy', wakeAt: at(6.5 * DAY) });
    const silent = standing({ recent: nightly }, 6.5 * DAY);
    expect(silent).toMatchObject({ status: 'silent', statusAt: at(6.5 * DAY), wakeAt: undefined });
    expect(silent.reason).toMatch(/every 1 d, .*last heard of at 2026-03-07.*60 days/);
    // A run that has begun breaks the silence, however long it takes.
    expect(standing({ recent: nightly, lastRunAt: at(6.4 * DAY) }, 7 * DAY).status).toBe('healthy');
  });

  it('is silent by a schedule that never started', () => {
    const schedule = {
      at: at(0),
      by: 'settings',
      cron: '0 5 * * *',
      zone: 'Europe/Berlin',
      graceSeconds: HOUR,
    } as const;
    // 05:00 in Berlin, in winter, is 04:00: the first one is due the next morning.
    expect(standing({ schedule }, 22 * HOUR)).toMatchObject({ status: 'healthy', wakeAt: at(23 * HOUR) });
    expect(standing({ schedule }, 23 * HOUR)).toMatchObject({
      status: 'silent',
      reason: expect.stringContaining('never heard of'),
    });
    expect(standing({ schedule: { at: at(0), by: 'settings', graceSeconds: 0 } }, 900 * DAY).status).toBe('healthy');
  });

  it('is disabled until it runs or is switched on again', () => {
    const off = { recent: runs('-'), disabledAt: at(HOUR) };
    expect(standing(off, 2 * HOUR)).toMatchObject({ status: 'disabled', statusAt: at(HOUR) });
    expect(standing({ ...off, enabledAt: at(2 * HOUR) }, 3 * HOUR).status).toBe('degraded');
    expect(standing({ ...off, lastRunAt: at(2 * HOUR) }, 3 * HOUR).status).toBe('degraded');
    // What is off is not expected to run.
    expect(standing({ recent: nightly, disabledAt: at(6 * DAY) }, 60 * DAY).status).toBe('disabled');
  });
});
