import { followed, HttpFailure, secondsToWait, send, textOf } from '../runtime/http.ts';
import { limitedFor, unavailable } from './answers.ts';
import { cut } from './clean.ts';
import { PlatformUnavailable } from './port.ts';
import { jsonOf } from './request.ts';
import { type Meter, PlatformRefusal } from './sweeper.ts';

/** One metered call to a platform's API. */
export type Ask = (
  method: 'GET' | 'POST' | 'PUT' | 'PATCH',
  path: string,
  options?: { etag?: string | undefined; body?: object | undefined },
) => Promise<Answered>;

export interface Answered {
  /** 2xx, or 304 to a call with an `etag`. */
  readonly status: number;
  readonly json: unknown;
  readonly headers: Headers;
}

export interface AskSettings {
  /** What paths are appended to. */
  readonly baseUrl: string;
  /** Credentials and whatever else every call carries. */
  readonly headers: (path: string) => Promise<Readonly<Record<string, string>>>;
  readonly meter: Meter;
  readonly now: () => number;
}

const MAX_REASON = 200;

/** Calls that the port's clients have no use for, as their answers' headers count: ETags and limits. */
export function createAsk({ baseUrl, headers: always, meter, now }: AskSettings): Ask {
  return async (method, path, { etag, body } = {}) => {
    await meter.admit();
    const headers = {
      ...(await always(path)),
      'user-agent': 'qmoi',
      ...(etag !== undefined && { 'if-none-match': etag }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const answer = await exchange(method, `${baseUrl}${path}`, headers, body);
    meter.told(answer.status, answer.headers);
    const { status } = answer;
    if ((status >= 200 && status < 300) || (status === 304 && etag !== undefined)) return answer;
    const message = cut(wordsIn(answer.json), MAX_REASON);
    const seconds = limitedFor({ status, headers: answer.headers, message }, now());
    const reason = `${message === '' ? 'the platform answered' : message} (${status})`;
    if (seconds !== undefined) throw new PlatformUnavailable(reason, seconds);
    if (status >= 500 || status === 408) {
      throw new PlatformUnavailable(reason, secondsToWait(answer.headers, now()));
    }
    throw new PlatformRefusal(status, reason);
  };

  async function exchange(
    method: string,
    url: string,
    headers: Record<string, string>,
    body: object | undefined,
  ): Promise<Answered> {
    try {
      if (!URL.canParse(url)) throw new HttpFailure(`${cut(baseUrl, MAX_REASON)} is no address`, false);
      const sent = await send(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
      // A repository that was renamed is followed for reading; a write is exactly one request.
      const response = method === 'GET' ? await followed(sent, url, baseUrl, { credentials: headers }) : sent;
      const { status } = response;
      return { status, headers: response.headers, json: status === 304 ? undefined : jsonOf(await textOf(response)) };
    } catch (error) {
      throw unavailable(error);
    }
  }
}

/** What an answer says for people: in `message` (GitHub, GitLab), `error.message` (Vercel) or `error` (Hugging Face). */
function wordsIn(json: unknown): string {
  const { message, error } = (json ?? {}) as { message?: unknown; error?: unknown };
  const inner = (error as { message?: unknown } | null | undefined)?.message;
  return [message, inner, error].find((words): words is string => typeof words === 'string') ?? '';
}

/** What a call comes to, where "there is no such thing" is an answer. */
export async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof PlatformRefusal && (error.status === 404 || error.status === 410)) return undefined;
    throw error;
  }
}

/** Whether an answer's `Link` header names a next page. */
export const hasNext = (headers: Headers): boolean => /;\s*rel="?next"?/i.test(headers.get('link') ?? '');
