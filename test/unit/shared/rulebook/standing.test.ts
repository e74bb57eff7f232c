import { expect, it } from 'vitest';
import { diagnose, readSuccess } from '../../../../shared/diagnosis/index.ts';
import { noteGreen, noteHit, readBook, standings } from '../../../../shared/rulebook/index.ts';
import { Store } from '../../../../shared/store/index.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();
const RULE = 'missing-module';
const at = '2026-03-04T05:00:00.000Z';

it('counts each failure once, whoever writes at the same time', async () => {
  const { store, client, tableName, time } = await engine.fresh();
  const other = new Store({ client, tableName, now: () => time.now });
  const ids = ['a', 'b', 'c', 'd', 'a', 'b'];
  await Promise.all(ids.map((id, n) => noteHit(n % 2 === 0 ? store : other, RULE, { id, failedAt: at })));
  await noteHit(other, RULE, { id: 'c', failedAt: at });
  expect((await standings(store)).get(RULE)).toMatchObject({ hits: 4, lastHitAt: at, demotedAt: undefined });
});

it('demotes a rule that matches where three automations succeed, and not for less than two of them restores it', async () => {
  const { store, time } = await engine.fresh();
  const green = (n: number, matched: readonly string[] = [RULE]) =>
    noteGreen(store, { automation: `github:${n}`, job: `job of ${n}` }, matched);
  const demoted = async () => (await readBook(store, {})).demoted.has(RULE);
  await green(1);
  // Another job of the same automation is no other automation.
  await noteGreen(store, { automation: 'github:1', job: 'another' }, [RULE]);
  await green(2);
  expect(await demoted()).toBe(false);
  await green(3);
  expect(await demoted()).toBe(true);
  expect((await standings(store)).get(RULE)).toMatchObject({
    demotedAt: store.now(),
    automations: ['github:1', 'github:2', 'github:3'],
  });
  // One that prints it no more is not enough; what nobody has seen for a month does not count.
  await green(3, []);
  expect(await demoted()).toBe(true);
  await green(2, []);
  expect(await demoted()).toBe(false);
  await green(2);
  expect(await demoted()).toBe(false);
  await green(3);
  expect(await demoted()).toBe(true);
  time.now += 31 * 86_400_000;
  expect(await demoted()).toBe(false);
});

it('lets a demoted rule yield to others, and takes it for an explanation only of what the green log lacks', async () => {
  const context = { platform: 'github', jobName: 'build' };
  const log = "make\nError: Cannot find module 'left-pad'\n";
  const demoted = new Set([RULE]);
  const before = await diagnose(log, context);
  expect(before.cause).toBe(RULE);
  const alone = await diagnose(log, context, { demoted });
  expect(alone).toMatchObject({ cause: 'unknown', category: 'unknown', transient: null });
  expect(alone.lines[0]?.text).toBe("Error: Cannot find module 'left-pad'");
  const success = await readSuccess("make\nError: Cannot find module 'right-pad'\n");
  const lacking = await diagnose(log, context, { demoted, success });
  expect(lacking.cause).toBe(RULE);
  expect(lacking.confidence).toBeLessThan(before.confidence);
  const both = `${log}npm error code ENOTFOUND\ncurl: (6) Could not resolve host: example.com\n${'x\n'.repeat(3)}${log}`;
  expect((await diagnose(both, context)).cause).toBe(RULE);
  expect((await diagnose(both, context, { demoted })).cause).toBe('dns-resolution-failed');
});
