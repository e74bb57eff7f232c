/**
 * What the cloud does and one machine hides, from a seed. Every fault is bounded: after a burst there is a calm, so
 * that work that may be retried always gets done.
 */
export interface Chaos {
  readonly seed: string;
  /**
   * Whether a fault strikes `key` this time. A burst hits at most four times in a row (more than the SDK's own three
   * attempts, so that the caller's own retry is exercised too) and is followed by at least `calm` fair calls.
   */
  strikes(key: string, probability: number, calm?: number): boolean;
  /** A number in [0, 1). */
  random(): number;
  /** Shuffles in place and returns the array. */
  shuffle<T>(items: T[]): T[];
  /** How often each kind of fault struck. */
  counts(): Record<string, number>;
}

interface State {
  burst: number;
  calm: number;
}

const MANY_KEYS = 10_000;

export function createChaos(seed: string): Chaos {
  const random = mulberry32(hash(seed));
  const states = new Map<string, State>();
  const counts = new Map<string, number>();

  return {
    seed,
    random,
    strikes(key, probability, calm = 12) {
      let state = states.get(key);
      if (!state) {
        if (states.size >= MANY_KEYS) states.clear();
        state = { burst: 0, calm: 0 };
        states.set(key, state);
      }
      if (state.burst === 0) {
        if (state.calm > 0) {
          state.calm -= 1;
          return false;
        }
        if (random() >= probability) return false;
        state.burst = random() < 0.8 ? 1 : 4;
      }
      state.burst -= 1;
      if (state.burst === 0) state.calm = calm;
      const kind = key.split(' ', 1)[0] ?? key;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      return true;
    },
    shuffle(items) {
      for (let i = items.length - 1; i > 0; i -= 1) {
        const j = Math.floor(random() * (i + 1));
        const kept = items[i];
        items[i] = items[j] as (typeof items)[number];
        items[j] = kept as (typeof items)[number];
      }
      return items;
    },
    counts: () => Object.fromEntries(counts),
  };
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** Tommy Ettinger's mulberry32: 32 bits of state are plenty to choose faults. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
