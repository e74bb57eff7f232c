import * as z from 'zod/mini';
import { ENTITIES, ORIGINS } from '../../shared/model/index.ts';
import { DEFAULT_LIMIT, EXAMINED_PER_PAGE, type Filter, MAX_LIMIT } from '../../shared/store/index.ts';
import { AUTOMATION_EXTRAS } from './automations.ts';
import { type Operation, operations } from './operations.ts';
import { type Resource, resources } from './resources.ts';
import { RUN_EXTRAS } from './runs.ts';
import { type JsonSchema, time, viewSchema } from './views.ts';

/** The description of the API, from the very models and filters that it answers by. */

const ref = (kind: 'schemas' | 'responses' | 'parameters', name: string) => ({ $ref: `#/components/${kind}/${name}` });
const nameOf = (entity: string): string => `${entity.charAt(0).toUpperCase()}${entity.slice(1)}`;
const text = (description: string, schema: JsonSchema) => ({
  description,
  content: { 'application/json': { schema } },
});
const maybe = (type: string) => ({ type: [type, 'null'] });

const activity: JsonSchema = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    eventId: { type: 'string', description: 'The same for the same change, however often it was published.' },
    type: { type: 'string', description: '`<entity>.<status>`, `<entity>.updated` or `<entity>.due`.' },
    entity: { type: 'string', enum: ENTITIES },
    key: { type: 'string', description: 'The id of the item that changed.' },
    from: { ...maybe('string'), description: 'The status before; null when the item is new.' },
    to: { type: 'string' },
    status: { type: 'string', description: 'As `to`.' },
    version: { type: 'number' },
    origin: { type: 'string', enum: ORIGINS },
    at: { ...time, description: "The platform's time of the change." },
    createdAt: { ...time, description: 'When the change was published.' },
    updatedAt: time,
    attempt: maybe('number'),
    platform: maybe('string'),
    repository: maybe('string'),
    category: maybe('string'),
    cause: maybe('string'),
    severity: maybe('string'),
    incidentId: maybe('string'),
    changed: { type: 'array', items: { type: 'string' } },
  },
};
activity.required = Object.keys(activity.properties as object);

function schemaOf({ entity }: Resource): JsonSchema {
  if (entity === 'activity') return activity;
  const schema = viewSchema(entity) as { properties: JsonSchema; required: string[] };
  const extras = EXTRAS[entity];
  if (extras === undefined) return schema;
  return {
    ...schema,
    properties: { ...schema.properties, ...extras },
    required: [...new Set([...schema.required, ...Object.keys(extras)])],
  };
}

/** What is shown of an entity beyond what is stored of it. */
const EXTRAS: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>> = {
  automation: AUTOMATION_EXTRAS,
  run: RUN_EXTRAS,
  incident: {
    counts: {
      type: 'object',
      description:
        'How many failures it has, in how many runs; `complete` is false when there are more than were counted.',
      properties: { failures: { type: 'integer' }, runs: { type: 'integer' }, complete: { type: 'boolean' } },
      required: ['failures', 'runs', 'complete'],
    },
  },
};

const filterParameter = ([name, { values }]: [string, Filter]) => ({
  name,
  in: 'query',
  description:
    values === undefined ? 'One of several when repeated.' : 'One of several when repeated or listed with commas.',
  schema: { type: 'array', items: values === undefined ? { type: 'string' } : { type: 'string', enum: values } },
  style: 'form',
  explode: values === undefined,
});

const PROBLEMS = {
  400: 'The request is not understood; `detail` says what is wrong with it.',
  401: 'The token is missing or wrong.',
  404: 'There is no such item.',
  405: 'There is no such method here; `Allow` names those there are.',
  409: 'Somebody else was faster, or it is too late for that.',
  413: 'The body is too large.',
  415: 'The body is not application/json.',
  500: 'The request failed.',
  503: 'The token could not be checked; `Retry-After` says when to try again.',
} as const;
const problems = (...statuses: (keyof typeof PROBLEMS)[]) =>
  Object.fromEntries(statuses.map((status) => [String(status), ref('responses', `Problem${status}`)]));

const idParameter = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'Percent-encoded.',
  schema: { type: 'string' },
};

