import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Lambda, newTraceId } from '../functions/index.ts';
import { ACCOUNT, type Authorize, AwsFault, type Clock, REGION } from '../kernel.ts';
import type { ApiDefinition, AuthorizerDefinition, RouteDefinition } from '../model/index.ts';
import { readBody } from './body.ts';
import {
  buildAuthorizerEvent,
  buildEvent,
  type GatewayRequest,
  type RequestPlace,
  readHeaders,
  readIdentity,
  readTarget,
  remoteAddress,
} from './event.ts';
import { type GatewayResponse, gatewayError, internalError, readResponse } from './response.ts';
import { compileRoutes } from './routes.ts';
import { createThrottle } from './throttle.ts';

/** HTTP API quotas. */
const LARGEST_BODY = 10 * 1024 * 1024;
const LARGEST_HEADERS = 10_240;
const LONGEST_INTEGRATION_MS = 30_000;
/** What is held in memory for all requests together; beyond it the gateway answers 503 instead of dying. */
const LARGEST_IN_MEMORY = 256 * 1024 * 1024;
const MOST_CONNECTIONS = 2_000;

/** Answers a request that is the host's own and not the API's; undefined passes it on. */
export type OwnRequest = (
  request: GatewayRequest,
) => GatewayResponse | undefined | Promise<GatewayResponse | undefined>;

export interface GatewayOptions {
  readonly api: ApiDefinition | undefined;
  readonly lambda: Lambda;
  readonly authorize: Authorize;
  readonly clock: Clock;
  readonly own: OwnRequest;
}

export interface Gateway {
  readonly server: Server;
  /** Requests that are being answered. */
  busy(): number;
  routes(): { route: string; function: string; requests: number }[];
}

/** API Gateway's HTTP API in front of the functions. The server is not listening yet. */
export function createGateway({ api, lambda, authorize, clock, own }: GatewayOptions): Gateway {
  const find = compileRoutes(api?.routes ?? []);
  const stageThrottle = api?.throttle && createThrottle(api.throttle);
  const routeThrottles = new Map(
    (api?.routes ?? []).map((route) => [route, route.throttle && createThrottle(route.throttle)]),
  );
  const requests = new Map((api?.routes ?? []).map((route) => [route, 0]));
  const cache = new Map<string, { until: number; verdict: Verdict }>();
  let busy = 0;
  let held = 0;

  const answer = async (request: GatewayRequest, traceId: string): Promise<GatewayResponse> => {
    const ours = await own(request);
    if (ours) return ours;
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
      if (cache.size > 10_000) cache.clear();
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

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomBytes(12).toString('base64url');
    const send = (result: GatewayResponse, close = false): void => {
      if (response.headersSent || response.destroyed) return;
      const headers: (string | number)[] = ['apigw-requestid', requestId, 'content-length', result.body.length];
      for (const [name, value] of result.headers) headers.push(name, value);
      if (close) headers.push('connection', 'close');
      response.writeHead(result.status, headers as string[]);
      response.end(message.method === 'HEAD' ? undefined : result.body);
    };
    const target = readTarget(message.url ?? '');
    if (!target) return send(gatewayError(400, 'Bad Request'), true);
    const declared = Number(message.headers['content-length'] ?? 0);
    if (declared > LARGEST_BODY) {
      message.resume();
      return send(gatewayError(413, 'Request Entity Too Large'));
    }
    if (held + declared > LARGEST_IN_MEMORY) return send(gatewayError(503, 'Service Unavailable'), true);

    const traceId = newTraceId();
    let reserved = 0;
    try {
      const body = await readBody(message, LARGEST_BODY, (bytes) => {
        reserved += bytes;
        held += bytes;
      });
      if (body === 'too-large') return send(gatewayError(413, 'Request Entity Too Large'));
      const { headers, cookies } = readHeaders(message, traceId);
      send(
        await answer(
          {
            method: message.method ?? 'GET',
            path: target.path,
            rawQuery: target.rawQuery,
            headers,
            cookies,
            sourceIp: remoteAddress(message),
            body,
            requestId,
            at: clock.now(),
          },
          traceId,
        ),
      );
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return void response.destroy();
      process.stderr.write(`gateway: ${String(error)}\n`);
      send(internalError(), true);
    } finally {
      held -= reserved;
    }
  };

  const server = createServer(
    {
      maxHeaderSize: LARGEST_HEADERS * 2,
      // A slow client loses its connection, never a thread: 20 s for the headers, 60 s for the whole request.
      headersTimeout: 20_000,
      requestTimeout: 60_000,
      keepAliveTimeout: 75_000,
      noDelay: true,
    },
    (message, response) => {
      busy += 1;
      void handle(message, response).finally(() => {
        busy -= 1;
      });
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable) return void socket.destroy();
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
    const text = error.code === 'HPE_HEADER_OVERFLOW' ? 'Request Header Fields Too Large' : 'Bad Request';
    const body = JSON.stringify({ message: text });
    socket.end(
      `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );
  });

  return {
    server,
    busy: () => busy,
    routes: () =>
      (api?.routes ?? []).map((route) => ({
        route: route.key,
        function: lambda.nameOf(route.functionArn),
        requests: requests.get(route) ?? 0,
      })),
  };
}

interface Verdict {
  readonly allowed: boolean;
  readonly context: Readonly<Record<string, unknown>>;
}
