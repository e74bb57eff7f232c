import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { github } from '../../../../shared/platforms/github/index.ts';
import { askFor, remediateRun } from '../../../../shared/remediation/index.ts';
import { recordOutcome } from '../../../../shared/remediation/learning/index.ts';
import { remediationSettings } from '../../../../shared/runtime/remediation-settings.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

const BOTH = {
  playbooks: { 'rerun-with-debug': 'act' },
  outage: { runs: 1000 },
  budgets: { perRepositoryPerHour: 500, perHour: 500 },
};

/** A GitHub that takes its time, and runs that have failed there. */
async function world(policy: object = {}, answersAfterMs = 5) {
  const { store, time } = await engine.fresh();
  const sent: { run: string; what: string; debug: boolean }[] = [];
  const underWay = new Map<string, number>();
  let most = 0;
  const server = createServer(async (request, response) => {
    const [, run = '', what = ''] = /runs\/(\d+)\/?(.*)$/.exec(String(request.url)) ?? [];
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    sent.push({ run, what, debug: Buffer.concat(chunks).toString().includes('enable_debug_logging') });
    // What is only read, to see what came of a fix, is none.
    const fixes = request.method === 'GET' ? 0 : 1;
    underWay.set(run, (underWay.get(run) ?? 0) + fixes);
    most = Math.max(most, underWay.get(run) ?? 0);
    await sleep(answersAfterMs);
    underWay.set(run, (underWay.get(run) ?? 1) - fixes);
    response.writeHead(201, { 'content-type': 'application/json' }).end('{"actions_caches":[{"key":"k"}]}');
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const deps = {
    ...{ store, platforms: { github }, settings: remediationSettings.parse(policy), owner: 'worker' },
    read: async () => ({ 'github-token': 'a', 'github-api-url': url }),
    now: () => time.now,
  };
  const fail = async (number: number, of: { cause: string; transient: boolean | null }) => {
    const at = store.now();
    const runId = `github:${number}:1`;
    const id = `github:${number}:job:${number}0`;
    const common = { platform: 'github', repository: 'acme/shop', attempt: 1, origin: 'live', statusAt: at } as const;
    await store.merge('run', { ...common, id: runId, externalId: String(number), status: 'failed', endedAt: at });
    const job = { ...common, id, runId, externalId: `${number}0`, name: 'test' };
    await store.merge('job', { ...job, status: 'failed', steps: [], endedAt: at });
    const diagnosis = { category: 'network', severity: 'medium', priority: 3, failedAt: at, ...of } as const;
    await store.merge('failure', { ...job, jobId: id, status: 'diagnosed', ...diagnosis });
    return { runId, work: () => remediateRun(runId, deps) };
  };
  const fixes = async (number: number) =>
    (await store.partition(`run#github:${number}`, 'remediation#')) as {
      playbook: string;
      status: string;
      decision: object;
    }[];
  return { store, time, sent, fail, fixes, most: () => most };
}

describe('of several playbooks', () => {
  it('only those that the settings want are followed', async () => {
    const { sent, fail, fixes } = await world();
    await (await fail(1, { cause: 'unknown', transient: null })).work();
    expect(sent).toEqual([]);
    expect(await fixes(1)).toMatchObject([{ playbook: 'retry-failed-jobs', status: 'refused' }]);
  });

  it('the one that fits is followed, with its own action', async () => {
    const { sent, fail, fixes } = await world(BOTH);
    await (await fail(1, { cause: 'unknown', transient: null })).work();
    await (await fail(2, { cause: 'test-failed', transient: false })).work();
    expect(sent).toEqual([{ run: '1', what: 'rerun-failed-jobs', debug: true }]);
    expect(await fixes(1)).toMatchObject([{ playbook: 'rerun-with-debug', status: 'verifying' }]);
    expect(await fixes(2)).toMatchObject([{ playbook: 'retry-failed-jobs', status: 'refused' }]);
  });

  it('the better one is followed mostly, once an attempt, with the numbers behind the choice', async () => {
    const { store, time, sent, fail, fixes } = await world(BOTH);
    const cause = 'dns-resolution-failed';
    for (const [playbook, helped] of [
      ['rerun-with-debug', 12],
      ['retry-failed-jobs', 3],
    ] as const) {
      for (let index = 0; index < 15; index++) {
        const at = new Date(time.now - index * 60_000).toISOString();
        const place = { platform: 'github', repository: 'acme/other' };
        await recordOutcome(store, { id: `${index}`, causes: [cause], playbook, at, ...place }, index < helped);
      }
    }
    for (let number = 1; number <= 12; number++) {
      const { work } = await fail(number, { cause, transient: true });
      await Promise.all([work(), work(), work()]);
      await work();
    }
    expect(new Set(sent.map(({ run }) => run)).size).toBe(12);
    expect(sent).toHaveLength(12);
    expect(sent.filter(({ debug }) => debug).length).toBeGreaterThan(9);
    expect(await fixes(1)).toMatchObject([
      { decision: { choice: { why: 'sampled', considered: [{ successes: 3 }, { successes: 12 }] } } },
    ]);
  });
});

it('two fixes of one run are never under way at the same time', async () => {
  const { store, time, sent, fail, fixes, most } = await world(BOTH, 400);
  for (let number = 1; number <= 3; number++) {
    const { runId, work } = await fail(number, { cause: 'dns-resolution-failed', transient: true });
    await askFor(store, { runId, action: 'cancel-run', by: 'master' });
    await askFor(store, { runId, action: 'delete-cache', parameters: { key: 'k' }, by: 'master' });
    for (let round = 0; round < 8; round++) {
      await Promise.all([work(), work(), work()]);
      time.now += 45_000;
    }
    expect((await fixes(number)).map(({ status }) => status)).toEqual(['verifying', 'verifying', 'verifying']);
  }
  expect(most()).toBe(1);
  expect(sent.filter(({ what }) => what === 'cancel')).toHaveLength(3);
});
