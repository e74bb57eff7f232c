import { type Lambda, newTraceId } from '../functions/index.ts';
import { ACCOUNT, type Authorize, AwsFault, type Clock, REGION } from '../kernel.ts';
import type { ApiDefinition, AuthorizerDefinition, RouteDefinition } from '../model/index.ts';
import { buildAuthorizerEvent, buildEvent, type GatewayRequest, type RequestPlace, readIdentity } from './event.ts';
import { type GatewayResponse, gatewayError, internalError, readResponse } from './response.ts';
import { compileRoutes } from './routes.ts';
import { createThrottle } from './throttle.ts';

const LONGEST_INTEGRATION_MS = 30_000;
const MOST_CACHED = 10_000;

/** What the gateway learns once the template is resolved, for which its own port must be known. */
export interface Backend {
  readonly api: ApiDefinition | undefined;
  readonly lambda: Lambda;
  readonly authorize: Authorize;
}

export interface Front {
  answer(request: GatewayRequest, traceId: string): Promise<GatewayResponse>;
  routes(): { route: string; function: string; requests: number }[];
}

interface Verdict {
  readonly allowed: boolean;
  readonly context: Readonly<Record<string, unknown>>;
}

/** Routes, throttles, authorizes and integrates one request as an HTTP API does. */
export function createFront({ api, lambda, authorize }: Backend, clock: Clock): Front {
  const find = compileRoutes(api?.routes ?? []);
  const stageThrottle = api?.throttle && createThrottle(api.throttle);
  const routeThrottles = new Map(
    (api?.routes ?? []).map((route) => [route, route.throttle && createThrottle(route.throttle)]),
  );
  const requests = new Map((api?.routes ?? []).map((route) => [route, 0]));
  const cache = new Map<string, { until: number; verdict: Verdict }>();

  const answer = async (request: GatewayRequest, traceId: string): Promise<GatewayResponse> => {
    const matched = find(request.method, request.path);
    if (!api || !matched) return gatewayError(404, 'Not Found');
    const { route, pathParameters } = matched;
    const throttle = routeThrottles.get(route) ?? stageThrottle;
    if (throttle && !throttle()) return gatewayError(429, 'Too Many Requests');
    requests.set(route, (requests.get(route) ?? 0) + 1);
    const place: RequestPlace = { apiId: api.id, stage: api.stage, routeKey: route.key, pathParameters };
    let context: Readonly<Record<string, unknown>> | undefined;
    if (route.authorizer) {
      const verdict = await judge(api, route, route.authorizer, request, place);
      if (!('context' in verdict)) return verdict;
      context = verdict.context;
    }
    return integrate(api, route, buildEvent(request, place, context), traceId);
  };

  /** Access of the gateway itself, by the function's resource policy. */
  const invoke = async (functionArn: string, sourceArn: string, event: unknown, traceId: string, waitMs: number) => {
    authorize(
      { type: 'service', principal: 'apigateway.amazonaws.com', sourceArn },
      'lambda:InvokeFunction',
      functionArn,
    );
    return lambda.invoke(functionArn, JSON.stringify(event), { waitMs, traceId });
  };

  const judge = async (
    { id, stage }: ApiDefinition,
    route: RouteDefinition,
    authorizer: AuthorizerDefinition,
    request: GatewayRequest,
    place: RequestPlace,
  ): Promise<Verdict | GatewayResponse> => {
    const identity = readIdentity(request, authorizer.identitySources);
    if (!identity) return gatewayError(401, 'Unauthorized');
    const key = JSON.stringify([authorizer.id, route.key, identity]);
    const cached = authorizer.ttlSeconds > 0 ? cache.get(key) : undefined;
    if (cached && cached.until > clock.now())
      return cached.verdict.allowed ? cached.verdict : gatewayError(403, 'Forbidden');
    const executeArn = `arn:aws:execute-api:${REGION}:${ACCOUNT}:${id}`;
    const event = buildAuthorizerEvent(
      request,
      place,
      identity,
      `${executeArn}/${stage}/${request.method}${request.path}`,
    );
    let verdict: Verdict;
    try {
      const source = `${executeArn}/authorizers/${authorizer.id}`;
      const result = await invoke(authorizer.functionArn, source, event, newTraceId(), LONGEST_INTEGRATION_MS);
      if (!result.ok) return internalError();
      const { isAuthorized, context = {} } = JSON.parse(result.payload) as {
        isAuthorized?: unknown;
        context?: Verdict['context'];
      };
      if (typeof isAuthorized !== 'boolean') return internalError();
      verdict = { allowed: isAuthorized, context };
    } catch {
      return internalError();
    }
    if (authorizer.ttlSeconds > 0) {
      if (cache.size > MOST_CACHED) cache.clear();
      cache.set(key, { until: clock.now() + authorizer.ttlSeconds * 1000, verdict });
    }
    return verdict.allowed ? verdict : gatewayError(403, 'Forbidden');
  };

  const integrate = async (
    { id, stage }: ApiDefinition,
    { key, functionArn, timeoutMs }: RouteDefinition,
    event: Record<string, unknown>,
    traceId: string,
  ): Promise<GatewayResponse> => {
    const method = (event.requestContext as { http: { method: string } }).http.method;
    const path = key === '$default' ? '$default' : `${method}${key.slice(key.indexOf(' ') + 1)}`;
    const sourceArn = `arn:aws:execute-api:${REGION}:${ACCOUNT}:${id}/${stage}/${path}`;
    const limit = Math.min(timeoutMs, LONGEST_INTEGRATION_MS);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<GatewayResponse>((resolve) => {
      timer = setTimeout(() => resolve(gatewayError(503, 'Service Unavailable')), limit);
    });
    const done = invoke(functionArn, sourceArn, event, traceId, limit).then(
      (result) => (result.ok ? readResponse(result.payload) : internalError()),
      (error: unknown) => {
        if (error instanceof AwsFault && error.status === 413) return gatewayError(413, 'Request Entity Too Large');
        if (error instanceof AwsFault && (error.status === 429 || error.status === 503)) {
          return gatewayError(503, 'Service Unavailable');
        }
        return internalError();
      },
    );
    try {
      return await Promise.race([done, late]);
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    answer,
    routes: () =>
      (api?.routes ?? []).map((route) => ({
        route: route.key,
        function: lambda.nameOf(route.functionArn),
        requests: requests.get(route) ?? 0,
      })),
  };
}
