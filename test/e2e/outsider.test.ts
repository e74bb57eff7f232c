import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../support/client.ts';
import { TestHost } from '../support/host.ts';
import { UNREACHABLE } from './support/scenario.ts';

/** QMOI before a server that nobody of this project made to please it: as someone would write who has only read the README. */

const SECRET = 'an outsiders secret';
const calls: string[] = [];
let github: Server;
let host: TestHost;

beforeAll(async () => {
  github = createServer((request, response) => {
    calls.push(`${request.method} ${request.url}`);
    if (request.method === 'GET' && request.url === '/repos/acme/shop/actions/jobs/21/logs') response.end(UNREACHABLE);
    else if (request.url === '/repos/acme/shop/actions/runs/11/rerun-failed-jobs') response.writeHead(201).end();
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(github, 'listening');
  host = await TestHost.boot({
    settings: {
      QMOI_GITHUB_API_URL: `http://127.0.0.1:${(github.address() as AddressInfo).port}`,
      QMOI_GITHUB_TOKEN: 'any',
      QMOI_GITHUB_WEBHOOK_SECRET: SECRET,
    },
  });
});
afterAll(async () => {
  await host?.end();
  github?.close();
});

async function deliver(event: string, payload: object): Promise<unknown> {
  const body = JSON.stringify({ action: 'completed', repository: { id: 1, full_name: 'acme/shop' }, ...payload });
  const answer = await host.request('/webhooks/github', {
    method: 'POST',
    token: undefined,
    headers: {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': `${event}-1`,
      'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
    },
    body,
  });
  expect(answer.status).toBe(202);
  return answer.json;
}

it('fixes a run from two small deliveries', async () => {
  const ended = { status: 'completed', conclusion: 'failure', run_attempt: 1 };
  const now = new Date().toISOString();
  expect(
    await deliver('workflow_job', { workflow_job: { ...ended, id: 21, run_id: 11, name: 'test', completed_at: now } }),
  ).toEqual({ deliveryId: expect.any(String), status: 'received' });
  await deliver('workflow_run', { workflow_run: { ...ended, id: 11, workflow_id: 5, name: 'ci', updated_at: now } });
  await until('the rerun', () => calls.some((call) => call.startsWith('POST ')));
  await host.settled();
  expect(calls).toEqual([
    'GET /repos/acme/shop/actions/jobs/21/logs',
    'POST /repos/acme/shop/actions/runs/11/rerun-failed-jobs',
  ]);
  const [failures, incidents, remediations] = await Promise.all(
    (['failures', 'incidents', 'remediations'] as const).map((name) => host.list(name)),
  );
  expect(failures).toMatchObject([{ category: 'network', transient: true, excerpt: UNREACHABLE }]);
  expect(incidents).toMatchObject([{ status: 'fixing', id: failures?.[0]?.incidentId }]);
  expect(remediations).toMatchObject([{ status: 'verifying', action: 'rerun-failed-jobs' }]);
});
