import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, RESOURCES } from '../support/client.ts';
import type { Forge, RunHandle } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import { openForge, pipeline } from './support/scenario.ts';

const SECRET = 'the-present-secret';
const PREVIOUS = 'the-secret-before';

let forge: Forge;
let host: TestHost;
let run: RunHandle;

beforeAll(async () => {
  forge = await openForge('github', { secret: SECRET });
  // GitLab is known and has no secret here.
  host = await TestHost.boot({
    forges: [forge],
    settings: { QMOI_GITHUB_WEBHOOK_SECRET_PREVIOUS: PREVIOUS },
  });
  run = forge.repository('acme/shop').run(pipeline('test'));
  run.record();
});
afterAll(async () => {
  await host?.end();
  await forge?.close();
});

interface Shape {
  body?: string | Uint8Array;
  /** What the signature is made with and of. */
  secret?: string;
  headers?: Record<string, string | undefined>;
  method?: string;
  platform?: string;
}

let deliveries = 0;
/** A delivery that would be taken, but for what a test changes about it. */
async function post({ body = '{}', secret = SECRET, headers = {}, method = 'POST', platform = 'github' }: Shape) {
  const all: Record<string, string | undefined> = {
    'content-type': 'application/json',
    'x-github-event': 'workflow_job',
    'x-github-delivery': `delivery-${++deliveries}`,
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    ...headers,
  };
  const present = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const bare = method === 'GET' || method === 'HEAD';
  return host.request(`/webhooks/${platform}`, {
    method,
    token: undefined,
    headers: Object.fromEntries(present),
    ...(!bare && { body }),
  });
}

function expectProblem({ status, headers, json }: Answer, expected: number): void {
  expect({ status, type: headers.get('content-type') }).toEqual({
    status: expected,
    type: 'application/problem+json',
  });
  expect(json).toMatchObject({
    type: expect.any(String),
    title: expect.any(String),
    status: expected,
    detail: expect.any(String),
    requestId: expect.stringMatching(/\S{8}/),
  });
}

const aDelivery = () => run.deliveries.find(({ label }) => label.startsWith('workflow_job.completed test'))?.body ?? '';
const TEN_MB = 10 * 1024 * 1024;

