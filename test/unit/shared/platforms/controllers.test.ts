import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { agentController } from '../../../../shared/platforms/controllers/agent.ts';
import { withControllers } from '../../../../shared/platforms/controllers/index.ts';
import { webhookController } from '../../../../shared/platforms/controllers/webhook.ts';
import { verify } from '../../../../shared/platforms/gitlab/receive.ts';
import { type ActionRequest, platforms } from '../../../../shared/platforms/index.ts';
import { listCommands } from '../../../../shared/runners/index.ts';
import { isPrivateAddress } from '../../../../shared/runtime/public-http.ts';
import { parametersOf } from '../../../support/contract/kept.ts';
import { withTable } from '../../../support/table.ts';

const SECRET = 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=';
const requestOf = (action: string, parameters: ActionRequest['parameters']): ActionRequest => ({
  ...{ action, parameters, repository: 'acme/shop', externalId: '5', runId: 'github:5:1', attempt: 1 },
  subject: 'github:5:1',
});

describe('a webhook', () => {
  interface Sent {
    headers: Record<string, string>;
    body: string;
  }
  const sent: Sent[] = [];
  let redirect: string | undefined;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = request.headers as Record<string, string>;
    sent.push({ headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(redirect === undefined ? 200 : 307, redirect === undefined ? {} : { location: redirect }).end();
  });
  let url: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  });
  beforeEach(() => {
    sent.length = 0;
    redirect = undefined;
  });
  afterAll(() => server.close().closeAllConnections());

  const call = async (
    webhook: { url: string; private: boolean },
    of = requestOf('call-webhook', { webhook: 'restart' }),
  ) => {
    const controller = webhookController({ webhooks: { restart: webhook } });
    const carrier = await controller.open(parametersOf({ QMOI_ACTION_WEBHOOK_SECRET: SECRET }));
    return carrier.act(of);
  };

  it('is signed as Standard Webhooks say, and has one id for all tries of one request', async () => {
    const here = { url, private: true };
    expect(await call(here)).toMatchObject({ kind: 'done' });
    expect(await call(here)).toMatchObject({ kind: 'done' });
    expect(await call(here, { ...requestOf('call-webhook', { webhook: 'restart' }), attempt: 2 })).toMatchObject({
      kind: 'done',
    });
    const ids = sent.map(({ headers }) => headers['webhook-id']);
    expect(ids[0]).toMatch(/^msg_\w{24}$/);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
    // By the code that verifies GitLab's, which is of the same standard.
    const read = async (names: readonly string[]) =>
      Object.fromEntries(names.map((name) => [name, name === 'gitlab-signing-token' ? SECRET : undefined]));
    const [{ headers, body } = { headers: {}, body: '' }] = sent;
    expect(await verify({ headers, body: Buffer.from(body) }, read, new Date())).toBe('verified');
    expect(await verify({ headers, body: Buffer.from(`${body} `) }, read, new Date())).toBe('refused');
  });

  it('goes nowhere but where the settings say', async () => {
    const reasonOf = async (webhook: { url: string; private: boolean }, of?: ActionRequest) => {
      const outcome = await call(webhook, of);
      return outcome.kind === 'refused' ? outcome.reason : outcome.kind;
    };
    expect(await reasonOf({ url, private: false })).toMatch(/not https/);
    for (const host of [
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      'localhost',
      '[::1]',
      '[::ffff:10.0.0.1]',
      '169.254.169.254',
    ]) {
      expect(await reasonOf({ url: `https://${host}:${new URL(url).port}/hook`, private: false }), host).toMatch(
        /private/,
      );
    }
    expect(await reasonOf({ url, private: true }, requestOf('call-webhook', { webhook: 'constructor' }))).toMatch(
      /no webhook/,
    );
    expect(sent).toEqual([]);
    redirect = url;
    expect(await reasonOf({ url, private: true })).toMatch(/points elsewhere/);
    expect(sent).toHaveLength(1);
  });

  it('is not sent unsigned', async () => {
    const controller = webhookController({ webhooks: { restart: { url, private: true } } });
    for (const secret of ['', 'whsec_']) {
      const carrier = await controller.open(parametersOf({ QMOI_ACTION_WEBHOOK_SECRET: secret }));
      expect(await carrier.act(requestOf('call-webhook', { webhook: 'restart' }))).toMatchObject({ kind: 'refused' });
    }
    expect(sent).toEqual([]);
  });

  it.each([
    ['8.8.8.8', false],
    ['2606:4700::1111', false],
    ['100.64.0.1', true],
    ['172.31.255.255', true],
    ['172.32.0.1', false],
    ['fd00::1', true],
    ['fe80::1', true],
    ['64:ff9b::a00:1', true],
    ['2002:7f00:1::', true],
    ['nonsense', true],
  ])('%s is a private address: %s', (address, expected) => {
    expect(isPrivateAddress(address)).toBe(expected);
  });
});