function pathsOf([name, resource]: [string, Resource]): [string, JsonSchema][] {
  const schema = ref('schemas', nameOf(resource.entity));
  const list = {
    operationId: `list-${name}`,
    summary: resource.title,
    description: [
      'Newest first. `nextCursor` is null on the last page; give it back as `cursor`, with the same filters, for the next one.',
      `A page that had to look through ${EXAMINED_PER_PAGE} items ends early: it may then be short or empty although there is a \`nextCursor\`.`,
    ].join(' '),
    parameters: [
      ...['limit', 'cursor', 'since', 'until'].map((parameter) => ref('parameters', parameter)),
      ...Object.entries(resource.filters).map(filterParameter),
    ],
    responses: {
      200: text('A page.', {
        type: 'object',
        properties: { items: { type: 'array', items: schema }, nextCursor: maybe('string') },
        required: ['items', 'nextCursor'],
      }),
      ...problems(400, 401, 405, 500, 503),
    },
  };
  const get = {
    operationId: `get-${resource.entity}`,
    summary: `One of them: ${resource.entity}`,
    parameters: [idParameter],
    responses: { 200: text('The item.', schema), ...problems(401, 404, 405, 500, 503) },
  };
  return [
    [`/v1/${name}`, { get: list }],
    [`/v1/${name}/{id}`, { get }],
  ];
}

/** An operation as one entry of its path. */
function operationOf(operation: Operation): JsonSchema {
  const { id, summary, description, body, bodyName } = operation;
  const answers = Object.entries(operation.answers).map(([status, { means, schema }]) => [
    status,
    text(means, 'item' in schema ? ref('schemas', nameOf(resources[String(schema.item)]?.entity ?? '')) : schema),
  ]);
  return {
    operationId: id,
    summary,
    ...(description !== undefined && { description }),
    ...(operation.path.includes('{id}') && { parameters: [idParameter] }),
    ...(body !== undefined && {
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: bodyName === undefined ? bodySchema(body) : ref('schemas', bodyName) },
        },
      },
    }),
    responses: {
      ...Object.fromEntries(answers),
      ...problems(401, 405, 500, 503, ...operation.problems, ...(body === undefined ? [] : ([400, 413, 415] as const))),
    },
  };
}

const bodySchema = (schema: NonNullable<Operation['body']>): JsonSchema => ({
  ...z.toJSONSchema(schema, { io: 'input' }),
  $schema: undefined,
});

function allPaths(): JsonSchema {
  const paths: Record<string, JsonSchema> = Object.fromEntries(Object.entries(resources).flatMap(pathsOf));
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method.toLowerCase()]: operationOf(operation) };
  }
  return paths;
}

function describe(): JsonSchema {
  const open = { security: [] };
  const health = { type: 'object', properties: { status: { enum: ['up', 'down'] } }, required: ['status'] };
  const anything = { type: 'object' };
  return {
    openapi: '3.1.0',
    info: {
      title: 'QMOI',
      version: '1',
      description: 'What QMOI watches and does. Every time is RFC 3339; errors are RFC 9457 problem documents.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths: {
      '/healthz': {
        get: {
          ...open,
          operationId: 'get-health',
          summary: 'Whether QMOI can keep a delivery',
          responses: { 200: text('Up.', health), 503: text('Down.', health) },
        },
      },
      '/v1': {
        get: {
          operationId: 'list-resources',
          summary: 'What there is',
          responses: { 200: text('The resources.', anything), ...problems(401, 503) },
        },
      },
      '/v1/openapi.json': {
        get: {
          operationId: 'get-description',
          summary: 'This description',
          responses: { 200: text('OpenAPI 3.1.', anything), ...problems(401, 503) },
        },
      },
      ...allPaths(),
    },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: "The master's token." } },
      parameters: {
        limit: {
          name: 'limit',
          in: 'query',
          schema: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
        },
        cursor: { name: 'cursor', in: 'query', description: 'A `nextCursor`.', schema: { type: 'string' } },
        since: { name: 'since', in: 'query', description: 'Created then or later.', schema: time },
        until: { name: 'until', in: 'query', description: 'Created before then.', schema: time },
      },
      responses: Object.fromEntries(
        Object.entries(PROBLEMS).map(([status, description]) => [
          `Problem${status}`,
          { description, content: { 'application/problem+json': { schema: ref('schemas', 'Problem') } } },
        ]),
      ),
      schemas: {
        ...Object.fromEntries(
          Object.values(resources).map((resource) => [nameOf(resource.entity), schemaOf(resource)]),
        ),
        ...Object.fromEntries(
          operations.flatMap(({ body, bodyName }) =>
            body === undefined || bodyName === undefined ? [] : [[bodyName, bodySchema(body)]],
          ),
        ),
        Problem: {
          type: 'object',
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            detail: { type: 'string' },
            requestId: { type: 'string', description: 'Finds the request in the logs.' },
          },
          required: ['type', 'title', 'status', 'detail', 'requestId'],
        },
      },
    },
  };
}

let description: JsonSchema | undefined;
export function openApi(): JsonSchema {
  description ??= describe();
  return description;
}
