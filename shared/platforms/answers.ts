import { HttpFailure, secondsToWait } from '../runtime/http.ts';
import { cut, nameOf } from './clean.ts';
import { type ActOutcome, LogNotReady, LogUnavailable, PlatformUnavailable } from './port.ts';

/** What the answers of a platform's API mean to QMOI. GitHub and GitLab use HTTP's status codes alike, but for details. */

/** An answer, as far as it is judged. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** What the platform says for people; shown as a reason, never parsed for more than a word. */
  readonly message: string;
}

/** A wait for limits whose end the platform does not tell: GitHub's documentation asks for a minute. */
const UNTOLD_WAIT_SECONDS = 60;
const SOON_SECONDS = 15;
const MAX_REASON = 300;

const reasonOf = ({ status, message }: Answer): string =>
  nameOf(message.trim() === '' ? `the platform answered ${status}` : `${message.trim()} (${status})`, MAX_REASON) ?? '';

/** Whether an answer says "too much", which platforms also say as 403; and for how many seconds. */
export function limitedFor(answer: Answer, now: number): number | undefined {
  const wait = secondsToWait(answer.headers, now);
  if (answer.status === 429) return wait ?? UNTOLD_WAIT_SECONDS;
  if (answer.status !== 403) return undefined;
  return (
    wait ?? (/rate limit|abuse detection/i.test(cut(answer.message, MAX_REASON)) ? UNTOLD_WAIT_SECONDS : undefined)
  );
}

/** What came of an act that was sent and answered. `busy` tells refusals that pass by themselves. */
export function outcomeOf(answer: Answer, now: number, busy: (answer: Answer) => boolean): ActOutcome {
  const { status } = answer;
  const reason = reasonOf(answer);
  if (status >= 200 && status < 300) return { kind: 'done', detail: `accepted (${status})` };
  const seconds = limitedFor(answer, now);
  if (seconds !== undefined) return { kind: 'retry-later', seconds, reason };
  if (status >= 500 || status === 408) return { kind: 'unknown', reason };
  if (busy(answer)) return { kind: 'retry-later', seconds: SOON_SECONDS, reason };
  if (status >= 300 && status < 400) return { kind: 'refused', reason: `the platform points elsewhere (${status})` };
  return { kind: 'refused', reason };
}

/** What came of an act without an answer. */
export function outcomeOfFailure(error: unknown): ActOutcome {
  if (!(error instanceof HttpFailure)) throw error;
  const reason = cut(error.message, MAX_REASON);
  return error.sent ? { kind: 'unknown', reason } : { kind: 'retry-later', seconds: SOON_SECONDS, reason };
}

/** Why there is no log, from an answer that is none. */
export function logErrorOf(answer: Answer, now: number): Error {
  const seconds = limitedFor(answer, now);
  const reason = reasonOf(answer);
  if (seconds !== undefined) return new PlatformUnavailable(reason, seconds);
  if (answer.status >= 500 || answer.status === 408) {
    return new PlatformUnavailable(reason, secondsToWait(answer.headers, now));
  }
  return answer.status === 404 ? new LogNotReady(reason) : new LogUnavailable(reason);
}

/** What a call without an answer, or with half of one, throws. Other errors are the caller's own. */
export const unavailable = (error: unknown): unknown =>
  error instanceof HttpFailure ? new PlatformUnavailable(cut(error.message, MAX_REASON)) : error;

/** Passes a log on, and tells its breaking off in the port's words. */
export async function* logOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw unavailable(error);
  }
}
