import * as z from 'zod/mini';
import { type Action, type Actions, byState, call, numberIn, parameter, query, type Seen, shaped } from '../action.ts';
import type { ActionRequest, Shown } from '../port.ts';
import { issueActs } from './issue-acts.ts';
import { repoPath, runPath } from './paths.ts';

/** What QMOI can do on GitHub. https://docs.github.com/en/rest/actions */

const answered = { on: 'run', proof: 'answer' } as const;

const run = z.object({ run_attempt: z.optional(z.number()), status: z.optional(z.string()) });

const rerun = {
  ...({ tier: 1, on: 'run', proof: 'next-attempt' } as const),
  reads: (of: ActionRequest) => runPath(of),
  means(seen: Seen, { attempt }: ActionRequest) {
    const found = shaped(run, seen)?.run_attempt;
    return byState(found === undefined ? undefined : found > attempt);
  },
};
const cancel = {
  ...({ tier: 3, on: 'run', proof: 'run-ended' } as const),
  reads: (of: ActionRequest) => runPath(of),
  shows(seen: Seen): Shown | undefined {
    const status = shaped(run, seen)?.status;
    const outcome = status === 'completed' ? 'succeeded' : 'pending';
    return status === undefined ? undefined : { status: outcome, detail: `the run is ${status}` };
  },
  // A run that has ended by whatever means need not be cancelled any more.
  means(seen: Seen) {
    const status = shaped(run, seen)?.status;
    return byState(status === undefined ? undefined : status === 'completed');
  },
};

const caches = z.object({ actions_caches: z.array(z.object({ key: z.string(), ref: z.optional(z.string()) })) });
const cachesPath = (of: ActionRequest): string | undefined => {
  const key = parameter(of, 'key');
  return key && repoPath(of, `/actions/caches?${query({ key, ref: parameter(of, 'ref') })}`);
};

const workflowPath = (of: ActionRequest, more = ''): string | undefined => {
  const workflow = parameter(of, 'workflow');
  return workflow !== undefined && /^[\w.-]{1,255}$/.test(workflow)
    ? repoPath(of, `/actions/workflows/${workflow}${more}`)
    : undefined;
};
const switched = (to: 'enable' | 'disable') => ({
  ...answered,
  tier: 2 as const,
  needs: ['workflow'],
  first: true as const,
  reads: (of: ActionRequest) => workflowPath(of),
  means(seen: Seen) {
    const state = shaped(z.object({ state: z.string() }), seen)?.state;
    return byState(state === undefined ? undefined : (state === 'active') === (to === 'enable'));
  },
  unfit: (seen: Seen) =>
    shaped(z.object({ state: z.literal('deleted') }), seen) && 'the workflow is not in the repository any more',
  request: (of: ActionRequest) => call('PUT', workflowPath(of, `/${to}`)),
});

const dispatched = z.object({
  workflow_runs: z.array(
    z.object({
      id: z.optional(z.number()),
      created_at: z.string(),
      status: z.nullish(z.string()),
      conclusion: z.nullish(z.string()),
    }),
  ),
});
/** GitHub's clock and this one. */
const SKEW_MS = 5_000;
/** The first run since then; undefined: the list, or since when, is not known. */
function dispatchedIn(seen: Seen, { since }: ActionRequest) {
  const [runs, from] = [shaped(dispatched, seen)?.workflow_runs, Date.parse(since ?? '')];
  if (runs === undefined || Number.isNaN(from)) return undefined;
  const ours = runs.filter(({ created_at }) => Date.parse(created_at) >= from - SKEW_MS);
  return { run: ours.sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at))[0] };
}
const inputsOf = ({ parameters = {} }: ActionRequest): object =>
  Object.fromEntries(
    Object.entries(parameters)
      .filter(([name]) => name.startsWith('input.'))
      .map(([name, value]) => [name.slice('input.'.length), String(value)]),
  );

const runner = z.object({ status: z.string(), busy: z.boolean() });
const runnerPath = (of: ActionRequest): string | undefined => {
  const [id, organization] = [numberIn(parameter(of, 'runner')), parameter(of, 'organization')];
  if (id === undefined) return undefined;
  const below = `/actions/runners/${id}`;
  return organization === undefined ? repoPath(of, below) : `/orgs/${encodeURIComponent(organization)}${below}`;
};

