import * as z from 'zod/mini';
import type { ActionRequest, LookUp } from '../port.ts';

/** What QMOI can do on GitLab beside retrying a job: the one request of each action, and how to find out whether it took place. */

export interface GitlabAction {
  /** Below the project; undefined: the request does not say what it takes. */
  request(of: ActionRequest): string | undefined;
  readonly found: { path(of: ActionRequest): string | undefined; means(answer: unknown, of: ActionRequest): LookUp };
}

const number = (text: string | undefined): string | undefined =>
  text !== undefined && /^\d{1,20}$/.test(text) ? text : undefined;
const pipelinePath = ({ runId }: ActionRequest, more = ''): string | undefined => {
  const id = number(runId.split(':')[1]);
  return id && `pipelines/${id}${more}`;
};
const jobPath = ({ externalId }: ActionRequest, more = ''): string | undefined =>
  number(externalId) && `jobs/${externalId}${more}`;

const withStatus = z.object({ status: z.string() });
const statusOf = (answer: unknown): string | undefined => {
  const result = z.safeParse(withStatus, answer);
  return result.success ? result.data.status : undefined;
};
const jobs = z.array(z.object({ name: z.string() }));
const PAGE = 100;
const ENDED = new Set(['success', 'failed', 'canceled', 'canceling', 'skipped']);

/** https://docs.gitlab.com/api/pipelines and /api/jobs */
export const gitlabActions: Readonly<Record<string, GitlabAction>> = {
  'retry-pipeline': {
    request: (of) => pipelinePath(of, '/retry'),
    found: {
      path: (of) => pipelinePath(of, `/jobs?include_retried=true&per_page=${PAGE}`),
      // Each attempt leaves one more job of a name behind.
      means(answer, { attempt }) {
        const result = z.safeParse(jobs, answer);
        if (!result.success) return 'unclear';
        const counts = new Map<string, number>();
        for (const { name } of result.data) counts.set(name, (counts.get(name) ?? 0) + 1);
        if (Math.max(0, ...counts.values()) > attempt) return 'happened';
        return result.data.length < PAGE ? 'did-not-happen' : 'unclear';
      },
    },
  },
  'cancel-pipeline': {
    request: (of) => pipelinePath(of, '/cancel'),
    found: {
      path: (of) => pipelinePath(of),
      means(answer) {
        const status = statusOf(answer);
        if (status === undefined) return 'unclear';
        return ENDED.has(status) ? 'happened' : 'did-not-happen';
      },
    },
  },
  'play-job': {
    request: (of) => jobPath(of, '/play'),
    found: {
      path: (of) => jobPath(of),
      means(answer) {
        const status = statusOf(answer);
        if (status === undefined) return 'unclear';
        return status === 'manual' ? 'did-not-happen' : 'happened';
      },
    },
  },
};
