import { GITLAB, jobStatus, nameOf, pipelineStatus } from './gitlab-fields.ts';
import { gitlabLog, job, pipeline, pipelineBasic, testReport } from './gitlab-resources.ts';
import { type GitlabRuns, latestJobs } from './gitlab-runs.ts';
import { type Context, latest, logIsThere } from './run-state.ts';
import type { ApiRequest, Reply, Route } from './server.ts';
import type { TokenAccess } from './tokens.ts';
import type { Effect, Job, Json, RepositoryState, Run } from './types.ts';

export interface GitlabApiOptions {
  context: Context;
  runs: GitlabRuns;
  missingTrace: 'empty' | 'not-found';
  caller(request: ApiRequest, repository: string): TokenAccess | undefined;
}

export function message(status: number, text: string): Reply {
  return { status, json: { message: text } };
}

interface Visible {
  project: RepositoryState;
  access: TokenAccess;
}

export function gitlabRoutes({ context, runs, missingTrace, caller }: GitlabApiOptions): Route[] {
  const base = '/api/v4/projects/:id';

  function withProject(handle: (visible: Visible, request: ApiRequest) => Reply) {
    return (request: ApiRequest): Reply => {
      const id = (request.params.id ?? '').toLowerCase();
      const project = context.repositories.find(
        (candidate) => String(candidate.id) === id || candidate.fullName.toLowerCase() === id,
      );
      const access = project && !project.hidden ? caller(request, project.fullName) : undefined;
      return project && access ? handle({ project, access }, request) : message(404, '404 Project Not Found');
    };
  }

  function withPipeline(handle: (found: Visible & { run: Run }, request: ApiRequest) => Reply) {
    return withProject((visible, request) => {
      const run = visible.project.runs.find((candidate) => String(candidate.id) === request.params.pipeline_id);
      return run && run.attempts.length > 0 ? handle({ ...visible, run }, request) : message(404, '404 Not found');
    });
  }

  function withJob(handle: (found: Visible & { run: Run; job: Job }, request: ApiRequest) => Reply) {
    return withProject((visible, request) => {
      for (const run of visible.project.runs) {
        const job = run.attempts[0]?.jobs.find((candidate) => String(candidate.id) === request.params.job_id);
        if (job) return handle({ ...visible, run, job }, request);
      }
      return message(404, '404 Not found');
    });
  }

  function retry(found: Visible & { run: Run }, jobs: readonly Job[], effect: Pick<Effect, 'kind' | 'jobId'>) {
    const at = context.clock.now();
    const clones = runs.retry(found.run, jobs, found.access.user);
    const done: Effect = {
      ...effect,
      repository: found.project.fullName,
      runId: found.run.id,
      attempt: found.run.retries + 1,
      newJobIds: clones.map((job) => job.id),
      at,
    };
    context.effects.push(done);
    return { clones, done };
  }

  return [
    { method: 'GET', path: '/api/v4/version', handle: () => ok({ version: '18.4.1-ee', revision: '9c1b6cd4c2f' }) },
    {
      method: 'GET',
      path: base,
      handle: withProject(({ project }) =>
        ok({
          id: project.id,
          name: nameOf(project),
          path_with_namespace: project.fullName,
          default_branch: 'main',
          visibility: 'private',
          build_timeout: 3600,
          web_url: `${GITLAB}/${project.fullName}`,
        }),
      ),
    },
    {
      method: 'GET',
      path: `${base}/pipelines`,
      handle: withProject(({ project }, request) => {
        const list = project.runs
          .filter((run) => run.attempts.length > 0)
          .filter((run) => !request.query.has('ref') || run.branch === request.query.get('ref'))
          .filter((run) => !request.query.has('sha') || run.commit === request.query.get('sha'))
          .filter((run) => !request.query.has('status') || pipelineStatus(run) === request.query.get('status'))
          .map(pipelineBasic)
          .reverse();
        if (request.query.get('order_by') === 'updated_at') {
          const at = (item: Json): string => String((item as { updated_at?: Json }).updated_at);
          list.sort((a, b) => (at(a) < at(b) ? 1 : -1));
        }
        return page(request, list);
      }),
    },
    {
      method: 'GET',
      path: `${base}/pipelines/:pipeline_id`,
      handle: withPipeline(({ run }) => ok(pipeline(run))),
    },
    {
      method: 'GET',
      path: `${base}/pipelines/:pipeline_id/test_report`,
      handle: withPipeline(({ run }) => ok(testReport(latestJobs(run)))),
    },
    {
      method: 'GET',
      path: `${base}/pipelines/:pipeline_id/jobs`,
      handle: withPipeline(({ run }, request) => {
        const jobs = request.query.get('include_retried') === 'true' ? latest(run).jobs : latestJobs(run);
        return page(
          request,
          scoped(request, jobs).map((found) => job(run, found)),
        );
      }),
    },
    {
      method: 'GET',
      path: `${base}/jobs`,
      handle: withProject(({ project }, request) => {
        const all = project.runs.flatMap((run) => (run.attempts[0]?.jobs ?? []).map((found) => ({ run, found })));
        const wanted = new Set(
          scoped(
            request,
            all.map((item) => item.found),
          ),
        );
        return page(
          request,
          all
            .filter((item) => wanted.has(item.found))
            .map((item) => job(item.run, item.found))
            .reverse(),
        );
      }),
    },
    { method: 'GET', path: `${base}/jobs/:job_id`, handle: withJob((found) => ok(job(found.run, found.job))) },
    {
      method: 'GET',
      path: `${base}/jobs/:job_id/trace`,
      handle: withJob((found) => {
        const there = logIsThere(found.job, context.clock.now()) && !found.job.spec.logExpired;
        if (!there && missingTrace === 'not-found') return message(404, '404 Not found');
        const headers = {
          'content-type': 'text/plain',
          'content-disposition': `infile; filename="${found.job.id}.log"`,
        };
        return { status: 200, headers, text: there ? gitlabLog(found.job) : '' };
      }),
    },
    {
      method: 'POST',
      path: `${base}/jobs/:job_id/retry`,
      handle: withJob((found) => {
        if (!runs.retryable(found.job)) return message(403, '403 Forbidden - Job is not retryable');
        const { clones, done } = retry(found, [found.job], { kind: 'retry-job', jobId: found.job.id });
        const clone = clones[0];
        return { status: 201, effect: done, json: clone ? job(found.run, clone) : {} };
      }),
    },
    {
      method: 'POST',
      path: `${base}/pipelines/:pipeline_id/retry`,
      handle: withPipeline((found) => {
        const jobs = latestJobs(found.run).filter((candidate) => ['failed', 'canceled'].includes(jobStatus(candidate)));
        if (jobs.length === 0) return { status: 201, json: pipeline(found.run) };
        const { done } = retry(found, jobs, { kind: 'retry-pipeline' });
        return { status: 201, effect: done, json: pipeline(found.run) };
      }),
    },
    {
      method: 'POST',
      path: `${base}/pipelines/:pipeline_id/cancel`,
      // Of a pipeline that has ended nothing is left to cancel, which is no error.
      handle: withPipeline(({ run }) => {
        if (latest(run).status !== 'finished') runs.cancel(run);
        return { status: 200, json: pipeline(run) };
      }),
    },
  ];
}

