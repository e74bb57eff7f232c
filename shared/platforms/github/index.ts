import type { Platform, ReadParameters } from '../port.ts';
import { retryOptions } from './actions.ts';
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
