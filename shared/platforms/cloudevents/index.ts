import { createHash } from 'node:crypto';
import type { Job } from '../../model/index.ts';
import { cut } from '../clean.ts';
import type { Platform, PlatformClient, RawRequest, Reading, ReadParameters, Verdict } from '../port.ts';
import { contentHash, header, jsonOf, malformed, mismatchOf, sameSecret, secretsOf } from '../request.ts';
import { CDEVENTS, nameOfType } from './cdevents.ts';
import { type CloudEvent, cloudEvent, dataOf, messagesIn, objectionTo, permission } from './envelope.ts';
import { maintenance, maintenanceIn } from './maintenance.ts';
import { normalise, PLATFORM, repositoryOf } from './normalise.ts';

const TOKEN = 'events-token';
const MAX_EVENT = 100;

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#3-authorization */
async function verify(request: RawRequest, read: ReadParameters): Promise<Verdict> {
  const secrets = await secretsOf(read, TOKEN);
  if (secrets.length === 0) return 'not-configured';
  const given =
    /^bearer +(\S{1,4096})$/i.exec(header(request, 'authorization') ?? '')?.[1] ?? request.query?.access_token;
  if (given === undefined) return 'refused';
  return secrets.map((secret) => sameSecret(given, secret.trim())).includes(true) ? 'verified' : 'refused';
}

/** Reads one message in the structured form. */
function read(request: RawRequest): Reading {
  const objection = objectionTo(request);
  if (objection !== undefined) return malformed(objection.detail, objection.status);
  const message = jsonOf(request.body.toString('utf8'));
  if (message === undefined) return malformed('the body is not JSON');
  const envelope = cloudEvent.safeParse(message);
  if (!envelope.success) {
    const externalId = contentHash(request.body);
    return { kind: 'quarantined', externalId, event: 'unknown', reason: mismatchOf(envelope.error) };
  }
  const event = cut(envelope.data.type, MAX_EVENT);
  const name = nameOfType(envelope.data.type);
  const externalId = idOf(envelope.data);
  if (maintenanceIn(envelope.data.type) !== undefined) {
    const told = maintenance.safeParse(dataOf(envelope.data));
    return told.success
      ? { kind: 'delivery', externalId, event }
      : { kind: 'quarantined', externalId, event, reason: `data: ${mismatchOf(told.error)}` };
  }
  if (name === undefined) return { kind: 'ignored', event };
  const inside = CDEVENTS[name].safeParse(dataOf(envelope.data));
  if (!inside.success) return { kind: 'quarantined', externalId, event, reason: `data: ${mismatchOf(inside.error)}` };
  return { kind: 'delivery', externalId, event, repository: repositoryOf(inside.data) };
}

/** An event is the same when its source and its id are. */
const idOf = ({ source, id }: CloudEvent): string =>
  createHash('sha256').update(`${source}\n${id}`).digest('hex').slice(0, 40);

/** What an event says of a failure is all the log there is. */
const client: PlatformClient = {
  jobLog: async (job: Job, { maxBytes }) => reasonOf(job, maxBytes),
  act: async () => ({ kind: 'refused', reason: 'an event has no way back' }),
  lookUp: async () => 'did-not-happen',
};

async function* reasonOf(job: Job, maxBytes: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(job.failureReason ?? '').subarray(0, maxBytes);
  if (bytes.byteLength > 0) yield bytes;
}

/** Whatever speaks CloudEvents, and CDEvents inside them. */
export const cloudevents: Platform = {
  name: PLATFORM,
  title: 'CloudEvents',
  verifiedWith: [TOKEN],
  verify,
  messages: messagesIn,
  read,
  handshake: permission,
  normalise,
  retryOptions: () => [],
  client: async (parameters) => ((await secretsOf(parameters, TOKEN)).length > 0 ? client : undefined),
};
