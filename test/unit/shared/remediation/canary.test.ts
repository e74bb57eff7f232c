import { describe, expect, it } from 'vitest';
import { remediateRun, verifyRun } from '../../../../shared/remediation/index.ts';
import { tallyOf } from '../../../../shared/remediation/learning/index.ts';
import { playbook } from '../../../../shared/remediation/playbook.ts';
import { patientRetry } from '../../../../shared/remediation/playbooks/patient-retry.ts';
import { remediationSettings } from '../../../../shared/runtime/remediation-settings.ts';
import { Store } from '../../../../shared/store/index.ts';
import { failedRun, nextAttempt } from '../../../support/failed-run.ts';
import { FakePlatform } from '../../../support/fake-platform.ts';
import { MemoryTable } from '../../../support/memory-table.ts';

const START = Date.parse('2026-03-04T05:06:07.000Z');

function world(kind: 'run' | 'job' = 'run') {
  const time = { now: START };
  const clock = { now: () => time.now };
  const store = new Store({ client: new MemoryTable().client, tableName: 'table', ...clock });
  const fake = new FakePlatform(kind);
  const deps = {
    ...{ store, platforms: { fake: fake.platform }, read: async () => ({}), owner: 'worker', ...clock },
    settings: remediationSettings.parse({ playbooks: { 'retry-failed-jobs': 'off', 'patient-retry': 'act' } }),
  };
  const settle = async (minutes: number, runs: readonly string[] = ['1']) => {
    for (const until = time.now + minutes * 60_000; time.now < until; time.now += 15_000) {
      for (const run of runs) {
        await verifyRun(`fake:${run}:1`, { store, ...clock });
        await remediateRun(`fake:${run}:1`, deps);
      }
    }
  };
  const did = () => fake.effects.map(({ action, externalId, attempt }) => `${action} ${externalId} of ${attempt}`);
  return { store, time, fake, settle, did };
}

const jobs = ['lint', 'test', 'deploy'].map((name) => ({ name, transient: true }));
const incidentId = 'f10:1';

describe('of several jobs of a run', () => {
  it.each([true, false])(
    'each tried by itself, one is first, and the others follow once it helped: %s',
    async (helps) => {
      const { store, settle, did } = world('job');
      await failedRun(store, { jobs });
      await settle(3);
      expect(did()).toEqual(['rerun 11 of 1']);
      await nextAttempt(store, { jobs: { lint: helps ? 'succeeded' : 'failed' } });
      await settle(3);
      expect(did().slice(1).sort()).toEqual(helps ? ['rerun 12 of 1', 'rerun 13 of 1'] : []);
    },
  );

  it('one that is not to be tried again keeps nobody waiting, and the next is first', async () => {
    const { store, settle, did } = world('job');
    const [, ...others] = jobs;
    await failedRun(store, { jobs: [{ name: 'lint', transient: false }, ...others] });
    await settle(3);
    expect(did()).toEqual(['rerun 12 of 1']);
    await nextAttempt(store, { jobs: { test: 'succeeded' } });
    await settle(1);
    expect(did().slice(1)).toEqual(['rerun 13 of 1']);
  });

  it.each([
    ['tells of the others once more', true],
    ['does not tell of the others', false],
  ])(
    'tried again as a whole, one is first, and the rest is the next attempt, where the platform %s',
    async (_, copies) => {
      const { store, settle, did } = world();
      await failedRun(store, { jobs });
      await settle(3);
      expect(did()).toEqual(['rerun-one 11 of 1']);
      const others: Record<string, 'failed'> = copies ? { test: 'failed', deploy: 'failed' } : {};
      await nextAttempt(store, { jobs: { lint: 'succeeded', ...others }, status: 'failed', incidentId });
      await settle(3);
      expect(did().slice(1)).toEqual(['rerun 1 of 2']);
      expect(await tallyOf(store, { cause: 'dns-resolution-failed', playbook: 'patient-retry' })).toMatchObject({
        successes: 0,
      });
      await nextAttempt(store, { attempt: 3, jobs: { test: 'succeeded', deploy: 'succeeded' } });
      await settle(1);
      const fixes = (await store.partition('run#fake:1', 'remediation#')) as Record<string, unknown>[];
      expect(fixes.map(({ status, step, targets }) => ({ status, step, targets }))).toMatchObject([
        { status: 'succeeded', step: 0, targets: ['lint'] },
        { status: 'succeeded', step: 1, targets: ['test', 'deploy'] },
      ]);
      // One plan, one outcome.
      expect(await tallyOf(store, { cause: 'dns-resolution-failed', playbook: 'patient-retry' })).toEqual({
        successes: 1,
        failures: 0,
      });
    },
  );

  it('tried again as a whole, the rest is left alone while the first does not help', async () => {
    const { store, settle, did } = world();
    await failedRun(store, { jobs });
    await settle(1);
    await nextAttempt(store, { jobs: { lint: 'failed' }, incidentId });
    await settle(1);
    expect(did()).toEqual(['rerun-one 11 of 1']);
    await settle(4);
    expect(did().slice(1)).toEqual(['rerun-one 120 of 2']);
    await nextAttempt(store, { attempt: 3, jobs: { lint: 'succeeded' }, status: 'failed' });
    await settle(1);
    // What was not tried again counts no tries.
    expect(did().slice(2)).toEqual(['rerun 1 of 3']);
  });

  it('the bad end of a run tells nothing of the one job that was tried in it', async () => {
    const { store, settle, did } = world();
    await failedRun(store, { jobs });
    await settle(1);
    await nextAttempt(store, { jobs: {}, status: 'failed' });
    await settle(10);
    expect(did()).toHaveLength(1);
    await nextAttempt(store, { jobs: { lint: 'succeeded' }, status: 'failed' });
    await settle(1);
    expect(did().slice(1)).toEqual(['rerun 1 of 2']);
  });

  it('a single one is all there is', async () => {
    const { store, settle, did } = world();
    await failedRun(store);
    await settle(1);
    await nextAttempt(store, { jobs: { test: 'succeeded' } });
    await settle(1);
    expect(did()).toEqual(['rerun-one 11 of 1']);
  });
});

