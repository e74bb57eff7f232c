import { limitedFor } from '../platforms/answers.ts';
import type { PlatformUnavailable } from '../platforms/port.ts';
import { type Meter, OverBudget } from '../platforms/sweeper.ts';
import { callLimit, type Store } from '../store/index.ts';

/**
 * How many calls a platform's API may still be asked: a token bucket in the table, shared by all invocations, that also keeps
 * what the platform itself last said about its limits.
 */
export interface Bucket {
  readonly tokens: number;
  /** When `tokens` was true; they grow from then on. */
  readonly at: string;
  /** No call before. */
  readonly until?: string | undefined;
  /** How often in a row the platform could not answer. */
  readonly failures: number;
  readonly version: number;
}

/** What an hour refills, of which half may be spent at once. */
export const capacityOf = (callsPerHour: number): number => Math.max(1, Math.floor(callsPerHour / 2));

/** The bucket as it is at a later time. */
export function refilled(bucket: Bucket | undefined, now: number, callsPerHour: number): Bucket {
  const capacity = capacityOf(callsPerHour);
  const at = new Date(now).toISOString();
  if (bucket === undefined) return { tokens: capacity, at, failures: 0, version: 0 };
  const grown = ((now - Date.parse(bucket.at)) / 3_600_000) * callsPerHour;
  return { ...bucket, tokens: Math.min(capacity, bucket.tokens + Math.max(0, grown)), at };
}

/** Below this share of the platform's own limit nothing is swept: the rest belongs to acting and to other users of the token. */
const RESERVE = 0.2;
const headerOf = (headers: Headers, name: string): number =>
  Number(headers.get(`x-ratelimit-${name}`) ?? headers.get(`ratelimit-${name}`) ?? Number.NaN);

/** Until when an answer forbids further calls, in milliseconds; undefined when it does not. */
export function forbiddenUntil(status: number, headers: Headers, now: number): number | undefined {
  const seconds = limitedFor({ status, headers, message: '' }, now);
  if (seconds !== undefined) return now + seconds * 1000;
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) => headerOf(headers, name));
  if (limit === undefined || remaining === undefined || reset === undefined) return undefined;
  const scarce = limit > 0 && remaining < limit * RESERVE && Number.isFinite(reset);
  // No answer forbids more than the hour that the longest limits are counted over.
  return scarce ? Math.min(reset * 1000, now + 3_600_000) : undefined;
}

const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [60_000, 30 * 60_000];

/** How long a platform that could not answer is left alone. */
export const pauseMs = (failures: number): number =>
  Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));

/** Tokens are taken out of the table so many at a time. */
const LEASE = 25;
const RACES = 8;

export interface OpenMeter extends Meter {
  /** The platform could not answer. */
  failed(error: PlatformUnavailable): void;
  /** Calls made so far. */
  readonly calls: number;
  /** Gives back what was not spent, and keeps what was learnt. */
  settle(): Promise<void>;
}

/** Throws `OverBudget` when the platform is not to be called at all now. */
export async function openMeter(
  store: Store,
  platform: string,
  options: { callsPerHour: number; now: () => number },
): Promise<OpenMeter> {
  const { callsPerHour, now } = options;
  const key = callLimit(platform);
  let [leased, calls, until, failures] = [0, 0, undefined as number | undefined, undefined as number | undefined];

  async function change(decide: (bucket: Bucket) => Omit<Bucket, 'version'> | undefined): Promise<Bucket | undefined> {
    for (let race = 0; race < RACES; race++) {
      const item = await store.getItem(key);
      const bucket = refilled(item as Bucket | undefined, now(), callsPerHour);
      const wanted = decide(bucket);
      if (wanted === undefined) return undefined;
      const written = { ...wanted, version: bucket.version + 1 };
      const put = { ...key, ...written };
      const done = await store.putOver(put, item === undefined ? undefined : bucket.version);
      if (done) return written;
    }
    throw new OverBudget(`the budget of calls to ${platform} is contended`);
  }

  async function lease(): Promise<void> {
    const forbidden = ({ until: since }: Bucket) => since !== undefined && Date.parse(since) > now();
    const taken = await change((bucket) => {
      if (bucket.tokens < 1 || forbidden(bucket)) return undefined;
      leased = Math.min(LEASE, Math.floor(bucket.tokens));
      return { ...bucket, tokens: bucket.tokens - leased };
    });
    if (taken === undefined) throw new OverBudget(`no call may be made to ${platform} for now`);
    failures ??= taken.failures;
  }

  await lease();
  return {
    get calls() {
      return calls;
    },
    async admit() {
      if (until !== undefined && until > now()) throw new OverBudget(`${platform} asks to wait`);
      if (leased < 1) await lease();
      leased--;
      calls++;
    },
    told(status, headers) {
      // GitHub does not count what has not changed: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
      if (status === 304 && headers.has('x-ratelimit-remaining')) leased++;
      until = forbiddenUntil(status, headers, now()) ?? until;
      if (status < 500) failures = 0;
    },
    failed({ retryAfter }) {
      until = now() + (retryAfter === undefined ? pauseMs(failures ?? 0) : retryAfter * 1000);
      failures = (failures ?? 0) + 1;
    },
    async settle() {
      await change((bucket) => ({
        ...bucket,
        tokens: Math.min(capacityOf(callsPerHour), bucket.tokens + leased),
        failures: failures ?? bucket.failures,
        until: until === undefined ? bucket.until : new Date(until).toISOString(),
      }));
      leased = 0;
    },
  };
}
