import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Automation, type Job, machines, type Run } from '../../../../shared/model/index.ts';
import { huggingface } from '../../../../shared/platforms/huggingface/index.ts';
import {
  LogNotReady,
  type PlatformFacts,
  PlatformUnavailable,
  type ReadParameters,
} from '../../../../shared/platforms/index.ts';
import { type FakeHub, fakeHub } from '../../../support/huggingface.ts';
import type { FakeDelivery } from '../../../support/web-fake.ts';

const SECRET = 'hub-secret';
const COMMIT = '575db8b7a51b6f85eb06eee540738584589f131c';
const BUILD = `acme/demo@${COMMIT}`;
let hub: FakeHub;
beforeAll(async () => {
  hub = await fakeHub({ token: 'hf_token', secret: SECRET });
});
afterAll(() => hub.close());

const readAs = (delivery: Pick<FakeDelivery, 'headers' | 'body'>) =>
  huggingface.read({ headers: delivery.headers, body: Buffer.from(delivery.body) });
const factsOf = (delivery: FakeDelivery) =>
  huggingface.normalise({
    event: delivery.event,
    body: Buffer.from(delivery.body),
    contentType: 'application/json',
    origin: 'live',
    receivedAt: '2026-01-01T12:00:00.000Z',
  });

describe('verifying a delivery of the Hub', () => {
  const verify = (
    given: string | undefined,
    values: Record<string, string> = { 'huggingface-webhook-secret': SECRET },
  ) =>
    huggingface.verify(
      { headers: { 'x-webhook-secret': given }, body: Buffer.from('{}') },
      async () => values,
      new Date(),
    );

  it.each([
    ['the secret', SECRET, 'verified'],
    ['another', 'guess', 'refused'],
    ['the beginning of it', 'hub', 'refused'],
    ['more than it', `${SECRET}s`, 'refused'],
    ['none', undefined, 'refused'],
    ['an empty one', '', 'refused'],
  ])('takes %s as it should', async (_, given, verdict) => {
    expect(await verify(given)).toBe(verdict);
  });

  it('lets the previous secret count during a rotation, and nothing while there is no secret', async () => {
    const rotating = { 'huggingface-webhook-secret': 'new', 'huggingface-webhook-secret-previous': SECRET };
    expect(await verify(SECRET, rotating)).toBe('verified');
    expect(await verify('new', rotating)).toBe('verified');
    for (const values of [
      {},
      { 'huggingface-webhook-secret': ' ' },
      { 'huggingface-webhook-secret-previous': SECRET },
    ]) {
      expect(await verify(SECRET, values as Record<string, string>)).toBe('not-configured');
      expect(await verify('', values as Record<string, string>)).toBe('not-configured');
    }
  });
});

describe('reading a delivery of the Hub', () => {
  it('says what it is, under an id that the same body has again', () => {
    const delivery = hub.push('acme/demo', COMMIT);
    const reading = readAs(delivery);
    expect(reading).toEqual({
      kind: 'delivery',
      externalId: expect.stringMatching(/^[0-9a-f]{64}$/),
      event: 'repo.content',
      action: 'update',
      repository: 'acme/demo',
    });
    expect(readAs(hub.push('acme/demo', COMMIT))).toEqual(reading);
    expect(readAs(hub.push('acme/demo', COMMIT.replace('5', '6')))).not.toEqual(reading);
  });

  it('takes discussions and scopes that are narrowed one day, and has no use for others', () => {
    expect(readAs(hub.event('discussion.comment', 'create'))).toMatchObject({ kind: 'delivery' });
    expect(readAs(hub.event('repo.config.dois', 'update'))).toMatchObject({ kind: 'delivery' });
    expect(readAs(hub.event('billing', 'update'))).toEqual({ kind: 'ignored', event: 'billing' });
  });

  it('quarantines what is not of the shape of its event, and refuses what is no JSON', () => {
    const headers = { 'content-type': 'application/json' };
    expect(readAs({ headers, body: '{"event":{"action":"update","scope":"repo"}}' })).toMatchObject({
      kind: 'quarantined',
      reason: 'repo: expected object',
    });
    expect(readAs({ headers, body: '' })).toMatchObject({ kind: 'malformed', status: 400 });
    expect(readAs({ headers: {}, body: '{}' })).toMatchObject({ kind: 'malformed', status: 415 });
  });
});

