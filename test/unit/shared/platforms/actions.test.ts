import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { github } from '../../../../shared/platforms/github/index.ts';
import { gitlab } from '../../../../shared/platforms/gitlab/index.ts';
import type { ActionRequest, PlatformClient } from '../../../../shared/platforms/index.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

type Platform = 'github' | 'gitlab';

/** A platform that gives one answer to everything; `drop`: takes a request and never answers. */
async function serve(platform: Platform, status: number | 'drop', body: unknown = {}, headers: object = {}) {
  const calls: { method?: string | undefined; url?: string | undefined; body?: unknown }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    calls.push({ method: request.method, url: request.url, ...(text !== '' && { body: JSON.parse(text) as unknown }) });
    if (status === 'drop') {
      request.socket.destroy();
      return;
    }
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(status === 204 ? undefined : JSON.stringify(body));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client: PlatformClient | undefined =
    platform === 'github'
      ? await github.client(async () => ({ 'github-token': 'a', 'github-api-url': url }))
      : await gitlab.client(async () => ({ 'gitlab-token': 'a', 'gitlab-url': url }));
  if (client === undefined) throw new Error('no client');
  return { client, calls };
}

const requestOf = (platform: Platform, action: string, parameters?: ActionRequest['parameters']): ActionRequest => ({
  ...{ action, repository: 'acme/shop', repositoryId: '7', externalId: '9', attempt: 1, parameters },
  ...{ runId: `${platform}:5:1`, subject: `${platform}:5:job:9` },
});

const cache = { key: 'npm {a}', ref: 'refs/heads/main' };
const SINCE = '2026-03-04T05:06:07.000Z';
const dispatch = { workflow: 'ci.yml', ref: 'main', since: SINCE, 'input.level': 'debug' };
const hub = '/repos/acme/shop/actions';
const lab = '/api/v4/projects/7';

const cases: {
  platform: Platform;
  action: string;
  parameters?: ActionRequest['parameters'];
  /** What is sent. */
  sent: { method: string; url: string; body?: unknown };
  /** Where it is looked up, and what is found there. */
  at: string;
  found: [unknown, 'happened' | 'did-not-happen' | 'unclear'][];
}[] = [
  {
    ...{ platform: 'github', action: 'rerun-job' },
    sent: { method: 'POST', url: `${hub}/jobs/9/rerun` },
    at: `${hub}/runs/5`,
    found: [
      [{ run_attempt: 2 }, 'happened'],
      [{ run_attempt: 1 }, 'did-not-happen'],
      [{}, 'unclear'],
    ],
  },
  {
    ...{ platform: 'github', action: 'rerun-with-debug' },
    sent: { method: 'POST', url: `${hub}/runs/5/rerun-failed-jobs`, body: { enable_debug_logging: true } },
    at: `${hub}/runs/5`,
    found: [
      [{ run_attempt: 2 }, 'happened'],
      [{ run_attempt: 1 }, 'did-not-happen'],
    ],
  },
  ...(['cancel-run', 'force-cancel-run'] as const).map((action) => ({
    ...{ platform: 'github' as const, action },
    sent: { method: 'POST', url: `${hub}/runs/5/${action === 'cancel-run' ? 'cancel' : 'force-cancel'}` },
    at: `${hub}/runs/5`,
    found: [
      [{ status: 'completed', conclusion: 'cancelled' }, 'happened'],
      [{ status: 'completed', conclusion: 'success' }, 'happened'],
      [{ status: 'in_progress' }, 'did-not-happen'],
      [[], 'unclear'],
    ] as [unknown, 'happened' | 'did-not-happen' | 'unclear'][],
  })),
  {
    ...{ platform: 'github', action: 'delete-cache', parameters: cache },
    sent: { method: 'DELETE', url: `${hub}/caches?key=npm+%7Ba%7D&ref=refs%2Fheads%2Fmain` },
    at: `${hub}/caches?key=npm+%7Ba%7D&ref=refs%2Fheads%2Fmain`,
    found: [
      [{ actions_caches: [] }, 'happened'],
      [{ actions_caches: [{ key: 'npm {a} and more', ref: cache.ref }] }, 'happened'],
      [{ actions_caches: [cache] }, 'did-not-happen'],
      [{ actions_caches: 1 }, 'unclear'],
    ],
  },
  {
    ...{ platform: 'github', action: 'enable-workflow', parameters: { workflow: 'ci.yml' } },
    sent: { method: 'PUT', url: `${hub}/workflows/ci.yml/enable` },
    at: `${hub}/workflows/ci.yml`,
    found: [
      [{ state: 'active' }, 'happened'],
      [{ state: 'disabled_inactivity' }, 'did-not-happen'],
      [{}, 'unclear'],
    ],
  },
  {
    ...{ platform: 'github', action: 'dispatch-workflow', parameters: dispatch },
    sent: {
      method: 'POST',
      url: `${hub}/workflows/ci.yml/dispatches`,
      body: { ref: 'main', inputs: { level: 'debug' } },
    },
    at: `${hub}/workflows/ci.yml/runs?event=workflow_dispatch&branch=main&per_page=20`,
    found: [
      [{ workflow_runs: [{ created_at: '2026-03-04T05:06:09Z' }] }, 'happened'],
      [{ workflow_runs: [{ created_at: '2026-03-04T04:00:00Z' }] }, 'did-not-happen'],
      [{ workflow_runs: [] }, 'did-not-happen'],
      [{}, 'unclear'],
    ],
  },
  {
    ...{ platform: 'gitlab', action: 'retry-pipeline' },
    sent: { method: 'POST', url: `${lab}/pipelines/5/retry` },
    at: `${lab}/pipelines/5/jobs?include_retried=true&per_page=100`,
    found: [
      [[{ name: 'a' }, { name: 'a' }], 'happened'],
      [[{ name: 'a' }, { name: 'b' }], 'did-not-happen'],
      [{}, 'unclear'],
    ],
  },
  {
    ...{ platform: 'gitlab', action: 'cancel-pipeline' },
    sent: { method: 'POST', url: `${lab}/pipelines/5/cancel` },
    at: `${lab}/pipelines/5`,
    found: [
      [{ status: 'canceled' }, 'happened'],
      [{ status: 'success' }, 'happened'],
      [{ status: 'running' }, 'did-not-happen'],
      [[], 'unclear'],
    ],
  },
  {
    ...{ platform: 'gitlab', action: 'play-job' },
    sent: { method: 'POST', url: `${lab}/jobs/9/play` },
    at: `${lab}/jobs/9`,
    found: [
      [{ status: 'manual' }, 'did-not-happen'],
      [{ status: 'pending' }, 'happened'],
      [{}, 'unclear'],
    ],
  },
];

