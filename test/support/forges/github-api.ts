import type { GithubLogStorage } from './github-logs.ts';
import type { GithubPayloads } from './github-payloads.ts';
import type { GithubRuns } from './github-runs.ts';
import { type Context, latest, logIsThere } from './run-state.ts';
import type { ApiRequest, Reply, Route } from './server.ts';
import type { TokenAccess } from './tokens.ts';
import type { Effect, Job, Json, Run, RunAttempt } from './types.ts';

const DOCS = 'https://docs.github.com/rest';
const MONTH_MS = 30 * 86_400_000;
/** docs.github.com, "Actions limits": a run can be re-run a maximum of 50 times. */
const RERUN_LIMIT = 50;

export interface GithubApiOptions {
  context: Context;
  payloads: GithubPayloads;
  runs: GithubRuns;
  storage: GithubLogStorage;
  /** Whose token it is; undefined when the caller may not see the repository. */
  caller(request: ApiRequest, repository: string): TokenAccess | undefined;
}

export function message(status: number, text: string, docs = ''): Reply {
  return { status, json: { message: text, documentation_url: `${DOCS}${docs}`, status: String(status) } };
}

export function notFound(docs = ''): Reply {
  return message(404, 'Not Found', docs);
}

interface Found {
  run: Run;
  access: TokenAccess;
}

