import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../../cli/main.ts';
import { answerApproval, remediateRun, setControl, verifyRun } from '../../../shared/remediation/index.ts';
import { randomOf } from '../../../shared/remediation/learning/index.ts';
import { remediationSettings } from '../../../shared/runtime/remediation-settings.ts';
import { Store } from '../../../shared/store/index.ts';
import { failedRun, nextAttempt } from '../../support/failed-run.ts';
import { FakePlatform } from '../../support/fake-platform.ts';
import { withTable } from '../../support/table.ts';
import { askOf } from '../functions/api/ask.ts';
import { ioOf } from './io.ts';

const engine = withTable();
let folder: string;
const servers: Server[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qmoi-backtest-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

const POLICY = `remediation:
  scopes:
    repository:acme/asked: approve
    repository:acme/watched: observe
  budgets: { perRepositoryPerHour: 3, perHour: 6 }
  outage: { runs: 100 }
`;
const settings = remediationSettings.parse({
  scopes: { 'repository:acme/asked': 'approve', 'repository:acme/watched': 'observe' },
  budgets: { perRepositoryPerHour: 3, perHour: 6 },
  outage: { runs: 100 },
});

/** Some hours in which runs fail in all ways, people rerun, approve and stop; and its API. */
async function past() {
  const { store, time, client, tableName } = await engine.fresh();
  // From a full hour on, as budgets are by the hour.
  time.now = (Math.floor(Date.now() / 3_600_000) - 7) * 3_600_000;
  const fake = new FakePlatform();
  const random = randomOf('a stretch of time');
  const pick = <T>(...from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const deps = {
    ...{ store, platforms: { fake: fake.platform }, read: async () => ({}), settings, owner: 'worker' },
    now: () => time.now,
  };
  const runs: string[] = [];
  for (let step = 1; step <= 45; step++) {
    const externalId = String(step);
    const repository = pick('acme/shop', 'acme/shop', 'acme/web', 'acme/asked', 'acme/watched');
    const made = await failedRun(store, {
      ...{ externalId, repository, origin: pick('live', 'live', 'live', 'replayed') },
      jobs: Array.from({ length: pick(1, 1, 2) }, (_, index) => ({
        name: `job-${index}`,
        transient: pick(true, true, true, false, null),
      })),
    });
    runs.push(made.runId);
    if (step % 9 === 0) await setControl(store, 'all', { status: pick('paused', 'running'), actor: 'master' });
    for (const runId of runs.slice(-6)) await remediateRun(runId, deps);
    const effect = fake.effects.find(({ externalId: id }) => id === externalId);
    if (effect !== undefined || random() < 0.2) {
      await nextAttempt(store, { externalId, jobs: { 'job-0': pick('succeeded', 'failed') } });
      await verifyRun(made.runId, { store, now: () => time.now });
    }
    if (step % 4 === 0) {
      for (const runId of runs) {
        const id = `${runId.slice(0, runId.lastIndexOf(':'))}:rerun:1`;
        if (random() < 0.3) await answerApproval(store, id, { answer: pick('approve', 'refuse'), by: 'master' });
      }
    }
    time.now += pick(1, 4, 11) * 60_000;
  }
  // The API's clock is the real one, as the command's is.
  const ask = askOf(new Store({ client, tableName, now: Date.now }));
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const answer = await ask(String(request.url), {
      method: String(request.method),
      headers: { 'content-type': 'application/json' },
      ...(body !== '' && { body }),
    });
    response.writeHead(answer.status, answer.headers).end(answer.text);
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const run = async (policy: string, ...more: string[]) => {
    writeFileSync(join(folder, 'policy.yaml'), policy);
    const io = ioOf({ cwd: folder, env: { QMOI_SERVER_URL: url, QMOI_MASTER_TOKEN: 'any' } });
    const code = await main(['backtest', '--policy', 'policy.yaml', ...more], io);
    return { code, ...io.texts() };
  };
  return { run, fake };
}

interface Told {
  summary: { same: number; changed: number; moves: Record<string, number>; lost: { actions: number }; won: object };
  rows: { was: { verdict: string; rule: string }; would: { verdict: string; rule: string } }[];
}
const told = ({ out }: { out: string }): Told => JSON.parse(out) as Told;

describe('qmoi backtest', () => {
  it('reproduces every decision under the policy that took it, and shows what another would change', async () => {
    const { run, fake } = await past();
    const same = told(await run(POLICY, '--json'));
    expect(same.summary).toMatchObject({ changed: 0, lost: { actions: 0 } });
    expect(same.rows.map(({ would }) => would)).toEqual(same.rows.map(({ was }) => was));
    // All kinds of decisions are among them, or this would show nothing.
    expect(new Set(same.rows.map(({ was }) => was.verdict))).toEqual(new Set(['act', 'ask', 'hold', 'refuse']));
    expect(new Set(same.rows.map(({ was }) => was.rule)).size).toBeGreaterThan(5);

    const effects = fake.effects.length;
    const watched = told(await run('remediation: { mode: observe, outage: { runs: 100 } }', '--json'));
    const acted = same.rows.filter(({ was }) => was.verdict === 'act').length;
    expect(watched.summary.lost.actions).toBe(acted);
    expect(watched.rows.some(({ would }) => would.verdict === 'act')).toBe(false);
    const tighter = told(await run(POLICY.replace('perRepositoryPerHour: 3', 'perRepositoryPerHour: 1'), '--json'));
    expect(tighter.summary.lost.actions).toBeGreaterThan(0);
    expect(tighter.summary.lost.actions).toBeLessThan(acted);
    expect(fake.effects).toHaveLength(effects);

    const text = await run('remediation: { mode: observe }');
    expect(text.code).toBe(0);
    const [, saved, lost] = /^Saved: (\d+).*\nLost: (\d+)/m.exec(text.out) ?? [];
    expect(Number(saved) + Number(lost)).toBe(acted);
    expect(text.out).toMatch(new RegExp(`^done +${acted} +0$`, 'm'));
    expect(text.out).toContain('would refuse: the mode here is observe');
  });

  it.each([
    [['--policy', 'missing.yaml'], 1, 'There is no file missing.yaml'],
    [[], 2, '--policy'],
    [['--policy', 'policy.yaml', '--days', '0'], 2, '--days'],
    [['--policy', 'policy.yaml'], 1, 'policy.yaml:1: remediation.mood: there is no such setting'],
  ])('%o is answered with %i', async (args, code, message) => {
    writeFileSync(join(folder, 'policy.yaml'), 'remediation: { mood: good }');
    const io = ioOf({ cwd: folder, env: { QMOI_MASTER_TOKEN: 'any' } });
    expect(await main(['backtest', ...args], io)).toBe(code);
    expect(io.texts().err).toContain(message);
  });
});
