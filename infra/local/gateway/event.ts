import type { IncomingMessage } from 'node:http';
import { ACCOUNT } from '../kernel.ts';

/** A request as the gateway has read it. */
export interface GatewayRequest {
  readonly method: string;
  /** Percent-decoded, as HTTP APIs hand it on. */
  readonly path: string;
  readonly rawQuery: string;
  /** Lower-cased, repeated ones joined by commas, without cookies. */
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly sourceIp: string;
  readonly body: Buffer;
  readonly requestId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface RequestPlace {
  readonly apiId: string;
  readonly stage: string;
  readonly routeKey: string;
  readonly pathParameters: Readonly<Record<string, string>> | undefined;
}

const TEXT_TYPES = new Set(['application/json', 'application/xml', 'application/javascript']);
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Undefined for a target that is no path of ours (a proxy's absolute form, broken percent-encoding). */
export function readTarget(target: string): { path: string; rawQuery: string } | undefined {
  if (!target.startsWith('/')) return undefined;
  const question = target.indexOf('?');
  const encoded = question < 0 ? target : target.slice(0, question);
  try {
    return { path: decodeURIComponent(encoded), rawQuery: question < 0 ? '' : target.slice(question + 1) };
  } catch {
    return undefined;
  }
}

export function readHeaders(
  message: IncomingMessage,
  traceId: string,
): { headers: Record<string, string>; cookies: string[] } {
  const headers: Record<string, string> = {};
  const cookies: string[] = [];
  const raw = message.rawHeaders;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    const value = raw[i + 1] as string;
    if (name === 'cookie') cookies.push(...value.split(';').map((cookie) => cookie.trim()));
    else if (name in headers) headers[name] += `,${value}`;
    else headers[name] = value;
  }
  // What the client says of its own origin is not to be believed: the gateway appends what it saw.
  const address = remoteAddress(message);
  headers['x-forwarded-for'] = headers['x-forwarded-for'] ? `${headers['x-forwarded-for']}, ${address}` : address;
  headers['x-forwarded-port'] = String(message.socket.localPort ?? '');
  headers['x-forwarded-proto'] = 'http';
  headers['x-amzn-trace-id'] = traceId;
  headers['content-length'] ??= '0';
  delete headers['transfer-encoding'];
  delete headers.connection;
  return { headers, cookies };
}

export function remoteAddress(message: IncomingMessage): string {
  return (message.socket.remoteAddress ?? '127.0.0.1').replace(/^::ffff:/, '');
}

/** The payload format 2.0 of a Lambda integration, or with `identity` of a REQUEST authorizer. */
export function buildEvent(
  request: GatewayRequest,
  place: RequestPlace,
  authorizer: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> {
  const textual = isText(request.headers['content-type'], request.headers['content-encoding']);
  return {
    version: '2.0',
    routeKey: place.routeKey,
    rawPath: request.path,
    rawQueryString: request.rawQuery,
    ...(request.cookies.length > 0 ? { cookies: request.cookies } : {}),
    headers: request.headers,
    ...queryOf(request.rawQuery),
    ...(place.pathParameters ? { pathParameters: place.pathParameters } : {}),
    requestContext: buildContext(request, place, authorizer),
    ...(request.body.length > 0 ? { body: request.body.toString(textual ? 'utf8' : 'base64') } : {}),
    isBase64Encoded: request.body.length > 0 && !textual,
  };
}

export function buildAuthorizerEvent(
  request: GatewayRequest,
  place: RequestPlace,
  identity: readonly string[],
  routeArn: string,
): Record<string, unknown> {
  return {
    version: '2.0',
    type: 'REQUEST',
    routeArn,
    identitySource: identity.length > 0 ? identity : null,
    routeKey: place.routeKey,
    rawPath: request.path,
    rawQueryString: request.rawQuery,
    ...(request.cookies.length > 0 ? { cookies: request.cookies } : {}),
    headers: request.headers,
    ...queryOf(request.rawQuery),
    ...(place.pathParameters ? { pathParameters: place.pathParameters } : {}),
    requestContext: buildContext(request, place, undefined),
  };
}

/**
 * What HTTP APIs pass as text, as observed on AWS; the documentation names no types. Everything else, form posts and
 * a missing type included, arrives base64 encoded.
 */
export function isText(contentType: string | undefined, contentEncoding: string | undefined): boolean {
  if (contentEncoding !== undefined && contentEncoding !== 'identity') return false;
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return type.startsWith('text/') || TEXT_TYPES.has(type);
}

/** The identity sources' values, or undefined when one is missing. */
export function readIdentity(request: GatewayRequest, sources: readonly string[]): string[] | undefined {
  const query = new URLSearchParams(request.rawQuery);
  const values: string[] = [];
  for (const source of sources) {
    const name = source.split('.').slice(2).join('.');
    const value = source.startsWith('$request.header.')
      ? request.headers[name.toLowerCase()]
      : source.startsWith('$request.querystring.')
        ? query.get(name)
        : undefined;
    if (!value) return undefined;
    values.push(value);
  }
  return values;
}

function buildContext(
  request: GatewayRequest,
  { apiId, stage, routeKey }: RequestPlace,
  authorizer: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> {
  const domain = request.headers.host ?? 'localhost';
  return {
    accountId: ACCOUNT,
    apiId,
    ...(authorizer ? { authorizer: { lambda: authorizer } } : {}),
    domainName: domain,
    domainPrefix: domain.split('.', 1)[0],
    http: {
      method: request.method,
      path: request.path,
      protocol: 'HTTP/1.1',
      sourceIp: request.sourceIp,
      userAgent: request.headers['user-agent'] ?? '',
    },
    requestId: request.requestId,
    routeKey,
    stage,
    time: formatTime(request.at),
    timeEpoch: request.at,
  };
}

function queryOf(rawQuery: string): { queryStringParameters?: Record<string, string> } {
  if (rawQuery === '') return {};
  const joined: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    joined[name] = name in joined ? `${joined[name]},${value}` : value;
  }
  return { queryStringParameters: { ...joined } };
}

/** Common log format: 07/Aug/2026:01:37:53 +0000. */
function formatTime(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}
