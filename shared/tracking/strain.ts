import { isLive, type Runner } from '../model/index.ts';
import type { Store } from '../store/index.ts';

/**
 * Whether the memory of a machine will be used up soon, by how it went in the last hour. How fast it
 * grows is the median of all pairs of samples (Theil and Sen), so that a moment's peak is no trend.
 */

/** Below this there is time to look; once below that, the strain is over. Shares of the memory. */
const STRAINED_FROM = 0.85;
const RELIEVED_BELOW = 0.75;
const SOON_MS = 60 * 60_000;
/** Less than this tells no trend. */
const LEAST_SAMPLES = 4;
const LEAST_MS = 20 * 60_000;
const LOOK_BACK_MS = 75 * 60_000;
const FALL = 0.1;

type Trend = NonNullable<Runner['trend']>;

/** When memory will be used up, in milliseconds since the epoch; undefined: it does not grow, or too little is known. Pure. */
export function usedUpAt(trend: Trend): number | undefined {
  const last = trend.at(-1);
  if (last === undefined) return undefined;
  const end = Date.parse(last.at);
  const recent = trend.filter(({ at }) => end - Date.parse(at) <= LOOK_BACK_MS);
  // What was before something was restarted tells nothing of the time after.
  const fell = recent.findLastIndex(({ memory }, n) => (recent[n - 1]?.memory ?? 0) - memory > FALL);
  const points = recent.slice(Math.max(0, fell)).map(({ at, memory }) => ({ x: Date.parse(at), y: memory }));
  if (points.length < LEAST_SAMPLES || end - (points[0]?.x ?? end) < LEAST_MS) return undefined;
  const slopes = points.flatMap((one, n) => points.slice(n + 1).map((other) => (other.y - one.y) / (other.x - one.x)));
  const slope = slopes.sort((a, b) => a - b)[Math.floor((slopes.length - 1) / 2)] ?? 0;
  return slope > 0 ? end + (1 - last.memory) / slope : undefined;
}

/** Notes that a machine is about to run out of memory, or is not any more, when that is news. */
export async function noteStrain(store: Store, known: Runner): Promise<void> {
  if (!isLive(known.origin) || strainOf(known) === undefined) return;
  await store.change(
    'runner',
    known.id,
    (state) => {
      const strain = state && strainOf(state);
      return strain && { ...state, strain };
    },
    known,
  );
}

/** What is to be noted of it; undefined: nothing new. */
function strainOf({ trend = [], strain }: Runner): Runner['strain'] {
  const last = trend.at(-1);
  if (last === undefined) return undefined;
  const { at, memory } = last;
  const isOpen = strain !== undefined && strain.over !== true;
  if (isOpen) return memory < RELIEVED_BELOW && at > strain.at ? { ...strain, at, over: true } : undefined;
  const until = usedUpAt(trend);
  if (memory < STRAINED_FROM || until === undefined || until - Date.parse(at) > SOON_MS) return undefined;
  if (strain !== undefined && at <= strain.at) return undefined;
  return { at, since: at, memory, usedUpAt: new Date(until).toISOString() };
}
