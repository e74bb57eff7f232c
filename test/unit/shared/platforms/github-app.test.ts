import { createVerify, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Job } from '../../../../shared/model/index.ts';
import { github } from '../../../../shared/platforms/github/index.ts';
import { LogUnavailable, type PlatformClient, PlatformUnavailable } from '../../../../shared/platforms/index.ts';

const APP = '4711';
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = keys.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** Whether a request carries a token that the App has signed, and which has not ended. */
function isApp(request: IncomingMessage, key: KeyObject): boolean {
  const [scheme, token = ''] = request.headers.authorization?.split(' ') ?? [];
  const [head = '', claims = '', signature = ''] = token.split('.');
  const { iss, iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString() || '{}') as Record<string, number>;
  const now = Date.now() / 1000;
  return (
    scheme?.toLowerCase() === 'bearer' &&
    createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(key, signature, 'base64url') &&
    String(iss) === APP &&
    Number(iat) <= now &&
    Number(exp) > now &&
    // GitHub takes none that is good for longer.
    Number(exp) - Number(iat) <= 660
  );
}

interface Github {
  readonly origin: string;
  /** `GET /path with who`, in their order. */
  readonly calls: string[];
}
/** GitHub, as far as an App and one rerun go. `status`: what a call for a token is answered with. */
async function serve(options: { installed?: boolean; status?: number } = {}): Promise<Github> {
  const { installed = true, status = 201 } = options;
  const calls: string[] = [];
  let tokens = 0;
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    const app = isApp(request, keys.publicKey);
    calls.push(`${method} ${url} with ${app ? 'the App' : headers.authorization}`);
    const answer = (code: number, body: unknown) => {
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (url.endsWith('/installation')) {
      if (!app) answer(401, { message: 'A JSON web token could not be decoded' });
      else if (installed) answer(200, { id: 99 });
      else answer(404, { message: 'Not Found' });
    } else if (url.endsWith('/app/installations/99/access_tokens')) {
      const expires_at = new Date(Date.now() + 3_600_000).toISOString();
      if (!app) answer(401, { message: 'no' });
      else if (status === 201) answer(201, { token: `ghs_${++tokens}`, expires_at, permissions: {} });
      else answer(status, { message: 'no token today' });
    } else if (url.endsWith('/logs')) response.end('the log');
    else answer(201, {});
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}

async function clientOf(origin: string, values: Record<string, string> = {}): Promise<PlatformClient> {
  const client = await github.client(async () => ({
    'github-app-id': APP,
    'github-app-private-key': pem,
    'github-api-url': origin,
    ...values,
  }));
  if (client === undefined) throw new Error('no client');
  return client;
}
const rerun = (repository = 'octo-org/octo-repo') => ({
  action: 'rerun-failed-jobs',
  repository,
  repositoryId: '7',
  externalId: '5',
  runId: 'github:5:1',
  attempt: 1,
  subject: 'github:5:1',
});
const job = { repository: 'octo-org/octo-repo', externalId: '11', endedAt: new Date().toISOString() } as Job;
const readLog = async (client: PlatformClient): Promise<string> => {
  const chunks = [];
  for await (const chunk of await client.jobLog(job, { maxBytes: 1000 })) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
};

describe('a GitHub App', () => {
  it('acts with the token of its installation, which it asks for once', async () => {
    const { origin, calls } = await serve();
    expect(await (await clientOf(origin)).act(rerun())).toMatchObject({ kind: 'done' });
    expect(await (await clientOf(origin)).act(rerun())).toMatchObject({ kind: 'done' });
    expect(await readLog(await clientOf(origin))).toBe('the log');
    const post = 'POST /repos/octo-org/octo-repo/actions/runs/5/rerun-failed-jobs with token ghs_1';
    expect(calls).toEqual([
      'GET /repos/octo-org/octo-repo/installation with the App',
      'POST /app/installations/99/access_tokens with the App',
      post,
      post,
      'GET /repos/octo-org/octo-repo/actions/jobs/11/logs with token ghs_1',
    ]);
  });

  it.each([
    ['on one line', pem.replaceAll('\n', '\\n')],
    ['in base64', Buffer.from(pem).toString('base64')],
    ['as PKCS #8', keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
  ])('takes its key %s, and works on GitHub Enterprise Server', async (_, key) => {
    const { origin, calls } = await serve();
    const client = await clientOf(`${origin}/api/v3/`, { 'github-app-private-key': key });
    expect(await client.act(rerun())).toMatchObject({ kind: 'done' });
    expect(calls[0]).toBe('GET /api/v3/repos/octo-org/octo-repo/installation with the App');
  });

  it('leaves to the personal token what it is not installed on', async () => {
    const { origin, calls } = await serve({ installed: false });
    const client = await clientOf(origin, { 'github-token': 'github_pat_x' });
    expect(await client.act(rerun())).toMatchObject({ kind: 'done' });
    expect(calls.at(-1)).toMatch(/rerun-failed-jobs with token github_pat_x$/);
  });

  it('says so where there is no other token, and sends nothing', async () => {
    const { origin, calls } = await serve({ installed: false });
    const client = await clientOf(origin);
    expect(await client.act(rerun())).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(/not installed/),
    });
    await expect(client.jobLog(job, { maxBytes: 10 })).rejects.toThrow(LogUnavailable);
    expect(await client.lookUp(rerun())).toBe('unclear');
    expect(await client.failedJobs?.(rerun())).toBeUndefined();
    expect(calls.filter((call) => call.startsWith('POST'))).toEqual([]);
  });

  it('with a key that is none sends nothing', async () => {
    const { origin, calls } = await serve();
    const client = await clientOf(origin, { 'github-app-private-key': 'not a key' });
    expect(await client.act(rerun())).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/private key/) });
    await expect(client.jobLog(job, { maxBytes: 10 })).rejects.toThrow(LogUnavailable);
    expect(calls).toEqual([]);
  });

  it.each([
    [502, 'retry-later'],
    [429, 'retry-later'],
    [403, 'refused'],
  ])('that gets %i instead of a token has not acted: %s', async (status, kind) => {
    const { origin, calls } = await serve({ status });
    expect(await (await clientOf(origin)).act(rerun())).toMatchObject({ kind });
    expect(calls.filter((call) => call.includes('rerun-failed-jobs'))).toEqual([]);
  });

  it('that GitHub cannot be asked about tries later', async () => {
    const { origin } = await serve();
    const client = await clientOf(origin);
    for (const server of servers.splice(0)) await new Promise((done) => server.close(done).closeAllConnections());
    expect(await client.act(rerun())).toMatchObject({ kind: 'retry-later' });
    await expect(client.jobLog(job, { maxBytes: 10 })).rejects.toThrow(PlatformUnavailable);
  });

  it.each([[{ 'github-app-private-key': '' }], [{ 'github-app-id': ' ' }]])(
    'is none with half of it: %o',
    async (half) => {
      const values = { 'github-app-id': APP, 'github-app-private-key': pem, ...half };
      expect(await github.client(async () => values)).toBeUndefined();
    },
  );
});
