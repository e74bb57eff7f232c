import { createHmac, timingSafeEqual } from 'node:crypto';
import { cut } from '../clean.ts';
import type { RawRequest, Reading, ReadParameters, Verdict } from '../port.ts';
import { header, isDeliveryId, jsonOf, malformed, mediaTypeOf, mismatchOf, secretsOf } from '../request.ts';
import { EVENTS, isKnownEvent, tellsMore } from './payloads.ts';

/** https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries */
const SIGNATURE = /^sha256=([0-9a-f]{64})$/i;

/** Checks the signature over the bytes as they came: parsing them first would verify something else. */
export async function verify(request: RawRequest, read: ReadParameters): Promise<Verdict> {
  const secrets = await secretsOf(read, 'github-webhook-secret');
  if (secrets.length === 0) return 'not-configured';
  const hex = SIGNATURE.exec(header(request, 'x-hub-signature-256') ?? '')?.[1];
  if (hex === undefined) return 'refused';
  const given = Buffer.from(hex, 'hex');
  // All secrets are tried, so that the time does not tell which one fitted.
  const fits = secrets.map((secret) =>
    timingSafeEqual(given, createHmac('sha256', secret).update(request.body).digest()),
  );
  return fits.includes(true) ? 'verified' : 'refused';
}

export function read(request: RawRequest): Reading {
  const event = header(request, 'x-github-event');
  if (event === undefined || event.length > 64) return malformed('the X-GitHub-Event header is missing');
  const externalId = header(request, 'x-github-delivery');
  if (!isDeliveryId(externalId)) return malformed('the X-GitHub-Delivery header is missing or is no delivery id');
  const contentType = header(request, 'content-type');
  if (!isPayloadType(contentType)) {
    return malformed('the content type is neither application/json nor application/x-www-form-urlencoded', 415);
  }
  const payload = payloadOf(request.body, contentType);
  if (payload === undefined) return malformed('the body is not JSON');
  if (!isKnownEvent(event)) return { kind: 'ignored', event };
  const parsed = EVENTS[event].safeParse(payload);
  if (!parsed.success) return { kind: 'quarantined', externalId, event, reason: mismatchOf(parsed.error) };
  if (!tellsMore(parsed.data)) return { kind: 'ignored', event };
  const { action, repository } = parsed.data;
  return {
    kind: 'delivery',
    externalId,
    event,
    ...(action && { action: cut(action, 64) }),
    ...(repository && { repository: repository.full_name }),
  };
}

const [JSON_TYPE, FORM_TYPE] = ['application/json', 'application/x-www-form-urlencoded'];
const isPayloadType = (contentType: string | undefined): contentType is string =>
  [JSON_TYPE, FORM_TYPE].includes(mediaTypeOf(contentType));

/** The event in a body of either of GitHub's content types; undefined when there is none. */
export function payloadOf(body: Buffer, contentType: string): unknown {
  const text = body.toString('utf8');
  if (mediaTypeOf(contentType) !== FORM_TYPE) return jsonOf(text);
  const payload = new URLSearchParams(text).get('payload');
  return payload === null ? undefined : jsonOf(payload);
}
