import { Octokit } from '@octokit/rest';
import * as z from 'zod/mini';
import { isEnded } from '../../model/index.ts';
import { ids } from '../../store/keys.ts';
import { type Ask, createAsk, hasNext, unlessGone } from '../ask.ts';
import { timeOf } from '../clean.ts';
import type { Hooks } from '../hooks.ts';
import {
  type Meter,
  PlatformRefusal,
  type RunDetails,
  type RunPage,
  type Sweeper,
  type SweptRun,
  type SweptSource,
  type Told,
} from '../sweeper.ts';
import { githubApp } from './app.ts';
import type { GithubCredentials } from './credentials.ts';
import { githubDefinitions } from './definitions.ts';
import { githubHooks } from './hooks.ts';
import { workflowJob, workflowRun } from './payloads.ts';
import { statusOf } from './status.ts';

const PAGE = 100;
/** GitHub allows 256 jobs of a matrix, and several matrices. */
const MAX_JOB_PAGES = 10;

const HOUR_MS = 3_600_000;
/** https://docs.github.com/en/actions/reference/limits */
const LIMITS = { queuedMs: 24 * HOUR_MS, hostedMs: 6 * HOUR_MS, selfHostedMs: 5 * 24 * HOUR_MS };

/** What the list of runs tells beyond what their webhooks do: where they belong. */
const listed = z.object({
  path: z.nullish(z.string()),
  repository: z.looseObject({
    owner: z.nullish(z.object({ login: z.nullish(z.string()), type: z.nullish(z.string()) })),
  }),
});
const runList = z.object({ workflow_runs: z.array(z.looseObject({})) });
const jobList = z.object({ jobs: z.array(z.looseObject({})) });

/** https://docs.github.com/en/rest/about-the-rest-api/api-versions */
const HEADERS = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' };

export function openGithubSweeper({ baseUrl, token, app }: GithubCredentials, meter: Meter): Sweeper {
  const tokens = app && githubApp(new Octokit({ baseUrl, userAgent: 'qmoi' }), baseUrl, app);
  /** The App's token where it is installed, as it has limits of its own; else the personal one. */
  const authorize = async (path: string) => {
    const [, kind, owner = '', repo = ''] = path.split(/[/?]/).map(decodeURIComponent);
    if (kind === 'app' && tokens !== undefined)
      return { ...HEADERS, authorization: `bearer ${await tokens.ownToken()}` };
    // An organisation's own affairs are not an installation's on one of its repositories.
    const found = (kind === 'repos' ? await tokens?.tokenFor(owner, repo) : undefined) ?? token;
    if (found === undefined) throw new PlatformRefusal(401, `the GitHub App is not installed on ${owner}/${repo}`);
    return { ...HEADERS, authorization: `token ${found}` };
  };
  const ask = createAsk({ baseUrl, headers: authorize, meter, now: Date.now });
  return githubSweeper(ask, githubHooks(ask, { app: tokens !== undefined }));
}

/** GitHub's runs and jobs as its webhooks would have told of them. */
export function githubSweeper(ask: Ask, hooks: Hooks): Sweeper {
  /** The last page of runs that was read, by run and attempt: jobs are told with their run's repository. */
  const around = new Map<string, object>();

  async function runs({ repository }: SweptSource, page: number, etag?: string): Promise<RunPage | undefined> {
    const path = `/repos/${pathOf(repository)}/actions/runs?per_page=${PAGE}&page=${page}`;
    const answer = await ask('GET', path, { etag: page === 1 ? etag : undefined });
    if (answer.status === 304) return undefined;
    const found = runList.parse(answer.json).workflow_runs.flatMap((native) => {
      const swept = sweptRun(native, around);
      return swept === undefined ? [] : [swept];
    });
    return { runs: found, more: hasNext(answer.headers), etag: answer.headers.get('etag') ?? undefined };
  }

  async function details({ repository }: SweptSource, run: SweptRun): Promise<RunDetails> {
    const jobs: RunDetails['jobs'][number][] = [];
    const attempt = `/repos/${pathOf(repository)}/actions/runs/${run.externalId}/attempts/${run.attempt ?? 1}`;
    for (let page = 1; page <= MAX_JOB_PAGES; page++) {
      const answer = await ask('GET', `${attempt}/jobs?per_page=${PAGE}&page=${page}`);
      const context = around.get(keyOf(run));
      for (const native of jobList.parse(answer.json).jobs) {
        const parsed = workflowJob.safeParse({ ...context, workflow_job: native });
        if (!parsed.success) continue;
        const { status, conclusion, id, run_id } = parsed.data.workflow_job;
        const told = { event: 'workflow_job', action: status, payload: { ...parsed.data, action: status } };
        jobs.push({ id: ids.job('github', run_id, id), ended: isEnded(statusOf(status, conclusion) ?? ''), told });
      }
      if (!hasNext(answer.headers)) break;
    }
    return { jobs };
  }

  async function find({ repository }: SweptSource, { externalId, attempt }: { externalId: string; attempt: number }) {
    const path = `/repos/${pathOf(repository)}/actions/runs/${externalId}/attempts/${attempt}`;
    const answer = await unlessGone(ask('GET', path));
    if (answer !== undefined) return sweptRun(z.looseObject({}).parse(answer.json), around);
    // A repository that the token does not reach answers the same: then this throws.
    await ask('GET', `/repos/${pathOf(repository)}`);
    return undefined;
  }

  return { hooks, endTellsJobs: false, limits: LIMITS, runs, find, details, definitions: githubDefinitions(ask) };
}

/** Undefined when the run is not of the form that webhooks have. */
function sweptRun(native: object, around: Map<string, object>): SweptRun | undefined {
  const place = listed.safeParse(native).data;
  if (place === undefined) return undefined;
  const { owner, ...repository } = place.repository;
  // A path may carry the ref that it was read from.
  const workflow = { name: (native as { name?: unknown }).name, path: place.path?.split('@', 1)[0] };
  const parsed = workflowRun.safeParse({ repository, workflow, workflow_run: native });
  if (!parsed.success) return undefined;
  const { workflow_run: run } = parsed.data;
  const createdAt = timeOf(run.created_at);
  const updatedAt = timeOf(run.updated_at) ?? createdAt;
  if (createdAt === undefined || updatedAt === undefined) return undefined;
  const status = statusOf(run.status, run.conclusion) ?? 'queued';
  const told: Told = {
    event: 'workflow_run',
    action: run.status,
    payload: { ...parsed.data, action: run.status },
  };
  const swept = {
    externalId: String(run.id),
    attempt: run.run_attempt ?? 1,
    alike: String(run.workflow_id),
    createdAt,
    updatedAt,
    ended: isEnded(status),
    told,
  };
  // Runners belong to the organisation, where there is one.
  const organization = owner?.type === 'Organization' ? { login: owner.login } : undefined;
  around.set(keyOf(swept), { repository, ...(organization && { organization }) });
  return swept;
}

const keyOf = (run: Pick<SweptRun, 'externalId' | 'attempt'>): string => `${run.externalId}.${run.attempt}`;

/** `owner/name`, each as one part of a path. */
const pathOf = (repository: string): string => repository.split('/', 2).map(encodeURIComponent).join('/');
