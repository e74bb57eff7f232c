import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Schedule } from '../../../../shared/model/index.ts';
import { expectedAt, overdueAt, readSchedule, ScheduleError, secondsOf } from '../../../../shared/schedule/index.ts';

const schedule = (declared: Parameters<typeof readSchedule>[0]): Schedule => {
  const read = readSchedule(declared);
  if (read === undefined) throw new Error('no schedule');
  return { at: '2026-01-01T00:00:00.000Z', by: 'beat', ...read };
};

describe('a schedule', () => {
  it.each([
    ['90', 90],
    ['90s', 90],
    ['15m', 900],
    ['1h30m', 5400],
    ['2D', 172_800],
  ])('counts %s in seconds', (text, seconds) => expect(secondsOf(text)).toBe(seconds));

  it.each([
    { every: 'soon' },
    { every: '0' },
    { every: '9999999w' },
    { every: '1h', grace: '99w' },
    { every: '1h', cron: '* * * * *' },
    { every: '1h', zone: 'Europe/Berlin' },
    { cron: '* * * *' },
    { cron: '61 * * * *' },
    { cron: '0 0 30 2 *' },
    { cron: '* * * * * *' },
    { cron: '0 3 * * *', zone: 'Middle/Earth' },
    { cron: '*'.repeat(500) },
  ])('is refused in a sentence: %j', (declared) => expect(() => readSchedule(declared)).toThrow(ScheduleError));

  it('is none when nothing is declared', () => expect(readSchedule({ grace: '5m' })).toBeUndefined());

  it('has a grace by its rhythm, unless it is told', () => {
    expect(schedule({ every: '1m' }).graceSeconds).toBe(60);
    expect(schedule({ every: '1h' }).graceSeconds).toBe(360);
    expect(schedule({ cron: '0 3 * * *' }).graceSeconds).toBe(3600);
    expect(schedule({ cron: '0 3 * * *', grace: '10m' }).graceSeconds).toBe(600);
  });

  it('expects the next beat a period after the last', () => {
    const hourly = schedule({ every: '1h', grace: '5m' });
    expect(expectedAt(hourly, '2026-01-01T10:20:30.000Z')).toBe('2026-01-01T11:20:30.000Z');
    expect(overdueAt(hourly, '2026-01-01T10:20:30.000Z')).toBe('2026-01-01T11:25:30.000Z');
  });

  it('expects it by the clock of its time zone, over a change of the clocks', () => {
    const nightly = schedule({ cron: '0 3 * * *', zone: 'Europe/Berlin' });
    expect(expectedAt(nightly, '2026-03-27T02:00:10.000Z')).toBe('2026-03-28T02:00:00.000Z');
    expect(expectedAt(nightly, '2026-03-28T02:00:10.000Z')).toBe('2026-03-29T01:00:00.000Z');
  });

  it('takes a beat just before its time for that time', () => {
    const nightly = schedule({ cron: '0 3 * * *' });
    expect(expectedAt(nightly, '2026-01-01T02:59:57.000Z')).toBe('2026-01-02T03:00:00.000Z');
    expect(expectedAt(nightly, '2026-01-01T02:40:00.000Z')).toBe('2026-01-01T03:00:00.000Z');
  });

  it('is over when it says so', () => {
    const none: Schedule = { at: '2026-01-01T00:00:00.000Z', by: 'settings', graceSeconds: 0 };
    expect(overdueAt(none, '2026-01-01T00:00:00.000Z')).toBeUndefined();
  });

  it('is read or refused, whatever is declared', () => {
    const text = fc.option(fc.oneof(fc.string(), fc.constantFrom('*/5 * * * *', '1h', 'UTC')), { nil: undefined });
    fc.assert(
      fc.property(fc.record({ cron: text, zone: text, every: text, grace: text }), (declared) => {
        try {
          readSchedule(declared);
        } catch (error) {
          expect(error).toBeInstanceOf(ScheduleError);
        }
      }),
    );
  });
});
