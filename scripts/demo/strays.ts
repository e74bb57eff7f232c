import { createHmac, randomUUID } from 'node:crypto';
import type { Delivery, Repository } from '../../test/support/forges/index.ts';
import type { Stray } from './scenario/index.ts';

export interface StrayParts {
  readonly github: Repository;
  readonly gitlab: Repository;
  /** GitHub's webhook secret. */
  readonly secret: string;
}

/** Requests as they reach any public address: some of the platform's own, some of nobody's. */
export function strayOf(kind: Stray, { github, gitlab, secret }: StrayParts): Delivery {
  switch (kind) {
    case 'github-ping':
      return github.ping();
    case 'github-unknown-event':
      return changed(github.ping(), kind, { 'x-github-event': 'star' });
    case 'github-bad-signature':
      return changed(github.ping(), kind, { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` });
    case 'github-wrong-shape': {
      const body = JSON.stringify({ action: 'completed', workflow_job: { id: 'not a number' } });
      const signature = createHmac('sha256', secret).update(body).digest('hex');
      const sent = changed(github.ping(), kind, {
        'x-github-event': 'workflow_job',
        'x-hub-signature-256': `sha256=${signature}`,
      });
      return { ...sent, body };
    }
    case 'gitlab-unknown-event':
      return gitlab.ping();
    case 'gitlab-bad-token':
      return changed(gitlab.ping(), kind, { 'x-gitlab-token': 'somebody-elses' });
  }
}

function changed(delivery: Delivery, label: string, headers: Record<string, string>): Delivery {
  const id = randomUUID();
  const name = 'x-github-delivery' in delivery.headers ? 'x-github-delivery' : 'idempotency-key';
  return { ...delivery, id, label, headers: { ...delivery.headers, [name]: id, ...headers } };
}
