import fc from 'fast-check';
import { expect, it } from 'vitest';
import { covers, keepWindows, openWindows } from '../../../../shared/maintenance/index.ts';
import type { WindowFact } from '../../../../shared/platforms/port.ts';
import { Store } from '../../../../shared/store/index.ts';
import { MemoryTable } from '../../../support/memory-table.ts';

const START = Date.parse('2026-03-04T05:06:07.000Z');
const at = (minutes: number) => new Date(START + minutes * 60_000).toISOString();

function world() {
  const time = { now: START };
  const table = new MemoryTable();
  return { time, store: new Store({ client: table.client, tableName: 'table', now: () => time.now }) };
}
const word = (minutes: number, of: Partial<WindowFact> = {}): WindowFact => ({
  ...{ key: 'k', at: at(minutes), covers: { environment: 'production' } },
  open: { until: at(minutes + 60), reason: `since ${minutes}` },
  ...of,
});
const end = (minutes: number): WindowFact => {
  const { open: _, ...rest } = word(minutes);
  return rest;
};

it('the latest beginning and the latest end count, in whatever order and however often they are heard of', async () => {
  const open = { until: at(80), reason: 'before the other, by its letters' };
  const told = [word(0), end(10), word(20), word(20, { open }), end(15)];
  const ended = [...told, end(30)];
  const anyOrder = fc.oneof(
    ...[told, ended].map((list) => fc.shuffledSubarray([...list, ...list], { minLength: list.length * 2 })),
  );
  await fc.assert(
    fc.asyncProperty(anyOrder, async (facts) => {
      const { store, time } = world();
      await keepWindows(store, facts);
      time.now = START + 40 * 60_000;
      const open = facts.some((fact) => fact.at === at(30))
        ? []
        : [{ openedAt: at(20), until: at(80), reason: 'since 20' }];
      expect(await openWindows(store)).toMatchObject(open);
      expect(await openWindows(store)).toHaveLength(open.length);
    }),
    { numRuns: 60 },
  );
});

it('is over at its time, though nobody says so', async () => {
  const { store, time } = world();
  await keepWindows(store, [word(0)]);
  time.now = START + 59 * 60_000;
  expect(await openWindows(store)).toHaveLength(1);
  time.now = START + 60 * 60_000;
  expect(await openWindows(store)).toEqual([]);
});

const place = {
  platform: 'github',
  repository: 'acme/Shop',
  environment: 'Production',
  runId: 'github:5:1',
  runners: [],
};
it.each<[string, WindowFact['covers'], boolean]>([
  ['everything', {}, true],
  ['its platform', { platform: 'github' }, true],
  ['another platform', { platform: 'gitlab' }, false],
  ['its repository, in any case', { repository: 'ACME/shop' }, true],
  ['its environment', { environment: 'production' }, true],
  ['another environment', { environment: 'staging' }, false],
  ['its repository elsewhere', { repository: 'acme/shop', platform: 'gitlab' }, false],
  ['a machine that it has nothing to do with', { runner: 'web-1' }, false],
])('a window of %s', (_, wanted, expected) => {
  expect(covers({ covers: wanted }, place)).toBe(expected);
});

it.each([
  ['web-1', true],
  ['custom:machines:web-1', true],
  ['web-10', false],
  ['machines', false],
])('a machine is known by its name or its id: %s', (runner, expected) => {
  expect(covers({ covers: { runner } }, { ...place, runners: ['custom:machines:web-1'] })).toBe(expected);
});

it('a deployment ends it by its own end, and is not held up by itself or for the run that deploys', async () => {
  const { store } = world();
  const runId = 'github:deployment-9:1';
  const common = { platform: 'github', repository: 'acme/shop', origin: 'live', attempt: 1 } as const;
  const run = { ...common, id: runId, externalId: 'deployment-9', parentRunId: 'github:5:1' };
  await store.merge('run', { ...run, status: 'running', statusAt: at(0) });
  await keepWindows(store, [word(0, { runId })]);
  expect(await openWindows(store, { ...place, runId: 'github:6:1' })).toMatchObject([{ runId }]);
  expect(await openWindows(store, { ...place, runId: 'github:5:2' })).toEqual([]);
  expect(await openWindows(store, { ...place, runId })).toEqual([]);
  await store.merge('run', { ...run, status: 'failed', statusAt: at(1) });
  expect(await openWindows(store)).toEqual([]);
});
