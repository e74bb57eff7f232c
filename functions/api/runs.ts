import type { Automation, Job, Run } from '../../shared/model/index.ts';
import type { Store } from '../../shared/store/index.ts';
import { progressOf, readRun } from '../../shared/tracking/index.ts';
import type { JsonSchema, View } from './views.ts';

/** What the API says of runs beyond what is stored of them. */

/** A run with more jobs shows the first of them here, and all of them under /v1/jobs?runId=. */
const MAX_JOBS = 100;

const time = { type: ['string', 'null'], format: 'date-time' };
const maybe = (type: string) => ({ type: [type, 'null'] });
const object = (properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});
const stretch = {
  status: { type: 'string' },
  attempt: { type: 'number' },
  startedAt: time,
  endedAt: time,
  seconds: { ...maybe('number'), description: 'How long it was at work.' },
};

export const RUN_EXTRAS: Readonly<Record<string, JsonSchema>> = {
  progress: { ...maybe('number'), description: 'From 0 to 1, by how long its automation took before.' },
  expectedEndAt: {
    ...time,
    description: 'When half of the runs that took as long as this one already has, had ended.',
  },
  latestEndAt: { ...time, description: 'When nine in ten of them had.' },
  attempts: {
    type: ['array', 'null'],
    description: `Every attempt with its jobs, at most ${MAX_JOBS} each; null in lists.`,
    items: object({
      id: { type: 'string' },
      ...stretch,
      jobs: { type: 'array', items: object({ id: { type: 'string' }, name: maybe('string'), ...stretch }) },
    }),
  },
};

/** Says of each run how far it is. */
export async function addProgress(store: Store, runs: readonly Run[], views: readonly View[]): Promise<void> {
  const open = runs.filter(({ startedAt, endedAt }) => startedAt !== undefined && endedAt === undefined);
  const ids = new Set(open.flatMap(({ automationId }) => automationId ?? []));
  const known =
    ids.size === 0 ? new Map() : await store.getMany([...ids].map((id) => ({ entity: 'automation' as const, id })));
  for (const [index, run] of runs.entries()) {
    const automation = known.get(`automation ${run.automationId}`) as Automation | null | undefined;
    Object.assign(views[index] ?? {}, { attempts: null }, progressOf(run, automation?.recent ?? [], store.now()));
  }
}

/** The attempts of a run, side by side. */
export async function attemptsOf(store: Store, run: Run): Promise<View[]> {
  const { runs, jobs } = await readRun(store, run.id);
  return runs
    .sort((a, b) => a.attempt - b.attempt)
    .map((each) => ({
      id: each.id,
      ...stretchOf(each),
      jobs: jobs
        .filter(({ runId }) => runId === each.id)
        .sort((a, b) => `${a.startedAt ?? '~'}${a.id}`.localeCompare(`${b.startedAt ?? '~'}${b.id}`))
        .slice(0, MAX_JOBS)
        .map((job) => ({ id: job.id, name: job.name ?? null, ...stretchOf(job) })),
    }));
}

function stretchOf({ status, attempt, startedAt, endedAt }: Run | Job): View {
  const took = startedAt && endedAt ? (Date.parse(endedAt) - Date.parse(startedAt)) / 1000 : Number.NaN;
  return {
    ...{ status, attempt, startedAt: startedAt ?? null, endedAt: endedAt ?? null },
    seconds: took >= 0 ? Math.round(took) : null,
  };
}
