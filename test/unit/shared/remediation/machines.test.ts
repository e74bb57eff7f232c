import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentController } from '../../../../shared/platforms/controllers/agent.ts';
import { withControllers } from '../../../../shared/platforms/controllers/index.ts';
import { platforms } from '../../../../shared/platforms/index.ts';
import { readGuards, remediateMachine, remediateRun, verifyRun } from '../../../../shared/remediation/index.ts';
import { tallyOf, WAIT } from '../../../../shared/remediation/learning/index.ts';
import { settleCommand, settleRunner, takeCommands } from '../../../../shared/runners/index.ts';
import { remediationSettings } from '../../../../shared/runtime/remediation-settings.ts';
import { Store } from '../../../../shared/store/index.ts';
import { track } from '../../../../shared/tracking/index.ts';
import { usedUpAt } from '../../../../shared/tracking/strain.ts';
import { MemoryTable } from '../../../support/memory-table.ts';

const START = Date.parse('2026-03-04T05:00:00.000Z');
const RUNNER = 'local:machines:web-1';
const CAUSE = 'memory-used-up';
const MINUTE = 60_000;

/** A machine that tells each ten minutes how full its memory is, and an agent that does what it is told, or not. */
async function world(policy: object = { playbooks: { 'restart-runner': 'act' } }) {
  const time = { now: START };
  const clock = { now: () => time.now };
  const store = new Store({ client: new MemoryTable().client, tableName: 'table', ...clock });
  const local = platforms.local;
  if (local === undefined) throw new Error('there is no local platform');
  const deps = {
    ...{ store, platforms: withControllers({ local }, [agentController(store)]), read: async () => ({}) },
    ...{ owner: 'worker', settings: remediationSettings.parse(policy), ...clock },
  };
  const hear = async () => {
    await remediateMachine(RUNNER, deps);
    const fixes = await fixesOf();
    for (const fix of fixes) {
      await remediateRun(String(fix.id), deps);
      await verifyRun(String(fix.id), deps);
    }
  };
  let isHeard = true;
  const beat = async (memory: number, host: object = {}) => {
    const body = Buffer.from(
      JSON.stringify({ source: 'web-1', platform: 'local', interval: 600, host: { memory, ...host } }),
    );
    const delivered = { event: 'heartbeat', body, contentType: 'application/json', receivedAt: store.now() };
    await track(store, local, local.normalise({ ...delivered, origin: 'live' }));
    if (isHeard) await hear();
  };
  const fixesOf = () => store.partition('run#local:~web-1', 'remediation#');
  /** What its agent is told to do; it says what came of it. */
  const agent = async (outcome: 'done' | 'failed') => {
    const told = await takeCommands(store, RUNNER, 'token');
    for (const { id } of told) await settleCommand(store, RUNNER, { id, outcome });
    return told.map(({ command }) => command);
  };
  const grows = async (host: object = {}) => {
    for (const memory of [0.6, 0.7, 0.8, 0.9]) {
      await beat(memory, host);
      time.now += 10 * MINUTE;
    }
  };
  const pass = async (minutes: number) => {
    for (const end = time.now + minutes * MINUTE; time.now < end; time.now += MINUTE) await hear();
  };
  const tally = (playbook: string) => tallyOf(store, { cause: CAUSE, playbook });
  const deaf = (is: boolean) => {
    isHeard = !is;
  };
  return { deaf, store, time, beat, grows, agent, hear, pass, fixesOf, tally };
}

