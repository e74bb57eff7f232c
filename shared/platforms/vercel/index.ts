import type { Platform, ReadParameters } from '../port.ts';
import { onlyAsNamed } from '../single-run.ts';
import { normalise } from './normalise.ts';
import { read, verify } from './receive.ts';

const DEFAULT_URL = 'https://api.vercel.com';

export const vercel: Platform = {
  name: 'vercel',
  title: 'Vercel',
  verifiedWith: ['vercel-webhook-secret'],
  verify,
  read,
  normalise,
  // A failed deployment is deployed anew, as another one.
  retryOptions: onlyAsNamed('redeploy'),
  async client(parameters: ReadParameters) {
    const values = await parameters(['vercel-token', 'vercel-api-url']);
    const token = values['vercel-token']?.trim();
    if (!token) return undefined;
    const { vercelClient } = await import('./client.ts');
    return vercelClient({ token, baseUrl: (values['vercel-api-url']?.trim() || DEFAULT_URL).replace(/\/+$/, '') });
  },
};
