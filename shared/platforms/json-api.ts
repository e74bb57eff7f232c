import { followed, HttpFailure, send, textOf } from '../runtime/http.ts';
import type { Call } from './action.ts';
import type { Answered } from './actor.ts';
import { cut } from './clean.ts';
import { jsonOf } from './request.ts';

export interface JsonApi {
  /** For people. */
  readonly title: string;
  /** What paths are appended to. */
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What an answer that is none of success says for people. */
  messageIn(text: string): string;
}

const MAX_MESSAGE = 1_000;

/** Sends the calls of actions to an API that speaks JSON. Reads follow a thing that was moved; a write is exactly one request. */
export const jsonApi =
  ({ title, base, headers: credentials, messageIn }: JsonApi) =>
  async ({ method, path, body }: Call, timeoutMs: number): Promise<Answered> => {
    if (!URL.canParse(base)) throw new HttpFailure(`the address of ${title} is none`, false);
    const [url, signal] = [`${base}${path}`, AbortSignal.timeout(timeoutMs)];
    const headers = { ...credentials, ...(body !== undefined && { 'content-type': 'application/json' }) };
    const sent = await send(url, {
      method,
      headers,
      signal,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = method === 'GET' ? await followed(sent, url, base, { credentials: headers, signal }) : sent;
    const text = await textOf(answer);
    const message = answer.ok ? '' : cut(messageIn(text), MAX_MESSAGE);
    return { status: answer.status, headers: answer.headers, message, json: jsonOf(text) };
  };
