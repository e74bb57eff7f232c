import { describe, expect, it } from 'vitest';
import type { GatewayRequest } from '../../../../infra/local/gateway/index.ts';
import { AwsFault } from '../../../../infra/local/kernel.ts';
import { createLocalApi } from '../../../../infra/local/local-api.ts';
import type { OutboxEntry } from '../../../../infra/local/sns/index.ts';

const entry = (index: number, topic = 'error'): OutboxEntry => ({
  id: `id${String(index).padStart(4, '0')}`,
  messageId: `m${index}`,
  topic,
  protocol: 'email',
  endpoint: 'master@example.com',
  subject: null,
  message: `message ${index}`,
  attributes: {},
  at: new Date(index * 1000).toISOString(),
});

let now = 1_000_000;
const outbox = [...Array.from({ length: 120 }, (_, index) => entry(index)), entry(120, 'status')];
const own = createLocalApi('token', {
  status: async () => ({ idle: true }),
  outbox: () => outbox,
  redrive(queue) {
    if (queue !== 'dead') throw new AwsFault('QueueDoesNotExist', 'The specified queue does not exist.');
    return { moved: 2, left: 0 };
  },
  async emit(event) {
    if (event === null) throw new AwsFault('ValidationException', 'That is no event.');
    return 'e1';
  },
  moveClock(to) {
    const wanted = 'now' in to ? to.now : now + to.advance * 1000;
    if (wanted < now) throw new Error('Time does not run backwards.');
    now = wanted;
    return now;
  },
});

async function ask(target: string, { method = 'GET', token = 'Bearer token', body = '' } = {}) {
  const [path = '', rawQuery = ''] = target.split('?');
  const answer = await own({
    method,
    path,
    rawQuery,
    headers: token === '' ? {} : { authorization: token },
    cookies: [],
    sourceIp: '127.0.0.1',
    body: Buffer.from(body),
    requestId: 'r1',
    at: 0,
  } satisfies GatewayRequest);
  if (!answer) return undefined;
  const { status, headers, body: bytes } = answer;
  return {
    status,
    headers: Object.fromEntries(headers),
    body: JSON.parse(bytes.toString()) as Record<string, unknown>,
  };
}
type Page = { items: { id: string; createdAt: string }[]; nextCursor: string | null };

describe('the host’s own resources', () => {
  it('leaves everything else to the API', async () => {
    for (const path of ['/', '/v1/runs', '/v1/outbox/1', '/_localx', '/healthz'])
      expect(await ask(path)).toBeUndefined();
  });

  it.each(['', 'Bearer', 'Bearer wrong', 'Basic token', 'token', 'Bearer token more'])(
    'needs the token: "%s"',
    async (token) => {
      for (const path of ['/_local', '/v1/outbox', '/_local/anything']) {
        expect(await ask(path, { token })).toMatchObject({
          status: 401,
          headers: { 'content-type': 'application/problem+json', 'www-authenticate': 'Bearer' },
          body: { status: 401, requestId: 'r1' },
        });
      }
    },
  );

  it('reports, and refuses what it does not know', async () => {
    expect(await ask('/_local')).toMatchObject({ status: 200, body: { idle: true } });
    expect(await ask('/_local/nothing')).toMatchObject({ status: 404 });
    expect(await ask('/_local', { method: 'POST' })).toMatchObject({ status: 405, headers: { allow: 'GET' } });
  });

  it('pages through the outbox, newest first', async () => {
    const first = (await ask('/v1/outbox'))?.body as unknown as Page;
    expect(first.items).toHaveLength(50);
    expect(first.items[0]).toMatchObject({ id: 'id0120', createdAt: new Date(120_000).toISOString() });
    const ids = first.items.map(({ id }) => id);
    let cursor = first.nextCursor;
    while (cursor !== null) {
      const page = (await ask(`/v1/outbox?limit=40&cursor=${cursor}`))?.body as unknown as Page;
      ids.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(ids).toEqual(outbox.map(({ id }) => id).reverse());
    const status = (await ask('/v1/outbox?topic=status'))?.body as unknown as Page;
    expect(status.items.map(({ id }) => id)).toEqual(['id0120']);
  });

  it.each(['limit=0', 'limit=201', 'limit=x', 'cursor=none', 'color=red'])('answers 400 to %s', async (query) => {
    expect(await ask(`/v1/outbox?${query}`)).toMatchObject({ status: 400, body: { requestId: 'r1' } });
  });

  it('takes events of other services', async () => {
    const post = (body: string) => ask('/_local/events', { method: 'POST', body });
    expect(await post('{"source":"aws.braket"}')).toMatchObject({ status: 200, body: { id: 'e1' } });
    expect(await post('null')).toMatchObject({ status: 400, body: { detail: 'That is no event.' } });
    expect(await post('{')).toMatchObject({ status: 400 });
    expect(await ask('/_local/events')).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect(await ask('/_local/events', { method: 'POST', token: '' })).toMatchObject({ status: 401 });
  });

  it('moves the clock', async () => {
    const post = (body: string) => ask('/_local/clock', { method: 'POST', body });
    expect(await post('{"advance": 60}')).toMatchObject({ status: 200, body: { now: '1970-01-01T00:17:40.000Z' } });
    expect(await post('{"now": "1970-01-01T01:00:00Z"}')).toMatchObject({
      status: 200,
      body: { now: '1970-01-01T01:00:00.000Z' },
    });
    for (const bad of [
      '',
      '{}',
      '{"advance":"1"}',
      '{"advance":-1}',
      '{"now":"soon"}',
      '{"advance":1,"now":"1970-01-01T02:00:00Z"}',
      'null',
    ]) {
      expect(await post(bad), bad).toMatchObject({ status: 400 });
    }
    expect(await post('{"now": "1970-01-01T00:00:00Z"}')).toMatchObject({
      status: 400,
      body: { detail: 'Time does not run backwards.' },
    });
  });

  it('redrives a dead-letter queue', async () => {
    expect(await ask('/_local/queues/dead/redrive', { method: 'POST' })).toMatchObject({
      status: 200,
      body: { moved: 2 },
    });
    expect(await ask('/_local/queues/other/redrive', { method: 'POST' })).toMatchObject({ status: 404 });
    expect(await ask('/_local/queues/dead/redrive')).toMatchObject({ status: 405, headers: { allow: 'POST' } });
  });
});