describe('of several runs of an incident', () => {
  const runs = ['1', '2', '3'];
  const three = async (it: ReturnType<typeof world>) => {
    await failedRun(it.store);
    for (const externalId of ['2', '3']) await failedRun(it.store, { externalId, incidentId });
    await it.settle(3, runs);
  };

  it('one is tried first, and the others once it has helped, however long that took', async () => {
    const it = world();
    await three(it);
    expect(it.did()).toEqual(['rerun-one 11 of 1']);
    it.time.now += 2 * 3_600_000;
    await it.settle(1, runs);
    await nextAttempt(it.store, { jobs: { test: 'succeeded' } });
    await it.settle(2, runs);
    expect(it.did().slice(1).sort()).toEqual(['rerun-one 21 of 1', 'rerun-one 31 of 1']);
  });

  it('they are left to the master once no try of the first has helped; what fails after that begins anew', async () => {
    const it = world();
    await three(it);
    for (const attempt of [2, 3, 4]) {
      await nextAttempt(it.store, { attempt, jobs: { test: 'failed' }, incidentId });
      await it.settle(20, runs);
    }
    expect(it.did()).toEqual(['rerun-one 11 of 1', 'rerun-one 120 of 2', 'rerun-one 130 of 3']);
    for (const run of ['2', '3']) {
      const [fix] = await it.store.partition(`run#fake:${run}`, 'remediation#');
      expect(fix).toMatchObject({ status: 'expired', decision: { rule: 'canary', verdict: 'refuse' } });
    }
    await failedRun(it.store, { externalId: '4', incidentId });
    await it.settle(1, ['4']);
    expect(it.did().at(-1)).toBe('rerun-one 41 of 1');
  });

  it('of one that was not tried nothing is learned, and another one is first', async () => {
    const it = world();
    it.fake.answers = ['refused'];
    await three(it);
    await it.settle(2, runs);
    expect(it.did()).toEqual(['rerun-one 21 of 1']);
  });
});

it.each([
  ['one without the rest', ['one']],
  ['the rest without one', ['all', 'rest']],
  ['one, and all', ['one', 'all']],
])('a playbook has not %s', (_, targets) => {
  const [step] = patientRetry.steps;
  const steps = targets.map((one) => ({ ...step, targets: one }));
  expect(playbook.safeParse({ ...patientRetry, steps }).success).toBe(false);
});
