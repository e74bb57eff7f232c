import type { Platform, ReadParameters } from '../port.ts';
import type { Meter } from '../sweeper.ts';
import { retryOptions } from './actions.ts';
import { place } from './attempts.ts';
import { normalise } from './normalise.ts';
import { read, verify } from './receive.ts';

const DEFAULT_URL = 'https://gitlab.com';

export const gitlab: Platform = {
  name: 'gitlab',
  title: 'GitLab',
  verifiedWith: ['gitlab-webhook-token', 'gitlab-signing-token'],
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
  async sweeper(parameters: ReadParameters, meter: Meter) {
    const values = await parameters(['gitlab-token', 'gitlab-url']);
    const token = values['gitlab-token']?.trim();
    if (!token) return undefined;
    const { openGitlabSweeper } = await import('./sweep.ts');
    const host = (values['gitlab-url']?.trim() || DEFAULT_URL).replace(/\/+$/, '');
    return openGitlabSweeper({ token, host, meter });
  },
};
