import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platforms } from '../../shared/platforms/index.ts';
import { ofType } from '../infra/support/template.ts';
import { editedAssembly } from '../support/assembly.ts';
import { type Answer, RESOURCES } from '../support/client.ts';
import { parametersOf, requestOf } from '../support/contract/kept.ts';
import { TestHost } from '../support/host.ts';
import {
  type Hostile,
  type HostileRequest,
  hostileCount,
  hostileSeed,
  hostileTo,
  sendable,
  signedBy,
} from '../support/hostile.ts';

/**
 * Hostile requests to the real endpoints: no answer is a 5xx or shows what is inside, nothing unverified leaves a trace, and
 * what was verified neither stops the rest nor ends among the dead letters. `QMOI_HOSTILE` raises the count, up to 2,000.
 */
const COUNT = Math.min(2_000, hostileCount(200));
const AT_ONCE = 4;
const TRIES = 3;
/** A deadline, not a measure. */
const timeout = 60_000 + COUNT * 500;
process.stderr.write(`Hostile requests by seed ${hostileSeed}; QMOI_HOSTILE_SEED=${hostileSeed} repeats them.\n`);

const names = Object.values(platforms)
  .filter(({ arrives }) => arrives === undefined)
  .map(({ name }) => name);
const hostile = new Map<string, Hostile>();
let host: TestHost;

beforeAll(async () => {
  for (const name of names) hostile.set(name, await hostileTo(name, hostileSeed));
  const settings: Record<string, string> = {};
  for (const each of hostile.values()) {
    // No token, so that nothing is asked of anybody.
    for (const [name, value] of Object.entries(each.settings)) {
      if (/_(SECRET|WEBHOOK_TOKEN|SIGNING_TOKEN|EVENTS_TOKEN)$/.test(name)) settings[name] = value;
    }
  }
  const assemblyDir = await editedAssembly((template) => {
    for (const { Properties } of ofType(template, 'AWS::ApiGatewayV2::Stage')) {
      Properties.DefaultRouteSettings = { ThrottlingRateLimit: 100_000, ThrottlingBurstLimit: 100_000 };
    }
  });
  host = await TestHost.boot({ clock: 'manual', settings, assemblyDir });
});
afterAll(() => host?.end());

/**
 * On a busy machine a function may not be done in time, whatever it was sent. A request that breaks something breaks it again.
 */
async function answerTo(name: string, request: HostileRequest): Promise<Answer> {
  const options = { method: 'POST', headers: sendable(request), body: request.body, token: undefined };
  for (let tries = 1; ; tries++) {
    const answer = await host.request(`/webhooks/${name}`, options);
    if (answer.status < 500 || tries === TRIES) return answer;
    await atRest();
  }
}

/** Time is on nobody's side here, so work that is going on is waited for as long as it goes on. */
async function atRest(): Promise<void> {
  for (let last = ''; ; ) {
    try {
      return await host.settled();
    } catch (error) {
      const now = JSON.stringify((await host.status()).queues);
      if (now === last) throw error;
      last = now;
    }
  }
}

async function send(name: string, request: HostileRequest): Promise<Answer> {
  try {
    const answer = await answerTo(name, request);
    expect(answer.status).toBeLessThan(500);
    expect(answer.text).not.toMatch(/\n\s*at |node:internal|node_modules|\.[cm]?[jt]s:\d+|[a-z]Error\b/);
    expect(answer.text.length).toBeLessThan(4096);
    return answer;
  } catch (error) {
    throw new Error(`${name}: ${request.changes.join('; ')}: ${(error as Error).stack}`);
  }
}

/** How often each status was the answer. */
async function sendAll(name: string, next: (index: number) => HostileRequest): Promise<Record<number, number>> {
  const statuses: Record<number, number> = {};
  for (let sent = 0; sent < COUNT; sent += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, COUNT - sent) }, (_, index) => send(name, next(sent + index)));
    for (const { status } of await Promise.all(batch)) statuses[status] = (statuses[status] ?? 0) + 1;
  }
  return statuses;
}

/** The headers of a platform without which nothing is verified. */
async function proofsOf(name: string, { seeds, settings }: Hostile): Promise<string[]> {
  const [seed] = seeds;
  const platform = platforms[name];
  if (seed === undefined || platform === undefined) throw new Error(`no ${name}`);
  const proofs: string[] = [];
  for (const header of Object.keys(seed.headers)) {
    const request = { ...requestOf(seed), headers: { ...seed.headers, [header]: '' } };
    if ((await platform.verify(request, parametersOf(settings), new Date())) !== 'verified') proofs.push(header);
  }
  return proofs;
}

describe('what nobody has signed', () => {
  it.each(names)(`${COUNT} requests in the name of %s are refused`, { timeout }, async (name) => {
    const made = hostile.get(name) as Hostile;
    const proofs = await proofsOf(name, made);
    const statuses = await sendAll(name, () => made.forged(made.next(), proofs));
    expect(statuses).toEqual({ 401: COUNT });
  });

  it('leaves no trace', async () => {
    await atRest();
    const world = await host.world(RESOURCES.filter((resource) => resource !== 'controls'));
    expect(Object.values(world).flatMap((items) => Object.keys(items))).toEqual([]);
    expect(await host.writeUnits()).toBe(0);
  });
});

describe('what is signed and means harm', () => {
  it.each(names)(`${COUNT} requests of %s are answered`, { timeout }, async (name) => {
    const made = hostile.get(name) as Hostile;
    const statuses = await sendAll(name, () => signedBy(name, made.next(), made.settings));
    await atRest();
    expect(statuses[202]).toBeGreaterThan(COUNT / 5);
    expect(Object.keys(statuses).every((status) => ['200', '202', '400', '401', '413', '415'].includes(status))).toBe(
      true,
    );
  });

  it('is recorded or put aside, and breaks nothing', { timeout }, async () => {
    await atRest();
    const deliveries = await host.list('deliveries');
    expect(deliveries.length).toBeGreaterThan(names.length * 10);
    expect(new Set(deliveries.map(({ status }) => status))).toEqual(new Set(['recorded', 'quarantined']));
    const {
      queues,
      dynamodb: _,
      ...status
    } = (await host.status()) as Awaited<ReturnType<TestHost['status']>> & {
      dynamodb?: unknown;
    };
    expect(queues.filter(({ consumer, visible }) => consumer === null && visible > 0)).toEqual([]);
    expect(status.idle).toBe(true);
    expect(host.complaints).toEqual([]);
    expect((await host.request('/healthz')).status).toBe(200);
  });
});