const acts: Readonly<Record<string, Action>> = {
  'rerun-failed-jobs': {
    does: 'tries the failed jobs of a run again',
    ...rerun,
    request: (of) => call('POST', runPath({ ...of, runId: `github:${of.externalId}` }, '/rerun-failed-jobs')),
  },
  'rerun-with-debug': {
    does: 'tries the failed jobs of a run again, with debug logging',
    ...rerun,
    request: (of) => call('POST', runPath(of, '/rerun-failed-jobs'), { enable_debug_logging: true }),
  },
  'rerun-job': {
    does: 'tries one job again, and those that need it',
    ...rerun,
    on: 'job',
    request: (of) => call('POST', numberIn(of.externalId) && repoPath(of, `/actions/jobs/${of.externalId}/rerun`)),
  },
  'cancel-run': {
    does: 'cancels a run',
    ...cancel,
    request: (of) => call('POST', runPath(of, '/cancel')),
  },
  'force-cancel-run': {
    does: 'cancels a run that does not let itself be cancelled',
    ...cancel,
    request: (of) => call('POST', runPath(of, '/force-cancel')),
  },
  'delete-cache': {
    does: 'deletes the caches of a key',
    ...answered,
    tier: 2,
    heals: 'the next run saves it anew',
    needs: ['key'],
    takes: ['ref'],
    first: true,
    reads: cachesPath,
    means(seen, of) {
      // GitHub looks for keys that begin so.
      const [key, ref] = [parameter(of, 'key'), parameter(of, 'ref')];
      const left = shaped(caches, seen)?.actions_caches.some(
        (cache) => cache.key === key && (ref === undefined || cache.ref === ref),
      );
      return byState(left === undefined ? undefined : !left);
    },
    request: (of) => call('DELETE', cachesPath(of)),
  },
  'enable-workflow': { does: 'enables a workflow', ...switched('enable'), inverse: 'disable-workflow' },
  'disable-workflow': { does: 'disables a workflow', ...switched('disable'), inverse: 'enable-workflow' },
  'dispatch-workflow': {
    does: 'starts a workflow by hand',
    on: 'run',
    proof: 'new-run',
    tier: 3,
    needs: ['workflow', 'ref'],
    takes: ['input.*'],
    reads: (of) =>
      workflowPath(of, `/runs?${query({ event: 'workflow_dispatch', branch: parameter(of, 'ref'), per_page: '20' })}`),
    // A dispatch has no answer that names its run, so one of that branch since then is taken for it: never twice.
    means(seen, of) {
      const found = dispatchedIn(seen, of);
      return byState(found && found.run !== undefined);
    },
    shows(seen, of) {
      const run = dispatchedIn(seen, of)?.run;
      if (run === undefined) return undefined;
      const [name, ended] = [`the run ${run.id ?? ''}`.trim(), run.status === 'completed'];
      const made = run.id === undefined ? {} : { made: String(run.id) };
      if (!ended) return { status: 'pending', detail: `${name} is ${run.status ?? 'on its way'}`, ...made };
      const status = run.conclusion === 'success' ? 'succeeded' : 'failed';
      return { status, detail: `${name} ended: ${run.conclusion ?? 'without a conclusion'}`, ...made };
    },
    request(of) {
      const ref = parameter(of, 'ref');
      return ref === undefined
        ? undefined
        : call('POST', workflowPath(of, '/dispatches'), { ref, inputs: inputsOf(of) });
    },
  },
  'delete-offline-runner': {
    does: 'takes a self-hosted runner off the list, provided that it is offline',
    ...answered,
    tier: 3,
    needs: ['runner'],
    takes: ['organization'],
    first: true,
    removes: true,
    reads: runnerPath,
    means: (seen) => byState(shaped(runner, seen) === undefined ? undefined : false),
    unfit(seen) {
      const { status, busy } = shaped(runner, seen) ?? { status: 'unknown', busy: false };
      return status === 'offline' && !busy ? undefined : `the runner is ${busy ? 'busy' : status}, and not offline`;
    },
    request: (of) => call('DELETE', runnerPath(of)),
  },
};

export const githubActions: Actions = { ...acts, ...issueActs };
