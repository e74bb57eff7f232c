import { isEnded, type Job, type Run } from '../../model/index.ts';
import { type Platform, RETRY_PLAYBOOK, type ReadParameters, type RetryOption } from '../port.ts';
import { place } from './attempts.ts';
import { normalise } from './normalise.ts';
import { read, verify } from './receive.ts';

const DEFAULT_URL = 'https://gitlab.com';

export const gitlab: Platform = {
  name: 'gitlab',
  title: 'GitLab',
  verify,
  read,
  normalise,
  place,
  retryOptions,
  async client(parameters: ReadParameters) {
    const values = await parameters(['gitlab-token', 'gitlab-url']);
    const token = values['gitlab-token']?.trim();
    if (!token) return undefined;
    // Only those who call GitLab pay for loading its client.
    const { gitlabClient } = await import('./client.ts');
    return gitlabClient({ token, host: (values['gitlab-url']?.trim() || DEFAULT_URL).replace(/\/+$/, '') });
  },
};

/** Each failed job is retried by itself; those that may fail are left alone. */
function retryOptions(run: Run, failed: readonly Job[]): RetryOption[] {
  if (!isEnded(run.status)) return [];
  return failed
    .filter((job) => job.allowFailure !== true)
    .map((job) => ({
      action: 'retry-job',
      playbook: RETRY_PLAYBOOK,
      part: job.externalId,
      subject: job.id,
      externalId: job.externalId,
      attempt: job.attempt,
      jobs: [job],
    }));
}