export function githubRoutes({ context, payloads, runs, storage, caller }: GithubApiOptions): Route[] {
  const repo = '/repos/:owner/:repo';

  function repository(request: ApiRequest) {
    const name = `${request.params.owner}/${request.params.repo}`.toLowerCase();
    const found = context.repositories.find((candidate) => candidate.fullName.toLowerCase() === name);
    const access = found && !found.hidden ? caller(request, found.fullName) : undefined;
    return found && access ? { found, access } : undefined;
  }

  function withRun(handle: (found: Found, request: ApiRequest) => Reply, docs: string) {
    return (request: ApiRequest): Reply => {
      const visible = repository(request);
      const run = visible?.found.runs.find((candidate) => String(candidate.id) === request.params.run_id);
      if (!visible || !run || run.attempts.length === 0) return notFound(docs);
      return handle({ run, access: visible.access }, request);
    };
  }

  function withJob(
    handle: (found: Found & { job: Job; attempt: RunAttempt }, request: ApiRequest) => Reply,
    docs: string,
  ) {
    return (request: ApiRequest): Reply => {
      const visible = repository(request);
      for (const run of visible?.found.runs ?? []) {
        for (const attempt of run.attempts) {
          const job = attempt.jobs.find((candidate) => String(candidate.id) === request.params.job_id);
          if (visible && job) return handle({ run, job, attempt, access: visible.access }, request);
        }
      }
      return notFound(docs);
    };
  }

  /** Everything GitHub refuses a rerun for, in its words. */
  function refused(run: Run, access: TokenAccess, what: 'run' | 'job', docs: string): Reply | undefined {
    if (access.access !== 'write') {
      const reply = message(403, 'Resource not accessible by personal access token', docs);
      return { ...reply, headers: { 'x-accepted-github-permissions': 'actions=write' } };
    }
    if (latest(run).status !== 'finished') {
      const text =
        what === 'run' ? 'This workflow is already running' : 'The workflow run containing this job is already running';
      return message(403, text, docs);
    }
    if (context.clock.now() - run.createdAt > MONTH_MS) {
      const text =
        what === 'run'
          ? 'Unable to retry this workflow run because it was created over a month ago'
          : 'Unable to re-run this job because the workflow run was created over a month ago';
      return message(403, text, docs);
    }
    // The limit is documented, its wording is not.
    if (run.attempts.length > RERUN_LIMIT) return message(403, 'This workflow run cannot be retried', docs);
    return undefined;
  }

  function rerun(found: Found, names: readonly string[], effect: Pick<Effect, 'kind' | 'jobId'>): Reply {
    const at = context.clock.now();
    const attempt = runs.rerun(found.run, names, found.access.user);
    const done: Effect = {
      ...effect,
      repository: found.run.repository.fullName,
      runId: found.run.id,
      attempt: attempt.number,
      newJobIds: attempt.jobs.filter((job) => !job.carriedOver).map((job) => job.id),
      at,
    };
    context.effects.push(done);
    return { status: 201, json: {}, effect: done };
  }

  const runDocs = '/actions/workflow-runs';
  const jobDocs = '/actions/workflow-jobs';

  return [
    {
      method: 'GET',
      path: repo,
      handle: (request) => {
        const visible = repository(request);
        return visible ? ok(payloads.repository(visible.found)) : notFound('/repos/repos#get-a-repository');
      },
    },
    {
      method: 'GET',
      path: `${repo}/actions/runs`,
      handle: (request) => {
        const visible = repository(request);
        if (!visible) return notFound(runDocs);
        const query = request.query;
        const matching = visible.found.runs
          .filter((run) => run.attempts.length > 0)
          .filter((run) => !query.has('branch') || run.branch === query.get('branch'))
          .filter((run) => !query.has('event') || run.event === query.get('event'))
          .filter((run) => !query.has('head_sha') || run.commit === query.get('head_sha'))
          .map((run) => payloads.run(run, latest(run)))
          .filter((run) => !query.has('status') || [run.status, run.conclusion].includes(query.get('status')))
          .reverse();
        return page(request, matching, 'workflow_runs');
      },
    },
    {
      method: 'GET',
      path: `${repo}/actions/runs/:run_id`,
      handle: withRun(({ run }) => ok(payloads.run(run, latest(run))), `${runDocs}#get-a-workflow-run`),
    },
    {
      method: 'GET',
      path: `${repo}/actions/runs/:run_id/artifacts`,
      // Workflows here upload nothing.
      handle: withRun(() => ok({ total_count: 0, artifacts: [] }), '/rest/actions/artifacts'),
    },
    {
      method: 'GET',
      path: `${repo}/actions/runs/:run_id/attempts/:attempt`,
      handle: withRun(({ run }, request) => {
        const attempt = run.attempts.find((candidate) => String(candidate.number) === request.params.attempt);
        return attempt ? ok(payloads.run(run, attempt)) : notFound(runDocs);
      }, `${runDocs}#get-a-workflow-run-attempt`),
    },
    {
      method: 'GET',
      path: `${repo}/actions/runs/:run_id/jobs`,
      handle: withRun(({ run }, request) => {
        const attempts = request.query.get('filter') === 'all' ? run.attempts : [latest(run)];
        const jobs = attempts.flatMap((attempt) => attempt.jobs).map((job) => payloads.job(run, job));
        return page(request, jobs, 'jobs');
      }, `${jobDocs}#list-jobs-for-a-workflow-run`),
    },
    {
      method: 'GET',
      path: `${repo}/actions/runs/:run_id/attempts/:attempt/jobs`,
      handle: withRun(({ run }, request) => {
        const attempt = run.attempts.find((candidate) => String(candidate.number) === request.params.attempt);
        if (!attempt) return notFound(jobDocs);
        return page(
          request,
          attempt.jobs.map((job) => payloads.job(run, job)),
          'jobs',
        );
      }, `${jobDocs}#list-jobs-for-a-workflow-run-attempt`),
    },
    {
      method: 'GET',
      path: `${repo}/actions/jobs/:job_id`,
      handle: withJob(({ run, job }) => ok(payloads.job(run, job)), `${jobDocs}#get-a-job-for-a-workflow-run`),
    },
    {
      method: 'GET',
      path: `${repo}/actions/jobs/:job_id/logs`,
      handle: withJob(({ job }) => {
        const docs = `${jobDocs}#download-job-logs-for-a-workflow-run`;
        if (job.spec.logExpired) return message(410, 'Server Error', docs);
        const there = logIsThere(job, context.clock.now());
        if (!there && job.spec.logMissing !== 'blob') return notFound(docs);
        return { status: 302, headers: { location: storage.link(job, there) } };
      }, `${jobDocs}#download-job-logs-for-a-workflow-run`),
    },
    {
      method: 'POST',
      path: `${repo}/actions/runs/:run_id/rerun-failed-jobs`,
      handle: withRun((found) => {
        const docs = `${runDocs}#re-run-failed-jobs-from-a-workflow-run`;
        const no = refused(found.run, found.access, 'run', docs);
        if (no) return no;
        const names = runs.failedJobs(found.run);
        if (names.length === 0) return message(403, 'This workflow run cannot be retried', docs);
        return rerun(found, names, { kind: 'rerun-failed-jobs' });
      }, `${runDocs}#re-run-failed-jobs-from-a-workflow-run`),
    },
    {
      method: 'POST',
      path: `${repo}/actions/runs/:run_id/rerun`,
      handle: withRun((found) => {
        const no = refused(found.run, found.access, 'run', `${runDocs}#re-run-a-workflow`);
        return (
          no ??
          rerun(
            found,
            found.run.spec.jobs.map((spec) => spec.name),
            { kind: 'rerun-run' },
          )
        );
      }, `${runDocs}#re-run-a-workflow`),
    },
    ...(['cancel', 'force-cancel'] as const).map((verb) => ({
      method: 'POST',
      path: `${repo}/actions/runs/:run_id/${verb}`,
      handle: withRun(({ run, access }) => {
        const docs = `${runDocs}#${verb === 'cancel' ? '' : 'force-'}cancel-a-workflow-run`;
        if (access.access !== 'write') return message(403, 'Resource not accessible by personal access token', docs);
        if (latest(run).status === 'finished') {
          return message(409, 'Cannot cancel a workflow run that is completed.', docs);
        }
        runs.cancel(run);
        return { status: 202, json: {} };
      }, runDocs),
    })),
    {
      method: 'POST',
      path: `${repo}/actions/jobs/:job_id/rerun`,
      handle: withJob((found) => {
        const docs = `${runDocs}#re-run-a-job-from-a-workflow-run`;
        const no = refused(found.run, found.access, 'job', docs);
        if (no) return no;
        if (found.attempt !== latest(found.run)) return message(403, 'This workflow run cannot be retried', docs);
        return rerun(found, [found.job.spec.name], { kind: 'rerun-job', jobId: found.job.id });
      }, `${runDocs}#re-run-a-job-from-a-workflow-run`),
    },
  ];
}

function ok(json: Json): Reply {
  return { status: 200, json };
}

export function page(request: ApiRequest, items: readonly Json[], key: string): Reply {
  const size = Math.min(Math.max(Number(request.query.get('per_page') ?? 30) || 30, 1), 100);
  const number = Math.max(Number(request.query.get('page') ?? 1) || 1, 1);
  const last = Math.max(Math.ceil(items.length / size), 1);
  const link = (to: number, rel: string): string => {
    const query = new URLSearchParams(request.query);
    query.set('page', String(to));
    return `<http://${request.headers.host}${request.path}?${query}>; rel="${rel}"`;
  };
  const links = [
    ...(number > 1 ? [link(number - 1, 'prev'), link(1, 'first')] : []),
    ...(number < last ? [link(number + 1, 'next'), link(last, 'last')] : []),
  ];
  const json = { total_count: items.length, [key]: items.slice((number - 1) * size, number * size) };
  return { status: 200, json, ...(links.length > 0 ? { headers: { link: links.join(', ') } } : {}) };
}
