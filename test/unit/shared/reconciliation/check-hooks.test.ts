import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Source } from '../../../../shared/model/index.ts';
import { platforms } from '../../../../shared/platforms/index.ts';
import type { Meter, Sweeper } from '../../../../shared/platforms/sweeper.ts';
import { checkHooks } from '../../../../shared/reconciliation/check-hooks.ts';
import {
  checkCalls,
  createForge,
  type Forge,
  type ForgeOptions,
  type Platform,
} from '../../../support/forges/index.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();
const unmetered: Meter = { admit: async () => undefined, told: () => undefined };
const open: { forge?: Forge; server?: Server } = {};
afterEach(async () => {
  if (open.forge !== undefined) {
    const { violations } = checkCalls(open.forge.platform, open.forge.calls);
    expect(violations).toEqual([]);
  }
  await open.forge?.close();
  open.server?.close();
});

/** A forge whose webhooks lead to a receiver that answers `status`, and the API of the one as QMOI asks it. */
async function stage(platform: Platform, status: number, options: Partial<ForgeOptions> = {}) {
  const received: string[] = [];
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      received.push(String(request.headers['x-github-delivery'] ?? request.headers['idempotency-key']));
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const webhookUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/${platform}`;
  const forge = await createForge({ platform, token: 'token', secret: 'secret', seed: 1, webhookUrl, ...options });
  Object.assign(open, { forge, server });
  const settings = new Map(
    Object.entries(forge.settings).map(([name, value]) => [name.slice(5).toLowerCase().replaceAll('_', '-'), value]),
  );
  const read = async (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, settings.get(name)]));
  const sweeper = (await platforms[platform]?.sweeper?.(read, unmetered)) as Sweeper;
  const repository = forge.repository('acme/shop');
  const { store } = await engine.fresh();
  const source = { platform, repository: 'acme/shop', id: `${platform}:acme/shop` } as Source;
  const check = () => checkHooks(store, sweeper.hooks, source, Date.now(), undefined);
  return { forge, received, repository, check };
}

const JOBS = { jobs: [{ name: 'build' }] };

describe.each(['github', 'gitlab'] as const)('the webhooks of %s', (platform) => {
  it('are not asked to send again what a sweep finds for fewer calls', async () => {
    const { forge, received, repository, check } = await stage(platform, 202);
    const deliveries = [...repository.run(JOBS).record()];
    for (const delivery of deliveries.slice(2)) await forge.send(delivery);
    received.length = 0;
    expect(await check()).toEqual({ status: 'active', redelivered: 0 });
    await forge.idle();
    expect(received).toEqual([]);
  });

  it('are failing when nothing comes through any more', async () => {
    const { forge, repository, check } = await stage(platform, 503);
    for (const delivery of repository.run(JOBS).record()) await forge.send(delivery);
    expect(await check()).toMatchObject({ status: 'failing', reason: expect.stringContaining('"503"') });
  });

  it('that the token may not see are left alone', async () => {
    const { forge, check } = await stage(platform, 202);
    forge.tokens.allow('token', { access: 'write', repositories: ['acme/other'] });
    expect(await check()).toEqual({ status: 'active', redelivered: 0 });
  });
});

it('are asked to send again what did not come through, once', async () => {
  const { forge, received, repository, check } = await stage('github', 202);
  const deliveries = Array.from({ length: 5 }, () => repository.ping());
  for (const delivery of deliveries.slice(2)) await forge.send(delivery);
  received.length = 0;
  expect(await check()).toEqual({ status: 'active', redelivered: 2 });
  await forge.idle();
  expect(received).toEqual(deliveries.slice(0, 2).map(({ id }) => id));
  expect(await check()).toEqual({ status: 'active', redelivered: 0 });
});

it('are missing where there are none, as far as that can be known', async () => {
  const github = await stage('github', 202, { unhooked: true });
  expect(await github.check()).toEqual({
    status: 'unhooked',
    reason: 'no webhook of acme/shop leads to QMOI',
    redelivered: 0,
  });
  await open.forge?.close();
  open.server?.close();
  // On GitLab a group above, or the instance, may have one.
  const gitlab = await stage('gitlab', 202, { unhooked: true });
  expect(await gitlab.check()).toEqual({ status: 'active', redelivered: 0 });
});

it('are failing when they are switched off', async () => {
  const { forge, check } = await stage('github', 202);
  const call = (method: string, path: string, body?: object) =>
    fetch(`${forge.url}${path}`, {
      method,
      headers: { authorization: 'token token', 'user-agent': 'test' },
      ...(body && { body: JSON.stringify(body) }),
    });
  const [hook] = (await (await call('GET', '/repos/acme/shop/hooks')).json()) as { id: number }[];
  await call('PATCH', `/repos/acme/shop/hooks/${hook?.id}`, { active: false });
  expect(await check()).toMatchObject({ status: 'failing', reason: 'its webhook: it is switched off' });
});
