import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { receive } from '../../../../functions/receive-webhook/receive.ts';
import type { DeliveryFact } from '../../../../shared/model/index.ts';
import { platforms } from '../../../../shared/platforms/index.ts';
import type { Store } from '../../../../shared/store/index.ts';

const TOKEN = 'events-token';
const NOW = '2026-01-01T10:00:00.000Z';
const STRUCTURED = 'application/cloudevents+json';

interface Kept {
  readonly fact: DeliveryFact;
  readonly body: Buffer;
}

/** A request through the receiver, and what it kept. */
async function send(request: {
  headers?: Record<string, string>;
  body?: unknown;
  method?: string;
  query?: Record<string, string>;
  ids?: Set<string>;
}) {
  const { headers = {}, body, method = 'POST', query = {}, ids = new Set() } = request;
  const kept: Kept[] = [];
  const bodies = new Map<string, Buffer>();
  const store = {
    now: () => NOW,
    putItem: async ({ pk, bytes }: { pk: string; bytes: Uint8Array }) => void bodies.set(pk, Buffer.from(bytes)),
    create: async (_: string, fact: DeliveryFact) => {
      if (ids.has(fact.id)) return false;
      ids.add(fact.id);
      kept.push({ fact, body: bodies.get(`delivery#${fact.id}`) as Buffer });
      return true;
    },
  } as unknown as Store;
  const event = {
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    queryStringParameters: query,
    pathParameters: { platform: 'events' },
    requestContext: { requestId: 'r', http: { method } },
  } as unknown as APIGatewayProxyEventV2;
  const read = async () => ({ 'events-token': TOKEN });
  const answer = await receive(event, { store, platforms, read, count: () => undefined });
  const json = answer.body ? (JSON.parse(answer.body) as Record<string, unknown>) : undefined;
  return { status: answer.statusCode, headers: answer.headers, json, kept, facts: () => kept.map(factsOf) };
}

function factsOf({ fact, body }: Kept) {
  return platforms.events?.normalise({
    event: fact.event ?? '',
    body: brotliDecompressSync(body),
    contentType: fact.contentType ?? '',
    origin: 'live',
    receivedAt: NOW,
  });
}

let counter = 0;
function cdEvent(type: string, content: object, subject: object = {}) {
  const id = `event-${++counter}`;
  const full = `dev.cdevents.${type}.0.2.0`;
  const source = '/ci/acme';
  return {
    ...{
      specversion: '1.0',
      id,
      source,
      type: full,
      time: '2026-01-01T09:59:00Z',
      datacontenttype: 'application/json',
    },
    data: {
      context: { version: '0.4.1', id, source, type: full, timestamp: '2026-01-01T09:58:30.5Z' },
      subject: { id: 'run-7', source, type: 'x', content, ...subject },
    },
  };
}
const structured = (event: object) => ({ headers: { 'content-type': STRUCTURED }, body: event });
const told = async (type: string, content: object, subject: object = {}) => {
  const { status, facts } = await send(structured(cdEvent(type, content, subject)));
  expect(status).toBe(202);
  return facts()[0];
};

