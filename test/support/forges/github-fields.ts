import { stepResults } from './run-state.ts';
import type { Job, Json } from './types.ts';

/** GitHub rounds to seconds. */
export function seconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export function status(status: Job['status']): string {
  return { created: 'queued', queued: 'queued', running: 'in_progress', finished: 'completed' }[status];
}

export function steps(job: Job): Json[] {
  if (job.startedAt === null || job.conclusion === 'skipped') return [];
  const at = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}.000Z`;
  if (job.finishedAt === null) {
    return [
      {
        name: 'Set up job',
        status: 'in_progress',
        conclusion: null,
        number: 1,
        started_at: at(job.startedAt),
        completed_at: null,
      },
    ];
  }
  const results = [
    { name: 'Set up job', conclusion: 'success' },
    ...stepResults(job),
    { name: 'Complete job', conclusion: 'success' },
  ];
  const start = job.startedAt;
  const share = (job.finishedAt - start) / results.length;
  return results.map((step, index) => ({
    name: step.name,
    status: 'completed',
    conclusion: step.conclusion,
    number: index + 1,
    started_at: at(start + share * index),
    completed_at: at(start + share * (index + 1)),
  }));
}
