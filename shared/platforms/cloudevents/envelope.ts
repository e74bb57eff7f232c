import * as z from 'zod/mini';
import type { RawRequest } from '../port.ts';
import { header, jsonOf, mediaTypeOf } from '../request.ts';

/** CloudEvents over HTTP: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md */

export const STRUCTURED = 'application/cloudevents+json';
const BATCHED = 'application/cloudevents-batch+json';
/** Each becomes a delivery of its own, and the sender waits for all of them. */
const MAX_BATCH = 100;

const text = (max: number) => z.string().check(z.minLength(1), z.maxLength(max));

/** Extension attributes come along and are of no use here. */
export const cloudEvent = z.object({
  specversion: z.literal('1.0'),
  id: text(1024),
  source: text(2048),
  type: text(256),
  time: z.optional(text(64)),
  datacontenttype: z.optional(text(256)),
  data: z.optional(z.unknown()),
  data_base64: z.optional(z.string()),
});
export type CloudEvent = z.infer<typeof cloudEvent>;

/** The messages in a request, each in the structured form; the request itself where they cannot be told apart. */
export function messagesIn(request: RawRequest): readonly RawRequest[] {
  if (isBinary(request)) return [missingOf(request) === undefined ? binary(request) : request];
  if (mediaTypeOf(header(request, 'content-type')) !== BATCHED) return [request];
  const messages = jsonOf(request.body.toString('utf8'));
  if (!Array.isArray(messages) || messages.length > MAX_BATCH) return [request];
  return messages.map((message) => structured(message));
}

const structured = (message: unknown): RawRequest => ({
  headers: { 'content-type': STRUCTURED },
  body: Buffer.from(JSON.stringify(message)),
});

/** The content type has the first word: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#3-http-message-mapping */
const isBinary = (request: RawRequest): boolean =>
  header(request, 'ce-specversion') !== undefined &&
  !mediaTypeOf(header(request, 'content-type')).startsWith('application/cloudevents');

/** The attribute that a message in the binary form lacks. */
const missingOf = (request: RawRequest) => REQUIRED.find((name) => header(request, `ce-${name}`) === undefined);

/** Why a request is no message in the structured form. */
export function objectionTo(request: RawRequest): { readonly status: 400 | 415; readonly detail: string } | undefined {
  const mediaType = mediaTypeOf(header(request, 'content-type'));
  if (isBinary(request)) return { status: 400, detail: `the header ce-${missingOf(request)} is missing` };
  if (mediaType === BATCHED) {
    return { status: 400, detail: `a batch is a JSON array of at most ${MAX_BATCH} events` };
  }
  if (mediaType.startsWith('application/cloudevents') && mediaType !== STRUCTURED) {
    return { status: 415, detail: 'of its formats only JSON is taken' };
  }
  return mediaType === STRUCTURED
    ? undefined
    : { status: 415, detail: 'this is no CloudEvent: neither its content type nor a ce-specversion header says so' };
}

/** The headers that are read; the others are extensions. */
const REQUIRED = ['specversion', 'id', 'source', 'type'] as const;
const ATTRIBUTES = [...REQUIRED, 'time'] as const;

/** A message whose attributes are headers. Data that is not the JSON it should be is kept as it is. */
function binary(request: RawRequest): RawRequest {
  const contentType = header(request, 'content-type');
  const message: Record<string, unknown> = {};
  for (const name of ATTRIBUTES) {
    const value = header(request, `ce-${name}`);
    if (value !== undefined) message[name] = decoded(value);
  }
  if (contentType !== undefined) message.datacontenttype = contentType;
  const json = isJson(mediaTypeOf(contentType)) ? jsonOf(request.body.toString('utf8')) : undefined;
  if (json !== undefined) message.data = json;
  else if (request.body.byteLength > 0) message.data_base64 = request.body.toString('base64');
  return structured(message);
}

const isJson = (mediaType: string): boolean => mediaType === 'application/json' || mediaType.endsWith('+json');

/** Values come percent-encoded; what is not is taken as it is. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** The JSON that an event carries, however it was wrapped. */
export function dataOf({ data, data_base64, datacontenttype }: CloudEvent): unknown {
  if (data_base64 !== undefined) return jsonOf(Buffer.from(data_base64, 'base64').toString('utf8'));
  // Without a content type the data is JSON; a text of another type may still be.
  return typeof data === 'string' && datacontenttype !== undefined ? (jsonOf(data) ?? data) : data;
}

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#4-abuse-protection */
const ORIGIN = /^[\w.:*-]{1,253}$/;
const RATE = /^\d{1,9}$/;
/** Requests a minute: what the gateway lets through by default in half of it, as others send too. */
const MOST_PER_MINUTE = 6_000;

/**
 * Whoever asks may send, and then needs the token: the question proves nothing. A callback address is never called, as it
 * would let anybody have us call anything.
 */
export function permission(
  request: RawRequest,
): Record<string, string> | { kind: 'malformed'; status: 400; detail: string } {
  const origin = header(request, 'webhook-request-origin');
  const rate = header(request, 'webhook-request-rate');
  if (origin === undefined) return { kind: 'malformed', status: 400, detail: 'WebHook-Request-Origin is missing' };
  if (!ORIGIN.test(origin)) return { kind: 'malformed', status: 400, detail: 'WebHook-Request-Origin is no name' };
  if (rate !== undefined && rate !== '*' && !RATE.test(rate)) {
    return { kind: 'malformed', status: 400, detail: 'WebHook-Request-Rate is no number' };
  }
  const granted = rate === undefined || rate === '*' ? MOST_PER_MINUTE : Math.min(Number(rate), MOST_PER_MINUTE);
  return {
    allow: 'POST, OPTIONS',
    'webhook-allowed-origin': origin,
    'webhook-allowed-rate': String(Math.max(1, granted)),
  };
}
