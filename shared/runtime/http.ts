/**
 * Calls to the world outside, bounded in time and size and never led astray by a redirect. One call is one request: there
 * are no retries here, as only the caller knows whether a request may be repeated.
 */

/** Milliseconds that a call may take, its body included (docs: outside contract). */
export const HTTP_TIMEOUT_MS = 10_000;
/** What an API's answer may be long; logs have limits of their own. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MAX_REDIRECTS = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** No answer, or only a part of one. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  /** False: nothing was sent, so the request has certainly had no effect. */
  readonly sent: boolean;
  constructor(message: string, sent: boolean, cause?: unknown) {
    super(message, { cause });
    this.sent = sent;
  }
}

export interface HttpOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** Errors that end a connection before a request can be on it. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_INVALID_URL',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** One request, without following redirects. Throws `HttpFailure`, or the caller's own reason when it aborted. */
export async function send(url: string, options: HttpOptions = {}): Promise<Response> {
  const { signal, timeoutMs = HTTP_TIMEOUT_MS, ...rest } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const both = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  try {
    return await fetch(url, { ...rest, redirect: 'manual', signal: both });
  } catch (error) {
    throw failureOf(error, signal);
  }
}

/** A whole answer, or an `HttpFailure` when it is longer than allowed or breaks off. */
export async function complete(response: Response, maxBytes = MAX_ANSWER_BYTES): Promise<Response> {
  const text = await textOf(response, maxBytes);
  // The answers without a body may not be made with one, however empty.
  const hasBody = text !== '' && ![204, 205, 304].includes(response.status);
  return new Response(hasBody ? text : null, { status: response.status, headers: response.headers });
}

/** Reads an answer as text. Throws `HttpFailure` when it breaks off or is longer than allowed. */
export async function textOf(response: Response, maxBytes = MAX_ANSWER_BYTES): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of bytesOf(response, maxBytes, { beyond: 'fail' })) {
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Streams a body. Beyond `maxBytes` it either just ends or fails; either way the connection is let go. */
export async function* bytesOf(
  response: Response,
  maxBytes: number,
  options: { beyond: 'end' | 'fail'; signal?: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  let left = maxBytes;
  try {
    for await (const chunk of response.body as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>) {
      if (chunk.byteLength > left && options.beyond === 'fail') throw new Error(`it is longer than ${maxBytes} bytes`);
      if (left > 0) yield chunk.byteLength > left ? chunk.subarray(0, left) : chunk;
      left -= chunk.byteLength;
      if (left <= 0 && options.beyond === 'end') return;
    }
  } catch (error) {
    throw failureOf(error, options.signal);
  }
}

/**
 * Follows where an answer leads to: only to https, to the host of `base`, or from loopback to loopback. `credentials` are
 * sent to the origin of `base` and to no other. An answer that leads nowhere is returned as it is.
 */
export async function followed(
  response: Response,
  from: string,
  base: string,
  options: { credentials?: Readonly<Record<string, string>>; signal?: AbortSignal | undefined } = {},
): Promise<Response> {
  const { credentials = {}, signal } = options;
  let [answer, at] = [response, from];
  for (let hops = 0; isRedirect(answer); hops++) {
    if (hops === MAX_REDIRECTS) throw new HttpFailure(`more than ${MAX_REDIRECTS} redirects`, true);
    await answer.body?.cancel();
    at = redirectTarget(answer.headers.get('location'), at, base);
    const headers = new URL(at).origin === new URL(base).origin ? credentials : {};
    answer = await send(at, { headers, ...(signal && { signal }) });
  }
  return answer;
}

export const isRedirect = (response: { status: number }): boolean => REDIRECTS.has(response.status);

/** The address a `Location` names, or `HttpFailure` when QMOI does not go there. */
export function redirectTarget(location: string | null | undefined, from: string, base: string): string {
  if (!location || !URL.canParse(location, from)) throw new HttpFailure('a redirect that leads nowhere', true);
  const [target, home] = [new URL(location, from), new URL(base)];
  const allowed =
    target.protocol === 'https:' ||
    // Without encryption only to where QMOI already talks without.
    (target.protocol === 'http:' &&
      home.protocol === 'http:' &&
      (target.host === home.host || (isLoopback(target.hostname) && isLoopback(home.hostname))));
  if (!allowed || target.username !== '' || target.password !== '') {
    throw new HttpFailure(`a redirect to ${target.protocol}//${target.host} is not followed`, true);
  }
  return target.href;
}

const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);

/** The whole seconds that an answer asks to wait for, where it does: `Retry-After`, or a used-up rate limit's reset. */
export function secondsToWait(headers: Headers, now: number): number | undefined {
  const retryAfter = headers.get('retry-after');
  if (retryAfter !== null && retryAfter.trim() !== '') {
    const seconds = /^\s*\d{1,9}\s*$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - now) / 1000;
    if (Number.isFinite(seconds)) return bounded(seconds);
  }
  const remaining = headers.get('x-ratelimit-remaining') ?? headers.get('ratelimit-remaining');
  const reset = Number(headers.get('x-ratelimit-reset') ?? headers.get('ratelimit-reset') ?? Number.NaN);
  return remaining?.trim() === '0' && Number.isFinite(reset) ? bounded(reset - now / 1000) : undefined;
}

/** No answer makes QMOI wait for longer than an hour, which is what GitHub's own limit is counted over. */
const bounded = (seconds: number): number => Math.min(3600, Math.max(1, Math.ceil(seconds)));

export function failureOf(error: unknown, callers: AbortSignal | undefined): unknown {
  if (error instanceof HttpFailure) return error;
  if (isTimeout(error) || isTimeout(callers?.reason)) return new HttpFailure('no answer in time', true, error);
  if (callers?.aborted) return callers.reason;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const codes = codesOf(cause);
  const sent = codes.length === 0 || !codes.every((code) => NEVER_SENT.has(code));
  const what = cause instanceof Error && cause.message !== '' ? cause.message : String(codes[0] ?? error);
  return new HttpFailure(what, sent, error);
}

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError';

/** A host with several addresses fails with one error per address. */
function codesOf(error: unknown): string[] {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.flatMap(codesOf);
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? [code] : [];
}
