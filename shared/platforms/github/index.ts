import type { Platform, ReadParameters } from '../port.ts';
import type { Meter } from '../sweeper.ts';
import { retryOptions } from './actions.ts';
import { credentialsOf } from './credentials.ts';
import { normalise } from './normalise.ts';
import { read, verify } from './receive.ts';

export const github: Platform = {
  name: 'github',
  title: 'GitHub',
  verifiedWith: ['github-webhook-secret'],
  verify,
  read,
  normalise,
  retryOptions,
  async client(parameters: ReadParameters) {
    const credentials = await credentialsOf(parameters);
    if (credentials === undefined) return undefined;
    // Only those who call GitHub pay for loading its client.
    const { githubClient } = await import('./client.ts');
    return githubClient(credentials);
  },
  async sweeper(parameters: ReadParameters, meter: Meter) {
    const credentials = await credentialsOf(parameters);
    if (credentials === undefined) return undefined;
    const { openGithubSweeper } = await import('./sweep.ts');
    return openGithubSweeper(credentials, meter);
  },
};
