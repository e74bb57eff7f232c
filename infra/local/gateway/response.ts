/** What a function's answer becomes on the wire. */
export interface GatewayResponse {
  readonly status: number;
  /** A name may have several values (set-cookie). */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

/** Headers that the gateway writes itself or that would break the connection's framing. */
const OWN = new Set([
  'connection',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'upgrade',
  'trailer',
  'te',
  'date',
]);

export function gatewayError(status: number, message: string): GatewayResponse {
  return {
    status,
    headers: [['content-type', 'application/json']],
    body: Buffer.from(JSON.stringify({ message })),
  };
}

export const internalError = (): GatewayResponse => gatewayError(500, 'Internal Server Error');

/**
 * Format 2.0: an answer without `statusCode` is the body itself; one with it is taken member by member. Anything the
 * gateway cannot send is its own 500.
 */
export function readResponse(payload: string): GatewayResponse {
  let answer: unknown;
  try {
    answer = JSON.parse(payload);
  } catch {
    return internalError();
  }
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer) || !('statusCode' in answer)) {
    return {
      status: 200,
      headers: [['content-type', 'application/json']],
      body: Buffer.from(typeof answer === 'string' ? answer : answer === null ? '' : payload),
    };
  }
  const {
    statusCode,
    headers = {},
    cookies = [],
    body = '',
    isBase64Encoded = false,
  } = answer as Record<string, unknown>;
  const status = typeof statusCode === 'string' ? Number(statusCode) : statusCode;
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599) return internalError();
  if (typeof headers !== 'object' || headers === null || !Array.isArray(cookies)) return internalError();
  const list: [string, string][] = [];
  let typed = false;
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (OWN.has(lower) || value === null || value === undefined) continue;
    if (typeof value === 'object' || !isHeader(lower, String(value))) return internalError();
    typed ||= lower === 'content-type';
    list.push([lower, String(value)]);
  }
  for (const cookie of cookies) {
    if (typeof cookie !== 'string' || !isHeader('set-cookie', cookie)) return internalError();
    list.push(['set-cookie', cookie]);
  }
  if (!typed) list.push(['content-type', 'text/plain;charset=UTF-8']);
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? '');
  return { status, headers: list, body: isBase64Encoded === true ? Buffer.from(text, 'base64') : Buffer.from(text) };
}

/** RFC 9110: a token, and a value without control characters. */
function isHeader(name: string, value: string): boolean {
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) return false;
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i);
    if ((code < 32 && code !== 9) || code === 127 || code > 255) return false;
  }
  return true;
}
