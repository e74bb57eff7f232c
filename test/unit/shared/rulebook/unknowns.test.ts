import { expect, it } from 'vitest';
import { noteUnknown, unknownClusters } from '../../../../shared/rulebook/index.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();
const failedAt = '2026-03-04T05:00:00.000Z';

it('counts what looks alike together, whoever writes at the same time, and each failure once', async () => {
  const { store } = await engine.fresh();
  const at = (n: number) => `2026-03-04T05:00:${String(n).padStart(2, '0')}.000Z`;
  const failure = (n: number) => ({
    id: `github:${n}:job:1`,
    template: `ledger of shop${n} does not balance`,
    repository: `github/acme/${n}`,
    failedAt: at(n),
  });
  const all = Array.from({ length: 12 }, (_, n) => failure(n));
  await Promise.all(all.map((one) => noteUnknown(store, one)));
  await Promise.all(all.slice(-4).map((one) => noteUnknown(store, one)));
  await noteUnknown(store, { ...failure(0), id: 'other', template: 'the gate is closed' });
  const clusters = await unknownClusters(store);
  expect(clusters).toHaveLength(2);
  expect(clusters[0]).toMatchObject({ count: 12, firstSeenAt: at(0), lastSeenAt: at(11) });
  expect(clusters[0]?.template).toMatch(/^ledger of \S+ does not balance$/);
  expect(clusters[0]?.repositories).toHaveLength(10);
  expect(clusters[1]).toMatchObject({ count: 1, template: 'the gate is closed', failures: ['other'] });
});

it('joins clusters that turn out to be one, and keeps their number', async () => {
  const { store } = await engine.fresh();
  const towns = [
    'berlin',
    'paris',
    'rome',
    'oslo',
    'madrid',
    'vienna',
    'athens',
    'lisbon',
    'dublin',
    'prague',
    'warsaw',
  ];
  const counts: number[] = [];
  for (const [n, town] of towns.entries()) {
    await noteUnknown(store, {
      id: String(n),
      template: `no train leaves from the station of ${town} today`,
      repository: 'github/acme/web',
      failedAt,
    });
    counts.push((await unknownClusters(store)).length);
  }
  expect(Math.max(...counts)).toBeGreaterThan(1);
  const clusters = await unknownClusters(store);
  expect(clusters).toMatchObject([{ count: towns.length }]);
});

it('forgets what was not seen for long, and holds an item to its bounds', async () => {
  const { store, time } = await engine.fresh();
  const note = (id: string, template: string, at: number) =>
    noteUnknown(store, { id, template, repository: 'github/acme/web', failedAt: new Date(at).toISOString() });
  await note('old', 'an old story nobody tells', time.now);
  time.now += 31 * 86_400_000;
  for (let n = 0; n < 65; n++) {
    const word = (m: number) => String.fromCharCode(97 + (m % 26), 97 + ((m * 7) % 26), 97 + (Math.floor(m / 26) % 26));
    await note(`new${n}`, `${word(n)} ${word(n + 3)} ${word(n * 5)} ${word(n + 11)} ${word(n * 3)}`, time.now);
  }
  const clusters = await unknownClusters(store);
  expect(clusters.length).toBeLessThanOrEqual(50);
  expect(clusters.some(({ failures }) => failures.includes('old'))).toBe(false);
  expect(clusters.some(({ failures }) => failures.includes('new64'))).toBe(true);
});
