import { Jobs } from '@gitbeaker/rest';
import type { Job } from '../../model/index.ts';
import { bytesOf, followed, HTTP_TIMEOUT_MS, HttpFailure, send, textOf } from '../../runtime/http.ts';
import { type Answer, logErrorOf, logOf, outcomeOf, outcomeOfFailure, unavailable } from '../answers.ts';
import {
  type ActionRequest,
  type ActOutcome,
  EMPTY_PATIENCE_SECONDS,
  LogNotReady,
  type LookUp,
  type PlatformClient,
} from '../port.ts';
import { jsonOf } from '../request.ts';
import { RETRY } from './actions.ts';
import { gitlabActions } from './acts.ts';

export interface GitlabSettings {
  /** The instance, without `/api/v4`. */
  readonly host: string;
  readonly token: string;
  readonly now?: () => number;
}

const [PAGE, MAX_PAGES] = [100, 10];

/** An answer that is none of success. */
class Refusal extends Error {
  readonly answer: Answer;
  constructor(answer: Answer) {
    super(answer.message);
    this.answer = answer;
  }
}

/** GitLab's REST API, by Gitbeaker's resources and a requester of QMOI's own. */
export function gitlabClient({ host, token, now = Date.now }: GitlabSettings): PlatformClient {
  async function answerTo(method: string, endpoint: string, options: RequestOptions = {}): Promise<Response> {
    if (!URL.canParse(host)) throw new HttpFailure('the address of GitLab is none', false);
    const url = new URL(`${host}/api/v4/${endpoint}`);
    for (const [name, value] of Object.entries(options.searchParams ?? {})) {
      if (value !== undefined) url.searchParams.set(snakeCase(name), String(value));
    }
    const headers = { 'private-token': token, 'user-agent': 'qmoi' };
    const { signal } = options;
    const sent = await send(url.href, { method, headers, ...(signal && { signal }) });
    // A project that was moved is followed for reading; a write is exactly one request.
    const answer = method === 'GET' ? await followed(sent, url.href, host, { credentials: headers, signal }) : sent;
    if (answer.ok) return answer;
    const message = messageIn(await textOf(answer).catch(() => ''));
    throw new Refusal({ status: answer.status, headers: answer.headers, message });
  }
  const requester = (method: string) => async (endpoint: string, options?: RequestOptions) => {
    const answer = await answerTo(method, endpoint, options);
    const headers = Object.fromEntries(answer.headers.entries());
    // Whoever uses the answer looks whether it is what it should be.
    const body = jsonOf(await textOf(answer)) as never;
    return { body, headers, status: answer.status };
  };
  // Gitbeaker's own requester repeats writes up to ten times and reads whole logs into memory.
  const jobs = new Jobs({
    host,
    token,
    queryTimeout: HTTP_TIMEOUT_MS,
    requesterFn: () => ({
      get: requester('GET'),
      post: requester('POST'),
      put: requester('PUT'),
      patch: requester('PATCH'),
      delete: requester('DELETE'),
    }),
  });

  async function jobLog(job: Job, options: { maxBytes: number; signal?: AbortSignal }) {
    const deadline = AbortSignal.timeout(HTTP_TIMEOUT_MS);
    const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
    const endpoint = `projects/${encodeURIComponent(projectOf(job))}/jobs/${encodeURIComponent(job.externalId)}/trace`;
    try {
      const answer = await answerTo('GET', endpoint, { signal });
      const chunks = bytesOf(answer, options.maxBytes, { beyond: 'end', signal });
      const head = await chunks.next();
      if (head.done !== true) return logOf(continued(head.value, chunks));
    } catch (error) {
      throw error instanceof Refusal ? logErrorOf(error.answer, now()) : unavailable(error);
    }
    // GitLab has an empty log for a job whose runner has not sent one yet, for one that never will, and for an erased one.
    throw new LogNotReady('the log is empty', EMPTY_PATIENCE_SECONDS);
  }

  async function act(request: ActionRequest): Promise<ActOutcome> {
    const other = gitlabActions[request.action];
    if (request.action !== RETRY && other === undefined) {
      return { kind: 'refused', reason: `GitLab knows no action ${request.action}` };
    }
    const path = other?.request(request);
    if (other !== undefined && path === undefined) {
      return { kind: 'refused', reason: `${request.action} does not say what to act on` };
    }
    try {
      if (path !== undefined) {
        await textOf(await answerTo('POST', `projects/${encodeURIComponent(projectOf(request))}/${path}`));
        return { kind: 'done', detail: 'accepted' };
      }
      const clone = (await jobs.retry(projectOf(request), Number(request.externalId))) as { id?: number } | undefined;
      return { kind: 'done', detail: clone?.id === undefined ? 'accepted' : `accepted as job ${clone.id}` };
    } catch (error) {
      return error instanceof Refusal ? outcomeOf(error.answer, now(), () => false) : outcomeOfFailure(error);
    }
  }

  /** A retry leaves a newer job of the same name behind, which `include_retried` shows beside the old one. */
  async function lookUp(request: ActionRequest): Promise<LookUp> {
    const other = gitlabActions[request.action]?.found;
    try {
      if (other !== undefined) {
        const path = other.path(request);
        if (path === undefined) return 'unclear';
        const answer = await answerTo('GET', `projects/${encodeURIComponent(projectOf(request))}/${path}`);
        return other.means(jsonOf(await textOf(answer)), request);
      }
      const [, pipelineId] = request.runId.split(':');
      const found = await jobs.all(projectOf(request), {
        pipelineId: Number(pipelineId),
        includeRetried: true,
        perPage: PAGE,
        maxPages: MAX_PAGES,
      });
      const own = found.find((job) => String(job.id) === request.externalId);
      if (own === undefined) return 'unclear';
      const newer = found.some((job) => job.name === own.name && job.id > own.id);
      if (newer) return 'happened';
      return found.length < PAGE * MAX_PAGES ? 'did-not-happen' : 'unclear';
    } catch {
      return 'unclear';
    }
  }

  return { jobLog, act, lookUp };
}

interface RequestOptions {
  readonly searchParams?: Record<string, unknown>;
  readonly signal?: AbortSignal;
}

const projectOf = ({ repositoryId, repository }: Pick<ActionRequest, 'repositoryId' | 'repository'>): string =>
  repositoryId ?? repository;

/** Gitbeaker has its parameters in camel case. */
const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** GitLab tells a reason as `message`, as `error` with a description, or in plain text. */
function messageIn(text: string): string {
  const json = jsonOf(text) as { message?: unknown; error?: unknown; error_description?: unknown } | undefined;
  const told = json?.message ?? json?.error_description ?? json?.error ?? text;
  return typeof told === 'string' ? told : JSON.stringify(told);
}

async function* continued<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}
