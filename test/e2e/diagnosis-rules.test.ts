import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { main } from '../../cli/main.ts';
import type { Item } from '../support/client.ts';
import type { Forge } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import { ioOf } from '../unit/cli/io.ts';
import { openForge, storyOf } from './support/scenario.ts';

/** What diagnosis learns: from green logs, from the master, and from what it could not explain. */

const NOISE = ['make test', "Error: Cannot find module 'left-pad'", 'fallback is used'];
const GREEN = [...NOISE, 'all 12 checks passed', ''].join('\n');
const RED = [...NOISE, 'ledger 7 does not balance', ''].join('\n');
const RULE = `category: automation
transient: false
remedy: Ask the accountants.
pattern: 'ledger \\d+ does not balance'
literals: [does not balance]
examples: [ledger 7 does not balance]
nearMisses: [ledger 7 balances]
`;

let forge: Forge;
let host: TestHost;
let folder: string;
beforeAll(async () => {
  forge = await openForge('github');
  host = await TestHost.boot({ forges: [forge], clock: 'manual' });
  folder = mkdtempSync(join(tmpdir(), 'qmoi-rules-'));
  writeFileSync(join(folder, 'rule.yaml'), RULE);
});
afterAll(async () => {
  await host?.end();
  await forge?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A run of one job, and what is said of its failure. */
async function run(outcome: 'success' | 'failure', workflow = 'books'): Promise<Item | undefined> {
  const log = outcome === 'success' ? GREEN : RED;
  const job = { name: 'reconcile', steps: ['Run reconcile'], outcome, log };
  const played = forge.repository('acme/books').run({ workflow, jobs: [job] });
  await played.play();
  await host.settled(forge);
  return (await storyOf(host, 'github', played.id)).failures[0];
}
const get = async (path: string) => (await host.request(path)).json as Record<string, unknown>;
/** The log calls of jobs whose logs were asked for. */
const logsAsked = (): number => forge.calls.filter(({ path }) => /\/jobs\/\d+\/logs$/.test(path)).length;

async function qmoi(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = ioOf({ cwd: folder, env: { QMOI_MASTER_TOKEN: host.token, QMOI_SERVER_URL: host.url } });
  const code = await main(args, io);
  return { code, ...io.texts() };
}

it('tells a failure by what the last green run does not print, and asks for that log once', async () => {
  // An error that every run prints is all there is to go by as long as no run was green.
  expect(await run('failure')).toMatchObject({ cause: 'missing-module' });
  await run('success');
  const before = logsAsked();
  const failures = [await run('failure'), await run('failure')];
  for (const failure of failures) {
    expect(failure).toMatchObject({ cause: 'unknown', excerpt: expect.stringContaining('ledger 7 does not balance') });
  }
  // Theirs, and that of the green run.
  expect(logsAsked() - before).toBe(3);
  expect(new Set(failures.map((failure) => failure?.incidentId)).size).toBe(1);
});

it('tells what it cannot explain', async () => {
  const { share, items } = (await get('/v1/unknowns')) as { share: object; items: object[] };
  expect(share).toMatchObject({ diagnosed: 3, unknown: 2 });
  expect(items).toMatchObject([{ count: 2, template: expect.stringMatching(/^ledger \S+ does not balance$/) }]);
  expect(await host.metric('Diagnoses', { cause: 'unknown' })).toBe(2);
  expect(await host.metric('Diagnoses', { cause: 'known' })).toBe(1);
});

it("diagnoses by the master's rule within a minute of its being saved", async () => {
  const tried = await qmoi('rules', 'try', 'ledger-unbalanced', 'rule.yaml');
  expect(tried).toMatchObject({ code: 0, out: expect.stringContaining('explains 2 of unknown cause') });
  expect((await host.request('/v1/rules/ledger-unbalanced')).status).toBe(404);
  const saved = await qmoi('rules', 'set', 'ledger-unbalanced', 'rule.yaml');
  expect(saved).toMatchObject({ code: 0, out: expect.stringContaining('saved') });
  const applied = await qmoi('rules', 'apply', 'ledger-unbalanced');
  expect(applied).toMatchObject({ code: 0, out: 'ledger-unbalanced: 2 failures diagnosed, 0 left\n' });
  expect(await get('/v1/unknowns')).toMatchObject({ share: { unknown: 0 }, items: [] });
  await host.pass(2, [forge]);
  const later = await run('failure');
  expect(later).toMatchObject({ cause: 'ledger-unbalanced', category: 'automation', transient: false });
  expect(await get('/v1/rules/ledger-unbalanced')).toMatchObject({ by: 'api', hits: 3, status: 'active' });
  // It is in the incident that the earlier ones were moved to.
  expect(await host.list('failures', { incidentId: String(later?.incidentId) })).toHaveLength(3);
  expect((await qmoi('rules')).out).toMatch(/^ledger-unbalanced +automation +cause +api +deterministic$/m);
});

it('refuses a rule for what jobs print that succeed, as it was seen', async () => {
  writeFileSync(
    join(folder, 'wide.yaml'),
    RULE.replace(/pattern: .*/, 'pattern: fallback is')
      .replace(/literals: .*/, 'literals: [fallback]')
      .replace(/examples: .*/, 'examples: [fallback is used]'),
  );
  const refused = await qmoi('rules', 'set', 'fallback-used', 'wide.yaml', '--force');
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('fallback is used') });
});

it('demotes a rule that matches where three automations succeed', async () => {
  for (const workflow of ['ledgers', 'journals']) {
    await run('success', workflow);
    await run('failure', workflow);
  }
  expect(await get('/v1/rules/missing-module')).toMatchObject({
    status: 'demoted',
    why: expect.stringContaining('3 automations'),
  });
});

it('goes on without a rule that was taken back', async () => {
  expect(await qmoi('rules', 'remove', 'ledger-unbalanced')).toMatchObject({ code: 0 });
  await host.pass(2, [forge]);
  expect(await run('failure')).toMatchObject({ cause: 'unknown' });
});
