import { brotliDecompressSync } from 'node:zlib';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { expect, it } from 'vitest';
import { receive } from '../../functions/receive-heartbeat/receive.ts';
import { machines } from '../../shared/model/index.ts';
import { platforms } from '../../shared/platforms/index.ts';
import type { Store } from '../../shared/store/index.ts';
import { type Hostile, type HostileRequest, hostileCount, hostileSeed, hostileTo } from '../support/hostile.ts';

/** As `hostile.test.ts`, by the other way in, where queries and forms tell as much as bodies do. */
const COUNT = hostileCount(2_000);
const NOW = '2026-01-01T12:00:00.000Z';
const TOKEN = 'contract';
const TYPES = ['application/json', 'application/x-www-form-urlencoded', 'text/plain', ''];

interface Kept {
  readonly platform: string;
  readonly body: Buffer;
}

/** A table that takes deliveries, and holds what it is given of anything else. */
function ledger(kept: Kept[]): Store {
  const items = new Map<string, Record<string, unknown>>();
  let bytes = Buffer.alloc(0);
  return {
    now: () => NOW,
    getItem: async ({ pk }: { pk: string }) => items.get(pk),
    partition: async () => [],
    putItem: async (item: Record<string, unknown> & { pk: string }) => {
      if (item.bytes instanceof Uint8Array) bytes = Buffer.from(item.bytes);
      else items.set(item.pk, item);
    },
    create: async (_: string, { platform }: { platform: string }) => {
      kept.push({ platform, body: brotliDecompressSync(bytes) });
      return true;
    },
  } as unknown as Store;
}

/** The fields of a body as a query or a form has them. */
function parametersIn(body: Buffer): Record<string, string> {
  try {
    const told = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    return Object.fromEntries(Object.entries(told).map(([key, value]) => [key, String(value)]));
  } catch {
    return { source: body.toString('utf8') };
  }
}

const eventOf = ({ headers, body }: HostileRequest, way: number, token: string): APIGatewayProxyEventV2 => {
  const contentType = TYPES[way % TYPES.length] ?? '';
  const asQuery = way % 3 === 0;
  const sent = asQuery
    ? ''
    : contentType === 'application/x-www-form-urlencoded'
      ? new URLSearchParams(parametersIn(body)).toString()
      : body.toString('base64');
  return {
    headers: {
      ...Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
      'content-type': contentType,
      authorization: token,
    },
    body: sent,
    isBase64Encoded: !asQuery && contentType !== 'application/x-www-form-urlencoded',
    queryStringParameters: asQuery ? parametersIn(body) : contentType === 'text/plain' ? { source: 'a' } : {},
    requestContext: { requestId: `r-${way}`, http: { method: 'POST' } },
  } as unknown as APIGatewayProxyEventV2;
};

const read = async () => ({ 'heartbeat-token': TOKEN });
const told = ({ changes }: HostileRequest, error: unknown) =>
  new Error(`${changes.join('; ')}: ${(error as Error).stack}`);
const opened = (): Promise<Hostile> => hostileTo('custom', hostileSeed);

it(`keeps nothing of heartbeats that are not verified (${COUNT} requests, seed ${hostileSeed})`, async () => {
  const hostile = await opened();
  const nothing = new Proxy({} as Store, {
    get: (_, name) => {
      throw new Error(`something unverified got as far as ${String(name)}`);
    },
  });
  const tokens = ['', 'Bearer', 'Bearer x', `bearer ${TOKEN} `.repeat(2), `Basic ${TOKEN}`, `Bearer a~${TOKEN}`, TOKEN];
  for (let count = 0; count < COUNT; count++) {
    const request = hostile.next();
    const event = eventOf(request, count, tokens[count % tokens.length] ?? '');
    const answer = await receive(event, { store: nothing, read, count: () => undefined });
    expect(answer.statusCode, request.changes.join('; ')).toBe(401);
  }
});

it(`has an answer to every heartbeat that is verified, and makes facts of what it takes (${COUNT} requests)`, async () => {
  const hostile = await opened();
  let taken = 0;
  for (let count = 0; count < COUNT; count++) {
    const request = hostile.next();
    const kept: Kept[] = [];
    try {
      const event = eventOf(request, count, `Bearer ${TOKEN}`);
      const answer = await receive(event, { store: ledger(kept), read, count: () => undefined });
      expect([200, 202, 400, 413, 415]).toContain(answer.statusCode);
      expect(answer.body?.length).toBeLessThan(4096);
      for (const { platform, body } of kept) {
        taken++;
        const delivery = { event: 'heartbeat', contentType: 'application/json', origin: 'live' as const };
        const facts = platforms[platform]?.normalise({ ...delivery, body, receivedAt: NOW });
        for (const fact of facts?.runs ?? []) machines.run.parse(machines.run.merge(undefined, fact));
        for (const fact of facts?.automations ?? [])
          machines.automation.parse(machines.automation.merge(undefined, fact));
      }
    } catch (error) {
      throw told(request, error);
    }
  }
  expect(taken).toBeGreaterThan(COUNT / 20);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});
