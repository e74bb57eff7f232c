import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** On every answer: nothing here is a page, and nothing may be kept by a cache in between. */
export const ANSWER_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
};

export const answer = (
  statusCode: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): APIGatewayProxyStructuredResultV2 => ({
  statusCode,
  headers: { 'content-type': 'application/json', ...ANSWER_HEADERS, ...headers },
  body: JSON.stringify(body),
});

/** An error as RFC 9457 wants it, with the id that finds the request in the logs. */
export const problem = (
  status: number,
  detail: string,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): APIGatewayProxyStructuredResultV2 =>
  answer(
    status,
    { type: 'about:blank', title: TITLES[status] ?? 'Error', status, detail, requestId },
    { 'content-type': 'application/problem+json', ...headers },
  );
