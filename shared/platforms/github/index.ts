import { isEnded, type Job, type Run } from '../../model/index.ts';
import { type Platform, RETRY_PLAYBOOK, type ReadParameters, type RetryOption } from '../port.ts';
import { normalise } from './normalise.ts';
import { read, verify } from './receive.ts';

const DEFAULT_URL = 'https://api.github.com';

export const github: Platform = {
  name: 'github',
  title: 'GitHub',
  verify,
  read,
  normalise,
  retryOptions,
  async client(parameters: ReadParameters) {
    const values = await parameters(['github-token', 'github-api-url']);
    const token = values['github-token']?.trim();
    if (!token) return undefined;
    // Only those who call GitHub pay for loading its client.
    const { githubClient } = await import('./client.ts');
    return githubClient({ token, baseUrl: (values['github-api-url']?.trim() || DEFAULT_URL).replace(/\/+$/, '') });
  },
};

/** One call reruns all failed jobs of a run, as its next attempt. */
function retryOptions(run: Run, failed: readonly Job[]): RetryOption[] {
  if (!isEnded(run.status) || failed.length === 0) return [];
  return [
    {
      action: 'rerun-failed-jobs',
      playbook: RETRY_PLAYBOOK,
      part: String(run.attempt),
      subject: run.id,
      externalId: run.externalId,
      attempt: run.attempt,
      jobs: failed,
    },
  ];
}