describe('a webhook that is not taken', () => {
  const rejected = (reason: string, platform = 'github') => ({ name: 'WebhooksRejected', by: { reason, platform } });

  it.each<{ what: string; shape: () => Shape; status: number; metric: ReturnType<typeof rejected> }>([
    {
      what: 'a missing signature',
      shape: () => ({ headers: { 'x-hub-signature-256': undefined } }),
      status: 401,
      metric: rejected('signature'),
    },
    { what: 'a wrong signature', shape: () => ({ secret: 'wrong' }), status: 401, metric: rejected('signature') },
    {
      what: 'a signature of something else',
      shape: () => ({
        body: aDelivery(),
        headers: { 'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update('{}').digest('hex')}` },
      }),
      status: 401,
      metric: rejected('signature'),
    },
    {
      what: 'the old SHA-1 signature alone',
      shape: () => ({
        headers: {
          'x-hub-signature-256': undefined,
          'x-hub-signature': `sha1=${createHmac('sha1', SECRET).update('{}').digest('hex')}`,
        },
      }),
      status: 401,
      metric: rejected('signature'),
    },
    {
      what: 'a signature made with an empty secret',
      shape: () => ({ secret: '' }),
      status: 401,
      metric: rejected('signature'),
    },
    { what: 'an empty body', shape: () => ({ body: '' }), status: 400, metric: rejected('malformed') },
    {
      what: 'an empty body without a signature',
      shape: () => ({ body: '', headers: { 'x-hub-signature-256': undefined } }),
      status: 401,
      metric: rejected('signature'),
    },
    { what: 'invalid JSON', shape: () => ({ body: '{"action":' }), status: 400, metric: rejected('malformed') },
    {
      // The gateway hands JSON over as text, so that what is none does not fit its signature any more.
      what: 'bytes that are no text',
      shape: () => ({ body: Uint8Array.of(0xff, 0x00, 0xfe) }),
      status: 401,
      metric: rejected('signature'),
    },
    {
      what: 'a wrong content type',
      shape: () => ({ body: aDelivery(), headers: { 'content-type': 'text/plain' } }),
      status: 415,
      metric: rejected('malformed'),
    },
    {
      what: 'no event header',
      shape: () => ({ body: aDelivery(), headers: { 'x-github-event': undefined } }),
      status: 400,
      metric: rejected('malformed'),
    },
    {
      what: 'no delivery header',
      shape: () => ({ body: aDelivery(), headers: { 'x-github-delivery': undefined } }),
      status: 400,
      metric: rejected('malformed'),
    },
    {
      what: 'a platform without a secret',
      shape: () => ({ platform: 'gitlab', headers: { 'x-gitlab-token': '', 'x-gitlab-event': 'Job Hook' } }),
      status: 503,
      metric: rejected('not-configured', 'gitlab'),
    },
    {
      what: 'an unknown platform',
      shape: () => ({ platform: 'sourceforge' }),
      status: 404,
      metric: rejected('unknown-platform', 'unknown'),
    },
    {
      what: 'a platform by the name of an inherited property',
      shape: () => ({ platform: 'constructor' }),
      status: 404,
      metric: rejected('unknown-platform', 'unknown'),
    },
    { what: 'another method', shape: () => ({ method: 'GET' }), status: 405, metric: rejected('method') },
  ])('$what: $status, counted, and nothing is written', async ({ shape, status, metric }) => {
    const [world, units, counted] = [await host.world(), await host.writeUnits(), await count()];
    const answer = await post(shape());
    expectProblem(answer, status);
    if (status === 405) expect(answer.headers.get('allow')).toBe('POST');
    expect(await count()).toBe(counted + 1);
    await host.settled();
    expect(await host.writeUnits()).toBe(units);
    expect(await host.world()).toEqual(world);

    function count() {
      return host.metric(metric.name, metric.by);
    }
  });

  it('an event QMOI has no use for: 202 ignored, counted, and nothing is written', async () => {
    const [world, units, counted] = [await host.world(), await host.writeUnits(), await host.metric('WebhooksIgnored')];
    const answer = await post({ body: '{"zen":"Keep it logically awesome."}', headers: { 'x-github-event': 'star' } });
    expect([answer.status, answer.json]).toEqual([202, { status: 'ignored' }]);
    expect(await host.metric('WebhooksIgnored')).toBe(counted + 1);
    await host.settled();
    expect(await host.writeUnits()).toBe(units);
    expect(await host.world()).toEqual(world);
  });

  it.each([
    ['of 10 MB', TEN_MB],
    ['beyond 10 MB', TEN_MB + 1],
  ])('a body %s: 413, counted, and nothing is written', async (_, bytes) => {
    const [world, units, counted] = [await host.world(), await host.writeUnits(), (await host.status()).api['4xx']];
    const answer = await post({ body: `{"padding":"${'x'.repeat(bytes - 14)}"}` });
    expect(answer.status).toBe(413);
    expect((await host.status()).api['4xx']).toBe(counted + 1);
    expect(await host.writeUnits()).toBe(units);
    expect(await host.world()).toEqual(world);
    // And it lives on.
    expect((await host.request('/healthz')).json).toEqual({ status: 'up' });
  });
});

describe('a webhook that is taken', () => {
  const delivered = async (answer: Answer): Promise<Record<string, unknown>> => {
    expect([answer.status, answer.json]).toEqual([202, { deliveryId: expect.any(String), status: 'received' }]);
    await host.settled();
    return host.get('deliveries', String(answer.json?.deliveryId));
  };

  it('with its signature in upper case', async () => {
    const body = aDelivery();
    const hex = createHmac('sha256', SECRET).update(body).digest('hex').toUpperCase();
    const headers = { 'x-hub-signature-256': `sha256=${hex}` };
    expect(await delivered(await post({ body, headers }))).toMatchObject({ status: 'recorded' });
  });

  it('signed with the secret before, during a rotation', async () => {
    expect(await delivered(await post({ body: aDelivery(), secret: PREVIOUS }))).toMatchObject({ status: 'recorded' });
  });

  it('once, and then it is a duplicate', async () => {
    const headers = { 'x-github-delivery': 'the-same' };
    expect((await post({ body: aDelivery(), headers })).status).toBe(202);
    const counted = await host.metric('WebhooksDuplicate');
    const again = await post({ body: aDelivery(), headers });
    expect([again.status, again.json]).toEqual([200, { status: 'duplicate' }]);
    expect(await host.metric('WebhooksDuplicate')).toBe(counted + 1);
    await host.settled();
    expect((await host.list('deliveries')).filter(({ externalId }) => externalId === 'the-same')).toHaveLength(1);
  });

  it('form-encoded, as GitHub sends it on request', async () => {
    const other = forge.repository('acme/forms').run(pipeline('test'));
    const [, , delivery] = other.record();
    const body = new URLSearchParams({ payload: delivery?.body ?? '' }).toString();
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-github-event': String(delivery?.event),
    };
    expect(await delivered(await post({ body, headers }))).toMatchObject({ status: 'recorded' });
    expect(await host.list('runs', { repository: 'acme/forms' })).toHaveLength(1);
  });

  it('a ping, which tells nothing more', async () => {
    const ping = forge.repository('acme/shop').ping();
    const { status } = await forge.send(ping);
    expect(status).toBe(202);
  });

  it('of an unknown shape is quarantined where it can be seen', async () => {
    const counted = await host.metric('WebhooksKept', { status: 'quarantined' });
    const runs = await host.list('runs');
    const answer = await post({ body: '{"workflow_job":"not one"}', headers: { 'x-github-delivery': 'strange' } });
    expect(answer.status).toBe(202);
    expect(answer.json).toMatchObject({ status: 'quarantined' });
    await host.settled();
    const [delivery] = (await host.list('deliveries', { status: 'quarantined' })).filter(
      ({ externalId }) => externalId === 'strange',
    );
    expect(delivery).toMatchObject({ platform: 'github', event: 'workflow_job', reason: expect.stringMatching(/\S/) });
    expect(await host.metric('WebhooksKept', { status: 'quarantined' })).toBe(counted + 1);
    expect(await host.list('runs')).toEqual(runs);
  });
});

