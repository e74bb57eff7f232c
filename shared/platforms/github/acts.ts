import * as z from 'zod/mini';
import type { ActionRequest, LookUp } from '../port.ts';

/** What QMOI can do on GitHub: the one request of each action, and how to find out whether it took place. */

export interface Act {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  /** Below the repository. */
  readonly path: string;
  readonly body?: object;
}

export interface GithubAction {
  /** Undefined: the request does not say what it takes. */
  request(of: ActionRequest): Act | undefined;
  /** What to read, and what it means. */
  readonly found: {
    path(of: ActionRequest): string | undefined;
    means(answer: unknown, of: ActionRequest): LookUp;
  };
}

const number = (text: string | undefined): string | undefined =>
  text !== undefined && /^\d{1,20}$/.test(text) ? text : undefined;
const parameter = ({ parameters }: ActionRequest, name: string): string | undefined => {
  const value = parameters?.[name];
  return value === undefined || value === '' ? undefined : String(value);
};
const query = (values: Readonly<Record<string, string | undefined>>): string =>
  new URLSearchParams(
    Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== undefined),
  ).toString();

const runOf = ({ runId }: ActionRequest): string | undefined => number(runId.split(':')[1]);
const runPath = (of: ActionRequest, more = ''): string | undefined => {
  const run = runOf(of);
  return run && `/actions/runs/${run}${more}`;
};
const post = (path: string | undefined, body?: object): Act | undefined =>
  path === undefined ? undefined : { method: 'POST', path, ...(body !== undefined && { body }) };

const run = z.object({ run_attempt: z.optional(z.number()), status: z.optional(z.string()) });
/** An answer of another shape tells nothing. */
const read = <T extends z.core.$ZodType>(schema: T, answer: unknown): z.infer<T> | undefined => {
  const result = z.safeParse(schema, answer);
  return result.success ? result.data : undefined;
};

const nextAttempt: GithubAction['found'] = {
  path: (of) => runPath(of),
  means(answer, { attempt }) {
    const found = read(run, answer)?.run_attempt;
    if (found === undefined) return 'unclear';
    return found > attempt ? 'happened' : 'did-not-happen';
  },
};
/** A run that has ended by whatever means need not be cancelled any more. */
const ended: GithubAction['found'] = {
  path: (of) => runPath(of),
  means(answer) {
    const status = read(run, answer)?.status;
    if (status === undefined) return 'unclear';
    return status === 'completed' ? 'happened' : 'did-not-happen';
  },
};

const caches = z.object({ actions_caches: z.array(z.object({ key: z.string(), ref: z.optional(z.string()) })) });
const cacheQuery = (of: ActionRequest): string | undefined => {
  const key = parameter(of, 'key');
  return key && query({ key, ref: parameter(of, 'ref') });
};

const workflowPath = (of: ActionRequest, more = ''): string | undefined => {
  const workflow = parameter(of, 'workflow');
  return workflow !== undefined && /^[\w.-]{1,255}$/.test(workflow)
    ? `/actions/workflows/${workflow}${more}`
    : undefined;
};
const dispatched = z.object({ workflow_runs: z.array(z.object({ created_at: z.string() })) });
/** GitHub's clock and this one. */
const SKEW_MS = 5_000;

const inputsOf = ({ parameters = {} }: ActionRequest): object =>
  Object.fromEntries(
    Object.entries(parameters)
      .filter(([name]) => name.startsWith('input.'))
      .map(([name, value]) => [name.slice('input.'.length), String(value)]),
  );

/** https://docs.github.com/en/rest/actions */
export const githubActions: Readonly<Record<string, GithubAction>> = {
  'rerun-failed-jobs': {
    request: (of) => post(runPath({ ...of, runId: `github:${of.externalId}` }, '/rerun-failed-jobs')),
    found: nextAttempt,
  },
  'rerun-with-debug': {
    request: (of) => post(runPath(of, '/rerun-failed-jobs'), { enable_debug_logging: true }),
    found: nextAttempt,
  },
  'rerun-job': {
    request: (of) => post(number(of.externalId) && `/actions/jobs/${of.externalId}/rerun`),
    found: nextAttempt,
  },
  'cancel-run': { request: (of) => post(runPath(of, '/cancel')), found: ended },
  'force-cancel-run': { request: (of) => post(runPath(of, '/force-cancel')), found: ended },
  'delete-cache': {
    request(of) {
      const which = cacheQuery(of);
      return which === undefined ? undefined : { method: 'DELETE', path: `/actions/caches?${which}` };
    },
    found: {
      path(of) {
        const which = cacheQuery(of);
        return which && `/actions/caches?${which}`;
      },
      means(answer, of) {
        const found = read(caches, answer)?.actions_caches;
        if (found === undefined) return 'unclear';
        // GitHub looks for keys that begin so.
        const [key, ref] = [parameter(of, 'key'), parameter(of, 'ref')];
        const left = found.some((cache) => cache.key === key && (ref === undefined || cache.ref === ref));
        return left ? 'did-not-happen' : 'happened';
      },
    },
  },
  'enable-workflow': {
    request(of) {
      const path = workflowPath(of, '/enable');
      return path === undefined ? undefined : { method: 'PUT', path };
    },
    found: {
      path: (of) => workflowPath(of),
      means(answer) {
        const state = read(z.object({ state: z.string() }), answer)?.state;
        if (state === undefined) return 'unclear';
        return state === 'active' ? 'happened' : 'did-not-happen';
      },
    },
  },
  'dispatch-workflow': {
    request(of) {
      const ref = parameter(of, 'ref');
      return ref === undefined ? undefined : post(workflowPath(of, '/dispatches'), { ref, inputs: inputsOf(of) });
    },
    found: {
      path: (of) =>
        workflowPath(
          of,
          `/runs?${query({ event: 'workflow_dispatch', branch: parameter(of, 'ref'), per_page: '20' })}`,
        ),
      // A dispatch has no answer that names its run, so one of that branch since then is taken for it: never twice.
      means(answer, of) {
        const runs = read(dispatched, answer)?.workflow_runs;
        const since = Date.parse(parameter(of, 'since') ?? '');
        if (runs === undefined || Number.isNaN(since)) return 'unclear';
        return runs.some(({ created_at }) => Date.parse(created_at) >= since - SKEW_MS) ? 'happened' : 'did-not-happen';
      },
    },
  },
};