describe('a machine whose memory will be used up', () => {
  it('has its service restarted once, which has helped when memory is free again', async () => {
    const { store, beat, grows, agent, pass, fixesOf, tally } = await world();
    await grows();
    expect(await agent('done')).toEqual(['restart-runner-service']);
    await pass(2);
    expect(await fixesOf()).toMatchObject([
      { status: 'verifying', playbook: 'restart-runner', strategy: 'preventive' },
    ]);
    await beat(0.3);
    await pass(2);
    expect(await fixesOf()).toMatchObject([{ status: 'succeeded', result: expect.any(String), causes: [CAUSE] }]);
    expect(await agent('done')).toEqual([]);
    expect([await tally('restart-runner'), await tally(WAIT)]).toEqual([
      { successes: 1, failures: 0 },
      { successes: 0, failures: 0 },
    ]);
    expect(await readGuards(store)).toMatchObject([
      { kind: 'restart-runner', status: 'in-force', subject: RUNNER, hits: 1, chance: 0, repository: 'web-1' },
    ]);
    // The next time is another one.
    await grows();
    expect(await agent('done')).toEqual(['restart-runner-service']);
    expect(await readGuards(store)).toMatchObject([{ hits: 2 }]);
  });

  it('is not helped by an agent that fails, nor by one whose restart frees nothing', async () => {
    for (const outcome of ['done', 'failed'] as const) {
      const { grows, agent, pass, fixesOf, tally } = await world();
      await grows();
      await agent(outcome);
      await pass(35);
      expect(await fixesOf(), outcome).toMatchObject([{ status: 'failed' }]);
      expect(await tally('restart-runner')).toEqual({ successes: 0, failures: 1 });
    }
  });

  it('is waited for while it is at work, and left alone when it has come right meanwhile', async () => {
    const { beat, grows, agent, pass, fixesOf } = await world();
    await grows({ busy: true });
    expect([await agent('done'), await fixesOf()]).toMatchObject([[], [{ status: 'proposed' }]]);
    await beat(0.4);
    await pass(3);
    expect([await agent('done'), await fixesOf()]).toMatchObject([
      [],
      [{ status: 'expired', decision: { rule: 'ended' } }],
    ]);
  });

  it('is not asked about any more once the occasion is over, but about the next one', async () => {
    const policy = { playbooks: { 'restart-runner': 'act' }, tiers: { askFrom: 1 }, approvalWithinMinutes: 600 };
    const { deaf, beat, grows, agent, pass, fixesOf } = await world(policy);
    await grows();
    const [asked] = await fixesOf();
    expect(asked).toMatchObject({ status: 'awaiting-approval', reason: expect.stringContaining('% of its memory') });
    deaf(true);
    await beat(0.3);
    await grows();
    await pass(2);
    expect(await fixesOf()).toMatchObject([
      { id: asked?.id, status: 'expired', decision: { rule: 'ended' } },
      { status: 'awaiting-approval' },
    ]);
    expect(await agent('done')).toEqual([]);
  });

  it.each([
    ['unless the settings want it', {}],
    ['where QMOI only watches', { mode: 'observe', playbooks: { 'restart-runner': 'act' } }],
  ])('is left alone %s; what becomes of it is learnt', async (_, policy) => {
    const { beat, grows, agent, tally } = await world(policy);
    await grows();
    expect(await agent('done')).toEqual([]);
    await beat(0.3);
    await grows();
    // The service has died of it.
    await beat(0.99, { service: { name: 'runner', state: 'failed' } });
    await beat(0.2);
    expect(await tally(WAIT)).toEqual({ successes: 1, failures: 1 });
  });

  it('is lost when it is not heard of any more; what restarts spare is told by that', async () => {
    const first = await world();
    for (let n = 0; n < 4; n++) {
      await first.grows({ busy: true });
      first.time.now += 60 * MINUTE;
      const runner = await first.store.get('runner', RUNNER);
      if (runner !== undefined) await settleRunner(first.store, runner);
      await first.hear();
      await first.beat(0.2);
    }
    expect(await first.tally(WAIT)).toEqual({ successes: 0, failures: 4 });
    await first.grows();
    await first.agent('done');
    const [guard] = await readGuards(first.store);
    expect(guard).toMatchObject({
      evidence: { before: { failed: 4, of: 4 }, otherwise: { failed: 0, of: 0 } },
      hits: 1,
    });
    expect(guard?.chance).toBeCloseTo(5 / 6 - 1 / 2);
  });

  it('is told by a trend, and neither by a peak nor by what is full and stays so', async () => {
    for (const memories of [
      [0.5, 0.5, 0.5, 0.95],
      [0.9, 0.9, 0.9, 0.9, 0.9],
      [0.5, 0.6, 0.7, 0.8],
      [0.8, 0.9],
      [0.95, 0.93, 0.9, 0.88],
    ]) {
      const { beat, time, fixesOf } = await world();
      for (const memory of memories) {
        await beat(memory);
        time.now += 10 * MINUTE;
      }
      expect(await fixesOf(), memories.join()).toEqual([]);
    }
  });
});

it('a line is found again, wherever it is looked at', () => {
  const lines = fc.record({
    slope: fc.double({ min: 0.001, max: 0.02, noNaN: true }),
    from: fc.double({ min: 0.1, max: 0.4, noNaN: true }),
    count: fc.integer({ min: 4, max: 7 }),
  });
  fc.assert(
    fc.property(lines, ({ slope, from, count }) => {
      const trend = Array.from({ length: count }, (_, n) => ({
        at: new Date(START + n * 10 * MINUTE).toISOString(),
        memory: from + slope * 10 * n,
      }));
      expect(Math.abs((usedUpAt(trend) ?? 0) - (START + ((1 - from) / slope) * MINUTE))).toBeLessThan(1000);
    }),
    { numRuns: 50 },
  );
});