describe('/v1', () => {
  it.each([
    ['no token', undefined],
    ['a wrong one', 'wrong'],
    ['an empty one', ''],
    ['one with something behind it', 'master-token-of-the-tests and more'],
  ])('answers 401 to %s, whatever is asked for', async (_, token) => {
    const paths = [
      ...RESOURCES.map((name) => `/v1/${name}`),
      '/v1/outbox',
      '/v1/openapi.json',
      '/v1/nothing',
      '/v1/a/b',
    ];
    for (const path of paths) {
      for (const method of ['GET', 'DELETE']) {
        const answer = await host.request(path, { method, token });
        expectProblem(answer, 401);
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
      }
    }
    const put = await host.request('/v1/controls/all', { method: 'PUT', token, body: '{"status":"stopped"}' });
    expectProblem(put, 401);
    expect((await host.get('controls', 'all')).status).toBe('running');
  });

  it.each(['/v1/nothing', '/v1/runs/none', '/v1/incidents/none:1', '/v1/activity/none', '/nothing', '/webhooks'])(
    'answers 404 where there is nothing: %s',
    async (path) => {
      expectProblem(await host.request(path), 404);
    },
  );

  it.each([...RESOURCES.map((name) => `/v1/${name}`), '/v1/runs/none', '/v1/openapi.json', '/healthz'])(
    'answers 405 with what is allowed: %s',
    async (path) => {
      const answer = await host.request(path, { method: 'DELETE' });
      expectProblem(answer, 405);
      expect(answer.headers.get('allow')).toContain('GET');
    },
  );

  it.each([
    'colour=red',
    'status=nonsense',
    'limit=0',
    'limit=201',
    'limit=many',
    'cursor=nonsense',
    'since=yesterday',
  ])('answers 400 to a query it does not know: %s', async (query) => {
    for (const name of RESOURCES) expectProblem(await host.request(`/v1/${name}?${query}`), 400);
  });

  it('pages newest first, each item once, to a null cursor', async () => {
    await host.settled();
    const all = await host.list('deliveries');
    expect(all.length).toBeGreaterThan(3);
    const times = all.map(({ createdAt }) => String(createdAt));
    expect(times).toEqual([...times].sort().reverse());
    const paged: string[] = [];
    let cursor: unknown = null;
    do {
      const query = cursor === null ? '' : `&cursor=${encodeURIComponent(String(cursor))}`;
      const { json } = await host.request(`/v1/deliveries?limit=2${query}`);
      const items = json?.items as { id: string }[];
      expect(items.length).toBeLessThanOrEqual(2);
      paged.push(...items.map(({ id }) => id));
      cursor = json?.nextCursor;
    } while (cursor !== null);
    expect(paged).toEqual(all.map(({ id }) => id));
    // A cursor belongs to its question.
    const first = await host.request('/v1/deliveries?limit=2');
    const foreign = `cursor=${encodeURIComponent(String(first.json?.nextCursor))}`;
    expectProblem(await host.request(`/v1/deliveries?${foreign}&status=quarantined`), 400);
  });

  it('filters by what the contract names', async () => {
    const [item] = await host.list('jobs', { repository: 'acme/shop', platform: 'github' });
    expect(item).toBeDefined();
    const query = { externalId: String(item?.externalId), runId: String(item?.runId), since: String(item?.createdAt) };
    expect(await host.list('jobs', query)).toEqual([item]);
    expect(await host.list('jobs', { ...query, until: String(item?.createdAt) })).toEqual([]);
    expect(await host.list('jobs', { repository: 'acme/other' })).toEqual([]);
  });

  it('describes itself', async () => {
    const { status, json } = await host.request('/v1/openapi.json');
    expect(status).toBe(200);
    expect(json).toMatchObject({ openapi: expect.stringMatching(/^3\./), paths: expect.any(Object) });
    for (const name of RESOURCES) expect(json?.paths).toHaveProperty([`/v1/${name}`, 'get']);
    expect(json?.paths).toHaveProperty(['/v1/controls/{id}', 'put']);
  });

  it('says in public only whether it is up', async () => {
    const { status, json } = await host.request('/healthz', { token: undefined });
    expect([status, json]).toEqual([200, { status: 'up' }]);
  });
});

describe('PUT /v1/controls', () => {
  const put = (scope: string, body: string, type = 'application/json') =>
    host.request(`/v1/controls/${scope}`, { method: 'PUT', headers: { 'content-type': type }, body });

  it.each([
    ['an unknown scope', 'planet:earth', '{"status":"stopped"}', 400],
    ['an unknown platform', 'platform:sourceforge', '{"status":"stopped"}', 400],
    ['an unknown status', 'all', '{"status":"asleep"}', 400],
    ['a field it does not know', 'all', '{"status":"stopped","force":true}', 400],
    ['no JSON', 'all', 'status=stopped', 400],
    ['an empty body', 'all', '', 400],
  ])('refuses %s and leaves everything as it is', async (_, scope, body, status) => {
    const before = await host.world(['controls']);
    expectProblem(await put(scope, body), status);
    expect(await host.world(['controls'])).toEqual(before);
  });

  it('wants JSON', async () => {
    expectProblem(await put('all', '{"status":"stopped"}', 'text/plain'), 415);
  });
});
