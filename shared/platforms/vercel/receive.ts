import { createHmac, timingSafeEqual } from 'node:crypto';
import { cut } from '../clean.ts';
import type { RawRequest, Reading, ReadParameters, Verdict } from '../port.ts';
import {
  contentHash,
  header,
  isDeliveryId,
  jsonOf,
  malformed,
  mediaTypeOf,
  mismatchOf,
  secretsOf,
} from '../request.ts';
import { repositoryOf } from './normalise.ts';
import { EVENTS, envelope, isKnownEvent } from './payloads.ts';

/** https://vercel.com/docs/headers/request-headers#x-vercel-signature: HMAC-SHA1 of the raw body, in hexadecimal. */
const SIGNATURE = /^[0-9a-f]{40}$/i;

export async function verify(request: RawRequest, read: ReadParameters): Promise<Verdict> {
  const secrets = await secretsOf(read, 'vercel-webhook-secret');
  if (secrets.length === 0) return 'not-configured';
  const hex = header(request, 'x-vercel-signature');
  if (hex === undefined || !SIGNATURE.test(hex)) return 'refused';
  const given = Buffer.from(hex, 'hex');
  // All secrets are tried, so that the time does not tell which one fitted.
  const fits = secrets.map((secret) =>
    timingSafeEqual(given, createHmac('sha1', secret).update(request.body).digest()),
  );
  return fits.includes(true) ? 'verified' : 'refused';
}

export function read(request: RawRequest): Reading {
  if (mediaTypeOf(header(request, 'content-type')) !== 'application/json') {
    return malformed('the content type is not application/json', 415);
  }
  const payload = jsonOf(request.body.toString('utf8'));
  if (payload === undefined) return malformed('the body is not JSON');
  const known = envelope.safeParse(payload);
  if (!known.success) {
    const externalId = contentHash(request.body);
    return { kind: 'quarantined', externalId, event: 'unknown', reason: mismatchOf(known.error) };
  }
  const { id, type: event } = known.data;
  if (!isKnownEvent(event)) return { kind: 'ignored', event: cut(event, 64) };
  const externalId = isDeliveryId(id) ? id : contentHash(request.body);
  const parsed = EVENTS[event].safeParse(payload);
  if (!parsed.success) return { kind: 'quarantined', externalId, event, reason: mismatchOf(parsed.error) };
  return { kind: 'delivery', externalId, event, repository: repositoryOf(parsed.data.payload) };
}
