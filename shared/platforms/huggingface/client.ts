import type * as z from 'zod/mini';
import type { Job } from '../../model/index.ts';
import { bytesOf, followed, HTTP_TIMEOUT_MS, HttpFailure, send, textOf } from '../../runtime/http.ts';
import { actorOf } from '../actor.ts';
import { logErrorOf, unavailable } from '../answers.ts';
import { jsonApi } from '../json-api.ts';
import { EMPTY_PATIENCE_SECONDS, LogNotReady, type PlatformClient } from '../port.ts';
import { jsonOf } from '../request.ts';
import { linesOfEvents } from '../text-log.ts';
import { hubActions } from './acts.ts';
import { runtime, type SpaceRuntime, spaceInfo } from './payloads.ts';
import { isBuilding, isStage } from './status.ts';

export interface HubSettings {
  /** `https://huggingface.co` */
  readonly baseUrl: string;
  readonly token: string;
  readonly now?: () => number;
}

export interface HubClient extends PlatformClient {
  /** The stage of a Space (`owner/name`) and the commit that it is built from; undefined when there is no such Space. */
  space(name: string): Promise<{ runtime: SpaceRuntime; commit: string | undefined } | undefined>;
}

/** An event is longer than the line it carries: this often, at most, where lines are not very short. */
const EVENT_OVERHEAD = 4;
const MIN_STREAM_BYTES = 64 * 1024;
/** The log of a program that still runs never ends: what has come by then is taken. */
const LISTEN_MS = HTTP_TIMEOUT_MS - 2_000;

/** The Hub's API, as far as it tells where Spaces are. */
export function hubClient({ baseUrl, token, now = Date.now }: HubSettings): HubClient {
  const headers = { authorization: `Bearer ${token}`, 'user-agent': 'qmoi' };
  const pathOf = (space: string) => space.split('/').map(encodeURIComponent).join('/');

  async function answerTo(path: string, accept: string, signal: AbortSignal): Promise<Response> {
    if (!URL.canParse(baseUrl)) throw new HttpFailure('the address of Hugging Face is none', false);
    const credentials = { ...headers, accept };
    const url = `${baseUrl}/api/spaces/${path}`;
    return followed(await send(url, { headers: credentials, signal }), url, baseUrl, { credentials, signal });
  }

  async function failureOf(answer: Response): Promise<Error> {
    const message = messageIn(await textOf(answer).catch(() => ''));
    return logErrorOf({ status: answer.status, headers: answer.headers, message }, now());
  }

  async function jobLog(job: Job, options: { maxBytes: number; signal?: AbortSignal }) {
    const enough = AbortSignal.timeout(LISTEN_MS);
    const signal = options.signal === undefined ? enough : AbortSignal.any([enough, options.signal]);
    // What was built and then broke says so itself; what was not built, its builder says.
    const which = job.failureReason?.startsWith('RUNTIME_ERROR') ? 'run' : 'build';
    try {
      const answer = await answerTo(`${pathOf(job.repository)}/logs/${which}`, 'text/event-stream', signal);
      if (!answer.ok) throw await failureOf(answer);
      const bytes = bytesOf(answer, EVENT_OVERHEAD * options.maxBytes + MIN_STREAM_BYTES, { beyond: 'end', signal });
      const lines = linesOfEvents(untilEnough(bytes, enough), options.maxBytes);
      const first = await lines.next();
      if (first.done !== true) return continued(first.value, lines);
    } catch (error) {
      throw unavailable(error);
    }
    throw new LogNotReady('the log is empty', EMPTY_PATIENCE_SECONDS);
  }

  async function space(name: string) {
    const signal = AbortSignal.timeout(HTTP_TIMEOUT_MS);
    const ask = async <T>(path: string, shape: z.ZodMiniType<T>): Promise<T | undefined> => {
      const answer = await answerTo(path, 'application/json', signal);
      // A private Space that the token may not see answers 401, as one that does not exist does.
      if ([401, 403, 404].includes(answer.status)) {
        await answer.body?.cancel();
        return undefined;
      }
      if (!answer.ok) throw await failureOf(answer);
      return shape.safeParse(jsonOf(await textOf(answer))).data;
    };
    try {
      const found = await ask(`${pathOf(name)}/runtime`, runtime);
      if (found === undefined) return undefined;
      const known = isStage(found.stage) && !isBuilding(found.stage) ? found.sha : undefined;
      const commit = known ?? (await ask(pathOf(name), spaceInfo))?.sha ?? undefined;
      return { runtime: found, commit };
    } catch (error) {
      throw unavailable(error);
    }
  }

  const api = jsonApi({ title: 'Hugging Face', base: baseUrl, headers, messageIn });
  const actor = actorOf({
    title: 'Hugging Face',
    actions: hubActions,
    now,
    send: (call, _of, timeoutMs) => api(call, timeoutMs),
  });
  return { jobLog, space, ...actor };
}

function messageIn(text: string): string {
  const told = (jsonOf(text) as { error?: unknown } | null | undefined)?.error;
  return typeof told === 'string' ? told : '';
}

/** Passes on what comes until it is enough, which is no failure. */
async function* untilEnough(bytes: AsyncIterable<Uint8Array>, enough: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (error) {
    if (!enough.aborted) throw error;
  }
}

async function* continued<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield first;
    yield* rest;
  } catch (error) {
    throw unavailable(error);
  }
}
