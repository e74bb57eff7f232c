import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { expect, it } from 'vitest';
import * as z from 'zod/mini';
import { receive } from '../../functions/receive-webhook/receive.ts';
import type { Run } from '../../shared/model/index.ts';
import { present } from '../../shared/platforms/clean.ts';
import { type DeliveredEvent, type Platform, type PlatformFacts, platforms } from '../../shared/platforms/index.ts';
import * as request from '../../shared/platforms/request.ts';
import { factsOfSingleRun } from '../../shared/platforms/single-run.ts';
import { ids } from '../../shared/store/index.ts';
import { recordDelivery } from '../../shared/tracking/index.ts';
import { parametersOf } from '../support/contract/kept.ts';
import { type ContractFake, describePlatform } from '../support/contract/platform.ts';
import { withTable } from '../support/table.ts';

/** What adding a platform takes: the twenty lines below, a normaliser, and its name in the list of platforms. */
const build = z.object({
  ...{ id: z.string().check(z.regex(/^\w{1,64}$/)), build: z.int(), project: z.string(), at: z.iso.datetime() },
  passed: z.nullable(z.boolean()),
});
const crane: Platform = {
  name: 'crane',
  title: 'Crane',
  verifiedWith: ['crane-webhook-secret'],
  verify: request.verifiedBySecret('x-crane-secret', 'crane-webhook-secret'),
  read({ headers, body }) {
    if (request.mediaTypeOf(headers['content-type']) !== 'application/json') return request.malformed('no JSON', 415);
    const read = build.safeParse(request.jsonOf(body.toString('utf8')));
    if (read.success)
      return { kind: 'delivery', externalId: read.data.id, event: 'build', repository: read.data.project };
    const [externalId, reason] = [request.contentHash(body), request.mismatchOf(read.error)];
    return { kind: 'quarantined', externalId, event: 'build', reason };
  },
  normalise,
  retryOptions: () => [],
  client: async () => undefined,
};

function normalise({ body, origin }: DeliveredEvent): PlatformFacts {
  const { build: number, project, passed, at } = build.parse(request.jsonOf(body.toString('utf8')));
  const status: Run['status'] = passed === null ? 'queued' : passed ? 'succeeded' : 'failed';
  const externalId = `build-${number}`;
  const times = present({ queuedAt: passed === null ? at : undefined, endedAt: passed === null ? undefined : at });
  const common = { platform: 'crane', externalId, repository: project, repositoryId: project, status, statusAt: at };
  const facts = factsOfSingleRun(
    { ...common, ...times, kind: 'build', automation: { externalId: project, name: project } },
    origin,
  );
  const place = { id: ids.job('crane', externalId, 'build'), runId: ids.run('crane', externalId, 1) };
  return { ...facts, jobs: [{ ...common, ...times, ...place, name: 'build', attempt: 1, steps: [], origin }] };
}

const SECRET = 'of-the-crane';
let events = 0;
const told = (passed: boolean | null, at: string, number = 1) => ({
  event: 'build',
  headers: { 'content-type': 'application/json', 'x-crane-secret': SECRET },
  body: JSON.stringify({ id: `event_${++events}`, build: number, project: 'acme/shop', passed, at }),
});

describePlatform('a platform that is new', crane, async (): Promise<ContractFake> => {
  const deliveries = [told(null, '2026-01-01T10:00:00.000Z'), told(false, '2026-01-01T10:05:00.000Z')];
  return {
    settings: { QMOI_CRANE_WEBHOOK_SECRET: SECRET },
    failure: async () => ({ deliveries, repository: 'acme/shop', job: 'build' }),
    close: async () => undefined,
  };
});

const engine = withTable();

it('is heard, kept and recorded once it is among the platforms', async () => {
  const { store } = await engine.fresh();
  const read = parametersOf({ QMOI_CRANE_WEBHOOK_SECRET: SECRET });
  const send = (known: Readonly<Record<string, Platform>>) => {
    const { headers, body } = told(false, '2026-01-01T10:05:00.000Z', 7);
    const event = {
      headers,
      body,
      isBase64Encoded: false,
      pathParameters: { platform: 'crane' },
      requestContext: { requestId: 'r', http: { method: 'POST' } },
    } as unknown as APIGatewayProxyEventV2;
    return receive(event, { store, platforms: known, read, count: () => undefined });
  };
  expect(await send(platforms)).toMatchObject({ statusCode: 404 });
  const registered = { ...platforms, crane };
  const answer = await send(registered);
  expect(answer).toMatchObject({ statusCode: 202 });
  const { deliveryId } = JSON.parse(answer.body ?? '') as { deliveryId: string };
  expect(await recordDelivery(deliveryId, { store, platforms: registered })).toBe('recorded');
  expect(await store.get('run', 'crane:build-7:1')).toMatchObject({ status: 'failed', repository: 'acme/shop' });
  expect(await store.get('automation', 'crane:acme/shop')).toMatchObject({ status: 'degraded' });
});