describe('an agent', () => {
  const engine = withTable();
  const RUNNER = 'local:machines:mac-3';
  const world = async (status: 'idle' | 'busy' | 'offline' | 'removed' = 'idle', platform = 'local') => {
    const { store } = await engine.fresh();
    await store.merge('runner', {
      ...{
        id: RUNNER,
        platform,
        externalId: 'mac-3',
        scope: 'machines',
        status,
        origin: 'live',
        statusAt: store.now(),
      },
    });
    return { store, carrier: await agentController(store).open(async () => ({})) };
  };
  const restart = requestOf('restart-runner', { runner: RUNNER });

  it('is told once, however often it is asked for', async () => {
    const { store, carrier } = await world();
    expect(await carrier.lookUp(restart)).toBe('did-not-happen');
    const outcomes = await Promise.all([carrier.act(restart), carrier.act(restart), carrier.act(restart)]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['done', 'done', 'done']);
    expect(outcomes.filter((outcome) => !('unchanged' in outcome))).toHaveLength(1);
    expect(await carrier.lookUp(restart)).toBe('happened');
    expect(await carrier.act(restart)).toMatchObject({ kind: 'done', unchanged: true });
    expect(await carrier.act({ ...restart, attempt: 2 })).not.toHaveProperty('unchanged');
    expect(await carrier.act(requestOf('diagnose-runner', { runner: RUNNER }))).toMatchObject({ kind: 'done' });
    expect((await listCommands(store, RUNNER)).map(({ command }) => command).sort()).toEqual([
      ...['collect-diagnostics', 'restart-runner-service', 'restart-runner-service'],
    ]);
  });

  it('is not told to restart what is at work, nor when too much waits for it already', async () => {
    const { carrier } = await world('busy');
    expect(await carrier.act(restart)).toMatchObject({ kind: 'retry-later' });
    const diagnose = requestOf('diagnose-runner', { runner: RUNNER });
    const kinds = [];
    for (const attempt of [1, 2, 3, 4, 5, 6]) kinds.push((await carrier.act({ ...diagnose, attempt })).kind);
    expect(kinds).toEqual(['done', 'done', 'done', 'done', 'done', 'retry-later']);
  });

  it.each([
    ['a runner that is gone', 'removed', 'local', RUNNER],
    ['a runner of a platform that speaks for it', 'idle', 'github', RUNNER],
    ['a runner that nobody knows', 'idle', 'local', 'local:machines:other'],
  ] as const)('is not told for %s', async (_, status, platform, runner) => {
    const { store, carrier } = await world(status, platform);
    expect(await carrier.act(requestOf('restart-runner', { runner }))).toMatchObject({ kind: 'refused' });
    expect(await listCommands(store, runner)).toEqual([]);
  });
});

it('a platform without a token can do what the controllers can, and says why it can do nothing else', async () => {
  const controllers = [webhookController({ webhooks: {} })];
  const client = await withControllers(platforms, controllers).github?.client(async () => ({}));
  expect(await client?.act(requestOf('call-webhook', { webhook: 'restart' }))).toMatchObject({
    reason: 'the settings name no webhook restart',
  });
  expect(await client?.act(requestOf('cancel-run', {}))).toEqual({
    kind: 'refused',
    reason: 'no token for GitHub is configured',
  });
  expect(await client?.lookUp(requestOf('cancel-run', {}))).toBe('unclear');
});
