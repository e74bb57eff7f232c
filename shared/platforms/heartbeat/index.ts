import type { Job } from '../../model/index.ts';
import type { Platform, PlatformClient, RawRequest, Reading } from '../port.ts';
import { contentHash, jsonOf, malformed, mismatchOf, secretsOf } from '../request.ts';
import { beat, HEARTBEAT_PLATFORMS, type HeartbeatPlatform } from './kept.ts';
import { normalise } from './normalise.ts';
import { HEARTBEAT_TOKEN } from './tokens.ts';

export { type Beat, type CommandResult, HEARTBEAT_PLATFORMS } from './kept.ts';
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
  verifiedWith: [],
  verify: async () => 'not-configured',
  read,
  normalise,
  retryOptions: () => [],
  client: async (parameters) => ((await secretsOf(parameters, HEARTBEAT_TOKEN)).length > 0 ? client : undefined),
});

/** Reads a beat as it is kept. How it is read as it is sent is `beat.ts`'s, which only the receiver of heartbeats bundles. */
function read(request: RawRequest): Reading {
  const told = beat.safeParse(jsonOf(request.body.toString('utf8')));
  if (!told.success) return malformed(mismatchOf(told.error));
  const { source, run, status, repository } = told.data;
  return {
    kind: 'delivery',
    externalId: contentHash(request.body),
    event: 'heartbeat',
    ...((run ?? status) && { action: run ?? status }),
    repository: repository ?? source,
  };
}

export const heartbeatPlatforms = Object.fromEntries(
  HEARTBEAT_PLATFORMS.map((name) => [name, heartbeatPlatform(name)]),
) as Record<HeartbeatPlatform, Platform>;
