import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRealClock } from '../../../../infra/local/clock.ts';
import type { Lambda, Result } from '../../../../infra/local/functions/index.ts';
import { createGateway } from '../../../../infra/local/gateway/index.ts';
import { type Authorize, AwsFault } from '../../../../infra/local/kernel.ts';
import type { ApiDefinition } from '../../../../infra/local/model/index.ts';

const API: ApiDefinition = {
  id: 'api1',
  stage: '$default',
  throttle: { rate: 100_000, burst: 100_000 },
  routes: [
    {
      key: 'ANY /webhooks/{platform}',
      functionArn: 'receive',
      timeoutMs: 30_000,
      authorizer: undefined,
      throttle: undefined,
    },
    {
      key: 'GET /webhooks/literal',
      functionArn: 'literal',
      timeoutMs: 30_000,
      authorizer: undefined,
      throttle: undefined,
    },
    {
      key: 'ANY /v1/{proxy+}',
      functionArn: 'api',
      timeoutMs: 30_000,
      authorizer: { id: 'auth1', functionArn: 'authorize', identitySources: [], ttlSeconds: 0 },
      throttle: undefined,
    },
    {
      key: 'GET /keyed',
      functionArn: 'api',
      timeoutMs: 30_000,
      authorizer: { id: 'auth2', functionArn: 'authorize', identitySources: ['$request.header.X-Key'], ttlSeconds: 60 },
      throttle: undefined,
    },
    { key: 'POST /slow', functionArn: 'slow', timeoutMs: 50, authorizer: undefined, throttle: undefined },
    {
      key: 'GET /rare',
      functionArn: 'receive',
      timeoutMs: 50,
      authorizer: undefined,
      throttle: { rate: 0.001, burst: 2 },
    },
    { key: '$default', functionArn: 'fallback', timeoutMs: 30_000, authorizer: undefined, throttle: undefined },
  ],
};

interface Event {
  [name: string]: unknown;
  headers: Record<string, string>;
  requestContext: { http: Record<string, string>; authorizer?: unknown; routeKey: string };
}

