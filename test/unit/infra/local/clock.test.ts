import { afterEach, describe, expect, it } from 'vitest';
import { createManualClock, createRealClock, type HostClock } from '../../../../infra/local/clock.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));
let clock: HostClock;
afterEach(() => clock.stop());

describe('the manual clock', () => {
  it('stands still until it is moved, then runs what is due, earliest first', async () => {
    clock = createManualClock(1_000);
    const ran: string[] = [];
    clock.at(3_000, () => ran.push('late'));
    clock.at(2_000, () => ran.push('early'));
    clock.at(9_000, () => ran.push('never'));
    const cancel = clock.at(2_500, () => ran.push('cancelled'));
    cancel();
    await turn();
    expect([clock.now(), ran]).toEqual([1_000, []]);
    clock.moveTo(5_000);
    expect([clock.now(), ran]).toEqual([5_000, ['early', 'late']]);
    expect(clock.due()).toBe(0);
  });

  it('runs what is due already after its caller, as a timer does', async () => {
    clock = createManualClock(1_000);
    let ran = 0;
    clock.at(500, () => {
      ran += 1;
      if (ran < 3) clock.at(500, () => (ran += 1));
    });
    expect([ran, clock.due()]).toEqual([0, 1]);
    await turn();
    await turn();
    expect([ran, clock.due()]).toEqual([2, 0]);
  });

  it('shares its time and never runs backwards', () => {
    clock = createManualClock(1_000);
    clock.moveTo(7_777);
    expect(new BigInt64Array(clock.shared as SharedArrayBuffer)[0]).toBe(7_777n);
    expect(() => clock.moveTo(7_776)).toThrow('backwards');
  });
});

describe('the real clock', () => {
  it('runs a task once, when it is due and not cancelled', async () => {
    clock = createRealClock();
    const ran: string[] = [];
    clock.at(Date.now() + 60_000 * 60 * 24 * 60, () => ran.push('in two months'));
    clock.at(Date.now() + 5, () => ran.push('cancelled'))();
    await new Promise<void>((resolve) => {
      clock.at(Date.now() + 10, () => {
        ran.push('now');
        resolve();
      });
    });
    expect(ran).toEqual(['now']);
    expect(() => clock.moveTo(Date.now() + 1)).toThrow('QMOI_LOCAL_CLOCK=manual');
  });
});
