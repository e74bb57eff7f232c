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
  sameSecret,
  secretsOf,
} from '../request.ts';
import { keyOf, standardSignature } from '../standard-webhooks.ts';
import { repositoryOf } from './normalise.ts';
import { type AnyEvent, EVENTS, kindOf } from './payloads.ts';

const MAX_AGE_SECONDS = 5 * 60;
const MAX_SIGNATURES = 10;

/** A signature decides where GitLab sends one and a signing token is configured; otherwise the plain token does. */
export async function verify(request: RawRequest, read: ReadParameters, now: Date): Promise<Verdict> {
  const [signing, tokens] = await Promise.all([
    secretsOf(read, 'gitlab-signing-token'),
    secretsOf(read, 'gitlab-webhook-token'),
  ]);
  if (signing.length === 0 && tokens.length === 0) return 'not-configured';
  const signatures = header(request, 'webhook-signature');
  if (signing.length > 0 && signatures !== undefined) {
    return isSigned(request, signatures, signing, now) ? 'verified' : 'refused';
  }
  const given = header(request, 'x-gitlab-token');
  if (given === undefined) return 'refused';
  return tokens.map((token) => sameSecret(given, token)).includes(true) ? 'verified' : 'refused';
}

function isSigned(request: RawRequest, signatures: string, secrets: readonly string[], now: Date): boolean {
  const [id, timestamp] = [header(request, 'webhook-id'), header(request, 'webhook-timestamp')];
  if (id === undefined || timestamp === undefined || !/^\d{1,12}$/.test(timestamp)) return false;
  // Without this, whatever was once sent could be sent again for ever.
  if (Math.abs(now.getTime() / 1000 - Number(timestamp)) > MAX_AGE_SECONDS) return false;
  const given = signatures.split(/\s+/, MAX_SIGNATURES);
  const expected = secrets.flatMap(keyOf).map((key) => standardSignature(key, id, timestamp, request.body));
  return expected.flatMap((right) => given.map((signature) => sameSecret(signature, right))).includes(true);
}

export function read(request: RawRequest): Reading {
  const event = header(request, 'x-gitlab-event');
  if (event === undefined || event.length > 64) return malformed('the X-Gitlab-Event header is missing');
  if (mediaTypeOf(header(request, 'content-type')) !== 'application/json') {
    return malformed('the content type is not application/json', 415);
  }
  const payload = jsonOf(request.body.toString('utf8'));
  if (payload === undefined) return malformed('the body is not JSON');
  const kind = kindOf(event, payload);
  if (kind === undefined) return { kind: 'ignored', event };
  const externalId = deliveryIdOf(request);
  const parsed = EVENTS[kind].safeParse(payload);
  if (!parsed.success) return { kind: 'quarantined', externalId, event, reason: mismatchOf(parsed.error) };
  const { data } = parsed;
  const action = actionOf(data);
  return {
    kind: 'delivery',
    externalId,
    event,
    ...(action && { action: cut(action, 64) }),
    repository: cut(repositoryOf(data)),
  };
}

function actionOf(event: AnyEvent): string | null | undefined {
  if ('object_attributes' in event) return event.object_attributes.status;
  if ('build_status' in event) return event.build_status;
  if ('status' in event) return event.status;
  return 'event_name' in event ? event.event_name : event.action;
}

/** The first is the one that a redelivery keeps; the others stand in on older versions of GitLab. */
const ID_HEADERS = ['idempotency-key', 'webhook-id', 'x-gitlab-event-uuid'] as const;
const deliveryIdOf = (request: RawRequest): string =>
  ID_HEADERS.map((name) => header(request, name)).find(isDeliveryId) ?? contentHash(request.body);
