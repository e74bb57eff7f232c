import * as z from 'zod/mini';
import { isEnded } from '../../model/index.ts';
import { ids } from '../../store/keys.ts';
import { type Ask, createAsk, hasNext, unlessGone } from '../ask.ts';
import { timeOf } from '../clean.ts';
import type { KnownRun } from '../port.ts';
import { platformId } from '../request.ts';
import type { Meter, RunDetails, RunPage, Sweeper, SweptRun, SweptSource } from '../sweeper.ts';
import { gitlabDefinitions } from './definitions.ts';
import { gitlabHooks } from './hooks.ts';
import { pipelineEvent } from './payloads.ts';
import { NATIVE_STATUSES, statusOf } from './status.ts';

const PAGE = 100;
const MAX_JOB_PAGES = 10;

/** After a day GitLab drops a job that no runner takes; how long a job may run is each project's to say, or its own, and seldom more. */
const DAY_MS = 86_400_000;
const LIMITS = { queuedMs: DAY_MS, hostedMs: DAY_MS, selfHostedMs: DAY_MS };

const text = z.nullish(z.string());
const status = z.enum(NATIVE_STATUSES);
const listedPipeline = z.object({ id: platformId, project_id: platformId, status, created_at: text, updated_at: text });
const pipeline = z.object({
  id: platformId,
  name: text,
  ref: text,
  sha: text,
  source: text,
  status,
  created_at: text,
  finished_at: text,
  web_url: text,
});
const job = z.looseObject({
  id: platformId,
  status,
  created_at: text,
  started_at: text,
  finished_at: text,
});

export function openGitlabSweeper({ token, host, meter }: { token: string; host: string; meter: Meter }): Sweeper {
  return gitlabSweeper(
    createAsk({ baseUrl: `${host}/api/v4`, headers: async () => ({ 'private-token': token }), meter, now: Date.now }),
  );
}

/** GitLab's pipelines with their jobs, as the webhook of a pipeline would have told of them. */
export function gitlabSweeper(ask: Ask): Sweeper {
  async function runs(source: SweptSource, page: number, etag?: string): Promise<RunPage | undefined> {
    const query = `order_by=updated_at&sort=desc&per_page=${PAGE}&page=${page}`;
    const answer = await ask('GET', `/projects/${projectOf(source)}/pipelines?${query}`, {
      etag: page === 1 ? etag : undefined,
    });
    if (answer.status === 304) return undefined;
    const found = z.array(z.unknown()).parse(answer.json).flatMap(sweptRun);
    return { runs: found, more: hasNext(answer.headers), etag: answer.headers.get('etag') ?? undefined };
  }

  /** Two calls: only the pipeline itself tells when it ended, and only its jobs what became of each; one, where that is known. */
  async function details(source: SweptSource, run: SweptRun, heard?: KnownRun): Promise<RunDetails> {
    const path = `/projects/${projectOf(source)}/pipelines/${run.externalId}`;
    const native = pipeline.parse((await ask('GET', path)).json);
    const known = heard && buildsIn(heard);
    const jobs: z.infer<typeof job>[] = known ?? [];
    for (let page = 1; known === undefined && page <= MAX_JOB_PAGES; page++) {
      const answer = await ask('GET', `${path}/jobs?per_page=${PAGE}&page=${page}`);
      jobs.push(...z.array(job).parse(answer.json));
      if (!hasNext(answer.headers)) break;
    }
    const payload = pipelineEvent.parse({
      object_attributes: {
        ...native,
        url: native.web_url,
        created_at: hookTime(native.created_at),
        finished_at: hookTime(native.finished_at),
      },
      project: {
        id: Number(run.alike),
        path_with_namespace: source.repository,
        web_url: native.web_url?.split('/-/', 1)[0],
      },
      builds: jobs.map((each) => ({
        ...each,
        created_at: hookTime(each.created_at),
        started_at: hookTime(each.started_at),
        finished_at: hookTime(each.finished_at),
      })),
    });
    return {
      run: { event: 'Pipeline Hook', action: native.status, payload },
      jobs: jobs.map(({ id, status: word }) => ({
        id: ids.job('gitlab', native.id, id),
        ended: isEnded(statusOf(word)),
      })),
    };
  }

  async function find(source: SweptSource, { externalId }: { externalId: string }): Promise<SweptRun | undefined> {
    const answer = await unlessGone(ask('GET', `/projects/${projectOf(source)}/pipelines/${externalId}`));
    if (answer !== undefined) return sweptRun(answer.json)[0];
    // A project that the token does not reach answers the same: then this throws.
    await ask('GET', `/projects/${projectOf(source)}`);
    return undefined;
  }

  const definitions = gitlabDefinitions(ask);
  return { hooks: gitlabHooks(ask), endTellsJobs: true, limits: LIMITS, runs, find, details, definitions };
}

const NATIVE = {
  succeeded: 'success',
  failed: 'failed',
  'timed-out': 'failed',
  canceled: 'canceled',
  skipped: 'skipped',
  waiting: 'manual',
} as const;

/**
 * The jobs of a pipeline as they were heard of, where all of them were, with their end; undefined otherwise. Each webhook of
 * a pipeline names all of its jobs, and only these tell its source: after one, none is unknown. A retry adds others.
 */
function buildsIn({ runs, jobs }: KnownRun): z.infer<typeof job>[] | undefined {
  if (runs.length !== 1 || runs[0]?.event === undefined || jobs.length === 0) return undefined;
  const builds = jobs.flatMap((one) => {
    const word = (NATIVE as Partial<Record<string, z.infer<typeof status>>>)[one.status];
    if (word === undefined) return [];
    return {
      id: Number(one.externalId),
      name: one.name ?? '',
      stage: one.stage,
      status: word,
      created_at: one.queuedAt,
      started_at: one.startedAt,
      finished_at: one.endedAt,
      allow_failure: one.allowFailure,
      failure_reason: one.failureReason,
    };
  });
  return builds.length === jobs.length ? builds : undefined;
}

function sweptRun(native: unknown): SweptRun[] {
  const parsed = listedPipeline.safeParse(native).data;
  const createdAt = timeOf(parsed?.created_at);
  const updatedAt = timeOf(parsed?.updated_at) ?? createdAt;
  if (parsed === undefined || createdAt === undefined || updatedAt === undefined) return [];
  const { id, project_id, status: word } = parsed;
  return [{ externalId: String(id), alike: String(project_id), createdAt, updatedAt, ended: isEnded(statusOf(word)) }];
}

/**
 * The API tells milliseconds, hooks whole seconds. The same end told with two times would be two ends, and so an attempt
 * that never was.
 */
const hookTime = (time: string | null | undefined): string | undefined => timeOf(time)?.replace(/\.\d{3}Z$/, '.000Z');

const projectOf = ({ repository, repositoryId }: SweptSource): string => encodeURIComponent(repositoryId ?? repository);
