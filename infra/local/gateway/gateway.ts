import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { newTraceId } from '../functions/index.ts';
import type { Clock } from '../kernel.ts';
import { readBody } from './body.ts';
import { type GatewayRequest, readHeaders, readTarget, remoteAddress } from './event.ts';
import { type Backend, createFront, type Front } from './front.ts';
import { type GatewayResponse, gatewayError, internalError } from './response.ts';

/** HTTP API quotas. */
const LARGEST_BODY = 10 * 1024 * 1024;
const LARGEST_HEADERS = 10_240;
/** What is held in memory for all requests together; beyond it the gateway answers 503 instead of dying. */
const LARGEST_IN_MEMORY = 256 * 1024 * 1024;
const MOST_CONNECTIONS = 2_000;

/** Answers a request that is the host's own and not the API's; undefined passes it on. */
export type OwnRequest = (
  request: GatewayRequest,
) => GatewayResponse | undefined | Promise<GatewayResponse | undefined>;

export interface GatewayOptions {
  readonly clock: Clock;
  readonly own: OwnRequest;
}

export interface Gateway {
  /** Requests wait for `connect`, so that a restart costs a sender a moment and not its delivery. */
  readonly server: Server;
  connect(backend: Backend): void;
  /** Requests to the API that are being answered. */
  busy(): number;
  /** Requests of any kind that have begun to arrive and are not answered. */
  open(): number;
  routes(): { route: string; function: string; requests: number }[];
  /** What CloudWatch counts of an HTTP API, the answers that the gateway makes itself included. */
  counts(): { count: number; '4xx': number; '5xx': number };
}

/** API Gateway's HTTP API in front of the functions. The server is not listening yet. */
export function createGateway({ clock, own }: GatewayOptions): Gateway {
  let front: Front | undefined;
  let connected: (front: Front) => void = () => undefined;
  const ready = new Promise<Front>((resolve) => {
    connected = resolve;
  });
  let busy = 0;
  let open = 0;
  let held = 0;
  const counts = { count: 0, '4xx': 0, '5xx': 0 };

  const answer = async (to: Front, request: GatewayRequest, traceId: string): Promise<GatewayResponse> => {
    busy += 1;
    try {
      return await to.answer(request, traceId);
    } finally {
      busy -= 1;
    }
  };

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomBytes(12).toString('base64url');
    const send = (result: GatewayResponse, close = false): void => {
      if (response.headersSent || response.destroyed) return;
      const headers: (string | number)[] = ['apigw-requestid', requestId];
      if (result.status !== 204 && result.status !== 304) headers.push('content-length', result.body.length);
      for (const [name, value] of result.headers) headers.push(name, value);
      if (close) headers.push('connection', 'close');
      response.writeHead(result.status, headers as string[]);
      response.end(message.method === 'HEAD' ? undefined : result.body);
    };
    const reply = (result: GatewayResponse, close = false): void => {
      counts.count += 1;
      if (result.status >= 500) counts['5xx'] += 1;
      else if (result.status >= 400) counts['4xx'] += 1;
      send(result, close);
    };
    const target = readTarget(message.url ?? '');
    if (!target) return reply(gatewayError(400, 'Bad Request'), true);
    const declared = Number(message.headers['content-length'] ?? 0);
    if (declared > LARGEST_BODY) {
      message.resume();
      return reply(gatewayError(413, 'Request Entity Too Large'));
    }
    if (held + declared > LARGEST_IN_MEMORY) return reply(gatewayError(503, 'Service Unavailable'), true);

    const traceId = newTraceId();
    let reserved = 0;
    try {
      const body = await readBody(message, LARGEST_BODY, (bytes) => {
        reserved += bytes;
        held += bytes;
      });
      if (body === 'too-large') return reply(gatewayError(413, 'Request Entity Too Large'));
      const { headers, cookies } = readHeaders(message, traceId);
      const request: GatewayRequest = {
        method: message.method ?? 'GET',
        path: target.path,
        rawQuery: target.rawQuery,
        headers,
        cookies,
        sourceIp: remoteAddress(message),
        body,
        requestId,
        at: clock.now(),
      };
      const to = front ?? (await ready);
      const ours = await own(request);
      if (ours) send(ours);
      else reply(await answer(to, request, traceId));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return void response.destroy();
      process.stderr.write(`gateway: ${String(error)}\n`);
      reply(internalError(), true);
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
      open += 1;
      void handle(message, response).finally(() => {
        open -= 1;
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
    connect(backend) {
      front = createFront(backend, clock);
      connected(front);
    },
    busy: () => busy,
    open: () => open,
    routes: () => front?.routes() ?? [],
    counts: () => ({ ...counts }),
  };
}