function ok(json: Json): Reply {
  return { status: 200, json };
}

function scoped(request: ApiRequest, jobs: readonly Job[]): Job[] {
  const scope = [...request.query.getAll('scope'), ...request.query.getAll('scope[]')];
  return jobs.filter((found) => scope.length === 0 || scope.includes(jobStatus(found)));
}

export function page(request: ApiRequest, items: readonly Json[]): Reply {
  const size = Math.min(Math.max(Number(request.query.get('per_page') ?? 20) || 20, 1), 100);
  const number = Math.max(Number(request.query.get('page') ?? 1) || 1, 1);
  const pages = Math.max(Math.ceil(items.length / size), 1);
  const link = (to: number, rel: string): string => {
    const query = new URLSearchParams(request.query);
    query.set('page', String(to));
    return `<http://${request.headers.host}${request.path}?${query}>; rel="${rel}"`;
  };
  const links = [
    ...(number > 1 ? [link(number - 1, 'prev')] : []),
    ...(number < pages ? [link(number + 1, 'next')] : []),
    link(1, 'first'),
    link(pages, 'last'),
  ];
  return {
    status: 200,
    json: items.slice((number - 1) * size, number * size),
    headers: {
      link: links.join(', '),
      'x-page': String(number),
      'x-per-page': String(size),
      'x-next-page': number < pages ? String(number + 1) : '',
      'x-prev-page': number > 1 ? String(number - 1) : '',
      'x-total': String(items.length),
      'x-total-pages': String(pages),
    },
  };
}
