import { describe, expect, it } from 'vitest';
import { noteFlips, noteFlipsAcrossRuns, settleFlake } from '../../../../shared/flakiness/index.ts';
import { suspectedCauseOf } from '../../../../shared/flakiness/suspect.ts';
import type { Failure, Flake } from '../../../../shared/model/index.ts';
import type { TestReport } from '../../../../shared/platforms/port.ts';
import { filtersOf, listEntities, readListQuery, type Store } from '../../../../shared/store/index.ts';
import { failedRun, nextAttempt } from '../../../support/failed-run.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();
const DAY = 86_400_000;

async function all(store: Store): Promise<Flake[]> {
  return (await listEntities(store, 'flake', readListQuery([], filtersOf('flake')))).items;
}

/** A run whose only job failed, and whose next attempt ended as told. */
async function story(
  store: Store,
  externalId: string,
  more: Partial<Failure> = {},
  end: 'succeeded' | 'failed' = 'succeeded',
  report?: Partial<Record<keyof TestReport, readonly string[]>>,
) {
  const { jobIds } = await failedRun(store, { externalId });
  await store.change(
    'failure',
    jobIds[0] ?? '',
    (state) => state && { ...state, category: 'automation', commit: 'c0ffee', ...more },
  );
  await nextAttempt(store, { externalId, jobs: { test: end } });
  return told(store, externalId, report);
}

/** That the second attempt of a run's job has passed; how often its report was asked for. */
async function told(
  store: Store,
  externalId: string,
  report?: Partial<Record<keyof TestReport, readonly string[]>>,
): Promise<number> {
  let asked = 0;
  await noteFlips(store, `fake:${externalId}:job:${externalId}20`, async () => {
    asked++;
    const { failed, passed, skipped, retried } = report ?? {};
    if (report === undefined) return undefined;
    return { failed: new Set(failed), passed: new Set(passed), skipped: new Set(skipped), retried: new Set(retried) };
  });
  return asked;
}

describe('flips', () => {
  it('make a job suspected, then flaky, with counts, a rate and how sure that is', async () => {
    const { store, time } = await engine.fresh();
    await story(store, '1');
    expect(await all(store)).toMatchObject([{ kind: 'job', name: 'test', status: 'suspected', confidence: 0.5 }]);
    time.now += DAY;
    await story(store, '2');
    expect(await all(store)).toMatchObject([
      {
        ...{ status: 'flaky', confidence: 0.75, sample: { runs: 4, failures: 2 }, lastSeenAt: store.now() },
        flipRate: expect.closeTo(1, 2),
      },
    ]);
  });

  it('are none when the next attempt failed as well, or was of another commit', async () => {
    const { store } = await engine.fresh();
    await story(store, '1', {}, 'failed');
    const { jobIds } = await failedRun(store, { externalId: '2' });
    await store.change('failure', jobIds[0] ?? '', (state) => state && { ...state, commit: 'a' });
    await nextAttempt(store, { externalId: '2', jobs: { test: 'succeeded' } });
    await store.change('job', 'fake:2:job:220', (state) => state && { ...state, commit: 'b' });
    await told(store, '2');
    expect(await all(store)).toEqual([]);
  });

  it('name the tests that failed and then passed, unless the machine was to blame', async () => {
    const { store } = await engine.fresh();
    await story(store, '1', { tests: ['cart adds an item', 'cart empties'], excerpt: 'Timed out after 5 s' });
    await story(store, '2', { tests: ['price rounds'], category: 'network' });
    const tests = (await all(store)).filter(({ kind }) => kind === 'test');
    expect(tests.map(({ name }) => name).sort()).toEqual(['cart adds an item', 'cart empties']);
    expect(tests[0]).toMatchObject({ jobName: 'test', suspectedCause: 'time-out', repository: 'acme/shop' });
  });

  it('are of the tests that the report of the attempt that passed says have passed', async () => {
    const { store } = await engine.fresh();
    const names = async () => (await all(store)).filter(({ kind }) => kind === 'test').map(({ name }) => name);
    const tests = ['Cart.adds', 'Cart.empties', 'Cart.pays', 'Cart.ships'];
    const report = { passed: ['Cart.adds', 'Cart.is new'], failed: ['Cart.empties'], skipped: ['Cart.pays'] };
    expect(await story(store, '1', { tests }, 'succeeded', report)).toBe(1);
    expect(await names()).toEqual(['Cart.adds']);
    // Those that passed only when they were run again have flipped as well.
    const again = {
      passed: ['Cart.adds', 'Cart.waits', 'Cart.sorts'],
      retried: ['Cart.waits'],
      failed: ['Cart.sorts'],
    };
    await story(store, '2', { tests: ['Cart.adds'] }, 'succeeded', again);
    expect((await names()).sort()).toEqual(['Cart.adds', 'Cart.sorts', 'Cart.waits']);
  });

  it('are of the tests that the log names where the report calls them otherwise, or is not to be had', async () => {
    const { store } = await engine.fresh();
    await story(store, '1', { tests: ['adds'] }, 'succeeded', { passed: ['Cart.adds'] });
    await story(store, '2', { tests: ['empties'] });
    const tests = (await all(store)).filter(({ kind }) => kind === 'test');
    expect(tests.map(({ name }) => name).sort()).toEqual(['adds', 'empties']);
  });

  it('need no report where no test had failed', async () => {
    const { store } = await engine.fresh();
    expect(await story(store, '1')).toBe(0);
    expect(await story(store, '2', { tests: ['price rounds'], category: 'network' })).toBe(0);
  });

  it('are counted once, however often they are told', async () => {
    const { store } = await engine.fresh();
    await story(store, '1');
    const before = await all(store);
    await told(store, '1');
    expect(await all(store)).toEqual(before);
  });

  it('say less where the cause is one that no rerun mends', async () => {
    const { store } = await engine.fresh();
    await story(store, '1', { transient: false });
    expect(await all(store)).toMatchObject([{ confidence: 0.25 }]);
  });
});

