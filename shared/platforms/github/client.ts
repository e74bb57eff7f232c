import { RequestError } from '@octokit/request-error';
import { Octokit } from '@octokit/rest';
import type { Job } from '../../model/index.ts';
import {
  bytesOf,
  complete,
  followed,
  HTTP_TIMEOUT_MS,
  HttpFailure,
  type HttpOptions,
  send,
} from '../../runtime/http.ts';
import { type Answer, logErrorOf, logOf, outcomeOf, outcomeOfFailure, unavailable } from '../answers.ts';
import { type ActionRequest, type ActOutcome, LogUnavailable, type LookUp, type PlatformClient } from '../port.ts';
import { githubActions } from './acts.ts';
import { type GithubApp, githubApp } from './app.ts';
import type { GithubCredentials } from './credentials.ts';

export interface GithubSettings extends GithubCredentials {
  readonly now?: () => number;
}

/** There is no token for a repository, and will not be before somebody sees to it. */
class Unauthorized extends Error {
  override readonly name = 'Unauthorized';
}

/** https://docs.github.com/en/rest/about-the-rest-api/api-versions */
const API_VERSION = '2022-11-28';
/** GitHub allows 256 jobs of a matrix, and several matrices. */
const [JOBS_A_PAGE, MAX_JOB_PAGES] = [100, 10];
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * GitHub's REST API. Without Octokit's retry and throttling plugins: a rerun is never repeated blindly, and whoever has to
 * wait does so in a queue and not in a running function.
 */
export function githubClient({ baseUrl, token, app: credentials, now = Date.now }: GithubSettings): PlatformClient {
  const octokit = new Octokit({ baseUrl, userAgent: 'qmoi', log: silent });
  octokit.hook.before('request', (options) => {
    options.headers['x-github-api-version'] = API_VERSION;
  });

  const app: GithubApp | undefined = credentials && githubApp(octokit, baseUrl, credentials);
  /** The App's token where it is installed, as it has rights and limits of its own; else the personal one. */
  async function authorized(repository: string): Promise<{ authorization: string }> {
    const { owner, repo } = repositoryOf(repository);
    let found: string | undefined;
    try {
      found = (await app?.tokenFor(owner, repo)) ?? token;
    } catch (error) {
      if (error instanceof RequestError || error instanceof HttpFailure) throw error;
      throw new Unauthorized('the private key of the GitHub App is none');
    }
    if (found === undefined) throw new Unauthorized(`the GitHub App is not installed on ${repository}`);
    return { authorization: `token ${found}` };
  }

  /** Follows GitHub when a repository was renamed; only for reading, as a write is exactly one request. */
  const read = async (url: string, init: HttpOptions): Promise<Response> =>
    followed(await send(url, init), url, baseUrl, { credentials: init.headers ?? {}, signal: init.signal });

  async function jobLog(job: Job, options: { maxBytes: number; signal?: AbortSignal }) {
    const deadline = AbortSignal.timeout(HTTP_TIMEOUT_MS);
    const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
    let response: Response | undefined;
    try {
      const headers = await authorized(job.repository);
      await octokit.rest.actions.downloadJobLogsForWorkflowRun({
        ...repositoryOf(job.repository),
        headers,
        job_id: Number(job.externalId),
        request: {
          signal,
          parseSuccessResponseBody: false,
          fetch: async (url: string, init: HttpOptions) => {
            const answer = await read(url, init);
            if (!answer.ok) return complete(answer);
            response = answer;
            return answer;
          },
        },
      });
    } catch (error) {
      if (error instanceof Unauthorized) throw new LogUnavailable(error.message);
      const answer = answerIn(error);
      throw answer === undefined ? unavailable(failureIn(error)) : logErrorOf(answer, now());
    }
    if (response === undefined) throw new Error('GitHub answered without an answer');
    return logOf(bytesOf(response, options.maxBytes, { beyond: 'end', signal }));
  }

  async function act(request: ActionRequest): Promise<ActOutcome> {
    const wanted = githubActions[request.action];
    if (wanted === undefined) return { kind: 'refused', reason: `GitHub knows no action ${request.action}` };
    const one = wanted.request(request);
    if (one === undefined) return { kind: 'refused', reason: `${request.action} does not say what to act on` };
    const fetch = async (url: string, init: HttpOptions) => complete(await send(url, init));
    let headers: { authorization: string };
    try {
      headers = await authorized(request.repository);
    } catch (error) {
      return unauthorized(error, now());
    }
    try {
      const { status } = await octokit.request(`${one.method} ${pathOf(request, one.path)}`, {
        headers,
        ...one.body,
        request: { fetch },
      });
      return outcomeOf({ status, headers: new Headers(), message: '' }, now(), isBusy);
    } catch (error) {
      const answer = answerIn(error);
      return answer === undefined ? outcomeOfFailure(failureIn(error)) : outcomeOf(answer, now(), isBusy);
    }
  }

  async function lookUp(request: ActionRequest): Promise<LookUp> {
    const found = githubActions[request.action]?.found;
    const path = found?.path(request);
    if (found === undefined || path === undefined) return 'unclear';
    try {
      const headers = await authorized(request.repository);
      const { data } = await octokit.request(`GET ${pathOf(request, path)}`, {
        headers,
        request: {
          signal: AbortSignal.timeout(HTTP_TIMEOUT_MS),
          fetch: async (url: string, init: HttpOptions) => complete(await read(url, init)),
        },
      });
      return found.means(data, request);
    } catch {
      return 'unclear';
    }
  }

  async function failedJobs(request: ActionRequest): Promise<readonly string[] | undefined> {
    const failed: string[] = [];
    const signal = AbortSignal.timeout(HTTP_TIMEOUT_MS);
    try {
      const headers = await authorized(request.repository);
      for (let page = 1; page <= MAX_JOB_PAGES; page += 1) {
        const { data } = await octokit.rest.actions.listJobsForWorkflowRunAttempt({
          ...repositoryOf(request.repository),
          headers,
          run_id: Number(request.externalId),
          attempt_number: request.attempt,
          per_page: JOBS_A_PAGE,
          page,
          request: {
            signal,
            fetch: async (url: string, init: HttpOptions) => complete(await read(url, init)),
          },
        });
        for (const { id, conclusion } of data.jobs) {
          if (conclusion === 'failure' || conclusion === 'timed_out') failed.push(String(id));
        }
        if (data.jobs.length < JOBS_A_PAGE) return failed;
      }
    } catch {
      // Told apart from "none" by being undefined.
    }
    return undefined;
  }

  return { jobLog, act, lookUp, failedJobs };
}

