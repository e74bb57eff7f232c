import type { Job } from '../../model/index.ts';
import type { Platform, PlatformClient, RawRequest, Reading } from '../port.ts';
import { contentHash, header, isDeliveryId, malformed, secretsOf } from '../request.ts';
import { HEARTBEAT_PLATFORMS, type HeartbeatPlatform, readBeat } from './beat.ts';
import { normalise } from './normalise.ts';
import { HEARTBEAT_TOKEN } from './tokens.ts';

export { type Beat, type CommandResult, HEARTBEAT_PLATFORMS, readBeat, resultsIn } from './beat.ts';
export { MACHINES, runnerIdOf } from './normalise.ts';
export { type Caller, callerOf, tokenOfSource } from './tokens.ts';

const TITLES: Readonly<Record<HeartbeatPlatform, string>> = {
  custom: 'custom automations',
  local: 'local machines',
  qcity: 'QCity',
};

/** What a failed run said of itself is all the log there is. */
const client: PlatformClient = {
  jobLog: async (job: Job, { maxBytes }) => lineOf(Buffer.from(job.failureReason ?? '').subarray(0, maxBytes)),
  act: async () => ({ kind: 'refused', reason: 'a heartbeat has no way back' }),
  lookUp: async () => 'did-not-happen',
};

async function* lineOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes;
}

/** QCity, local machines and whatever else speaks for itself, each a platform by the same heartbeats. */
const heartbeatPlatform = (name: HeartbeatPlatform): Platform => ({
  name,
  title: TITLES[name],
  arrives: 'heartbeat',
  // Heartbeats are verified where they come in, by the source they speak for.
  verify: async () => 'not-configured',
  read,
  normalise,
  retryOptions: () => [],
  client: async (parameters) => ((await secretsOf(parameters, HEARTBEAT_TOKEN)).length > 0 ? client : undefined),
});

function read(request: RawRequest): Reading {
  const told = readBeat(request.query ?? {}, header(request, 'content-type') ?? '', request.body);
  if ('mistake' in told) return malformed(told.mistake, told.status);
  const { source, run, status } = told.beat;
  const key = header(request, 'idempotency-key');
  return {
    kind: 'delivery',
    externalId: isDeliveryId(key) ? key : contentHash(request.body),
    event: 'heartbeat',
    ...((run ?? status) && { action: run ?? status }),
    repository: source,
  };
}

export const heartbeatPlatforms = Object.fromEntries(
  HEARTBEAT_PLATFORMS.map((name) => [name, heartbeatPlatform(name)]),
) as Record<HeartbeatPlatform, Platform>;