describe('flips across runs', () => {
  /** A job of its own run, ended as told at a commit. */
  async function ended(
    store: Store,
    externalId: string,
    status: 'failed' | 'succeeded',
    commit: string,
    automationId = 'fake:ci',
  ) {
    const { runId, jobIds } = await failedRun(store, { externalId });
    await store.change('run', runId, (state) => state && { ...state, automationId });
    await store.change('job', jobIds[0] ?? '', (state) => state && { ...state, status, commit });
    const change = (state?: Failure) =>
      state && { ...state, category: 'automation' as const, commit, tests: ['cart empties'] };
    const { after } = await store.change('failure', jobIds[0] ?? '', change);
    if (after === undefined) throw new Error('no failure was made');
    return after;
  }

  it('are seen when a job fails that has passed at the same commit', async () => {
    const { store } = await engine.fresh();
    await ended(store, '1', 'succeeded', 'c0ffee');
    await noteFlipsAcrossRuns(store, await ended(store, '2', 'failed', 'c0ffee'));
    expect((await all(store)).map(({ kind, name }) => [kind, name]).sort()).toEqual([
      ['job', 'test'],
      ['test', 'cart empties'],
    ]);
  });

  it('are found at earlier commits too, once the job fails again', async () => {
    const { store } = await engine.fresh();
    await ended(store, '1', 'failed', 'a');
    await ended(store, '2', 'succeeded', 'a');
    await noteFlipsAcrossRuns(store, await ended(store, '3', 'failed', 'b'));
    expect(await all(store)).toMatchObject([{ kind: 'job', flips: [{ failureId: 'fake:1:job:11', commit: 'a' }] }]);
  });

  it('are none between two commits, nor between two automations', async () => {
    const { store } = await engine.fresh();
    await ended(store, '1', 'succeeded', 'a');
    await ended(store, '2', 'succeeded', 'b', 'fake:nightly');
    await noteFlipsAcrossRuns(store, await ended(store, '3', 'failed', 'b'));
    expect(await all(store)).toEqual([]);
  });
});

it('is stable again after a month without a flip, not before', async () => {
  const { store, time } = await engine.fresh();
  for (const id of ['1', '2']) await story(store, id);
  const [flake] = await all(store);
  time.now += 29 * DAY;
  await settleFlake(store, flake?.id ?? '');
  expect((await store.get('flake', flake?.id ?? ''))?.status).toBe('flaky');
  time.now += 2 * DAY;
  await settleFlake(store, flake?.id ?? '');
  const after = await store.get('flake', flake?.id ?? '');
  expect(after).toMatchObject({ status: 'stable', confidence: 0 });
  expect(after?.wakeAt).toBeUndefined();
});

it.each([
  ['network', { category: 'network', excerpt: 'timed out' }, 'network'],
  ['runner', { category: 'runner' }, 'runner'],
  ['words', { category: 'automation', excerpt: 'Error: listen EADDRINUSE: address already in use' }, 'resources'],
  ['nothing', { category: 'automation', excerpt: 'expected 1 to be 2' }, 'unknown'],
] as const)('suspects by %s', (_, failure, cause) => {
  expect(suspectedCauseOf(failure)).toBe(cause);
});
