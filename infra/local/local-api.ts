import { createHash, timingSafeEqual } from 'node:crypto';
import type { GatewayRequest, GatewayResponse, OwnRequest } from './gateway/index.ts';
import { AwsFault } from './kernel.ts';
import type { OutboxEntry } from './sns/index.ts';

const DEFAULT_LIMIT = 50;
const LARGEST_LIMIT = 200;

export interface LocalApi {
  /** The report of `GET /_local`. */
  status(): Promise<unknown>;
  /** Oldest first. */
  outbox(): readonly OutboxEntry[];
  redrive(queue: string): unknown;
  /** Puts an event on the default bus as a service of AWS would, and tells its id. Throws an AwsFault when it is none. */
  emit(event: unknown): Promise<string>;
  /** Throws when the clock is the real one or would run backwards. Returns the new time, milliseconds since the epoch. */
  moveClock(to: { advance: number } | { now: number }): number;
}

/** The host's own resources beside the API: `/_local…` and `/v1/outbox`, for whoever has the master's token. */
export function createLocalApi(token: string, api: LocalApi): OwnRequest {
  const expected = digest(token);
  const isMaster = ({ headers }: GatewayRequest): boolean => {
    const [scheme, given, ...more] = (headers.authorization ?? '').split(' ');
    if (scheme?.toLowerCase() !== 'bearer' || !given || more.length > 0) return false;
    return timingSafeEqual(digest(given), expected);
  };

  return async (request) => {
    const { path, method } = request;
    const outbox = path === '/v1/outbox';
    if (!outbox && path !== '/_local' && !path.startsWith('/_local/')) return undefined;
    if (!isMaster(request)) {
      return problem(request, 401, 'Unauthorized', 'A valid bearer token is required.', [
        ['www-authenticate', 'Bearer'],
      ]);
    }
    const queue = /^\/_local\/queues\/([A-Za-z0-9_-]{1,80})\/redrive$/.exec(path)?.[1];
    const [allowed, respond]: [string, (() => unknown) | undefined] = outbox
      ? ['GET', () => listOutbox(api.outbox(), request.rawQuery)]
      : path === '/_local'
        ? ['GET', () => api.status()]
        : path === '/_local/clock'
          ? ['POST', () => moveClock(api, request.body)]
          : path === '/_local/events'
            ? ['POST', () => emit(api, request.body)]
            : queue !== undefined
              ? ['POST', () => api.redrive(queue)]
              : ['', undefined];
    if (!respond) return problem(request, 404, 'Not Found', `There is nothing at ${path}.`);
    if (method !== allowed) {
      return problem(request, 405, 'Method Not Allowed', `${path} takes ${allowed} only.`, [['allow', allowed]]);
    }
    try {
      return json(200, await respond());
    } catch (error) {
      if (error instanceof Refusal) return problem(request, 400, 'Bad Request', error.message);
      if (error instanceof AwsFault) return problem(request, 404, 'Not Found', error.message);
      throw error;
    }
  };
}

class Refusal extends Error {}

function jsonIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new Refusal('The body is not JSON.');
  }
}

async function emit(api: LocalApi, body: Buffer): Promise<{ id: string }> {
  const event = jsonIn(body);
  try {
    return { id: await api.emit(event) };
  } catch (error) {
    throw error instanceof AwsFault ? new Refusal(error.message) : error;
  }
}

function moveClock(api: LocalApi, body: Buffer): { now: string } {
  const { advance, now } = (jsonIn(body) ?? {}) as { advance?: unknown; now?: unknown };
  const time = typeof now === 'string' ? Date.parse(now) : Number.NaN;
  const to =
    typeof advance === 'number' && Number.isFinite(advance) && advance >= 0 && now === undefined
      ? { advance }
      : Number.isFinite(time) && advance === undefined
        ? { now: time }
        : undefined;
  if (!to) throw new Refusal('Say {"advance": seconds} or {"now": "<RFC 3339>"}.');
  try {
    return { now: new Date(api.moveClock(to)).toISOString() };
  } catch (error) {
    throw new Refusal((error as Error).message);
  }
}

function listOutbox(
  entries: readonly OutboxEntry[],
  rawQuery: string,
): { items: unknown[]; nextCursor: string | null } {
  const query = new URLSearchParams(rawQuery);
  for (const name of query.keys()) {
    if (name !== 'limit' && name !== 'cursor' && name !== 'topic') throw new Refusal(`There is no filter ${name}.`);
  }
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_LIMIT) {
    throw new Refusal(`limit is a whole number from 1 to ${LARGEST_LIMIT}.`);
  }
  const topic = query.get('topic');
  const newestFirst = entries.filter((entry) => topic === null || entry.topic === topic).reverse();
  const cursor = query.get('cursor');
  let start = 0;
  if (cursor !== null) {
    const after = newestFirst.findIndex(({ id }) => id === cursor);
    if (after < 0) throw new Refusal('The cursor is not one of this list.');
    start = after + 1;
  }
  const page = newestFirst.slice(start, start + limit);
  const more = start + limit < newestFirst.length;
  return {
    items: page.map((entry) => ({ ...entry, createdAt: entry.at })),
    nextCursor: more ? (page.at(-1)?.id ?? null) : null,
  };
}

function json(status: number, body: unknown): GatewayResponse {
  return {
    status,
    headers: [
      ['content-type', 'application/json'],
      ['cache-control', 'no-store'],
    ],
    body: Buffer.from(JSON.stringify(body)),
  };
}

/** RFC 9457, as the API itself answers. */
function problem(
  request: GatewayRequest,
  status: number,
  title: string,
  detail: string,
  headers: readonly (readonly [string, string])[] = [],
): GatewayResponse {
  return {
    status,
    headers: [['content-type', 'application/problem+json'], ...headers],
    body: Buffer.from(JSON.stringify({ type: 'about:blank', title, status, detail, requestId: request.requestId })),
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