describe('a CloudEvent comes', () => {
  const event = cdEvent('pipelinerun.started', { pipelineName: 'build', uri: 'https://ci.example.com/7' });
  const { data, datacontenttype, ...attributes } = event;
  const asHeaders = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]));

  it('in the structured mode, the binary one and in batches, and is the same each time', async () => {
    const one = await send(structured(event));
    const other = await send({
      headers: { ...asHeaders, 'content-type': `${datacontenttype}; charset=utf-8` },
      body: data,
    });
    const batch = await send({
      headers: { 'content-type': 'application/cloudevents-batch+json' },
      body: [event, event],
    });
    expect(one).toMatchObject({ status: 202, json: { status: 'received' } });
    expect(other).toMatchObject({ status: 202, json: { status: 'received', deliveryId: one.json?.deliveryId } });
    expect(batch).toMatchObject({
      status: 202,
      json: {
        status: 'received',
        messages: [{ status: 'received', deliveryId: one.json?.deliveryId }, { status: 'duplicate' }],
      },
    });
    expect(other.facts()).toEqual(one.facts());
    expect(batch.facts()).toEqual(one.facts());
    expect(one.facts()).toMatchObject([{ runs: [{ status: 'running', name: 'build' }] }]);
  });

  it('with its values percent-encoded in headers, and its data in base64', async () => {
    const encoded = await send({
      headers: { ...asHeaders, 'ce-source': '%2Fci%2Facme', 'content-type': 'application/json' },
      body: data,
    });
    const base64 = Buffer.from(JSON.stringify(data)).toString('base64');
    const wrapped = await send(structured({ ...attributes, datacontenttype, data_base64: base64 }));
    const plain = await send(structured(event));
    expect(encoded.json?.deliveryId).toBe(plain.json?.deliveryId);
    expect(wrapped.facts()).toEqual(plain.facts());
  });

  it.each<[string, Parameters<typeof send>[0], number, string]>([
    ['no CloudEvent', { headers: { 'content-type': 'application/json' }, body: {} }, 415, ''],
    ['another format', { headers: { 'content-type': 'application/cloudevents+xml' }, body: '<a/>' }, 415, ''],
    ['no JSON', { headers: { 'content-type': STRUCTURED }, body: '{' }, 400, ''],
    [
      'a header too few',
      { headers: { ...asHeaders, 'ce-id': ' ', 'content-type': 'application/json' }, body: data },
      400,
      '',
    ],
    ['a batch that is none', { headers: { 'content-type': 'application/cloudevents-batch+json' }, body: {} }, 400, ''],
    [
      'too large a batch',
      { headers: { 'content-type': 'application/cloudevents-batch+json' }, body: Array(101).fill(event) },
      400,
      '',
    ],
    ['an envelope of the wrong shape', structured({ ...event, specversion: '7' }), 202, 'quarantined'],
    ['data of the wrong shape', structured({ ...event, data: { context: {} } }), 202, 'quarantined'],
    ['an event of no use', structured({ ...event, type: 'com.example.order' }), 202, 'ignored'],
    [
      'a type that is an inherited name',
      structured({ ...event, type: 'dev.cdevents.constructor.name.1.0.0' }),
      202,
      'ignored',
    ],
    ['an empty batch', { headers: { 'content-type': 'application/cloudevents-batch+json' }, body: [] }, 202, 'ignored'],
  ])('or is %s, and is told so', async (_, request, status, outcome) => {
    const answer = await send(request);
    expect(answer.status).toBe(status);
    if (outcome !== '') expect(answer.json).toMatchObject({ status: outcome });
    expect(answer.kept).toHaveLength(outcome === 'quarantined' ? 1 : 0);
  });

  it('with its token in the header or in the query, or not at all', async () => {
    const wrong = { authorization: 'Bearer wrong' };
    const { headers, body } = structured(event);
    expect((await send({ headers: { ...headers, ...wrong }, body })).status).toBe(401);
    expect((await send({ headers: { ...headers, authorization: TOKEN }, body })).status).toBe(401);
    expect(
      (await send({ headers: { ...headers, authorization: '' }, body, query: { access_token: TOKEN } })).status,
    ).toBe(202);
    expect(
      (await send({ headers: { ...headers, authorization: '' }, body, query: { access_token: 'x' } })).status,
    ).toBe(401);
  });
});

describe('who asks whether it may send', () => {
  const ask = (headers: Record<string, string>) =>
    send({ method: 'OPTIONS', headers: { authorization: '', ...headers } });

  it('may, at a rate', async () => {
    const origin = { 'webhook-request-origin': 'eventemitter.example.com' };
    expect(await ask(origin)).toMatchObject({
      status: 200,
      headers: { 'webhook-allowed-origin': 'eventemitter.example.com', 'webhook-allowed-rate': '6000' },
    });
    expect((await ask({ ...origin, 'webhook-request-rate': '120' })).headers?.['webhook-allowed-rate']).toBe('120');
    expect((await ask({ ...origin, 'webhook-request-rate': '999999' })).headers?.['webhook-allowed-rate']).toBe('6000');
  });

  it.each<Record<string, string>>([
    {},
    { 'webhook-request-origin': 'a\r\nb' },
    { 'webhook-request-origin': 'a', 'webhook-request-rate': 'fast' },
  ])('has to ask properly: %j', async (headers) => expect((await ask(headers)).status).toBe(400));
});

