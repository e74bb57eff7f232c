import { afterAll, beforeAll, expect, it } from 'vitest';
import { replay } from '../../cli/commands/replay.ts';
import { main } from '../../cli/main.ts';
import type { Client, Item } from '../support/client.ts';
import type { Forge } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import { ioOf } from '../unit/cli/io.ts';
import { expectFixed, LOGS, openForge, pipeline, withoutArrivals, writesOf } from './support/scenario.ts';

const TRACKED = ['runs', 'jobs', 'runners', 'automations'] as const;
const TOLD = ['failures', 'incidents', 'remediations', 'notifications'] as const;

let forges: Forge[];
let first: TestHost;
let empty: TestHost;

beforeAll(async () => {
  forges = [await openForge('github'), await openForge('gitlab')];
  first = await TestHost.boot({ forges });
  for (const forge of forges) {
    const shop = forge.repository('acme/shop');
    const fixed = shop.run(pipeline('test'));
    await fixed.play();
    await first.settled(...forges);
    await expectFixed(first, forge, fixed, 'test');
    // One takes the fixed one's place, one stays broken.
    await shop.run(pipeline('build', { outcome: 'success' })).play();
    await forge
      .repository('acme/types')
      .run(pipeline('types', { log: LOGS.deterministic }))
      .play();
    await first.settled(...forges);
  }
  empty = await TestHost.boot({ settings: Object.assign({}, ...forges.map((forge) => forge.settings)) });
});
afterAll(async () => {
  await first?.end();
  await empty?.end();
  for (const forge of forges ?? []) await forge.close();
});

/** What QMOI knows of the platforms, without when it came to know it, how, and in how many steps. */
async function tracked(host: Client): Promise<Record<string, Item[]>> {
  const lists = TRACKED.map(async (name) => {
    const items = (await host.list(name)).map(({ version: _, createdAt, updatedAt, origin, ...item }) => item as Item);
    return [name, items.sort((a, b) => (a.id < b.id ? -1 : 1))] as const;
  });
  return Object.fromEntries(await Promise.all(lists));
}

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = ioOf();
  return { code: await main(['replay', ...args], io, { replay: async () => replay }), ...io.texts() };
}

const today = new Date(Date.now() - 86_400_000).toISOString();
const tomorrow = new Date(Date.now() + 86_400_000).toISOString();

it('makes an empty table what the first one is, without a call and without a word', async () => {
  const calls = forges.map(({ calls }) => calls.length);
  const deliveries = await first.list('deliveries');
  expect(deliveries.length).toBeGreaterThan(40);
  const into = ['--from', today, '--url', first.url, '--token', first.token, '--into', empty.url];

  expect(await run(...into)).toMatchObject({
    code: 0,
    out: expect.stringContaining(`${deliveries.length} deliveries`),
  });
  await empty.settled(...forges);

  const copy = await tracked(empty);
  expect(copy).toEqual(await tracked(first));
  for (const name of TRACKED) expect(copy[name]?.length, name).toBeGreaterThan(1);
  expect((await empty.list('deliveries')).map(({ status, origin }) => [status, origin])).toEqual(
    deliveries.map(() => ['recorded', 'replayed']),
  );
  expect((await empty.list('runs')).map(({ origin }) => origin)).not.toContain('live');
  for (const name of TOLD) expect(await empty.list(name), name).toEqual([]);
  expect(await empty.list('outbox')).toEqual([]);
  expect(forges.map(({ calls }) => calls.length)).toEqual(calls);

  // Once more: nothing there is new.
  const world = await empty.world();
  expect(await run(...into)).toMatchObject({ code: 0, out: expect.stringContaining('0 deliveries') });
  await empty.settled(...forges);
  expect(await empty.world()).toEqual(world);
});

it('records again where they are what has settled, and changes nothing by it', async () => {
  const again = () => run('--from', today, '--to', tomorrow, '--url', first.url, '--token', first.token);
  const fresh = await again();
  expect(fresh.out).toMatch(/^0 deliveries .*left out, as they came in the last 30 minutes/);

  first = await first.restart({ clock: 'manual' });
  await first.pass(45, forges, 15);
  const [before, outbox] = [withoutArrivals(await first.world()), await first.list('outbox')];
  const writes = forges.flatMap(({ calls }) => writesOf(calls));
  const count = (await first.list('deliveries')).length;
  expect(await again()).toMatchObject({ code: 0, out: expect.stringContaining(`${count} deliveries`) });
  await first.settled(...forges);

  expect(withoutArrivals(await first.world())).toEqual(before);
  expect(await first.list('outbox')).toEqual(outbox);
  expect(forges.flatMap(({ calls }) => writesOf(calls))).toEqual(writes);
  expect((await first.list('deliveries')).map(({ status, origin }) => [status, origin])).toEqual(
    Array.from({ length: count }, () => ['recorded', 'replayed']),
  );
});

it('says what is wrong with how it is called', async () => {
  expect(await run()).toMatchObject({ code: 2, err: expect.stringContaining('--from') });
  expect(await run('--from', 'yesterday')).toMatchObject({ code: 2, err: expect.stringContaining('2026-01-31') });
  const nobody = ['--from', today, '--url', first.url, '--token', 'wrong'];
  expect(await run(...nobody)).toMatchObject({ code: 1, err: expect.stringContaining('401') });
});
