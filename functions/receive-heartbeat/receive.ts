import { createHash } from 'node:crypto';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { readBeat, resultsIn } from '../../shared/platforms/heartbeat/beat.ts';
import { type Beat, type Caller, callerOf, runnerIdOf } from '../../shared/platforms/heartbeat/index.ts';
import type { ReadParameters } from '../../shared/platforms/port.ts';
import { isDeliveryId } from '../../shared/platforms/request.ts';
import { settleCommand, takeCommands } from '../../shared/runners/index.ts';
import type { Count } from '../../shared/runtime/observability.ts';
import { answer, problem } from '../../shared/runtime/problem.ts';
import { ids, keepDelivery, type Store } from '../../shared/store/index.ts';
import { runOf } from './open-run.ts';

export interface HeartbeatDeps {
  store: Store;
  read: ReadParameters;
  count: Count;
}

/** A report with its diagnostics; a machine that has more to say has lost its way. */
const MAX_BODY = 512 * 1024;

/** Verifies a heartbeat, keeps it, and answers with what the agent that sent it is to do. */
export async function receive(
  event: APIGatewayProxyEventV2,
  deps: HeartbeatDeps,
): Promise<APIGatewayProxyStructuredResultV2> {
  const { requestId, http } = event.requestContext;
  const reject = (status: number, reason: string, detail: string, headers?: Record<string, string>) => {
    deps.count('HeartbeatsRejected', { reason });
    return problem(status, detail, requestId, headers);
  };
  if (http.method !== 'POST') return reject(405, 'method', 'Heartbeats are sent with POST.', { allow: 'POST' });
  const caller = await callerOf(event.headers.authorization, deps.read);
  if (caller.kind === 'not-configured') {
    return reject(503, 'not-configured', 'No token for heartbeats is configured.');
  }
  if (caller.kind === 'refused') {
    return reject(401, 'token', 'The token is missing or wrong.', { 'www-authenticate': 'Bearer, Basic realm="QMOI"' });
  }
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  if (body.byteLength > MAX_BODY) return reject(413, 'too-large', `A heartbeat has at most ${MAX_BODY} bytes.`);
  const contentType = event.headers['content-type'] ?? '';
  // Who may speak for one source alone need not name it.
  const query = { source: caller.source, ...event.queryStringParameters };
  const told = readBeat(query, contentType, body);
  if ('mistake' in told) return reject(told.status, 'malformed', told.mistake);
  const speaksFor = [told.beat.source, told.beat.host?.id ?? told.beat.source];
  if (caller.source !== undefined && speaksFor.some((source) => source !== caller.source)) {
    return reject(401, 'source', 'The token is that of another source.');
  }
  return take(told.beat, caller, { contentType, body, key: event.headers['idempotency-key'], requestId }, deps);
}

interface Sent {
  readonly contentType: string;
  readonly body: Buffer;
  readonly key: string | undefined;
  readonly requestId: string;
}

async function take(
  told: Beat,
  { token }: Extract<Caller, { kind: 'verified' }>,
  { contentType, body, key, requestId }: Sent,
  { store, count }: HeartbeatDeps,
): Promise<APIGatewayProxyStructuredResultV2> {
  // Two beats may well be alike to the letter, so only who sends one again can say that it is the same.
  const externalId = shortened(isDeliveryId(key) ? `${told.source}:${key}` : `${told.source}:${requestId}`);
  const beat = await runOf(told, externalId, store);
  const kept = Buffer.from(JSON.stringify(beat));
  const id = ids.delivery(beat.platform, externalId);
  const receivedAt = store.now();
  const fresh = await keepDelivery(
    store,
    {
      ...{ id, status: 'received', statusAt: receivedAt, origin: 'live', platform: beat.platform, externalId },
      ...{
        event: 'heartbeat',
        receivedAt,
        contentType: 'application/json',
        repository: beat.repository ?? beat.source,
      },
      ...((beat.run ?? beat.status) && { action: beat.run ?? beat.status }),
    },
    kept,
  );
  count(fresh ? 'HeartbeatsKept' : 'HeartbeatsDuplicate', { platform: beat.platform });
  const taken = fresh ? { deliveryId: id, status: 'received' } : { status: 'duplicate' };
  if (beat.host === undefined) return answer(fresh ? 202 : 200, taken);
  const runnerId = runnerIdOf(beat.platform, beat.host.id ?? beat.source);
  for (const result of resultsIn(contentType, body)) await settleCommand(store, runnerId, result);
  const commands = await takeCommands(store, runnerId, token);
  return answer(fresh ? 202 : 200, { ...taken, runnerId, time: receivedAt, commands });
}

/** Fit to be a part of a key and of an address, whatever it is made of. */
const shortened = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 32);