describe.each(cases)('$action on $platform', ({ platform, action, parameters, sent, at, found }) => {
  const request = requestOf(platform, action, parameters);

  it('is one request', async () => {
    const { client, calls } = await serve(platform, platform === 'github' && sent.method !== 'POST' ? 204 : 201);
    expect(await client.act(request)).toMatchObject({ kind: 'done' });
    expect(calls).toEqual([sent]);
  });

  it.each([
    [401, {}, 'refused'],
    [403, {}, 'refused'],
    [403, { 'retry-after': '7' }, 'retry-later'],
    [404, {}, 'refused'],
    [409, {}, 'refused'],
    [422, {}, 'refused'],
    [429, {}, 'retry-later'],
    [500, {}, 'unknown'],
    [503, {}, 'unknown'],
    ['drop' as const, {}, 'unknown'],
  ])('that is answered with %s %o is %s, and not sent twice', async (status, headers, kind) => {
    const { client, calls } = await serve(platform, status, { message: 'a reason' }, headers);
    expect((await client.act(request)).kind).toBe(kind);
    expect(calls).toHaveLength(1);
  });

  it('is looked up', async () => {
    for (const [body, expected] of found) {
      const { client, calls } = await serve(platform, 200, body);
      expect(await client.lookUp(request), JSON.stringify(body)).toBe(expected);
      expect(calls).toEqual([{ method: 'GET', url: at }]);
    }
    for (const status of [404, 500, 'drop'] as const) {
      expect(await (await serve(platform, status)).client.lookUp(request)).toBe('unclear');
    }
  });
});

it.each([
  ['github', 'delete-cache', {}],
  ['github', 'enable-workflow', { workflow: '../../secrets' }],
  ['github', 'dispatch-workflow', { workflow: 'ci.yml' }],
] as const)('%s sends no %s that does not say on what', async (platform, action, parameters) => {
  const { client, calls } = await serve(platform, 201);
  const request = requestOf(platform, action, parameters);
  expect(await client.act(request)).toMatchObject({ kind: 'refused' });
  expect(await client.lookUp({ ...request, parameters: {} })).toBe('unclear');
  expect(calls).toEqual([]);
});

it.each(['github', 'gitlab'] as const)('%s takes no id that is none', async (platform) => {
  const { client, calls } = await serve(platform, 201);
  for (const action of ['cancel-run', 'rerun-job', 'cancel-pipeline', 'play-job']) {
    const request = { ...requestOf(platform, action), runId: `${platform}:../5:1`, externalId: '../9' };
    expect((await client.act(request)).kind).toBe('refused');
  }
  expect(calls).toEqual([]);
});
