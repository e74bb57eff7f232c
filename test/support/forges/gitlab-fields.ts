import { latestJobs } from './gitlab-runs.ts';
import { latest } from './run-state.ts';
import type { Job, RepositoryState, Run } from './types.ts';

export const GITLAB = 'https://gitlab.example';

/** Hooks carry Ruby's Time#to_s, cut to seconds, where the API has ISO 8601. */
export function hookTime(ms: number | null): string | null {
  return ms === null ? null : `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

export function jobStatus(job: Job): string {
  if (job.status !== 'finished') return { created: 'created', queued: 'pending', running: 'running' }[job.status];
  const ended = {
    success: 'success',
    failure: 'failed',
    timed_out: 'failed',
    cancelled: 'canceled',
    skipped: 'skipped',
  };
  return ended[job.conclusion ?? 'success'];
}

export function failureReason(job: Job): string | undefined {
  if (jobStatus(job) !== 'failed') return undefined;
  return job.spec.failureReason ?? (job.conclusion === 'timed_out' ? 'job_execution_timeout' : 'script_failure');
}

export function pipelineStatus(run: Run): string {
  const pipeline = latest(run);
  if (pipeline.status !== 'finished')
    return { created: 'created', queued: 'pending', running: 'running' }[pipeline.status];
  const ended = {
    success: 'success',
    failure: 'failed',
    timed_out: 'failed',
    cancelled: 'canceled',
    skipped: 'skipped',
  };
  return ended[pipeline.conclusion ?? 'success'];
}

export function jobDuration(job: Job): number | null {
  return job.startedAt === null || job.finishedAt === null ? null : (job.finishedAt - job.startedAt) / 1000;
}

export function jobQueued(job: Job): number | null {
  return job.queuedAt === null || job.startedAt === null ? null : (job.startedAt - job.queuedAt) / 1000;
}

export function pipelineDuration(run: Run): number | null {
  if (run.finishedAt === null) return null;
  return Math.round(latestJobs(run).reduce((sum, job) => sum + (jobDuration(job) ?? 0), 0));
}

export function userId(login: string): number {
  return login === 'root' ? 1 : 4_211;
}

export function nameOf(repository: RepositoryState): string {
  return repository.fullName.split('/').at(-1) ?? '';
}
