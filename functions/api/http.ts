import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyEventV2WithLambdaAuthorizer,
  APIGatewayProxyStructuredResultV2,
} from 'aws-lambda';
import { answer, problem } from '../../shared/runtime/problem.ts';

/** Between the gateway's events (payload format 2.0) and the web's own Request and Response. */

/** What the gateway says of a request beyond the request itself. */
export interface Gateway {
  readonly requestId: string;
  /** Whom the authorizer took the caller for; undefined on the route that has none. */
  readonly principal: string | undefined;
}

export type ApiEvent =
  | APIGatewayProxyEventV2
  | APIGatewayProxyEventV2WithLambdaAuthorizer<{ principal?: string } | null>;

/** An answer that is an error, with its RFC 9457 document. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.headers = headers;
  }
}

export function gatewayOf(event: ApiEvent): Gateway {
  const { requestId } = event.requestContext;
  const authorizer = 'authorizer' in event.requestContext ? event.requestContext.authorizer : undefined;
  return { requestId, principal: authorizer?.lambda?.principal };
}

/**
 * The request of an event. The gateway may have decoded the path, so whatever a URL would give another meaning (`?`, `#`, a
 * stray `%`) is encoded again. Throws a TypeError on a method that no Request may have.
 */
export function requestOf(event: ApiEvent): Request {
  const { method } = event.requestContext.http;
  const path = event.rawPath
    .replace(/%(?![0-9A-Fa-f]{2})/g, '%25')
    .replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]+/gu, (text) => encodeURIComponent(Buffer.from(text).toString()));
  const headers = new Headers();
  for (const [name, value] of Object.entries(event.headers)) if (value !== undefined) headers.set(name, value);
  const hasBody = event.body !== undefined && method !== 'GET' && method !== 'HEAD';
  return new Request(`https://api${path}${event.rawQueryString ? `?${event.rawQueryString}` : ''}`, {
    method,
    headers,
    ...(hasBody && { body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8') }),
  });
}

const asResponse = ({ statusCode, headers, body }: APIGatewayProxyStructuredResultV2): Response =>
  new Response(body ?? null, { status: statusCode ?? 200, headers: headers as Record<string, string> });

export const json = (body: unknown, status = 200): Response => asResponse(answer(status, body));
export const problemResponse = (error: Problem, requestId: string): Response =>
  asResponse(problem(error.status, error.message, requestId, error.headers));

export async function resultOf(response: Response, requestId: string): Promise<APIGatewayProxyStructuredResultV2> {
  return {
    statusCode: response.status,
    headers: { ...Object.fromEntries(response.headers), 'x-request-id': requestId },
    body: await response.text(),
  };
}