describe('what a delivery of the Hub tells', () => {
  it('of a push to a Space: that it is to be built', () => {
    const { runs, jobs, automations } = factsOf(hub.push('acme/demo', COMMIT));
    const common = {
      platform: 'huggingface',
      externalId: BUILD,
      repository: 'acme/demo',
      branch: 'main',
      commit: COMMIT,
      status: 'queued',
      queuedAt: '2026-01-01T12:00:00.000Z',
      url: 'https://huggingface.co/spaces/acme/demo',
    };
    expect(runs).toEqual([
      expect.objectContaining({
        ...common,
        id: `huggingface:${BUILD}:1`,
        kind: 'build',
        automationId: 'huggingface:acme/demo',
      }),
    ]);
    expect(jobs).toEqual([expect.objectContaining({ ...common, id: `huggingface:${BUILD}:job:build`, name: 'build' })]);
    expect(automations).toMatchObject([{ id: 'huggingface:acme/demo', name: 'acme/demo', recent: [] }]);
  });

  it.each([
    ['a tag', () => hub.push('acme/demo', COMMIT, 'refs/tags/v1')],
    ['a pull request', () => hub.push('acme/demo', COMMIT, 'refs/pr/1')],
    ['its configuration', () => hub.event('repo.config', 'update', { updatedConfig: {} })],
    ['a discussion', () => hub.event('discussion', 'create', { discussion: { id: '1', num: 1 } })],
    ['its creation', () => hub.event('repo', 'create')],
  ])('of %s: that there is such a Space', (_, delivery) => {
    const facts = factsOf(delivery());
    expect(facts.runs).toEqual([]);
    expect(facts.automations).toMatchObject([{ id: 'huggingface:acme/demo' }]);
    expect(facts.automations[0]).not.toHaveProperty('status');
  });

  it('of its end: that it is no more, and where it has moved', () => {
    expect(factsOf(hub.event('repo', 'delete')).automations).toMatchObject([{ status: 'disabled' }]);
    expect(
      factsOf(hub.event('repo', 'move', { movedTo: { name: 'acme/new', owner: { id: '1' } } })).automations,
    ).toMatchObject([{ id: 'huggingface:acme/demo', status: 'disabled' }, { id: 'huggingface:acme/new' }]);
  });

  it('of a model or a data set: nothing that runs', () => {
    for (const type of ['model', 'dataset']) {
      const none = { runs: [], jobs: [], runners: [], automations: [] };
      expect(factsOf(hub.event('repo.content', 'update', {}, { type, name: 'gpt2' }))).toEqual(none);
    }
  });
});

describe('looking at a Space', () => {
  const settings = async () => ({ 'huggingface-token': 'hf_token', 'huggingface-url': hub.url });
  const lookAt = (read: ReadParameters, externalId: string, now: string, status: Automation['status'] = 'healthy') =>
    huggingface.look?.({ externalId, status }, { read, now, known: async (id) => (run?.id === id ? run : undefined) });
  /** What `record` would keep of the build. */
  let run: Run | undefined;
  let minutes = 0;
  /** Undefined: there is nothing to tell. */
  const look = async (space = 'acme/demo', status?: Automation['status']): Promise<PlatformFacts | undefined> => {
    const now = new Date(Date.UTC(2026, 0, 1, 12, ++minutes)).toISOString();
    const [told] = (await lookAt(settings, space, now, status)) ?? [];
    if (told === undefined) return undefined;
    const facts = factsOf({ event: told.event, headers: {}, body: JSON.stringify(told.payload) });
    for (const fact of facts.runs) run = machines.run.merge(run, fact);
    return facts;
  };

  it('follows a build from its push to its failure, its repair and its crash, and says each once', async () => {
    run = undefined;
    for (const fact of factsOf(hub.push('acme/demo', COMMIT)).runs) run = machines.run.merge(run, fact);
    const seen: unknown[] = [];
    for (const [stage, errorMessage] of [
      ['BUILDING'],
      ['BUILDING'],
      ['BUILD_ERROR', 'Exit code: 1'],
      ['BUILD_ERROR', 'Exit code: 1'],
      // Someone builds it anew; the Hub may still name the commit of before.
      ['RUNNING_BUILDING'],
      ['RUNNING_APP_STARTING'],
      ['RUNNING'],
      ['SLEEPING'],
      ['RUNTIME_ERROR', 'Exit code: 137'],
    ] as const) {
      hub.spaces.set('acme/demo', { stage, head: COMMIT, sha: COMMIT, ...(errorMessage && { errorMessage }) });
      const facts = await look();
      seen.push([stage, facts?.runs[0]?.status, facts?.jobs[0]?.failureReason, run?.status]);
    }
    expect(seen).toEqual([
      ['BUILDING', 'running', undefined, 'running'],
      ['BUILDING', undefined, undefined, 'running'],
      ['BUILD_ERROR', 'failed', 'BUILD_ERROR: Exit code: 1', 'failed'],
      ['BUILD_ERROR', undefined, undefined, 'failed'],
      ['RUNNING_BUILDING', undefined, undefined, 'failed'],
      ['RUNNING_APP_STARTING', undefined, undefined, 'failed'],
      ['RUNNING', 'succeeded', undefined, 'succeeded'],
      ['SLEEPING', undefined, undefined, 'succeeded'],
      ['RUNTIME_ERROR', 'failed', 'RUNTIME_ERROR: Exit code: 137', 'failed'],
    ]);
  });

  it('takes what is built from its head, while the Hub still names what runs', async () => {
    run = undefined;
    const old = COMMIT.replace('5', '1');
    hub.spaces.set('acme/demo', { stage: 'RUNNING_BUILDING', head: COMMIT, sha: old });
    expect((await look())?.runs).toMatchObject([{ externalId: BUILD, status: 'running' }]);
    hub.spaces.set('acme/demo', { stage: 'RUNNING', head: COMMIT, sha: old });
    expect((await look())?.runs).toMatchObject([{ externalId: `acme/demo@${old}`, status: 'succeeded' }]);
  });

  it.each(['PAUSED', 'STOPPED', 'DELETING'])('takes one that is %s for switched off', async (stage) => {
    hub.spaces.set('acme/demo', { stage, head: COMMIT });
    const facts = await look();
    expect(facts).toMatchObject({ runs: [], jobs: [], automations: [{ status: 'disabled' }] });
    expect(await look('acme/demo', 'disabled')).toBeUndefined();
  });

  it('takes one that is switched on again for that, once', async () => {
    hub.spaces.set('acme/demo', { stage: 'RUNNING', head: COMMIT, sha: COMMIT });
    run = undefined;
    await look();
    expect(await look('acme/demo', 'disabled')).toMatchObject({ runs: [], automations: [{ status: 'healthy' }] });
    expect(await look()).toBeUndefined();
  });

  it.each(['NO_APP_FILE', 'CONFIG_ERROR'])('takes %s for a failure', async (stage) => {
    run = undefined;
    hub.spaces.set('acme/demo', { stage, head: COMMIT });
    expect((await look())?.runs).toMatchObject([{ status: 'failed' }]);
  });

  it('makes nothing of a stage it does not know, and of a Space it cannot see', async () => {
    hub.spaces.set('acme/demo', { stage: 'MEDITATING', head: COMMIT });
    expect(await lookAt(settings, 'acme/demo', '')).toEqual([]);
    expect(await lookAt(settings, 'acme/none', '')).toBeUndefined();
    expect(await lookAt(async () => ({}), 'acme/demo', '')).toBeUndefined();
  });

  it('comes again when the Hub does not answer', async () => {
    hub.spaces.set('acme/demo', { stage: 'RUNNING', head: COMMIT, sha: COMMIT });
    hub.fail({ status: 502 });
    await expect(look()).rejects.toThrow(PlatformUnavailable);
    hub.fail('reset');
    await expect(look()).rejects.toThrow(PlatformUnavailable);
    hub.fail({ status: 429, headers: { 'retry-after': '9' } });
    await expect(look()).rejects.toMatchObject({ retryAfter: 9 });
  });
});