describe('the HTTP API gateway', () => {
  const invoked: { arn: string; event: Event }[] = [];
  const calls: string[] = [];
  let answers: Record<string, (event: Event) => unknown> = {};
  let denied = '';
  let base = '';

  const lambda = {
    async invoke(arn: string, payload: string): Promise<Result> {
      const event = JSON.parse(payload) as Event;
      invoked.push({ arn, event });
      const result = await (answers[arn] ?? (() => ({ ok: arn })))(event);
      if (result instanceof AwsFault) throw result;
      if (result instanceof Error) {
        return { ok: false, requestId: 'r', error: { errorType: result.name, errorMessage: result.message } };
      }
      return { ok: true, requestId: 'r', payload: JSON.stringify(result ?? null) };
    },
    nameOf: (arn: string) => arn,
  } as unknown as Lambda;
  const authorize: Authorize = (caller, action, resource) => {
    const source = caller.type === 'service' ? caller.sourceArn : caller.arn;
    calls.push(`${action} ${resource} ${source}`);
    if (resource === denied) throw new AwsFault('AccessDeniedException', 'no', 403);
  };
  const gateway = createGateway({
    clock: createRealClock(),
    own: ({ path }) => (path === '/_local' ? { status: 200, headers: [], body: Buffer.from('mine') } : undefined),
  });

  beforeAll(async () => {
    gateway.server.listen(0, '127.0.0.1');
    await once(gateway.server, 'listening');
    base = `http://127.0.0.1:${(gateway.server.address() as AddressInfo).port}`;
    gateway.connect({ api: API, lambda, authorize });
  });
  afterAll(() => {
    gateway.server.closeAllConnections();
    gateway.server.close();
  });
  beforeEach(() => {
    invoked.length = 0;
    calls.length = 0;
    denied = '';
    answers = { authorize: () => ({ isAuthorized: true, context: { principal: 'nobody' } }) };
  });
  const last = (): Event => invoked.at(-1)?.event as Event;

  it('hands a function the payload format 2.0', async () => {
    const response = await fetch(`${base}/webhooks/git%20hub?b=2&a=1&a=%20x`, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', 'X-Mixed': 'Case', cookie: 'a=1; b=2' },
      body: '{"ü":1}',
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('apigw-requestid')).toMatch(/^[\w-]{16}$/);
    expect(last()).toMatchObject({
      version: '2.0',
      routeKey: 'ANY /webhooks/{platform}',
      rawPath: '/webhooks/git hub',
      rawQueryString: 'b=2&a=1&a=%20x',
      queryStringParameters: { b: '2', a: '1, x' },
      pathParameters: { platform: 'git hub' },
      cookies: ['a=1', 'b=2'],
      body: '{"ü":1}',
      isBase64Encoded: false,
      requestContext: {
        accountId: '000000000000',
        apiId: 'api1',
        stage: '$default',
        http: { method: 'POST', path: '/webhooks/git hub', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' },
      },
    });
    expect(last().headers).toMatchObject({ 'x-mixed': 'Case', 'x-forwarded-proto': 'http', 'content-length': '8' });
    expect(last().headers).not.toHaveProperty('cookie');
    expect(calls).toEqual([
      'lambda:InvokeFunction receive arn:aws:execute-api:us-east-1:000000000000:api1/$default/POST/webhooks/{platform}',
    ]);
  });

  it.each([
    ['application/x-www-form-urlencoded', true],
    ['application/octet-stream', true],
    ['application/cloudevents+json', true],
    [undefined, true],
    ['text/plain', false],
    ['application/xml', false],
  ])('encodes a body of type %s in base64: %s', async (type, encoded) => {
    await new Promise<void>((resolve) => {
      const message = httpRequest(`${base}/webhooks/x`, {
        method: 'POST',
        headers: type ? { 'content-type': type } : {},
      });
      message.on('response', (response) => response.resume().on('end', resolve));
      message.end(Buffer.from('payload=1'));
    });
    expect(last().isBase64Encoded).toBe(encoded);
    expect(Buffer.from(last().body as string, encoded ? 'base64' : 'utf8').toString()).toBe('payload=1');
  });

  it('leaves body and query out where there is none', async () => {
    await fetch(`${base}/webhooks/x`);
    expect(last()).toMatchObject({ rawQueryString: '', isBase64Encoded: false });
    expect(last()).not.toHaveProperty('body');
    expect(last()).not.toHaveProperty('queryStringParameters');
  });

  it('prefers the literal path to the variable one, and a route to $default', async () => {
    await fetch(`${base}/webhooks/literal`);
    await fetch(`${base}/webhooks/literal`, { method: 'PUT' });
    await fetch(`${base}/v1/runs/1/jobs`);
    expect(last().pathParameters).toEqual({ proxy: 'runs/1/jobs' });
    await fetch(`${base}/v1`);
    await fetch(`${base}/`);
    expect(invoked.map(({ arn }) => arn)).toEqual(['literal', 'receive', 'authorize', 'api', 'fallback', 'fallback']);
    expect(calls.at(-1)).toContain(':api1/$default/$default');
  });

  it('asks the authorizer and passes its context on', async () => {
    await fetch(`${base}/v1/runs`, { headers: { authorization: 'Bearer x' } });
    const asked = invoked[0]?.event;
    expect(asked).toMatchObject({
      type: 'REQUEST',
      version: '2.0',
      identitySource: null,
      routeArn: 'arn:aws:execute-api:us-east-1:000000000000:api1/$default/GET/v1/runs',
    });
    expect(asked?.headers.authorization).toBe('Bearer x');
    expect(last().requestContext.authorizer).toEqual({ lambda: { principal: 'nobody' } });
  });

  it('answers 403 when refused, 500 when the authorizer fails, 401 without the identity source', async () => {
    answers.authorize = () => ({ isAuthorized: false });
    const forbidden = await fetch(`${base}/v1/runs`);
    expect([forbidden.status, await forbidden.json()]).toEqual([403, { message: 'Forbidden' }]);
    answers.authorize = () => new Error('broken');
    expect((await fetch(`${base}/v1/runs`)).status).toBe(500);
    expect((await fetch(`${base}/keyed`)).status).toBe(401);
    expect(invoked.map(({ arn }) => arn)).toEqual(['authorize', 'authorize']);
  });

  it('caches a verdict by its identity sources', async () => {
    for (let i = 0; i < 3; i += 1) await fetch(`${base}/keyed`, { headers: { 'x-key': 'one' } });
    await fetch(`${base}/keyed`, { headers: { 'x-key': 'two' } });
    expect(invoked.filter(({ arn }) => arn === 'authorize')).toHaveLength(2);
  });

  it('sends what the function answers', async () => {
    answers.receive = () => ({
      statusCode: 201,
      headers: { 'X-A': 'b', 'content-length': '999' },
      cookies: ['a=1', 'b=2'],
      body: Buffer.from([0, 255]).toString('base64'),
      isBase64Encoded: true,
    });
    const response = await fetch(`${base}/webhooks/x`);
    expect(response.status).toBe(201);
    expect(response.headers.get('x-a')).toBe('b');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(response.headers.get('content-type')).toBe('text/plain;charset=UTF-8');
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 255]);
  });

  it('takes an answer without a status as the body', async () => {
    answers.receive = () => ({ hello: 'world' });
    const response = await fetch(`${base}/webhooks/x`);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({ hello: 'world' });
  });

  it.each([
    ['a status that is none', { statusCode: 'many' }],
    ['a header that would split the answer', { statusCode: 200, headers: { 'x-a': 'b\r\nset-cookie: c' } }],
    ['a function that fails', new Error('broken')],
  ])('answers 500 to %s', async (_, answer) => {
    answers.receive = () => answer;
    const response = await fetch(`${base}/webhooks/x`);
    expect([response.status, await response.json()]).toEqual([500, { message: 'Internal Server Error' }]);
  });

  it('answers 503 when the function is late or throttled, 413 when it cannot take the payload', async () => {
    answers.slow = () => new Promise((resolve) => setTimeout(() => resolve({}), 500));
    const late = await fetch(`${base}/slow`, { method: 'POST' });
    expect([late.status, await late.json()]).toEqual([503, { message: 'Service Unavailable' }]);
    answers.receive = () => new AwsFault('TooManyRequestsException', 'Rate Exceeded.', 429);
    expect((await fetch(`${base}/webhooks/x`)).status).toBe(503);
    answers.receive = () => new AwsFault('RequestEntityTooLargeException', 'too large', 413);
    expect((await fetch(`${base}/webhooks/x`)).status).toBe(413);
  });

  it('answers 500 when the function does not permit the gateway', async () => {
    denied = 'receive';
    expect((await fetch(`${base}/webhooks/x`)).status).toBe(500);
    expect(invoked).toEqual([]);
  });

  it('throttles a route to its burst', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await fetch(`${base}/rare`)).status);
    expect(statuses).toEqual([200, 200, 429]);
  });

  it('refuses a body beyond ten megabytes, declared or not, and lives on', async () => {
    const before = gateway.counts();
    const large = Buffer.alloc(11 * 1024 * 1024);
    const declared = await fetch(`${base}/webhooks/x`, { method: 'POST', body: large });
    expect([declared.status, await declared.json()]).toEqual([413, { message: 'Request Entity Too Large' }]);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const message = httpRequest(`${base}/webhooks/x`, { method: 'POST' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      message.on('error', reject);
      message.write(large);
      message.end('more');
    });
    expect(status).toBe(413);
    expect(invoked).toEqual([]);
    expect((await fetch(`${base}/webhooks/x`)).status).toBe(200);
    const counts = gateway.counts();
    expect(counts).toEqual({ count: before.count + 3, '4xx': before['4xx'] + 2, '5xx': before['5xx'] });
  });

  it('is not hurt by clients that go away or speak nonsense', async () => {
    const { port } = gateway.server.address() as AddressInfo;
    const aborted = connect(port, '127.0.0.1');
    aborted.write('POST /webhooks/x HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf');
    await new Promise((resolve) => setTimeout(resolve, 20));
    aborted.destroy();
    const speak = async (text: string): Promise<string> => {
      const socket = connect(port, '127.0.0.1');
      socket.write(text);
      let said = '';
      for await (const chunk of socket) said += String(chunk);
      return said;
    };
    expect(await speak('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await speak('GET /%zz HTTP/1.1\r\nhost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await speak(`GET / HTTP/1.1\r\nhost: x\r\nx-large: ${'x'.repeat(40_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
    expect((await fetch(`${base}/webhooks/x`)).status).toBe(200);
    expect(gateway.busy()).toBe(0);
  });

  it('lets the host answer for itself first', async () => {
    expect(await (await fetch(`${base}/_local`)).text()).toBe('mine');
    expect(invoked).toEqual([]);
  });

  it('counts requests by route', () => {
    const routes = gateway.routes();
    expect(routes.map(({ route }) => route)).toEqual(API.routes.map(({ key }) => key));
    expect(routes.find(({ route }) => route === 'ANY /webhooks/{platform}')?.requests).toBeGreaterThan(5);
  });
});
