import { redact } from '../diagnosis/redact.ts';

/** What every adapter does to what a platform sends before it becomes a fact: limits, no secrets, one form of time, no absent keys. */

/** Characters of a name (a branch, a job); of an address. Both become attributes of items that are billed by size. */
const MAX_NAME = 255;
const MAX_URL = 2048;
/** Times outside are mistakes of the sender, and years beyond 9999 would not sort as text. */
const [EARLIEST, LATEST] = [Date.UTC(2000, 0), Date.UTC(2200, 0)];

/** `text` with at most `max` UTF-16 units, without half a character at its end. */
export function cut(text: string, max = MAX_NAME): string {
  if (text.length <= max) return text;
  const last = text.charCodeAt(max - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max);
}

/** Whatever a name is longer than that, nobody reads it to its end. */
const MAX_READ = 4 * MAX_NAME;

/** A name within its limit, without what looks like a secret; undefined when there is none. */
export function nameOf(text: string | null | undefined, max = MAX_NAME): string | undefined {
  const trimmed = text?.trim();
  // Half a token has no shape any more.
  return trimmed ? cut(redact(cut(trimmed, MAX_READ)), max) : undefined;
}

/** A web address that is safe to show as a link; undefined otherwise. */
export function linkOf(text: string | null | undefined): string | undefined {
  if (!text || text.length > MAX_URL || !URL.canParse(text)) return undefined;
  const { protocol } = new URL(text);
  return protocol === 'https:' || protocol === 'http:' ? redact(text) : undefined;
}

/** ISO 8601, or GitLab's "2016-08-12 15:23:28 UTC" and "2016-08-12 17:23:28 +0200". A time without a zone is in UTC. */
const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d{1,9})? ?(Z|UTC|[+-]\d\d:?\d\d)?$/;

/** A platform's time as RFC 3339 in UTC with milliseconds; undefined when it is none. */
export function timeOf(text: string | null | undefined): string | undefined {
  const parts = text ? TIME.exec(text) : null;
  if (parts === null) return undefined;
  const [, day, clock, fraction = '', zone = 'Z'] = parts;
  const time = Date.parse(`${day}T${clock}${fraction}${zone === 'UTC' ? 'Z' : zone}`);
  return time >= EARLIEST && time <= LATEST ? new Date(time).toISOString() : undefined;
}

/** Beyond, a number of seconds would be later than the year 5000: it is one of milliseconds. */
const MOST_SECONDS = 1e11;

/** A time in milliseconds since the epoch, or in seconds, as RFC 3339 in UTC; undefined when it is none. */
export function timeOfNumber(number: number): string | undefined {
  const time = Math.abs(number) < MOST_SECONDS ? number * 1000 : number;
  return time >= EARLIEST && time <= LATEST ? new Date(time).toISOString() : undefined;
}

/** `object` without the keys whose value is undefined: they would cost bytes, and read as knowledge of an absence. */
export function present<T extends object>(object: T): T {
  const kept = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as T;
}