describe('a CDEvent tells', () => {
  it('of a pipeline, its tasks and why they fail', async () => {
    const run = await told('pipelinerun.finished', {
      ...{ pipelineName: 'build', uri: 'https://ci.example.com/7', outcome: 'error', errors: 'no space left' },
    });
    expect(run).toMatchObject({
      runs: [
        {
          ...{ status: 'failed', name: 'build', repository: '/ci/acme', url: 'https://ci.example.com/7' },
          endedAt: '2026-01-01T09:58:30.500Z',
          externalId: expect.stringContaining('run-7'),
        },
      ],
      jobs: [{ status: 'failed', failureReason: 'no space left' }],
      automations: [{ name: 'build', recent: [{ succeeded: false }] }],
    });
    expect(run?.runs[0]).not.toHaveProperty('kind');
    const task = await told(
      'taskrun.finished',
      { taskName: 'unit', pipelineRun: { id: 'run-7' }, outcome: 'failure' },
      { id: 't' },
    );
    expect(task?.jobs).toMatchObject([{ name: 'unit', status: 'failed', runId: run?.runs[0]?.id }]);
    expect(task?.runs).toMatchObject([{ id: run?.runs[0]?.id }]);
    expect(task?.runs[0]).not.toHaveProperty('status');
  });

  it.each<[string, object, object]>([
    ['pipelinerun.queued', {}, { status: 'queued' }],
    ['pipelinerun.finished', { outcome: 'cancel' }, { status: 'canceled' }],
    ['pipelinerun.finished', { errors: 'x' }, { status: 'failed' }],
    ['taskrun.started', { taskName: 'lint' }, { status: 'running', kind: 'task', name: 'lint' }],
    [
      'testsuiterun.finished',
      { outcome: 'pass', environment: { id: 'dev' }, testSuite: { id: 's', name: 'auth' } },
      { status: 'succeeded', kind: 'check', name: 'auth', environment: 'dev' },
    ],
    ['build.finished', { artifactId: 'pkg:oci/app@1' }, { status: 'succeeded', kind: 'build' }],
    [
      'service.deployed',
      { environment: { id: 'prod' } },
      { kind: 'deployment', environment: 'prod', event: 'deployed' },
    ],
    ['service.rolledback', { environment: { id: 'prod' } }, { kind: 'deployment', event: 'rolledback' }],
    ['environment.modified', { name: 'staging' }, { kind: 'task', environment: 'run-7', event: 'modified' }],
    ['artifact.published', {}, { kind: 'build', status: 'succeeded' }],
  ])('of %s %j', async (type, content, run) => {
    expect((await told(type, content))?.runs).toMatchObject([run]);
  });

  it('of an incident from its beginning to its end, as one thing that failed and is well again', async () => {
    const about = { environment: { id: 'prod' }, service: { id: 'shop' }, description: 'p99 above 2 s' };
    const begun = await told('incident.detected', about);
    const ended = await told('incident.resolved', about);
    expect(begun).toMatchObject({
      runs: [{ status: 'failed', name: 'shop in prod' }],
      jobs: [{ failureReason: 'p99 above 2 s' }],
    });
    expect(ended).toMatchObject({ runs: [{ status: 'succeeded' }], automations: [{ recent: [{ succeeded: true }] }] });
    expect(ended?.runs[0]?.id).not.toBe(begun?.runs[0]?.id);
  });

  it('of what systems that do not know each other call by the same name', async () => {
    const mine = await told('pipelinerun.queued', { pipelineName: 'build' });
    const theirs = await told('pipelinerun.queued', { pipelineName: 'build' }, { source: '/ci/other' });
    expect(theirs?.runs[0]?.id).not.toBe(mine?.runs[0]?.id);
    expect(theirs?.automations[0]?.id).not.toBe(mine?.automations[0]?.id);
  });
});

const DATA = join(process.env.QMOI_EVAL_DATA ?? '../shared/data', 'events/cdevents');
const given = existsSync(DATA);
if (!given)
  process.stderr.write(`The specification's own examples of CDEvents are not in ${DATA}: not held to them.\n`);

describe.runIf(given)("the specification's own examples", () => {
  const json = (file: string) => JSON.parse(readFileSync(join(DATA, file), 'utf8')) as object;
  const examples = given ? readdirSync(join(DATA, 'conformance')).filter((name) => name.endsWith('.json')) : [];
  const TOLD = /^(pipelinerun|taskrun|testsuiterun|build|service|environment|incident)_|^artifact_(packaged|published)/;

  it.each(examples)('%s', async (file) => {
    const data = json(`conformance/${file}`) as Example;
    const { id, source, type } = data.context;
    const answer = await send(structured({ specversion: '1.0', id, source, type, data }));
    expect(answer).toMatchObject({ status: 202, json: { status: TOLD.test(file) ? 'received' : 'ignored' } });
    for (const facts of answer.facts()) {
      expect([...(facts?.runs ?? []), ...(facts?.jobs ?? [])].length).toBeGreaterThan(0);
    }
  });

  it.each(examples.filter((file) => TOLD.test(file)))('%s, and whatever its schema lets be left out of it', (file) => {
    const schema = JSON.stringify(json(`schemas/${file.replace('_', '')}`), (key, value: unknown) =>
      // Of links there is no use here; and zod takes a reference to be a whole address.
      key === 'links' ? true : key === 'format' && value === 'uri-reference' ? undefined : value,
    );
    const allowed = z.fromJSONSchema(JSON.parse(schema));
    const example = json(`conformance/${file}`) as Example;
    let valid = 0;
    for (const data of [example, ...withoutOne(example)]) {
      if (!allowed.safeParse(data).success) continue;
      valid++;
      const { id, source } = (data as Example).context;
      const envelope = { specversion: '1.0', id, source, type: example.context.type, data };
      const reading = platforms.events?.read({
        headers: { 'content-type': STRUCTURED },
        body: Buffer.from(JSON.stringify(envelope)),
      });
      expect(reading, JSON.stringify(data)).toMatchObject({ kind: 'delivery' });
    }
    expect(valid).toBeGreaterThan(2);
  });
});

interface Example {
  readonly context: { readonly id: string; readonly source: string; readonly type: string };
}

/** The value, each time without another of all its keys. */
function* withoutOne(value: unknown): Generator<object> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return;
  for (const key of Object.keys(value)) {
    const { [key]: inner, ...rest } = value as Record<string, unknown>;
    yield rest;
    for (const changed of withoutOne(inner)) yield { ...value, [key]: changed };
  }
}
