import { cut } from '../clean.ts';
import type { RawRequest, Reading } from '../port.ts';
import { contentHash, header, jsonOf, malformed, mediaTypeOf, mismatchOf, verifiedBySecret } from '../request.ts';
import * as payloads from './payloads.ts';

/** https://huggingface.co/docs/hub/webhooks#webhook-secret */
export const verify = verifiedBySecret('x-webhook-secret', 'huggingface-webhook-secret');

/** Scopes may be narrowed in the future (`repo.config.dois`), so they are known by their beginning. */
const SCOPES = ['repo', 'discussion'];

export function read(request: RawRequest): Reading {
  if (mediaTypeOf(header(request, 'content-type')) !== 'application/json') {
    return malformed('the content type is not application/json', 415);
  }
  const payload = jsonOf(request.body.toString('utf8'));
  if (payload === undefined) return malformed('the body is not JSON');
  // The Hub has no delivery id. What is the same to the byte says the same.
  const externalId = contentHash(request.body);
  const parsed = payloads.event.safeParse(payload);
  if (!parsed.success) return { kind: 'quarantined', externalId, event: 'unknown', reason: mismatchOf(parsed.error) };
  const { event, repo } = parsed.data;
  if (!SCOPES.includes(event.scope.split('.')[0] ?? '')) return { kind: 'ignored', event: event.scope };
  return { kind: 'delivery', externalId, event: event.scope, action: cut(event.action, 64), repository: repo.name };
}
