import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../../../cli/commands/connect.ts';
import { isPrivate, webhookAddress } from '../../../cli/connect/address.ts';
import { main } from '../../../cli/main.ts';
import { createForge, type Forge } from '../../support/forges/index.ts';
import { fakeHub } from '../../support/huggingface.ts';
import { fakeVercel } from '../../support/vercel.ts';
import type { WebFake } from '../../support/web-fake.ts';
import { ioOf } from './io.ts';

const QMOI = 'http://127.0.0.1:9';
const open: { forge?: Forge; server?: Server; fake?: WebFake } = {};
afterEach(async () => {
  await open.forge?.close();
  open.server?.close();
  await open.fake?.close();
  delete open.forge;
  delete open.server;
  delete open.fake;
});

async function call(args: string[], env: Record<string, string | undefined>) {
  const io = ioOf({ env });
  const code = await main(['connect', ...args], io, { connect: async () => connect });
  return { code, ...io.texts() };
}

/** A JSON API of which a test decides every answer; remembers what changed anything. */
async function fake(answer: (method: string, path: string, body: unknown) => { status?: number; json: unknown }) {
  const writes: string[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += String(chunk);
    });
    request.on('end', () => {
      const [method, path] = [request.method ?? '', request.url ?? ''];
      if (method !== 'GET') writes.push(`${method} ${path}`);
      const { status = 200, json } = answer(method, path, text === '' ? undefined : JSON.parse(text));
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.server = server;
  return { writes, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe.each(['github', 'gitlab'] as const)('%s', (platform) => {
  const writesOf = (forge: Forge) =>
    forge.calls
      .filter(({ method, path }) => method !== 'GET' && !/\/(?:pings|test\/\w+)$/.test(path))
      .map(({ method }) => method);

  it('gets a webhook, and is left alone when it has one', async () => {
    const forge = await createForge({
      platform,
      token: 'token',
      secret: 'secret',
      seed: 1,
      webhookUrl: QMOI,
      unhooked: true,
    });
    open.forge = forge;
    forge.repository('acme/shop');
    const args = [platform, 'acme/shop', '--url', QMOI];
    const first = await call(args, forge.settings);
    expect(first).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^Registered the webhook of/) });
    expect(first.out).toContain('A test delivery came through');
    expect(writesOf(forge)).toEqual(['POST']);
    const again = await call(args, forge.settings);
    expect(again).toMatchObject({ code: 0, err: '', out: expect.stringContaining('is as it should be') });
    expect(writesOf(forge)).toEqual(['POST']);
    expect(`${first.out}${again.out}`).not.toMatch(/secret"|token/);
  });

  it('is told what the token lacks', async () => {
    const forge = await createForge({
      platform,
      token: 'token',
      secret: 'secret',
      seed: 1,
      webhookUrl: QMOI,
      unhooked: true,
    });
    open.forge = forge;
    forge.repository('acme/shop');
    forge.tokens.allow('token', { repositories: ['acme/other'] });
    const lacking = await call([platform, 'acme/shop', '--url', QMOI], forge.settings);
    expect(lacking).toMatchObject({ code: 1, err: expect.stringContaining('The token needs') });
    const names = { github: 'QMOI_GITHUB_TOKEN', gitlab: 'QMOI_GITLAB_TOKEN' };
    const wrong = await call([platform, 'acme/shop', '--url', QMOI], { ...forge.settings, [names[platform]]: 'other' });
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('The token is wrong') });
    const none = await call([platform, 'acme/shop', '--url', QMOI], { ...forge.settings, [names[platform]]: '' });
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining(`Missing: ${names[platform]}`) });
  });
});

it('sets right what is wrong with a webhook, and a secret that QMOI refuses', async () => {
  const hook = {
    id: 7,
    active: false,
    events: ['push'],
    config: { url: `${QMOI}/webhooks/github`, content_type: 'form', secret: '*' },
  };
  let renewed = false;
  let pings = 0;
  const github = await fake((method, path, body) => {
    if (method === 'PATCH' && (body as { events?: string[] }).events === undefined) renewed = true;
    if (method === 'PATCH') Object.assign(hook, body);
    if (path.endsWith('/pings')) pings++;
    if (path.includes('/deliveries')) {
      return { json: pings === 0 ? [] : [{ id: pings, event: 'ping', status_code: renewed ? 202 : 401 }] };
    }
    return { json: path.endsWith('/hooks?per_page=100') ? [hook] : hook };
  });
  const env = { QMOI_GITHUB_API_URL: github.url, QMOI_GITHUB_TOKEN: 't', QMOI_GITHUB_WEBHOOK_SECRET: 's' };
  const { code, out } = await call(['github', 'acme', '--url', QMOI], env);
  expect(code).toBe(0);
  expect(out).toContain('it is switched off; it lacks workflow_run');
  expect(out).toContain('it is not sent as JSON');
  expect(out).toContain('the secret was another one');
  expect(hook.events).toContain('push');
  expect(github.writes).toEqual([
    'PATCH /orgs/acme/hooks/7',
    'POST /orgs/acme/hooks/7/pings',
    'PATCH /orgs/acme/hooks/7',
    'POST /orgs/acme/hooks/7/pings',
  ]);
});

const writesTo = ({ calls }: WebFake): string[] =>
  calls
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path, query }) => `${method} ${path} ${JSON.stringify(query)}`);

