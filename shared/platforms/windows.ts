import { createHash } from 'node:crypto';
import type { WindowFact } from './port.ts';

/** Names what a window is of: what covers the same and is told by the same kind of source is one window. */
export const windowKey = (source: string, of: object): string =>
  `${source}#${createHash('sha256')
    .update(JSON.stringify(Object.entries(of).sort()))
    .digest('hex')
    .slice(0, 32)}`;

/** A deployment that says nothing of its end for so long is taken to have come to one. */
const DEPLOYS_WITHIN_MS = 60 * 60_000;

/** A deployment under way: others are not to be made in the same place meanwhile. What it came to, its run tells. */
export function windowOfDeployment(of: {
  readonly platform: string;
  readonly repository: string;
  readonly environment: string | undefined;
  readonly runId: string;
  readonly at: string;
}): WindowFact[] {
  const { platform, repository, environment, runId, at } = of;
  // Of previews there are many at once, each at an address of its own.
  if (environment === undefined || environment.toLowerCase() === 'preview') return [];
  const covers = { platform, repository, environment };
  const until = new Date(Date.parse(at) + DEPLOYS_WITHIN_MS).toISOString();
  const open = { until, reason: `a deployment to ${environment} is under way` };
  return [{ key: windowKey('deployment', covers), at, covers, runId, open }];
}
