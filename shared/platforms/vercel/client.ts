import * as z from 'zod/mini';
import type { Job } from '../../model/index.ts';
import { bytesOf, followed, HTTP_TIMEOUT_MS, HttpFailure, send, textOf } from '../../runtime/http.ts';
import { actorOf } from '../actor.ts';
import { logErrorOf, unavailable } from '../answers.ts';
import { jsonApi } from '../json-api.ts';
import { EMPTY_PATIENCE_SECONDS, LogNotReady, LogUnavailable, type PlatformClient } from '../port.ts';
import { jsonOf } from '../request.ts';
import { tailOf } from '../text-log.ts';
import { vercelActions } from './acts.ts';
import { teamIn } from './normalise.ts';

export interface VercelSettings {
  /** `https://api.vercel.com` */
  readonly baseUrl: string;
  readonly token: string;
  readonly now?: () => number;
}

/** A build fails at its end: the last events are asked for, and fewer of them where their lines are too long to take. */
const LAST_EVENTS = [5_000, 500, 50];
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** An event of a build, in the newer form and in the one before it. */
const buildEvent = z.object({
  type: z.string(),
  text: z.nullish(z.string()),
  payload: z.nullish(z.object({ text: z.nullish(z.string()) })),
});
const told = z.object({ error: z.object({ message: z.string() }) });

/** What the build said, as opposed to what Vercel says of it. */
const OUTPUT: ReadonlySet<string> = new Set(['command', 'stdout', 'stderr', 'fatal', 'error']);

/** Vercel's REST API, as far as it tells why a deployment failed. */
export function vercelClient({ baseUrl, token, now = Date.now }: VercelSettings): PlatformClient {
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json', 'user-agent': 'qmoi' };

  /** The last events of a build, newest first; undefined when they are too long. */
  async function eventsOf(job: Job, limit: number, signal: AbortSignal): Promise<unknown[] | undefined> {
    if (!URL.canParse(baseUrl)) throw new HttpFailure('the address of Vercel is none', false);
    // https://vercel.com/docs/rest-api/deployments/get-deployment-events
    const url = new URL(`${baseUrl}/v3/deployments/${encodeURIComponent(job.externalId)}/events`);
    const team = teamIn(job.repositoryId);
    const query = {
      builds: '1',
      direction: 'backward',
      follow: '0',
      limit: String(limit),
      ...(team && { teamId: team }),
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const answer = await followed(await send(url.href, { headers, signal }), url.href, baseUrl, {
      credentials: headers,
      signal,
    });
    if (!answer.ok) {
      const text = await textOf(answer).catch(() => '');
      const message = messageIn(text);
      throw logErrorOf({ status: answer.status, headers: answer.headers, message }, now());
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytesOf(answer, MAX_ANSWER_BYTES + 1, { beyond: 'end', signal })) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (body.byteLength > MAX_ANSWER_BYTES) return undefined;
    const events = jsonOf(body.toString('utf8'));
    if (!Array.isArray(events)) throw new LogUnavailable('Vercel answered with something that is no log');
    return events;
  }

  async function jobLog(job: Job, options: { maxBytes: number; signal?: AbortSignal }) {
    const deadline = AbortSignal.timeout(HTTP_TIMEOUT_MS);
    const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
    try {
      for (const limit of LAST_EVENTS) {
        const events = await eventsOf(job, limit, signal);
        if (events === undefined) continue;
        const lines = events.reverse().flatMap(lineOf);
        if (lines.length > 0) return tailOf(lines, options.maxBytes);
        throw new LogNotReady('the log is empty', EMPTY_PATIENCE_SECONDS);
      }
    } catch (error) {
      throw unavailable(error);
    }
    throw new LogUnavailable('the lines of the log are too long');
  }

  const api = jsonApi({ title: 'Vercel', base: baseUrl, headers, messageIn });
  const actor = actorOf({
    title: 'Vercel',
    actions: vercelActions,
    now,
    send: (call, _of, timeoutMs) => api(call, timeoutMs),
  });
  return { jobLog, ...actor };
}

const messageIn = (text: string): string => told.safeParse(jsonOf(text)).data?.error.message ?? '';

function lineOf(value: unknown): string[] {
  const event = buildEvent.safeParse(value).data;
  if (event === undefined || !OUTPUT.has(event.type)) return [];
  const text = event.text ?? event.payload?.text;
  return text == null ? [] : [text.endsWith('\n') ? text : `${text}\n`];
}
