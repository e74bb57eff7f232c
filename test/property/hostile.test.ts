import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { beforeAll, describe, expect, it } from 'vitest';
import { ZodError } from 'zod';
import * as z from 'zod/mini';
import { receive } from '../../functions/receive-webhook/receive.ts';
import { type DeliveryFact, type EntityName, machines, type State } from '../../shared/model/index.ts';
import { type Platform, type PlatformFacts, platforms } from '../../shared/platforms/index.ts';
import { itemOf, type Store } from '../../shared/store/index.ts';
import { parametersOf, requestOf } from '../support/contract/kept.ts';
import { type Hostile, type HostileRequest, hostileCount, hostileSeed, hostileTo } from '../support/hostile.ts';

/**
 * Whatever is sent is answered, nothing unverified is kept, and what is made of the rest fits the model and the table.
 * `QMOI_HOSTILE=100000` makes that many requests of each platform; `QMOI_HOSTILE_SEED` repeats a run.
 */
const COUNT = hostileCount(1_000);
/** A deadline, not a measure: a hundred times what a request takes. */
const timeout = 60_000 + COUNT * 50;
process.stderr.write(`Hostile requests by seed ${hostileSeed}; QMOI_HOSTILE_SEED=${hostileSeed} repeats them.\n`);

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const MAX_KEY_BYTES = { pk: 2048, sk: 1024, lp: 2048, ls: 1024, bp: 2048, wp: 2048 };
/** Far below what an item may hold, as facts are small. */
const MAX_ITEM_BYTES = 128 * 1024;
/** Of what is still held once all garbage is gone. */
const MAX_HEAP_GROWTH = 64 * 1024 * 1024;
const NOW = Date.parse('2026-01-01T12:00:00.000Z');

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
function heapInUse(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

interface Kept {
  readonly fact: DeliveryFact;
}

/** A table that takes deliveries and nothing else. */
function ledger(kept: Kept[]): Store {
  return {
    now: () => new Date(NOW).toISOString(),
    putItem: async () => undefined,
    create: async (_: string, fact: DeliveryFact) => {
      kept.push({ fact });
      return true;
    },
  } as unknown as Store;
}
const nothing = new Proxy({} as Store, {
  get: (_, name) => {
    if (name === 'now') return () => new Date(NOW).toISOString();
    throw new Error(`something unverified got as far as ${String(name)}`);
  },
});

const eventOf = (platform: string, { headers, body }: HostileRequest): APIGatewayProxyEventV2 =>
  ({
    headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
    body: body.toString('base64'),
    isBase64Encoded: true,
    pathParameters: { platform },
    requestContext: { requestId: 'r', http: { method: 'POST' } },
  }) as unknown as APIGatewayProxyEventV2;

function checkFacts(facts: PlatformFacts): void {
  const all = [
    ...facts.runs.map((fact) => ['run', fact] as const),
    ...facts.jobs.map((fact) => ['job', fact] as const),
    ...facts.runners.map((fact) => ['runner', fact] as const),
    ...facts.automations.map((fact) => ['automation', fact] as const),
  ];
  for (const [entity, fact] of all) {
    checkItem(entity, machines[entity].merge(undefined, fact as never));
  }
}

function checkItem(entity: EntityName, state: State): void {
  const whole = {
    ...state,
    version: 1,
    createdAt: new Date(NOW).toISOString(),
    updatedAt: new Date(NOW).toISOString(),
  };
  expect(machines[entity].parse(whole)).toEqual(whole);
  const item = itemOf(whole as State);
  for (const [name, limit] of Object.entries(MAX_KEY_BYTES)) {
    const key = item[name];
    if (key === undefined && !['pk', 'sk'].includes(name)) continue;
    expect(typeof key === 'string' && key !== '' && Buffer.byteLength(key) <= limit, `${entity} ${name}`).toBe(true);
  }
  const text = JSON.stringify(item, (_, value) => {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new Error(`${entity} holds ${value}`);
    return value as unknown;
  });
  expect(Buffer.byteLength(text)).toBeLessThan(MAX_ITEM_BYTES);
}

describe.each(Object.values(platforms))('$title, sent what is hostile,', (platform) => {
  let hostile: Hostile;
  /** The headers without which nothing is verified. */
  let proofs: string[];
  /** Whether the proof is one of the body as well. */
  let signed: boolean;
  const read = () => parametersOf(hostile.settings);
  const isTrusted = async (request: Pick<HostileRequest, 'headers' | 'body'>) =>
    (await platform.verify(request, read(), new Date())) === 'verified';

  beforeAll(async () => {
    hostile = await hostileTo(platform.name, hostileSeed);
    const [first] = hostile.seeds;
    if (first === undefined) throw new Error('no seed');
    const request = requestOf(first);
    proofs = [];
    for (const name of Object.keys(request.headers)) {
      if (!(await isTrusted({ ...request, headers: { ...request.headers, [name]: '' } }))) proofs.push(name);
    }
    signed = !(await isTrusted({ ...request, body: Buffer.concat([request.body, Buffer.from(' ')]) }));
  });

  const told = (request: HostileRequest, error: unknown): Error =>
    new Error(`${request.changes.join('; ')}: ${(error as Error).stack}`);

  it(`keeps nothing of what is not verified (${COUNT} requests)`, { timeout }, async () => {
    for (let count = 0; count < COUNT; count++) {
      const plain = hostile.next();
      // Of a signed platform, whatever is changed needs no more forging.
      const changed = !hostile.seeds.some(({ body }) => plain.body.equals(Buffer.from(body)));
      const request = signed && changed && count % 2 === 0 ? plain : hostile.forged(plain, proofs);
      try {
        const answer = await receive(eventOf(platform.name, request), {
          ...{ store: nothing, platforms, read: read(), count: () => undefined },
        });
        expect([400, 401, 404, 405, 415]).toContain(answer.statusCode);
        expect(answer.statusCode).toBe(platform.arrives === undefined ? 401 : 404);
      } catch (error) {
        throw told(request, error);
      }
    }
  });

  it(`has an answer to what is verified, and makes nothing of it that does not fit (${COUNT} requests)`, {
    timeout,
  }, async () => {
    const trusting = { [platform.name]: { ...platform, verify: async () => 'verified' as const, arrives: undefined } };
    const before = heapInUse();
    let understood = 0;
    for (let count = 0; count < COUNT; count++) {
      const request = hostile.next();
      const kept: Kept[] = [];
      try {
        const answer = await receive(eventOf(platform.name, request), {
          ...{ store: ledger(kept), platforms: trusting as never, read: read(), count: () => undefined },
        });
        expect([200, 202, 400, 415]).toContain(answer.statusCode);
        expect(answer.body?.length).toBeLessThan(4096);
        const [delivery] = kept;
        if (delivery === undefined) continue;
        const { fact } = delivery;
        checkItem('delivery', machines.delivery.merge(undefined, fact));
        // What is quarantined now may be read again one day, by a later version.
        const made = factsOf(platform, fact, request.body);
        if (made === undefined) continue;
        understood++;
        checkFacts(platform.place?.(made, { runs: [], jobs: [] }) ?? made);
      } catch (error) {
        throw told(request, error);
      }
    }
    // Otherwise this would be a test of how to refuse.
    expect(understood).toBeGreaterThan(COUNT / 20);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(heapInUse() - before).toBeLessThan(MAX_HEAP_GROWTH);
  });
});

/** Undefined: it has not the shape of its event, which is the one thing that may be wrong. */
function factsOf(platform: Platform, fact: DeliveryFact, body: Buffer): PlatformFacts | undefined {
  const { event = '', contentType = '' } = fact;
  try {
    return platform.normalise({ event, body, contentType, origin: 'live', receivedAt: new Date(NOW).toISOString() });
  } catch (error) {
    if (error instanceof ZodError || error instanceof z.core.$ZodError) return undefined;
    throw error;
  }
}
