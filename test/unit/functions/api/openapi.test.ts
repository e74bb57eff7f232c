import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { resources } from '../../../../functions/api/resources.ts';
import type { EntityName, Fact } from '../../../../shared/model/index.ts';
import { appendActivity } from '../../../../shared/store/index.ts';
import { aFailure, aFix, aJob, anIncident, aRun } from '../../../support/items.ts';
import { withTable } from '../../../support/table.ts';
import { askOf } from './ask.ts';

const engine = withTable();

interface Operation {
  operationId: string;
  parameters?: { $ref?: string; name?: string; in?: string; schema?: { items?: { enum?: string[] } } }[];
  responses: Record<string, { $ref?: string; content?: Record<string, { schema: unknown }> }>;
}
interface Description {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, object>>;
}

async function described() {
  const { store } = await engine.fresh();
  const ask = askOf(store);
  const answer = await ask('/v1/openapi.json');
  return { store, ask, description: answer.body as unknown as Description };
}

/** A schema with the components it refers to put in, as a validator. */
function validatorOf(description: Description, schema: unknown): z.ZodType {
  const inline = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(inline);
    if (value === null || typeof value !== 'object') return value;
    const { $ref } = value as { $ref?: string };
    if ($ref !== undefined) return inline(pointed(description, $ref));
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, inline(inner)]));
  };
  return z.fromJSONSchema(inline(schema) as Parameters<typeof z.fromJSONSchema>[0]);
}

const pointed = (description: object, ref: string): unknown =>
  ref
    .replace('#/', '')
    .split('/')
    .reduce((at: unknown, name) => (at as Record<string, unknown>)[name], description);

describe('the description', () => {
  it('is OpenAPI 3.1 whose references lead somewhere and whose operations have names of their own', async () => {
    const { description } = await described();
    expect(description.openapi).toMatch(/^3\.1\./);
    const refs = [...JSON.stringify(description).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref as string);
    expect(refs.length).toBeGreaterThan(100);
    for (const ref of new Set(refs)) expect(pointed(description, ref), ref).toBeTypeOf('object');
    const operations = Object.values(description.paths).flatMap((path) => Object.values(path));
    const names = operations.map((operation) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    expect(JSON.stringify(description)).not.toMatch(/wakeAt|leaseUntil|"schema":\{"type":"number"\},"version"/);
  });

  it('declares every parameter that a path names', async () => {
    const { description } = await described();
    for (const [path, operations] of Object.entries(description.paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { parameters = [] } of Object.values(operations)) {
        expect(parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual(named);
      }
    }
  });

  it('names every path that there is, and each answers', async () => {
    const { ask, description } = await described();
    for (const name of Object.keys(resources)) {
      expect(description.paths[`/v1/${name}`], name).toHaveProperty('get');
      expect(description.paths[`/v1/${name}/{id}`], name).toHaveProperty('get');
    }
    for (const [path, methods] of Object.entries(description.paths)) {
      const answer = await ask(path.replace('{id}', 'x'));
      expect(answer.status, path).toBe(path.includes('{id}') ? 404 : methods.get === undefined ? 405 : 200);
    }
  });

  it('names the very filters that lists take, with their values', async () => {
    const { ask, description } = await described();
    for (const name of Object.keys(resources)) {
      for (const parameter of description.paths[`/v1/${name}`]?.get?.parameters ?? []) {
        if (parameter.name === undefined) continue;
        const values = parameter.schema?.items?.enum;
        const good = await ask(`/v1/${name}?${parameter.name}=${values?.join(',') ?? 'x'}`);
        expect(good.status, `${name} ${parameter.name}`).toBe(200);
        if (values === undefined) continue;
        expect((await ask(`/v1/${name}?${parameter.name}=x`)).status, `${name} ${parameter.name}`).toBe(400);
      }
    }
  });

  it('describes the answers as they are', async () => {
    const { store, ask, description } = await described();
    const facts: [EntityName, Fact][] = [
      ['run', aRun('1', { branch: 'main', startedAt: store.now() })],
      ['job', aJob('1', '11', { runner: { id: 'r', name: 'n' }, labels: ['linux'] })],
      ['job', aJob('1', '12')],
      ['failure', aFailure('1', '11', { transient: null, incidentId: 'f1:1' })],
      ['failure', aFailure('1', '12', { status: 'detected', category: undefined, transient: undefined })],
      ['incident', anIncident('f1')],
      ['remediation', aFix('1')],
    ];
    for (const [entity, fact] of facts) await store.create(entity, fact as never);
    await ask('/v1/controls/all', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"status":"paused"}',
    });
    const envelope = { id: 'run#1@1', entity: 'run', key: '1', from: null, to: 'failed', version: 1 } as const;
    await appendActivity(store, [
      { type: 'run.failed', envelope: { ...envelope, at: store.now(), origin: 'live', changed: ['status'] } },
    ]);
    const check = async (path: string, target: string, status = 200) => {
      const answer = await ask(target);
      expect(answer.status, target).toBe(status);
      const declared = description.paths[path]?.get?.responses[String(status)];
      const response = (
        declared?.$ref === undefined ? declared : pointed(description, declared.$ref)
      ) as typeof declared;
      const schema = response?.content?.[answer.headers['content-type'] ?? '']?.schema;
      expect(schema, target).toBeDefined();
      const result = validatorOf(description, schema).safeParse(answer.body);
      expect(result.error?.issues, target).toBeUndefined();
      return answer.body;
    };
    const filled = ['runs', 'jobs', 'failures', 'incidents', 'remediations', 'controls', 'activity'];
    for (const name of filled) {
      const { items } = await check(`/v1/${name}`, `/v1/${name}`);
      expect(items.length, name).toBeGreaterThan(0);
      for (const { id } of items) await check(`/v1/${name}/{id}`, `/v1/${name}/${encodeURIComponent(id)}`);
    }
    await check('/healthz', '/healthz');
    await check('/v1/runs/{id}', '/v1/runs/x', 404);
    await check('/v1/runs', '/v1/runs?limit=0', 400);
  });
});
