import { setTimeout as sleep } from 'node:timers/promises';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { Hono } from 'hono/tiny';
import type { ReadParameters } from '../../shared/platforms/port.ts';
import type { OwnRules } from '../../shared/rulebook/index.ts';
import { QueryError, type Store } from '../../shared/store/index.ts';
import { addApprovalPages } from './approvals.ts';
import { type ApiEvent, type Gateway, gatewayOf, json, Problem, problemResponse, requestOf, resultOf } from './http.ts';
import { openApi } from './openapi.ts';
import { operations, readBody } from './operations.ts';
import { find, list, resources } from './resources.ts';

export interface ApiDeps {
  store: Store;
  read: ReadParameters;
  /** The rules of diagnosis in the settings. */
  declared?: OwnRules;
  /** Of what must not reach the one who asked. */
  logger: { error(message: string, context: { requestId: string; error: Error }): void };
  count: (name: string, dimensions: Readonly<Record<string, string>>) => void;
}

/** Who asks `/healthz` does not wait for longer. */
const HEALTH_WITHIN_MS = 3_000;
const READ = 'GET, HEAD';

/** The REST API: the gateway's events in, its answers out. */
export function createApi(deps: ApiDeps): (event: ApiEvent) => Promise<APIGatewayProxyStructuredResultV2> {
  const app = createApp(deps);
  return async (event) => {
    const gateway = gatewayOf(event);
    return resultOf(await respond(app, event, gateway), gateway.requestId);
  };
}

async function respond(app: App, event: ApiEvent, gateway: Gateway): Promise<Response> {
  let request: Request;
  try {
    request = requestOf(event);
  } catch {
    // TRACE and CONNECT, which no Request may have, or a path that is no URL.
    const underV1 = event.rawPath.startsWith('/v1') && gateway.principal !== 'master';
    const error = underV1 ? refusal(gateway) : new Problem(405, 'Nothing here has that method.', { allow: READ });
    return problemResponse(error, gateway.requestId);
  }
  return app.fetch(request, gateway);
}

type App = Hono<{ Bindings: Gateway }>;

const refusal = ({ principal }: Gateway): Problem =>
  principal === 'unchecked'
    ? new Problem(503, 'The token could not be checked just now. Try again.', { 'retry-after': '5' })
    : new Problem(401, 'Send the token of the master: Authorization: Bearer <token>.', {
        'www-authenticate': 'Bearer',
      });

function createApp({ store, read, declared = {}, logger, count }: ApiDeps): App {
  const app: App = new Hono({ strict: false });

  app.onError((error, { env: { requestId } }) => {
    if (error instanceof Problem) return problemResponse(error, requestId);
    if (error instanceof QueryError) return problemResponse(new Problem(400, error.message), requestId);
    logger.error('request failed', { requestId, error });
    return problemResponse(new Problem(500, 'The request failed; its id finds the reason in the logs.'), requestId);
  });
  app.notFound(({ env }) => problemResponse(new Problem(404, 'There is nothing here.'), env.requestId));

  // Before everything else there, so that nobody learns what exists.
  app.use('/v1/*', async ({ env }, next) => {
    if (env.principal !== 'master') {
      count(env.principal === 'unchecked' ? 'ApiUnchecked' : 'ApiUnauthorized', {});
      throw refusal(env);
    }
    await next();
  });

  const only = (path: string, allow: string): void => {
    app.all(path, () => {
      throw new Problem(405, `This takes ${allow}.`, { allow });
    });
  };
  app.get('/', () => json({ name: 'QMOI', api: '/v1', description: '/v1/openapi.json', health: '/healthz' }));
  app.get('/healthz', async () => {
    const up = await isUp(store);
    return json({ status: up ? 'up' : 'down' }, up ? 200 : 503);
  });
  addApprovalPages(app, { store, read });
  app.get('/v1', () => json({ resources: Object.keys(resources).map((name) => `/v1/${name}`) }));
  app.get('/v1/openapi.json', () => json(openApi()));
  for (const path of ['/', '/healthz', '/v1', '/v1/openapi.json']) only(path, READ);

  const patternOf = (path: string): string => path.replace('{id}', ':id{.+}');
  const allowed = new Map<string, Set<string>>();
  const allow = (path: string, ...methods: string[]): void => {
    allowed.set(path, new Set([...(allowed.get(path) ?? []), ...methods]));
  };
  // Before the resources, whose items may have any name.
  for (const operation of operations) {
    const { method, path } = operation;
    app.on(method, patternOf(path), async ({ req }) => {
      const { status, body } = await operation.run({
        ...{ store, declared },
        id: req.param('id') ?? '',
        query: new URL(req.url).searchParams,
        body: await readBody(req.raw, operation),
      });
      return json(body, status);
    });
    allow(path, ...(method === 'GET' ? ['GET', 'HEAD'] : [method]));
  }
  for (const [name, resource] of Object.entries(resources)) {
    const [all, one] = [`/v1/${name}`, `/v1/${name}/{id}`];
    app.get(all, async ({ req }) => json(await list(store, resource, new URL(req.url).searchParams)));
    app.get(patternOf(one), async ({ req }) => {
      const item = await find(store, resource, req.param('id') ?? '');
      if (item === undefined) throw new Problem(404, `There is no such ${resource.entity}.`);
      return json(item);
    });
    allow(all, 'GET', 'HEAD');
    allow(one, 'GET', 'HEAD');
  }
  for (const [path, methods] of allowed) only(patternOf(path), [...methods].sort().join(', '));
  return app;
}

/** Up means that a delivery could be kept: the table answers. */
async function isUp(store: Store): Promise<boolean> {
  const answers = store.getItem({ pk: 'healthz', sk: 'healthz' }).then(
    () => true,
    () => false,
  );
  const tooLate = sleep(HEALTH_WITHIN_MS, false, { ref: false });
  return Promise.race([answers, tooLate]);
}
