import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ForgeClock } from './clock.ts';
import type { Fault, FaultPlan } from './faults.ts';
import type { Call, Effect, Json } from './types.ts';

export interface ApiRequest {
  method: string;
  path: string;
  params: Record<string, string>;
  query: URLSearchParams;
  headers: Record<string, string>;
  body: string;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  /** JSON unless `text` is given. */
  json?: Json;
  text?: string | Uint8Array;
  effect?: Effect;
}

export interface Route {
  method: string;
  /** `/repos/:owner/:repo`; a parameter is one raw path segment, decoded afterwards. */
  path: string;
  handle(request: ApiRequest): Reply;
}

export interface ServerOptions {
  clock: ForgeClock;
  calls: Call[];
  faults: FaultPlan;
  routes: readonly Route[];
  /** Stripped when a path begins with it: GitHub Enterprise serves its API below /api/v3. */
  optionalPrefix?: string;
  /** Authentication and limits; an answer ends the call. */
  admit(request: ApiRequest): Reply | undefined;
  notFound(request: ApiRequest): Reply;
  limited(fault: Extract<Fault, { kind: 'rate-limit' }>, request: ApiRequest): Reply;
  /** Adds the headers every answer carries. */
  dress(request: ApiRequest, reply: Reply): Reply;
}

const BODY_LIMIT = 1_000_000;

export class ForgeServer {
  readonly #options: ServerOptions;
  readonly #server: Server;
  #underWay = 0;
  #origin = '';

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#underWay += 1;
      response.once('close', () => {
        this.#underWay -= 1;
      });
      this.#serve(request, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : new Error(String(error)));
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    this.#origin = `http://127.0.0.1:${port}`;
    return this.#origin;
  }

  origin(): string {
    return this.#origin;
  }

  underWay(): number {
    return this.#underWay;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, calls, faults } = this.#options;
    const url = new URL(message.url ?? '/', this.#origin);
    const headers = Object.fromEntries(
      Object.entries(message.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(', ') : (value ?? ''),
      ]),
    );
    const request: ApiRequest = {
      method: message.method ?? 'GET',
      path: this.#strip(url.pathname),
      params: {},
      query: url.searchParams,
      headers,
      body: await readBody(message),
    };
    const call: Call = {
      method: request.method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      at: clock.now(),
      status: 0,
      headers,
      body: request.body,
    };
    calls.push(call);

    const fault = faults.take(request.method, url.pathname);
    if (fault) call.fault = fault.kind;
    if (fault?.kind === 'reset') {
      response.destroy();
      return;
    }
    const reply = this.#options.dress(request, this.#answer(request, call, fault));
    call.status = reply.status;
    if (reply.effect) call.effect = reply.effect;
    if (fault?.kind === 'lost-answer') {
      response.destroy();
      return;
    }
    if (fault?.kind === 'slow') {
      if (fault.ms === Number.POSITIVE_INFINITY) return;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(fault.ms, resolve);
        response.once('close', () => {
          cancel();
          resolve();
        });
      });
    }
    write(request, response, reply);
  }

  #answer(request: ApiRequest, call: Call, fault: Fault | undefined): Reply {
    if (fault?.kind === 'status') {
      const reply: Reply = { status: fault.status, text: fault.body ?? '' };
      return fault.headers ? { ...reply, headers: fault.headers } : reply;
    }
    if (fault?.kind === 'rate-limit') return this.#options.limited(fault, request);
    const refused = this.#options.admit(request);
    if (refused) return refused;
    for (const route of this.#options.routes) {
      if (route.method !== request.method && !(route.method === 'GET' && request.method === 'HEAD')) continue;
      const params = match(route.path, request.path);
      if (params) return route.handle({ ...request, params });
    }
    call.unknownRoute = true;
    return this.#options.notFound(request);
  }

  #strip(path: string): string {
    const prefix = this.#options.optionalPrefix;
    return prefix && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
  }
}

function match(pattern: string, path: string): Record<string, string> | undefined {
  const expected = pattern.split('/');
  const actual = path.split('/');
  if (expected.length !== actual.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of expected.entries()) {
    const value = actual[index] ?? '';
    if (part.startsWith(':')) {
      if (value === '') return undefined;
      try {
        params[part.slice(1)] = decodeURIComponent(value);
      } catch {
        return undefined;
      }
    } else if (part !== value) return undefined;
  }
  return params;
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new Error('request body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function write(request: ApiRequest, response: ServerResponse, reply: Reply): void {
  const bytes =
    reply.json !== undefined
      ? Buffer.from(JSON.stringify(reply.json))
      : typeof reply.text === 'string'
        ? Buffer.from(reply.text)
        : Buffer.from(reply.text ?? new Uint8Array());
  const bodiless = request.method === 'HEAD' || reply.status === 304 || reply.status === 204;
  response.writeHead(reply.status, {
    ...(reply.json !== undefined ? { 'content-type': 'application/json; charset=utf-8' } : {}),
    ...(reply.status === 304 ? {} : { 'content-length': String(bytes.length) }),
    ...reply.headers,
  });
  response.end(bodiless ? undefined : bytes);
}