describe('the log of a Space', () => {
  const clientOf = async (url = hub.url) => {
    const client = await huggingface.client(async () => ({ 'huggingface-token': 'hf_token', 'huggingface-url': url }));
    if (client === undefined) throw new Error('no client');
    return client;
  };
  const jobOf = (failureReason: string, endedAgoMs = 0) =>
    ({
      repository: 'acme/demo',
      failureReason,
      endedAt: new Date(Date.now() - endedAgoMs).toISOString(),
    }) as Job;
  const logOf = async (job: Job, maxBytes = 100_000, url?: string) => {
    let text = '';
    for await (const chunk of await (await clientOf(url)).jobLog(job, { maxBytes }))
      text += Buffer.from(chunk).toString();
    return text;
  };

  it('is the one of its build, or of what it ran', async () => {
    hub.spaces.set('acme/demo', {
      stage: 'BUILD_ERROR',
      head: COMMIT,
      build: ['pip install\n', 'no match'],
      run: ['Killed'],
    });
    expect(await logOf(jobOf('BUILD_ERROR: Exit code: 1'))).toBe('pip install\nno match\n');
    expect(await logOf(jobOf('RUNTIME_ERROR'))).toBe('Killed\n');
    expect(await logOf(jobOf('BUILD_ERROR'), 15)).toBe('pip install\nno ');
  });

  it('may not be there, or not be had', async () => {
    hub.spaces.set('acme/demo', { stage: 'BUILD_ERROR', head: COMMIT });
    await expect(logOf(jobOf('BUILD_ERROR'))).rejects.toThrow(LogNotReady);
    hub.fail({ status: 403, json: { error: 'Forbidden' } });
    await expect(logOf(jobOf('BUILD_ERROR'))).rejects.toThrow('Forbidden (403)');
    hub.fail({ status: 500 });
    await expect(logOf(jobOf('BUILD_ERROR'))).rejects.toThrow(PlatformUnavailable);
  });

  it('that breaks off is told as the Hub not answering', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"data":"first"}\n\n', () => setImmediate(() => response.destroy()));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(logOf(jobOf('BUILD_ERROR'), 1000, url)).rejects.toThrow(PlatformUnavailable);
    server.close();
  });

  it('is nothing that can be acted on, and there is no client without a token', async () => {
    const client = await clientOf();
    const action = {
      action: 'read-log',
      repository: 'acme/demo',
      externalId: BUILD,
      runId: 'r',
      attempt: 1,
      subject: 's',
    };
    expect(await client.act(action)).toMatchObject({ kind: 'refused' });
    expect(await client.lookUp(action)).toBe('unclear');
    expect(await huggingface.client(async () => ({}))).toBeUndefined();
  });
});
