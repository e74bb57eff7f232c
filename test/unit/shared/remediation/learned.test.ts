import { describe, expect, it } from 'vitest';
import { remediateRun, verifyRun } from '../../../../shared/remediation/index.ts';
import { recordOutcome, tallyOf, WAIT } from '../../../../shared/remediation/learning/index.ts';
import { remediationSettings } from '../../../../shared/runtime/remediation-settings.ts';
import { failedRun, nextAttempt } from '../../../support/failed-run.ts';
import { FakePlatform } from '../../../support/fake-platform.ts';
import { type TestTable, withTable } from '../../../support/table.ts';
import { askOf } from '../../functions/api/ask.ts';

const engine = withTable();
const CAUSE = 'dns-resolution-failed';
const RETRY = 'retry-failed-jobs';

async function world(policy: object = {}) {
  const table = await engine.fresh();
  const fake = new FakePlatform();
  const { store, time } = table;
  const deps = {
    ...{ store, platforms: { fake: fake.platform }, read: async () => ({}), owner: 'worker' },
    ...{ settings: remediationSettings.parse(policy), now: () => time.now },
  };
  const fail = async (externalId: string) => {
    const { runId } = await failedRun(store, { externalId });
    const judge = () => remediateRun(runId, deps);
    await judge();
    return { judge, runId, fix: () => store.get('remediation', `fake:${externalId}:rerun:1`) };
  };
  return { table, fake, fail };
}

/** Outcomes of fixes of another repository, unless told otherwise; the latest a minute ago. */
async function outcomes(
  { store, time }: TestTable,
  of: { playbook: string; helped: number; failed: number; repository?: string },
): Promise<void> {
  const { playbook, helped, failed, repository = 'acme/other' } = of;
  for (let index = 0; index < helped + failed; index++) {
    const at = new Date(time.now - (index + 1) * 60_000).toISOString();
    const fix = { id: `${playbook}-${index}`, causes: [CAUSE], playbook, platform: 'fake', repository, at };
    await recordOutcome(store, fix, index < helped);
  }
}

describe('what came of earlier fixes', () => {
  it('is noted once for each, however often it is verified, and shown', async () => {
    const { table, fail } = await world();
    const { store, time } = table;
    for (const [externalId, outcome] of [
      ['1', 'succeeded'],
      ['2', 'failed'],
      ['3', 'succeeded'],
    ] as const) {
      const { runId } = await fail(externalId);
      await nextAttempt(store, { externalId, jobs: { test: outcome } });
      for (let round = 0; round < 3; round++) await verifyRun(runId, { store, now: () => time.now });
    }
    expect(await tallyOf(store, { cause: CAUSE, playbook: RETRY })).toEqual({ successes: 2, failures: 1 });
    const answer = await askOf(store)('/v1/effectiveness');
    expect(answer.body.items).toEqual([
      expect.objectContaining({ cause: CAUSE, playbook: RETRY, tries: 3, successes: 2, mean: 0.6, demoted: false }),
    ]);
    const [item] = answer.body.items;
    expect(Number(item?.low)).toBeLessThan(0.6);
    expect(Number(item?.high)).toBeGreaterThan(0.6);
  });

  it('is told in minutes and money as well: those of the runners, and those of a person', async () => {
    const { table, fail } = await world();
    const { store, time } = table;
    const settings = remediationSettings.parse({
      prices: { perMinute: { 'fake/linux': 0.5, 'fake/gpu': 3 }, personMinutes: 12, personPerHour: 50 },
    });
    const ran = async (externalId: string, outcome: 'succeeded' | 'failed', labels: string[]) => {
      const { runId } = await fail(externalId);
      await nextAttempt(store, { externalId, jobs: { test: outcome } });
      const id = `fake:${externalId}:job:${externalId}20`;
      const startedAt = new Date(time.now - 90_000).toISOString();
      await store.merge('job', { id, origin: 'live', statusAt: store.now(), startedAt, labels });
      for (let round = 0; round < 2; round++) await verifyRun(runId, { store, now: () => time.now, settings });
    };
    await ran('1', 'succeeded', ['ubuntu-latest']);
    await ran('2', 'failed', ['gpu']);
    await ran('3', 'succeeded', ['self-hosted', 'linux-arm']);
    const { body } = await askOf(store)('/v1/effectiveness');
    expect(body.items).toMatchObject([
      // A minute and a half is billed as two; two of the three helped.
      { spentMinutes: 6, spentMoney: 2 * 0.5 + 2 * 3, savedMinutes: 24, savedMoney: 20 },
    ]);
    expect(body).toHaveProperty('prices', { asOf: expect.stringMatching(/^20\d\d-/), currency: 'USD' });
  });

  it('turns off what helps less than waiting, and keeps the numbers behind that', async () => {
    const { table, fake, fail } = await world();
    await outcomes(table, { playbook: RETRY, helped: 2, failed: 28 });
    await outcomes(table, { playbook: WAIT, helped: 8, failed: 2 });
    const { fix } = await fail('1');
    expect(fake.effects).toEqual([]);
    expect(await fix()).toMatchObject({
      status: 'refused',
      reason: expect.stringContaining('2 of 30, against 8 of 10'),
      decision: {
        rule: 'demoted',
        choice: { why: 'demoted', considered: [{ playbook: RETRY, successes: 2, failures: 28, demoted: true }, {}] },
      },
    });
  });

  it('only watches a share of what is known well, learns from it, and acts after that', async () => {
    const { table, fake, fail } = await world({ holdOut: 0.5, outage: { runs: 100 } });
    await outcomes(table, { playbook: RETRY, helped: 40, failed: 2 });
    const cases = [];
    for (let run = 1; run <= 20; run++) cases.push(await fail(String(run)));
    const watched = [];
    for (const one of cases) if ((await one.fix())?.heldOut) watched.push(one);
    expect(watched.length).toBeGreaterThan(3);
    expect(fake.effects).toHaveLength(20 - watched.length);
    table.time.now += 10 * 60_000;
    for (const { judge } of watched) await judge();
    expect(fake.effects).toHaveLength(20 - watched.length);
    table.time.now += 11 * 60_000;
    for (const { judge } of watched) await judge();
    expect(fake.effects).toHaveLength(20);
    expect(await tallyOf(table.store, { cause: CAUSE, playbook: WAIT })).toEqual({
      successes: 0,
      failures: watched.length,
    });
  });

  it('watches nothing before a cause is known well', async () => {
    const { table, fake, fail } = await world({ holdOut: 0.5 });
    await outcomes(table, { playbook: RETRY, helped: 19, failed: 0 });
    for (let run = 1; run <= 10; run++) await fail(String(run));
    expect(fake.effects).toHaveLength(10);
  });

  it('lets a playbook rest where it keeps failing, then lets one through', async () => {
    const { table, fake, fail } = await world();
    await outcomes(table, { playbook: RETRY, helped: 0, failed: 8, repository: 'acme/shop' });
    const cases = [await fail('1'), await fail('2'), await fail('3')];
    expect(fake.effects).toEqual([]);
    expect(await cases[0]?.fix()).toMatchObject({ status: 'proposed', reason: expect.stringContaining('it rests') });
    table.time.now += 16 * 60_000;
    for (let round = 0; round < 2; round++) for (const { judge } of cases) await judge();
    expect(fake.effects).toHaveLength(1);
  });
});
