import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takes } from '../../shared/platforms/action.ts';
import { ANYWHERE, actions } from '../../shared/platforms/actions.ts';
import { agentActions } from '../../shared/platforms/controllers/agent.ts';
import { awsController } from '../../shared/platforms/controllers/aws.ts';
import { withControllers } from '../../shared/platforms/controllers/index.ts';
import { webhookController } from '../../shared/platforms/controllers/webhook.ts';
import { type ActionRequest, platforms } from '../../shared/platforms/index.ts';
import { controllerSettings } from '../../shared/runtime/controller-settings.ts';
import { ACTION_ROWS, requestOf, SINCE } from '../support/contract/actions/index.ts';
import { parametersOf } from '../support/contract/kept.ts';

/** `drop`: takes a request and never answers. */
interface Given {
  readonly status: number | 'drop';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
const ok = (body: unknown): Given => ({ status: 200, body });

const settingsOf = (url: string) => ({
  ...{ QMOI_GITHUB_TOKEN: 'a', QMOI_GITHUB_API_URL: url, QMOI_GITLAB_TOKEN: 'a', QMOI_GITLAB_URL: url },
  ...{ QMOI_VERCEL_TOKEN: 'a', QMOI_VERCEL_API_URL: url, QMOI_HUGGINGFACE_TOKEN: 'a', QMOI_HUGGINGFACE_URL: url },
});

/** A platform with one answer to whatever is read, and one to whatever is changed. */
interface Sent {
  method: string;
  url: string;
  body?: unknown;
  target?: string;
}
let api = { reading: ok({}), writing: ok({}), calls: [] as Sent[] };
/** Some APIs are asked by POST as well. */
const isRead = ({ method, target = '', body }: Sent): boolean =>
  method === 'GET' ||
  target.endsWith('.ListCommands') ||
  (typeof body === 'string' && body.startsWith('Action=Describe'));

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const { method = '', url = '' } = request;
  const target = request.headers['x-amz-target'];
  const isForm = request.headers['content-type']?.includes('form') === true;
  const sent: Sent = {
    ...{ method, url },
    ...(text !== '' && { body: isForm ? text : (JSON.parse(text) as unknown) }),
    ...(typeof target === 'string' && { target }),
  };
  api.calls.push(sent);
  const { status, body = {}, headers } = isRead(sent) ? api.reading : api.writing;
  if (status === 'drop') return void request.socket.destroy();
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(status === 204 ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
});
let closed = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const other = createServer();
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
  closed = (other.address() as AddressInfo).port;
  await new Promise((resolve) => other.close(resolve));
});
afterAll(() => server.close().closeAllConnections());

async function clientAt(platform: string, url: string) {
  const webhooks = { restart: { url: `${url}/hook`, private: true } };
  const all = withControllers(platforms, [
    webhookController({ webhooks, now: () => Date.parse(SINCE) }),
    awsController({
      settings: controllerSettings.parse({ aws: AWS }).aws,
      account: '123456789012',
      environment: {
        AWS_ENDPOINT_URL: url,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'AKIA',
        AWS_SECRET_ACCESS_KEY: 's',
      },
    }),
  ]);
  // What can be done anywhere can be done without any platform's token.
  const read = platform === ANYWHERE ? { QMOI_ACTION_WEBHOOK_SECRET: 'whsec_c2VjcmV0' } : settingsOf(url);
  const client = await all[platform === ANYWHERE ? 'github' : platform]?.client(parametersOf(read));
  if (client === undefined) throw new Error('no client');
  return client;
}

