import { describe, expect, it } from 'vitest';
import { judge, nextLook, type Progress, quantile } from '../../../../shared/reconciliation/stuck.ts';

const START = Date.parse('2026-03-04T05:00:00.000Z');
const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];
const at = (ms: number): string => new Date(START + ms).toISOString();
const LIMITS = { queuedMs: DAY, hostedMs: 6 * HOUR, selfHostedMs: 5 * DAY };
const job = (ms: number, changes: Partial<Progress['jobs'][number]> = {}): Progress['jobs'][number] => ({
  status: 'running',
  statusAt: at(ms),
  steps: [],
  ...changes,
});
const running = (changes: Partial<Progress> = {}): Progress => ({
  run: { status: 'running', statusAt: at(0) },
  jobs: [],
  history: [],
  ...changes,
});

describe('a quantile', () => {
  it('needs ten values to be one', () => {
    expect(
      quantile(
        Array.from({ length: 9 }, () => 1),
        0.99,
      ),
    ).toBeUndefined();
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([quantile(hundred, 0.5), quantile(hundred, 0.99), quantile(hundred, 1)]).toEqual([50, 99, 100]);
  });
});

describe('a run is stuck', () => {
  it('once nothing has moved for as long as its platform lets a job run', () => {
    expect(judge(running(), LIMITS)).toMatchObject({
      stuckAt: START + 6 * HOUR,
      reason: expect.stringContaining('6 hours'),
    });
    const own = running({ jobs: [job(0, { labels: ['self-hosted', 'linux'] })] });
    expect(judge(own, LIMITS)).toMatchObject({ stuckAt: START + 5 * DAY, reason: expect.stringContaining('5 days') });
  });

  it('counted from the last job or step that began or ended', () => {
    const steps = [
      { number: 1, name: 'a', status: 'succeeded' as const, startedAt: at(HOUR), endedAt: at(2 * HOUR) },
      { number: 2, name: 'b', status: 'running' as const, startedAt: at(3 * HOUR) },
    ];
    expect(judge(running({ jobs: [job(HOUR), job(HOUR, { steps })] }), LIMITS).since).toBe(START + 3 * HOUR);
  });

  it('well beyond the p99 of its history, where that is sooner', () => {
    const quick = Array.from({ length: 20 }, () => 2 * MINUTE);
    expect(judge(running({ history: quick }), LIMITS)).toMatchObject({
      stuckAt: START + HOUR + 2 * MINUTE,
      reason: expect.stringContaining('2 minutes at most'),
    });
    const slow = Array.from({ length: 20 }, () => 1.5 * HOUR);
    expect(judge(running({ history: slow }), LIMITS).stuckAt).toBe(START + 4.5 * HOUR);
    const slower = Array.from({ length: 20 }, () => 5 * HOUR);
    expect(judge(running({ history: slower }), LIMITS).stuckAt).toBe(START + 6 * HOUR);
    expect(judge(running({ history: quick.slice(0, 9) }), LIMITS).stuckAt).toBe(START + 6 * HOUR);
  });

  it('in the queue after a day, however quick its runs are', () => {
    const queued = running({
      run: { status: 'queued', statusAt: at(0) },
      history: Array.from({ length: 20 }, () => 1),
    });
    expect(judge(queued, LIMITS)).toMatchObject({ stuckAt: START + DAY, reason: expect.stringContaining('runner') });
  });
});

describe('the next look', () => {
  const verdict = { since: START, stuckAt: START + 6 * HOUR, reason: '' };
  it('is as much later as the run has gone on for, and no later than it would be stuck', () => {
    expect(nextLook(verdict, START + HOUR)).toBe(at(2 * HOUR));
    expect(nextLook(verdict, START + 2 * HOUR)).toBe(at(4 * HOUR));
    expect(nextLook(verdict, START + 4 * HOUR)).toBe(at(6 * HOUR));
  });
  it('is never sooner than in half an hour', () => {
    expect(nextLook(verdict, START + MINUTE)).toBe(at(31 * MINUTE));
    expect(nextLook(verdict, START + 6 * HOUR - MINUTE)).toBe(at(6 * HOUR + 29 * MINUTE));
  });
});
