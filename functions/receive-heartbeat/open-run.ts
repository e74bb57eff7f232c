import { createHash } from 'node:crypto';
import type { Beat } from '../../shared/platforms/heartbeat/index.ts';
import { openRun, type Store } from '../../shared/store/index.ts';

/** A run that is not heard of for so long has lost its end. */
const KEEP_SECONDS = 7 * 86_400;

/**
 * Gives a beat about a run that has no name of its own one. What starts is remembered, so that the end that follows is
 * known to be its; settled here, once, so that a replay of what is kept says the same.
 */
export async function runOf(beat: Beat, deliveryId: string, store: Store): Promise<Beat> {
  const tells = beat.run !== undefined || beat.status !== undefined || beat.exitCode !== undefined;
  if (!tells || beat.runId !== undefined) return beat;
  const runId = createHash('sha256').update(deliveryId).digest('hex').slice(0, 16);
  const key = openRun(beat.platform, beat.source);
  if (beat.run === 'start') {
    const expiresAt = Math.floor(Date.parse(store.now()) / 1000) + KEEP_SECONDS;
    await store.putItem({ ...key, runId, expiresAt });
    return { ...beat, runId };
  }
  // What happened at one go neither needs nor ends a start.
  if (beat.run === undefined) return { ...beat, runId };
  const open = await store.getItem(key);
  // Sent again after a crash between this and the keeping of it.
  if (open?.closed === deliveryId) return { ...beat, runId: String(open.closedRunId) };
  if (typeof open?.runId !== 'string') return { ...beat, runId };
  await store.putItem({ ...key, closed: deliveryId, closedRunId: open.runId, expiresAt: Number(open.expiresAt) });
  return { ...beat, runId: open.runId };
}