async function serve(platform: string, reading: Given, writing: Given = { status: 500 }) {
  const calls: (typeof api)['calls'] = [];
  api = { reading, writing, calls };
  const client = await clientAt(platform, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { client, calls, changes: () => calls.filter((call) => !isRead(call)) };
}

const AWS = {
  ...{
    instances: ['i-0123456789abcdef0'],
    groups: ['runners'],
    documents: ['AWS-RunShellScript'],
    quantum: { cancel: true, resubmitTo: 'amazon-braket-results' },
  },
};

/** Each answer that an API may give to a change, and what it means. */
const ANSWERS: readonly (readonly [Given, string])[] = [
  [{ status: 200 }, 'done'],
  [{ status: 201 }, 'done'],
  [{ status: 202 }, 'done'],
  [{ status: 204 }, 'done'],
  [{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'refused'],
  [{ status: 400 }, 'refused'],
  [{ status: 401 }, 'refused'],
  [{ status: 403 }, 'refused'],
  [{ status: 403, headers: { 'retry-after': '7' } }, 'retry-later'],
  [{ status: 404 }, 'refused'],
  [{ status: 408 }, 'unknown'],
  [{ status: 409 }, 'refused'],
  [{ status: 410 }, 'refused'],
  [{ status: 412 }, 'refused'],
  [{ status: 422 }, 'refused'],
  [{ status: 429 }, 'retry-later'],
  [{ status: 429, headers: { 'retry-after': '33' } }, 'retry-later'],
  [{ status: 500 }, 'unknown'],
  [{ status: 502 }, 'unknown'],
  [{ status: 503 }, 'unknown'],
  [{ status: 504 }, 'unknown'],
  [{ status: 'drop' }, 'unknown'],
];

/** The same of what is read before: nothing can have happened. */
const BEFORE: readonly (readonly [Given, string])[] = [
  [{ status: 401 }, 'refused'],
  [{ status: 403 }, 'refused'],
  [{ status: 404 }, 'refused'],
  [{ status: 429, headers: { 'retry-after': '33' } }, 'retry-later'],
  [{ status: 500 }, 'retry-later'],
  [{ status: 'drop' }, 'retry-later'],
];

it('every action has a row, and every row its action', () => {
  const known = Object.entries(actions).flatMap(([platform, own]) =>
    // An agent is told by way of the table, which is tested with one.
    Object.keys(own).flatMap((action) => (Object.hasOwn(agentActions, action) ? [] : [`${platform} ${action}`])),
  );
  expect([...new Set(ACTION_ROWS.map(({ platform, action }) => `${platform} ${action}`))].sort()).toEqual(known.sort());
});

it('whatever can be changed back has an inverse, that has one too, or is made good by itself', () => {
  for (const own of Object.values(actions)) {
    for (const [name, { tier, inverse, heals }] of Object.entries(own)) {
      if (tier === 2) expect(inverse ?? heals, name).toBeDefined();
      if (inverse !== undefined) expect(own, name).toHaveProperty(inverse);
    }
  }
});

describe.each(ACTION_ROWS.map((row) => ({ ...row, title: `${row.action} on ${row.platform}` })))('$title', (row) => {
  const { platform, action, sent, at, found, always, before, removes, without } = row;
  const traits = actions[platform]?.[action];
  const request = requestOf(row);
  const ready = ok(before?.ready ?? {});
  const reading = typeof at === 'string' ? { method: 'GET', url: at } : at;

  it('is one request, of what it says that it takes', async () => {
    const { client, calls, changes } = await serve(platform, ready, { status: 201 });
    expect(await client.act(request)).toMatchObject({ kind: 'done' });
    expect(changes()).toEqual([sent]);
    expect(calls).toEqual(before === undefined ? [sent] : [reading, sent]);
    for (const name of Object.keys(row.parameters ?? {})) {
      // The time of asking is QMOI's own to say.
      if (name !== 'since') expect(traits && takes(traits, name), name).toBe(true);
    }
  });

  it('is taken by every answer for what it is, and not sent twice', async () => {
    for (const [answer, kind] of ANSWERS) {
      const { client, changes } = await serve(platform, ready, answer);
      const outcome = await client.act(request);
      const seconds = answer.headers?.['retry-after'];
      expect(outcome, JSON.stringify(answer)).toMatchObject({ kind, ...(seconds && { seconds: Number(seconds) }) });
      expect(changes()).toHaveLength(1);
    }
  });

  it('is not sent where nobody listens', async () => {
    expect((await (await clientAt(platform, `http://127.0.0.1:${closed}`)).act(request)).kind).toBe('retry-later');
  });

  it('is looked up', async () => {
    for (const [body, expected] of found) {
      const { client, calls } = await serve(platform, ok(body));
      expect(await client.lookUp(request), JSON.stringify(body)).toBe(expected);
      expect(calls).toEqual([reading]);
    }
    if (always !== undefined) {
      expect(await (await serve(platform, ready)).client.lookUp(request)).toBe(always);
      return;
    }
    for (const status of [401, 403, 500, 'drop'] as const) {
      expect(await (await serve(platform, { status })).client.lookUp(request)).toBe('unclear');
    }
    const gone = await (await serve(platform, { status: 404 })).client.lookUp(request);
    expect(gone).toBe(removes ? 'happened' : 'unclear');
  });

  it('is proved by what is read, where no run of QMOI’s own tells', async () => {
    const proved = traits?.proof === 'new-run' || traits?.proof === 'run-ended' || traits?.proof === 'state';
    // What Braket has made tells of itself, and of nothing else: its tasks carry no mark.
    if (action !== 'resubmit-task') expect(row.shows !== undefined, 'shows').toBe(proved);
    for (const [body, status, made] of row.shows ?? []) {
      const { client, calls } = await serve(platform, ok(body));
      const shown = await client.probe?.(request);
      expect(shown, JSON.stringify(body)).toEqual(
        status && { status, detail: expect.any(String), ...(made && { made }) },
      );
      expect(calls).toEqual([reading]);
    }
    for (const status of [401, 404, 500, 'drop'] as const) {
      expect(await (await serve(platform, { status })).client.probe?.(request)).toBeUndefined();
    }
  });

  it('is not sent when what is read before does not allow it', async () => {
    if (before === undefined) return expect(traits).not.toHaveProperty('first');
    for (const [answer, kind] of BEFORE) {
      const { client, changes } = await serve(platform, answer);
      expect((await client.act(request)).kind, JSON.stringify(answer)).toBe(kind);
      expect(changes()).toEqual([]);
    }
    for (const body of before.unfit ?? []) {
      const { client, changes } = await serve(platform, ok(body));
      expect((await client.act(request)).kind, JSON.stringify(body)).toBe('refused');
      expect(changes()).toEqual([]);
    }
    if (before.already === undefined) return undefined;
    const { client, changes } = await serve(platform, ok(before.already));
    expect(await client.act(request)).toMatchObject({ kind: 'done', unchanged: true });
    return expect(changes()).toEqual([]);
  });

  it('is not sent without what it acts on', async () => {
    const { client, changes } = await serve(platform, ready, { status: 201 });
    const { [without ?? '']: _, ...parameters } = request.parameters ?? {};
    const ids = { repository: '', repositoryId: '../9', externalId: '../9', runId: `${platform}:../5:1` };
    const lacking: ActionRequest = without === undefined ? { ...request, ...ids } : { ...request, parameters };
    expect((await client.act(lacking)).kind).toBe('refused');
    expect(changes()).toEqual([]);
  });
});

it('takes no name of a workflow that leads elsewhere', async () => {
  const { client, calls } = await serve('github', ok({}), { status: 201 });
  const wish = { platform: 'github', action: 'enable-workflow', parameters: { workflow: '../../secrets' } };
  expect((await client.act(requestOf(wish))).kind).toBe('refused');
  expect(calls).toEqual([]);
});

it('reads a list to its end, and does not take a part of one for all of it', async () => {
  const page = Array.from({ length: 100 }, (_, index) => ({ id: 1_000 - index, name: 'other' }));
  const { client, calls } = await serve('gitlab', ok(page));
  expect(await client.lookUp(requestOf({ platform: 'gitlab', action: 'retry-pipeline' }))).toBe('happened');
  expect(calls).toHaveLength(10);
  expect(calls[1]?.url).toBe('/api/v4/projects/7/pipelines/5/jobs?include_retried=true&per_page=100&page=2');
  const names = page.map(({ id }) => ({ id, name: `job ${id}` }));
  const partial = { ...requestOf({ platform: 'gitlab', action: 'retry-pipeline' }), attempt: 10 };
  expect(await (await serve('gitlab', ok(names))).client.lookUp(partial)).toBe('unclear');
});
