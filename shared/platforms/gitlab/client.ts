import type { Job } from '../../model/index.ts';
import { bytesOf, followed, HTTP_TIMEOUT_MS, HttpFailure, send, textOf } from '../../runtime/http.ts';
import { actorOf } from '../actor.ts';
import { logErrorOf, logOf, unavailable } from '../answers.ts';
import { jsonApi } from '../json-api.ts';
import { EMPTY_PATIENCE_SECONDS, LogNotReady, type PlatformClient } from '../port.ts';
import { jsonOf } from '../request.ts';
import type { TestReport } from '../test-names.ts';
import { gitlabActions } from './acts.ts';
import { projectOf } from './paths.ts';
import { testsIn } from './test-report.ts';

export interface GitlabSettings {
  /** The instance, without `/api/v4`. */
  readonly host: string;
  readonly token: string;
  readonly now?: () => number;
}

/** GitLab's REST API. */
export function gitlabClient({ host, token, now = Date.now }: GitlabSettings): PlatformClient {
  const base = `${host}/api/v4`;
  const headers = { 'private-token': token, 'user-agent': 'qmoi' };
  const api = jsonApi({ title: 'GitLab', base, headers, messageIn });

  async function jobLog(job: Job, options: { maxBytes: number; signal?: AbortSignal }) {
    const deadline = AbortSignal.timeout(HTTP_TIMEOUT_MS);
    const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
    try {
      if (!URL.canParse(base)) throw new HttpFailure('the address of GitLab is none', false);
      const url = `${base}/projects/${encodeURIComponent(projectOf(job))}/jobs/${encodeURIComponent(job.externalId)}/trace`;
      const answer = await followed(await send(url, { headers, signal }), url, host, { credentials: headers, signal });
      if (!answer.ok) {
        const message = messageIn(await textOf(answer).catch(() => ''));
        throw logErrorOf({ status: answer.status, headers: answer.headers, message }, now());
      }
      const chunks = bytesOf(answer, options.maxBytes, { beyond: 'end', signal });
      const head = await chunks.next();
      if (head.done !== true) return logOf(continued(head.value, chunks));
    } catch (error) {
      throw unavailable(error);
    }
    // GitLab has an empty log for a job whose runner has not sent one yet, for one that never will, and for an erased one.
    throw new LogNotReady('the log is empty', EMPTY_PATIENCE_SECONDS);
  }

  async function testReport(job: Job): Promise<TestReport | undefined> {
    const [, pipeline = ''] = job.runId.split(':');
    const path = `/projects/${encodeURIComponent(projectOf(job))}/pipelines/${encodeURIComponent(pipeline)}/test_report`;
    try {
      const { status, json } = await api({ method: 'GET', path }, HTTP_TIMEOUT_MS);
      return status === 200 ? testsIn(json, job) : undefined;
    } catch (error) {
      if (error instanceof HttpFailure) return undefined;
      throw error;
    }
  }

  const actor = actorOf({
    title: 'GitLab',
    actions: gitlabActions,
    now,
    send: (call, _of, timeoutMs) => api(call, timeoutMs),
  });
  return { jobLog, testReport, ...actor };
}

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
