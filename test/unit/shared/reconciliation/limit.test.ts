import { describe, expect, it } from 'vitest';
import { PlatformUnavailable } from '../../../../shared/platforms/index.ts';
import { OverBudget } from '../../../../shared/platforms/sweeper.ts';
import { capacityOf, forbiddenUntil, openMeter, pauseMs, refilled } from '../../../../shared/reconciliation/limit.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();
const NOW = Date.parse('2026-03-04T05:06:07.000Z');
const headers = (values: Record<string, string | number>) =>
  new Headers(Object.entries(values).map(([name, value]): [string, string] => [name, String(value)]));

describe('a bucket', () => {
  it('begins full, and refills with time up to half of what an hour brings', () => {
    expect(refilled(undefined, NOW, 1000)).toMatchObject({ tokens: 500 });
    const empty = { tokens: 0, at: new Date(NOW).toISOString(), failures: 0, version: 3 };
    expect(refilled(empty, NOW + 6 * 60_000, 1000).tokens).toBe(100);
    expect(refilled(empty, NOW + 3_600_000, 1000).tokens).toBe(500);
    // A clock that went back takes nothing away.
    expect(refilled({ ...empty, tokens: 7 }, NOW - 60_000, 1000).tokens).toBe(7);
  });

  it('holds at least one call, however small the rate', () => {
    expect(capacityOf(1)).toBe(1);
  });
});

describe('what an answer forbids', () => {
  it('is what Retry-After says, of a 429 and of a 403 alike', () => {
    expect(forbiddenUntil(429, headers({ 'retry-after': 30 }), NOW)).toBe(NOW + 30_000);
    expect(forbiddenUntil(403, headers({ 'retry-after': 30 }), NOW)).toBe(NOW + 30_000);
    expect(forbiddenUntil(429, headers({}), NOW)).toBe(NOW + 60_000);
    expect(forbiddenUntil(403, headers({}), NOW)).toBeUndefined();
  });

  it.each(['x-ratelimit', 'ratelimit'])('is the last fifth of the limit, by %s', (prefix) => {
    const reset = NOW / 1000 + 600;
    const left = (remaining: number) =>
      headers({ [`${prefix}-limit`]: 5000, [`${prefix}-remaining`]: remaining, [`${prefix}-reset`]: reset });
    expect(forbiddenUntil(200, left(1000), NOW)).toBeUndefined();
    expect(forbiddenUntil(200, left(999), NOW)).toBe(reset * 1000);
    expect(forbiddenUntil(200, headers({ 'x-ratelimit-remaining': 'many' }), NOW)).toBeUndefined();
  });

  it('is never more than an hour', () => {
    const far = headers({ 'x-ratelimit-limit': 10, 'x-ratelimit-remaining': 0, 'x-ratelimit-reset': NOW });
    expect(forbiddenUntil(200, far, NOW)).toBe(NOW + 3_600_000);
  });
});

describe('a meter', () => {
  const rate = (callsPerHour: number, time: { now: number }) => ({ callsPerHour, now: () => time.now });

  it('lets as many calls through as the bucket holds, whoever makes them', async () => {
    const { store, time } = await engine.fresh();
    const [a, b] = [await openMeter(store, 'github', rate(60, time)), await openMeter(store, 'github', rate(60, time))];
    let made = 0;
    const spend = async (meter: typeof a) => {
      for (;;) {
        await meter.admit();
        made++;
      }
    };
    for (const meter of [a, b]) await expect(spend(meter)).rejects.toThrow(OverBudget);
    await expect(openMeter(store, 'github', rate(60, time))).rejects.toThrow(OverBudget);
    expect(made).toBe(30);
    // Another platform has a bucket of its own.
    await (await openMeter(store, 'gitlab', rate(60, time))).admit();
  });

  it('gives back what it has not spent', async () => {
    const { store, time } = await engine.fresh();
    const meter = await openMeter(store, 'github', rate(2, time));
    await meter.settle();
    const again = await openMeter(store, 'github', rate(2, time));
    await again.admit();
    await again.settle();
    await expect(openMeter(store, 'github', rate(2, time))).rejects.toThrow(OverBudget);
  });

  it('does not count what GitHub does not count', async () => {
    const { store, time } = await engine.fresh();
    const meter = await openMeter(store, 'github', rate(2, time));
    for (let call = 0; call < 5; call++) {
      await meter.admit();
      meter.told(304, headers({ 'x-ratelimit-remaining': 4000, 'x-ratelimit-limit': 5000, 'x-ratelimit-reset': 1 }));
    }
    expect(meter.calls).toBe(5);
  });

  it('keeps what the platform forbids, for others too', async () => {
    const { store, time } = await engine.fresh();
    const meter = await openMeter(store, 'github', rate(1000, time));
    await meter.admit();
    meter.told(429, headers({ 'retry-after': 120 }));
    await expect(meter.admit()).rejects.toThrow(OverBudget);
    await meter.settle();
    await expect(openMeter(store, 'github', rate(1000, time))).rejects.toThrow(OverBudget);
    time.now += 121_000;
    await (await openMeter(store, 'github', rate(1000, time))).admit();
  });

  it('leaves a platform that cannot answer alone, for longer each time', async () => {
    const { store, time } = await engine.fresh();
    for (const pause of [60_000, 120_000, 240_000]) {
      const meter = await openMeter(store, 'github', rate(1000, time));
      meter.failed(new PlatformUnavailable('502'));
      await meter.settle();
      time.now += pause - 1_000;
      await expect(openMeter(store, 'github', rate(1000, time))).rejects.toThrow(OverBudget);
      time.now += 2_000;
    }
    const meter = await openMeter(store, 'github', rate(1000, time));
    await meter.admit();
    meter.told(200, headers({}));
    meter.failed(new PlatformUnavailable('502'));
    await meter.settle();
    time.now += 61_000;
    await openMeter(store, 'github', rate(1000, time));
    expect(pauseMs(50)).toBe(30 * 60_000);
  });
});
