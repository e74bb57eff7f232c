import { correlate } from '../../shared/incidents/index.ts';
import type { ActionRequest, ActOutcome, Platform } from '../../shared/platforms/port.ts';
import { remediateRun, verifyRun } from '../../shared/remediation/index.ts';
import { remediationSettings } from '../../shared/runtime/remediation-settings.ts';
import { Store } from '../../shared/store/index.ts';
import { FakePlatform } from './fake-platform.ts';
import { MemoryTable } from './memory-table.ts';

const START = Date.parse('2026-03-04T05:06:07.000Z');
/** The incident of all its failures. */
export const INCIDENT = 'f1:1';

class Crash extends Error {}

/** A platform that does what it is told, a run of it whose attempts end as told, and workers that may die at any of their calls. */
export async function plannedWorld(name: 'github' | 'gitlab', playbook: string, policy: object = {}) {
  const time = { now: START };
  const clock = { now: () => time.now };
  let [calls, dieAt, working] = [0, Number.POSITIVE_INFINITY, false];
  const table = new MemoryTable(async () => {
    if (working && ++calls >= dieAt) throw new Crash();
  });
  const store = new Store({ client: table.client, tableName: 'table', ...clock });
  const sent: ActionRequest[] = [];
  const numbers = new Set<number>();
  let isPaused = false;
  const same = (a: ActionRequest, b: ActionRequest) => a.action === b.action && a.attempt === b.attempt;
  const client = {
    jobLog: async () => (async function* () {})(),
    async act(request: ActionRequest): Promise<ActOutcome> {
      const paused = request.action === 'pause-runner';
      if (paused && isPaused) return { kind: 'done', detail: 'it was so already', unchanged: true };
      if (paused || request.action === 'resume-runner') isPaused = paused;
      sent.push(request);
      return { kind: 'done', detail: 'accepted' };
    },
    lookUp: async (request: ActionRequest) =>
      sent.some((one) => same(one, request)) ? ('happened' as const) : ('did-not-happen' as const),
  };
  const platform: Platform = { ...new FakePlatform().platform, name, client: async () => client };
  const deps = {
    ...{ store, platforms: { [name]: platform }, read: async () => ({}), owner: 'worker', ...clock },
    settings: remediationSettings.parse({
      playbooks: { 'retry-failed-jobs': 'off', [playbook]: 'act' },
      tiers: { askFrom: 4 },
      ...policy,
    }),
  };
  const common = { platform: name, repository: 'acme/shop', origin: 'live' } as const;
  await store.merge('incident', {
    ...{ ...common, id: INCIDENT, fingerprint: 'f1', episode: 1, title: 'test', cause: 'unknown' },
    ...{ category: 'unknown', severity: 'medium', priority: 3, firstSeenAt: store.now(), lastSeenAt: store.now() },
    ...{ statusAt: store.now(), status: 'open' },
  });
  const attemptEnds = async (
    attempt: number,
    status: 'failed' | 'succeeded',
    of: { runner?: string; cause?: string; transient?: boolean | null; run?: number; caches?: string[] } = {},
  ) => {
    const { runner = '7', cause = 'unknown', transient = null, run = 5, caches = [] } = of;
    numbers.add(run);
    const at = store.now();
    const runId = `${name}:${run}:${attempt}`;
    const job = {
      ...common,
      attempt,
      statusAt: at,
      id: `${name}:${run}:job:${run}${attempt}`,
      runId,
      externalId: `${run}${attempt}`,
    };
    await store.merge('run', {
      ...common,
      attempt,
      statusAt: at,
      id: runId,
      externalId: String(run),
      status,
      endedAt: at,
    });
    const machine = runner === '' ? {} : { runner: { id: `${name}:acme:${runner}`, name: 'a machine' } };
    await store.merge('job', { ...job, name: 'test', status, endedAt: at, steps: [], ...machine });
    if (status === 'succeeded') return;
    await store.merge('failure', {
      ...{ ...job, name: 'test', jobId: job.id, failedAt: at, incidentId: INCIDENT, status: 'diagnosed' },
      ...{ cause, transient, category: 'unknown', severity: 'medium', priority: 3, excerpt: 'the very lines', caches },
    });
  };
  /** As messages and timers would have it; whoever dies is called again. */
  const settle = async (minutes = 5) => {
    working = true;
    for (const until = time.now + minutes * 60_000; time.now < until; time.now += 15_000) {
      for (const run of numbers) {
        await verifyRun(`${name}:${run}:1`, { store, ...clock }).catch(revive);
        await remediateRun(`${name}:${run}:1`, deps).catch(revive);
      }
    }
    working = false;
  };
  const revive = (error: unknown) => {
    if (!(error instanceof Crash)) throw error;
    dieAt = Number.POSITIVE_INFINITY;
    // Whoever comes next comes once the lease is over.
    time.now += 16_000;
  };
  const fixes = async () =>
    (await store.partition(`run#${name}:5`, 'remediation#')) as { id: string; action: string; status: string }[];
  const fixOf = async (action: string) => (await fixes()).filter((fix) => fix.action === action);
  const incident = async () => (await store.get('incident', INCIDENT))?.status;
  /** Failures of different kinds on one machine, as the diagnosis would have told of them. */
  const suspectRunner = async () => {
    for (const id of [INCIDENT, 'f2:1']) {
      const machine = { platform: name, repository: 'acme/shop', category: 'system', runner: 'a machine' } as const;
      await correlate(store, id, { ...machine, lines: [], at: store.now() });
    }
  };
  return {
    ...{ store, time, sent, attemptEnds, settle, fixes, fixOf, incident, suspectRunner },
    did: () => sent.map(({ action, attempt }) => `${action} ${attempt}`),
    dyingAt: (n: number) => {
      [calls, dieAt] = [0, n];
    },
    died: () => dieAt === Number.POSITIVE_INFINITY,
  };
}

export type PlannedWorld = Awaited<ReturnType<typeof plannedWorld>>;