describe('vercel', () => {
  it.each([
    ['acme', { slug: 'acme' }],
    ['team_acme', { teamId: 'team_acme' }],
    [undefined, {}],
  ])('makes the secret of the webhook of %s, which is shown once', async (team, query) => {
    const vercel = await fakeVercel({ token: 't', secret: 'made-by-vercel' });
    open.fake = vercel;
    const args = ['vercel', ...(team === undefined ? [] : [team]), '--url', QMOI];
    const first = await call(args, vercel.settings);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain('QMOI_VERCEL_WEBHOOK_SECRET=made-by-vercel');
    const again = await call(args, vercel.settings);
    expect(again).toMatchObject({ code: 0, err: '', out: expect.not.stringContaining('made-by-vercel') });
    expect(writesTo(vercel)).toEqual([`POST /v1/webhooks ${JSON.stringify(query)}`]);
  });

  it('says in its own words what it refuses', async () => {
    const vercel = await fakeVercel({ token: 't', secret: 's' });
    open.fake = vercel;
    const wrong = await call(['vercel', '--url', QMOI], { ...vercel.settings, QMOI_VERCEL_TOKEN: 'other' });
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('Not authorized (403)') });
  });
});

describe('huggingface', () => {
  const args = ['huggingface', 'space:acme/demo', '--url', QMOI];

  it('gets a webhook, and is left alone when it has one', async () => {
    const hub = await fakeHub({ token: 't', secret: 's' });
    open.fake = hub;
    expect((await call(args, hub.settings)).out).toContain('Registered the webhook of space acme/demo');
    const again = await call(args, hub.settings);
    expect(again).toMatchObject({ code: 0, err: '', out: expect.stringContaining('is as it should be') });
    expect(writesTo(hub)).toEqual(['POST /api/settings/webhooks {}']);
    const { url, watched, domains, secret } = hub.webhooks.hooks[0] ?? {};
    expect({ url, watched, domains, secret }).toEqual({
      url: `${QMOI}/webhooks/huggingface`,
      watched: [{ type: 'space', name: 'acme/demo' }],
      domains: ['repo', 'discussion'],
      secret: 's',
    });
  });

  it('is added what its webhook does not watch, and switched on', async () => {
    const hub = await fakeHub({ token: 't', secret: 's' });
    open.fake = hub;
    hub.webhooks.hooks.push({
      ...{ id: 'w1', url: `${QMOI}/webhooks/huggingface`, domains: ['repo'], secret: 's', disabled: true },
      watched: [{ type: 'user', name: 'ada' }],
    });
    expect((await call(args, hub.settings)).out).toContain('it did not watch space acme/demo');
    expect(hub.webhooks.hooks).toMatchObject([
      {
        watched: [
          { type: 'user', name: 'ada' },
          { type: 'space', name: 'acme/demo' },
        ],
        domains: ['repo', 'discussion'],
        disabled: false,
      },
    ]);
    expect((await call(args, hub.settings)).out).toContain('is as it should be');
    expect(writesTo(hub)).toEqual(['POST /api/settings/webhooks/w1 {}', 'POST /api/settings/webhooks/w1/enable {}']);
  });

  it('says in its own words what it refuses', async () => {
    const hub = await fakeHub({ token: 't', secret: 's' });
    open.fake = hub;
    const wrong = await call(args, { ...hub.settings, QMOI_HUGGINGFACE_TOKEN: 'other' });
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('Invalid credentials') });
  });
});

it('prints the manifest of an App with the address and the rights it needs', async () => {
  const { code, out } = await call(['github', '--app', '--url', 'https://qmoi.example.com/'], {});
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    hook_attributes: { url: 'https://qmoi.example.com/webhooks/github' },
    default_permissions: { actions: 'write' },
    default_events: expect.arrayContaining(['workflow_job', 'workflow_dispatch']),
  });
});

describe('the address', () => {
  it.each([
    'localhost',
    '127.0.0.1',
    '10.1.2.3',
    '172.20.0.1',
    '192.168.0.9',
    '169.254.1.1',
    'fd00::1',
    'ci',
    'ci.local',
  ])('%s is private', (host) => expect(isPrivate(host)).toBe(true));
  it.each(['example.com', '172.32.0.1', '8.8.8.8', '2606:4700::1', '100.example.org'])('%s is public', (host) =>
    expect(isPrivate(host)).toBe(false),
  );
  it('has to be one that the platform can reach', () => {
    const at =
      (url: string | undefined, api = 'https://api.github.com') =>
      () =>
        webhookAddress(url, 'github', api);
    expect(at(undefined)).toThrow('Missing: --url');
    expect(at('qmoi')).toThrow('no address');
    expect(at('https://127.0.0.1:3000')).toThrow('public address');
    expect(at('http://qmoi.example.com')).toThrow('https');
    expect(at('http://10.0.0.2', 'http://ghes.internal/api/v3')()).toBe('http://10.0.0.2/webhooks/github');
    expect(at('https://qmoi.example.com/base/')()).toBe('https://qmoi.example.com/base/webhooks/github');
  });
});

it('is called wrongly with exit code 2', async () => {
  expect(await call(['bitbucket'], {})).toMatchObject({ code: 2, err: expect.stringContaining('github, gitlab') });
  expect(await call(['gitlab', '--app', '--url', QMOI], {})).toMatchObject({ code: 2 });
});
