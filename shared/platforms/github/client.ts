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
import { actorOf, asNotSent, NotSent } from '../actor.ts';
import { type Answer, logErrorOf, logOf, outcomeOf, outcomeOfFailure, unavailable } from '../answers.ts';
import { testsInArchive } from '../junit.ts';
import { type ActionRequest, LogUnavailable, type PlatformClient } from '../port.ts';
import { type TestReport, TestReportBuilder } from '../test-names.ts';
import { githubActions } from './acts.ts';
import { type GithubApp, githubApp } from './app.ts';
import { MAX_ARTIFACT_BYTES, reportsAmong } from './artifacts.ts';
import type { GithubCredentials } from './credentials.ts';
import { repositoryOf } from './paths.ts';

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
/** Newest first; a run has a few. */
const ARTIFACTS = 100;
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

  /** The answer to a call that is no JSON, its body not read yet. */
  async function streamed(
    signal: AbortSignal,
    headers: { authorization: string },
    call: (common: { headers: { authorization: string }; request: object }) => Promise<unknown>,
  ): Promise<Response> {
    let response: Response | undefined;
    const fetch = async (url: string, init: HttpOptions) => {
      const answer = await read(url, init);
      if (!answer.ok) return complete(answer);
      response = answer;
      return answer;
    };
    await call({ headers, request: { signal, parseSuccessResponseBody: false, fetch } });
    if (response === undefined) throw new Error('GitHub answered without an answer');
    return response;
  }

  async function jobLog(job: Job, options: { maxBytes: number; signal?: AbortSignal }) {
    const deadline = AbortSignal.timeout(HTTP_TIMEOUT_MS);
    const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
    let response: Response;
    try {
      response = await streamed(signal, await authorized(job.repository), (common) =>
        octokit.rest.actions.downloadJobLogsForWorkflowRun({
          ...repositoryOf(job.repository),
          ...common,
          job_id: Number(job.externalId),
        }),
      );
    } catch (error) {
      if (error instanceof Unauthorized) throw new LogUnavailable(error.message);
      const answer = answerIn(error);
      throw answer === undefined ? unavailable(failureIn(error)) : logErrorOf(answer, now());
    }
    return logOf(bytesOf(response, options.maxBytes, { beyond: 'end', signal }));
  }

  const actor = actorOf({
    title: 'GitHub',
    actions: githubActions,
    now,
    busy: isBusy,
    async send({ method, path, body }, of, timeoutMs) {
      const until = performance.now() + timeoutMs;
      const headers = await authorized(of.repository).catch((error: unknown) => {
        throw new NotSent(unauthorized(error, now()));
      });
      const left = Math.max(1, Math.ceil(until - performance.now()));
      const signal = AbortSignal.timeout(left);
      try {
        const answer = await octokit.request(`${method} ${path}`, {
          headers,
          ...body,
          request: {
            signal,
            fetch: async (url: string, init: HttpOptions) =>
              complete(method === 'GET' ? await read(url, init) : await send(url, { ...init, timeoutMs: left })),
          },
        });
        return { status: answer.status, headers: headersOf(answer.headers), message: '', json: answer.data };
      } catch (error) {
        const answer = answerIn(error);
        if (answer === undefined) throw failureIn(error);
        return { ...answer, json: undefined };
      }
    },
  });

  async function failedJobs(request: ActionRequest): Promise<readonly string[] | undefined> {
    const failed: string[] = [];
    const signal = AbortSignal.timeout(HTTP_TIMEOUT_MS);
    try {
      const headers = await authorized(request.repository);
      for (let page = 1; page <= MAX_JOB_PAGES; page += 1) {
        const { data } = await octokit.rest.actions.listJobsForWorkflowRunAttempt({
          ...repositoryOf(request.repository),
          headers,
          run_id: Number(request.runId.split(':')[1]),
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

  /** By the JUnit reports among the artifacts that were uploaded while the job ran. */
  async function testReport(job: Job): Promise<TestReport | undefined> {
    const signal = AbortSignal.timeout(HTTP_TIMEOUT_MS);
    const of = repositoryOf(job.repository);
    const [, runId] = job.runId.split(':');
    try {
      const headers = await authorized(job.repository);
      const { data } = await octokit.rest.actions.listWorkflowRunArtifacts({
        ...{ ...of, headers, run_id: Number(runId), per_page: ARTIFACTS },
        request: { signal, fetch: async (url: string, init: HttpOptions) => complete(await read(url, init)) },
      });
      const tests = new TestReportBuilder();
      for (const id of reportsAmong(data.artifacts, job)) {
        const archive = await streamed(signal, headers, (common) =>
          octokit.rest.actions.downloadArtifact({ ...of, ...common, artifact_id: id, archive_format: 'zip' }),
        );
        const bytes = await allOf(bytesOf(archive, MAX_ARTIFACT_BYTES, { beyond: 'fail', signal }));
        await testsInArchive(bytes, tests);
      }
      return tests.empty ? undefined : tests;
    } catch {
      // A report is more than is needed: the log names tests as well.
      return undefined;
    }
  }

  return { jobLog, failedJobs, testReport, ...actor };
}

/** Why there is no token to act with. Whatever it is, the act itself has not been sent. */
function unauthorized(error: unknown, now: number): NotSent['outcome'] {
  if (error instanceof Unauthorized) return { kind: 'refused', reason: error.message };
  const answer = answerIn(error);
  return asNotSent(answer === undefined ? outcomeOfFailure(failureIn(error)) : outcomeOf(answer, now, () => false));
}

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

async function allOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