function repositoryOf(fullName: string): { owner: string; repo: string } {
  const [owner = '', repo = ''] = fullName.split('/');
  return { owner, repo };
}

/** Octokit takes braces for parameters of its own, so nothing from outside may have any. */
function pathOf({ repository }: Pick<ActionRequest, 'repository'>, path: string): string {
  const { owner, repo } = repositoryOf(repository);
  return `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}${path}`.replace(/[{}]/g, encodeURIComponent);
}

/** Why there is no token to act with. Whatever it is, the act itself has not been sent. */
function unauthorized(error: unknown, now: number): ActOutcome {
  if (error instanceof Unauthorized) return { kind: 'refused', reason: error.message };
  const answer = answerIn(error);
  const outcome = answer === undefined ? outcomeOfFailure(failureIn(error)) : outcomeOf(answer, now, () => false);
  return outcome.kind === 'unknown' ? { kind: 'retry-later', seconds: SOON_SECONDS, reason: outcome.reason } : outcome;
}
const SOON_SECONDS = 15;

/** GitHub refuses a rerun with a 403 while the run is at work, though it is a matter of time and not of rights. */
const isBusy = ({ status, message }: Answer): boolean =>
  (status === 403 || status === 409) && message.slice(0, 1000).toLowerCase().includes('already running');

/** The answer that Octokit has made an error of; undefined when there was none. */
function answerIn(error: unknown): Answer | undefined {
  if (!(error instanceof RequestError) || error.response === undefined) return undefined;
  const { status, headers, data } = error.response;
  const told = (data as { message?: unknown } | undefined)?.message;
  return { status, headers: headersOf(headers), message: typeof told === 'string' ? told : '' };
}

const headersOf = (headers: Record<string, unknown>): Headers =>
  new Headers(Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]));

/** Octokit makes a 500 out of a lost connection, and of a caller that gave up; what happened is its cause. */
const failureIn = (error: unknown): unknown => (error instanceof RequestError ? (error.cause ?? error) : error);
