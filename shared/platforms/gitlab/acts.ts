import * as z from 'zod/mini';
import { type Actions, byFinding, byState, call, numberIn, parameter, type Seen, shaped } from '../action.ts';
import type { ActionRequest } from '../port.ts';
import { RETRY } from './actions.ts';
import { issueActs } from './issue-acts.ts';
import { projectPath } from './paths.ts';

/** What QMOI can do on GitLab. https://docs.gitlab.com/api/{jobs,pipelines,runners,pipeline_schedules} */

const answered = { on: 'run', proof: 'answer' } as const;

const pipelinePath = (of: ActionRequest, more = ''): string | undefined => {
  const id = numberIn(of.runId.split(':')[1]);
  return id && projectPath(of, `/pipelines/${id}${more}`);
};
const jobPath = (of: ActionRequest, more = ''): string | undefined =>
  numberIn(of.externalId) && projectPath(of, `/jobs/${of.externalId}${more}`);
/** Old jobs lie beside those that have taken their place; the newest come first. */
const everyJob = {
  pages: 10,
  reads: (of: ActionRequest) => pipelinePath(of, '/jobs?include_retried=true&per_page=100'),
};

const status = z.object({ status: z.string() });
const jobs = z.array(z.object({ id: z.number(), name: z.string() }));
const ENDED = new Set(['success', 'failed', 'canceled', 'canceling', 'skipped']);

const runner = z.object({ paused: z.boolean(), status: z.optional(z.string()) });
const runnerPath = (of: ActionRequest): string | undefined => {
  const id = numberIn(parameter(of, 'runner'));
  return id && `/runners/${id}`;
};
const paused = (wanted: boolean) => ({
  ...answered,
  tier: 2 as const,
  needs: ['runner'],
  first: true as const,
  reads: runnerPath,
  means(seen: Seen) {
    const found = shaped(runner, seen)?.paused;
    return byState(found === undefined ? undefined : found === wanted);
  },
  request: (of: ActionRequest) => call('PUT', runnerPath(of), { paused: wanted }),
});

const schedulePath = (of: ActionRequest): string | undefined => {
  const id = numberIn(parameter(of, 'schedule'));
  return id && projectPath(of, `/pipeline_schedules/${id}`);
};
const active = (wanted: boolean) => ({
  ...answered,
  tier: 2 as const,
  needs: ['schedule'],
  first: true as const,
  reads: schedulePath,
  means(seen: Seen) {
    const found = shaped(z.object({ active: z.boolean() }), seen)?.active;
    return byState(found === undefined ? undefined : found === wanted);
  },
  request: (of: ActionRequest) => call('PUT', schedulePath(of), { active: wanted }),
});

export const gitlabActions: Actions = {
  [RETRY]: {
    does: 'tries one job again',
    tier: 1,
    on: 'job',
    proof: 'next-attempt',
    ...everyJob,
    // A retry leaves a newer job of the same name behind.
    means(seen, { externalId }) {
      const found = shaped(jobs, seen);
      const own = found?.find(({ id }) => String(id) === externalId);
      if (own === undefined) return 'unclear';
      return byFinding(
        found?.some(({ id, name }) => name === own.name && id > own.id),
        seen,
      );
    },
    request: (of) => call('POST', jobPath(of, '/retry')),
    detail(json) {
      const clone = shaped(z.object({ id: z.number() }), { json, partial: false })?.id;
      return clone === undefined ? undefined : `accepted as job ${clone}`;
    },
  },
  'retry-pipeline': {
    does: 'tries the failed and cancelled jobs of a pipeline again',
    tier: 1,
    on: 'run',
    proof: 'next-attempt',
    ...everyJob,
    // Each attempt leaves one more job of a name behind.
    means(seen, { attempt }) {
      const counts = new Map<string, number>();
      const found = shaped(jobs, seen);
      for (const { name } of found ?? []) counts.set(name, (counts.get(name) ?? 0) + 1);
      return byFinding(found && Math.max(0, ...counts.values()) > attempt, seen);
    },
    request: (of) => call('POST', pipelinePath(of, '/retry')),
  },
  'cancel-pipeline': {
    does: 'cancels a pipeline',
    tier: 3,
    on: 'run',
    proof: 'run-ended',
    reads: (of) => pipelinePath(of),
    means(seen) {
      const found = shaped(status, seen)?.status;
      return byState(found === undefined ? undefined : ENDED.has(found));
    },
    shows(seen) {
      const found = shaped(status, seen)?.status;
      const over = found !== undefined && ENDED.has(found) && found !== 'canceling';
      return found === undefined
        ? undefined
        : { status: over ? 'succeeded' : 'pending', detail: `the pipeline is ${found}` };
    },
    request: (of) => call('POST', pipelinePath(of, '/cancel')),
  },
  'play-job': {
    does: 'starts a job that waits for a person',
    tier: 3,
    on: 'job',
    proof: 'answer',
    reads: (of) => jobPath(of),
    means(seen) {
      const found = shaped(status, seen)?.status;
      return byState(found === undefined ? undefined : found !== 'manual');
    },
    request: (of) => call('POST', jobPath(of, '/play')),
  },
  'pause-runner': { does: 'has a runner take no new jobs', ...paused(true), inverse: 'resume-runner' },
  'resume-runner': { does: 'has a runner take jobs again', ...paused(false), inverse: 'pause-runner' },
  'delete-offline-runner': {
    does: 'takes a runner off the list, provided that it is offline',
    ...answered,
    tier: 3,
    needs: ['runner'],
    first: true,
    removes: true,
    reads: runnerPath,
    means: (seen) => byState(shaped(runner, seen) === undefined ? undefined : false),
    unfit(seen) {
      const found = shaped(runner, seen)?.status ?? 'of an unknown status';
      return found === 'offline' || found === 'stale' ? undefined : `the runner is ${found}, and not offline`;
    },
    request: (of) => call('DELETE', runnerPath(of)),
  },
  'activate-schedule': { does: 'activates a schedule', ...active(true), inverse: 'deactivate-schedule' },
  'deactivate-schedule': { does: 'deactivates a schedule', ...active(false), inverse: 'activate-schedule' },
  ...issueActs,
};
