import { sweep } from '../../functions/wake/wake.ts';
import { eventOf, type Subscription, subscriptions } from '../../shared/events/index.ts';
import type { Failure } from '../../shared/model/index.ts';
import { type Platform, platforms } from '../../shared/platforms/index.ts';
import type { PlatformFacts } from '../../shared/platforms/port.ts';
import { remediateRun, verifyRun } from '../../shared/remediation/index.ts';
import { remediationSettings } from '../../shared/runtime/remediation-settings.ts';
import { ids, Store } from '../../shared/store/index.ts';
import { track } from '../../shared/tracking/index.ts';
import { parametersOf } from './contract/kept.ts';
import { MemoryTable } from './memory-table.ts';
import type { FakeDelivery } from './web-fake.ts';

const INCIDENT = 'f1:1';

export class Crash extends Error {}

export interface Clockwork {
  now: number;
}

/**
 * The engine between a platform's real adapter and its stateful fake: what is written goes to whoever hears of it, timers come
 * by the minute, and workers may die at any of their calls of the table.
 */
export async function provingWorld(
  name: string,
  of: {
    settings: Readonly<Record<string, string>>;
    policy: object;
    platform?: Partial<Platform>;
    start?: number;
    /** By the minute: what goes on at the platform meanwhile. */
    minute?: () => void;
  },
) {
  const time: Clockwork = { now: of.start ?? Date.parse('2026-03-04T05:06:07.000Z') };
  const clock = { now: () => time.now };
  let [calls, dieAt, working] = [0, Number.POSITIVE_INFINITY, false];
  const table = new MemoryTable(async () => {
    if (working && ++calls >= dieAt) throw new Crash();
  });
  const store = new Store({ client: table.client, tableName: 'table', ...clock });
  const heard: { to: 'remediate' | 'verify'; id: string }[] = [];
  table.written = (before, after) => {
    const event = after.entity === undefined ? undefined : eventOf(before, after);
    if (event === undefined) return;
    const { type, envelope } = event;
    for (const to of ['remediate', 'verify'] as const) {
      const fits = ({ entity, statuses, attemptAbove = 0, platforms: only }: Subscription) =>
        statuses.some((status) => `${entity}.${status}` === type) &&
        (envelope.attempt === undefined || envelope.attempt > attemptAbove) &&
        (only === undefined || only.includes(envelope.platform ?? ''));
      if (subscriptions[to].some(fits)) heard.push({ to, id: envelope.key });
    }
  };
  const platform = { ...(platforms[name] as Platform), ...of.platform };
  const deps = {
    ...{ store, platforms: { [name]: platform }, read: parametersOf(of.settings), owner: 'worker', ...clock },
    settings: remediationSettings.parse({ tiers: { askFrom: 4 }, holdOut: 0, ...of.policy }),
  };
  const work = async ({ to, id }: (typeof heard)[number]): Promise<boolean> => {
    working = true;
    try {
      const rest = to === 'verify' ? await verifyRun(id, { store, ...clock }) : await remediateRun(id, deps);
      return rest.again;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      dieAt = Number.POSITIVE_INFINITY;
      time.now += 16_000;
      return true;
    } finally {
      working = false;
    }
  };
  /** What was heard and whatever is left to do, then the timers, minute by minute. */
  const pass = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute++) {
      for (let quarter = 0; quarter < 4; quarter++) {
        const todo = heard.splice(0);
        for (const message of todo) if (await work(message)) heard.push(message);
        time.now += 15_000;
      }
      of.minute?.();
      await sweep(store, { held: false });
    }
  };
  return {
    ...{ store, time, pass, deps },
    track: (from: Platform, facts: PlatformFacts) => track(store, from, facts),
    /** A delivery as a platform sends it, signature and all; this one unless told. */
    async hear({ event, headers, body }: FakeDelivery, from: Platform = platform) {
      const request = { headers, body: Buffer.from(body) };
      const verdict = await from.verify(request, parametersOf(of.settings), new Date(time.now));
      if (verdict !== 'verified') throw new Error(`${event} is ${verdict}`);
      const reading = from.read(request);
      if (reading.kind !== 'delivery') throw new Error(`${event} is ${reading.kind}`);
      const told = { event, body: request.body, contentType: 'application/json', receivedAt: store.now() };
      await track(store, from, from.normalise({ ...told, origin: 'live' }));
    },
    /** A run that has failed now, its one job diagnosed, in an incident. */
    async failed(externalId: string, failure: Partial<Failure>, run: { repository?: string; branch?: string } = {}) {
      const { repository = 'acme/shop', branch } = run;
      const at = store.now();
      const runId = ids.run(name, externalId, 1);
      const id = ids.job(name, externalId, 'build');
      const common = {
        ...({ platform: name, repository, origin: 'live', attempt: 1, statusAt: at } as const),
        ...(branch !== undefined && { branch }),
      };
      const text = { cause: 'dns-resolution-failed', category: 'network', severity: 'medium', priority: 3 } as const;
      await store.merge('incident', {
        ...{ ...common, ...text, id: INCIDENT, fingerprint: 'f1', episode: 1, title: 'build', status: 'open' },
        ...{ firstSeenAt: at, lastSeenAt: at },
      });
      await store.merge('job', { ...common, id, runId, externalId, name: 'build', status: 'failed', steps: [] });
      await store.merge('failure', {
        ...{ ...common, ...text, id, jobId: id, runId, externalId, name: 'build', failedAt: at, transient: true },
        ...{ incidentId: INCIDENT, status: 'diagnosed', ...failure },
      });
      await store.merge('run', { ...common, id: runId, externalId, status: 'failed', endedAt: at });
      return runId;
    },
    fixes: async (runId: string) =>
      (await store.partition(`run#${runId.split(':').slice(0, 2).join(':')}`, 'remediation#')).sort(
        (a, b) => Number(a.step ?? 0) - Number(b.step ?? 0),
      ),
    incident: async () => (await store.get('incident', INCIDENT))?.status,
    dyingAt(n: number) {
      [calls, dieAt] = [0, n];
    },
    died: () => calls >= 1 && dieAt === Number.POSITIVE_INFINITY,
  };
}
