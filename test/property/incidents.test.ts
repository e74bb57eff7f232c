import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rootsOf } from '../../shared/incidents/correlation.ts';
import {
  attach,
  closeQuiet,
  correlate,
  makeGood,
  mergeIncidents,
  priorityOf,
  RegroupRefused,
  severityOf,
  splitIncident,
  stayAttached,
  termsOf,
} from '../../shared/incidents/index.ts';
import { type Failure, type Incident, ROOTS, SEVERITIES, type Severity } from '../../shared/model/index.ts';
import { ids, Store } from '../../shared/store/index.ts';
import { MemoryTable } from '../support/memory-table.ts';

/** What holds of incidents whatever happens: failures come and are made good, time passes, the master merges and splits. */

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const START = Date.parse('2026-03-04T05:06:07.000Z');

class World {
  readonly table: MemoryTable;
  readonly store: Store;
  now = START;
  private made = 0;

  constructor(turn?: () => Promise<void>) {
    this.table = new MemoryTable(turn);
    this.store = new Store({ client: this.table.client, tableName: 'qmoi', now: () => this.now });
  }

  private of<T>(entity: string): T[] {
    return this.table.all().filter((item) => item.entity === entity) as unknown as T[];
  }
  incidents = (): Incident[] => this.of<Incident>('incident').sort((a, b) => (a.id < b.id ? -1 : 1));
  failures = (): Failure[] => this.of<Failure>('failure').sort((a, b) => (a.id < b.id ? -1 : 1));

  /** As a diagnosis ends: the failure finds its incident, and looks again in case that was closed meanwhile. */
  async fail(fingerprint: string, repository: string, severity: Severity = 'medium'): Promise<void> {
    const number = ++this.made;
    const [at, place] = [this.store.now(), { platform: 'fake', repository, origin: 'live' as const }];
    const terms = termsOf({ severity });
    const seen = {
      ...{ ...place, fingerprint, terms, title: fingerprint, cause: fingerprint, category: 'network' as const },
      seenAt: at,
    };
    const incidentId = await attach(this.store, seen);
    const id = ids.job('fake', number, '1');
    await this.store.create('failure', {
      ...{ ...place, id, jobId: id, runId: ids.run('fake', number, 1), externalId: '1', attempt: 1 },
      ...{
        status: 'diagnosed',
        statusAt: at,
        failedAt: at,
        fingerprint,
        cause: fingerprint,
        severity,
        terms,
        incidentId,
      },
    });
    await stayAttached(this.store, id, incidentId, seen);
  }

  async good(choose: (failures: Failure[]) => Failure[]): Promise<void> {
    const bad = this.failures().filter(({ resolvedAt }) => resolvedAt === undefined);
    await makeGood(this.store, choose(bad), 'a later attempt succeeded', 'live');
  }

  /** Time passes a quarter of an hour at a time, and `wake` does what falls due. */
  async pass(minutes: number): Promise<void> {
    const end = this.now + minutes * MINUTE;
    while (this.now < end) {
      this.now = Math.min(end, this.now + 15 * MINUTE);
      const due = this.incidents().filter(({ wakeAt }) => wakeAt !== undefined && wakeAt <= this.store.now());
      for (const { id } of due) await closeQuiet(this.store, id);
    }
  }
}

const isOpen = ({ status }: Incident): boolean => status !== 'resolved';

/** What holds at rest. */
function check(world: World, before: readonly Incident[]): void {
  const [incidents, failures] = [world.incidents(), world.failures()];
  const byId = new Map(incidents.map((incident) => [incident.id, incident]));
  for (const { id, incidentId, resolvedAt } of failures) {
    const own = byId.get(incidentId ?? '');
    expect(own, `the incident of ${id}`).toBeDefined();
    if (resolvedAt === undefined) expect(own?.status, `the incident of ${id}, which is not good`).not.toBe('resolved');
  }
  for (const incident of incidents) {
    const { id, fingerprint, episode, terms, severity, priority } = incident;
    expect(id).toBe(`${fingerprint}:${episode}`);
    if (terms === undefined) throw new Error(`${id} does not show its terms`);
    expect([severity, priority]).toEqual([severityOf(terms), priorityOf(terms)]);
    if (episode > 1) expect(byId.get(`${fingerprint}:${episode - 1}`)?.status).toBe('resolved');
    if (incident.regressionOf !== undefined) expect(byId.get(incident.regressionOf)?.status).toBe('resolved');
    const left = failures.filter((failure) => failure.incidentId === id && failure.resolvedAt === undefined);
    // Open at one; closed at none, at once or, for what flaps, once it has been quiet.
    if (isOpen(incident) && left.length === 0) {
      expect(incident.flaps ?? 0).toBeGreaterThanOrEqual(2);
      expect(Date.parse(incident.wakeAt ?? '')).toBeGreaterThan(world.now);
    }
    const places = failures.filter(({ incidentId }) => incidentId === id).map(({ repository }) => `fake/${repository}`);
    expect(incident.repositories).toEqual(expect.arrayContaining(places));
  }
  for (const old of before) {
    const now = byId.get(old.id);
    expect(now).toMatchObject({ fingerprint: old.fingerprint, episode: old.episode, firstSeenAt: expect.any(String) });
    if (now === undefined) continue;
    if (!isOpen(old)) expect(now.status).toBe('resolved');
    expect(SEVERITIES.indexOf(now.severity)).toBeGreaterThanOrEqual(SEVERITIES.indexOf(old.severity));
    expect(now.priority).toBeLessThanOrEqual(old.priority);
    const closed = isOpen(old) && !isOpen(now) && now.mergedInto === undefined;
    const held = closed && (now.flaps ?? 0) >= 2;
    if (held) expect(world.now - Date.parse(now.lastSeenAt)).toBeGreaterThanOrEqual(15 * MINUTE);
  }
}

const FINGERPRINTS = ['aaa', 'bbb', 'ccc'];
const REPOSITORIES = ['acme/api', 'acme/shop', 'acme/web'];
const index = fc.nat({ max: 20 });
const step = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constant('fail'), index, index, fc.constantFrom(...SEVERITIES)) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('good'), fc.nat({ max: 7 }), index) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('pass'), fc.constantFrom(1, 20, 90, 1_500)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('merge'), index, index) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('split'), index, index, fc.boolean()) },
) as fc.Arbitrary<readonly [string, number, number?, (string | boolean)?]>;

const pick = <T>(items: readonly T[], at: number): T => items[at % items.length] as T;

async function take(world: World, [what, a, b = 0, c]: readonly [string, number, number?, (string | boolean)?]) {
  const open = world.incidents().filter(isOpen);
  if (what === 'fail') return world.fail(pick(FINGERPRINTS, a), pick(REPOSITORIES, b), c as Severity);
  if (what === 'pass') return world.pass(a);
  // One bit each of which are chosen; 7 is all.
  if (what === 'good') return world.good((bad) => bad.filter((_, at) => a === 7 || ((a >> ((at + b) % 3)) & 1) === 1));
  if (open.length === 0) return;
  try {
    if (what === 'merge') {
      await mergeIncidents(world.store, pick(open, a).id, pick(open, b).id);
    } else {
      const own = world.failures().filter(({ incidentId }) => incidentId === pick(open, a).id);
      if (own.length === 0) return;
      const { id, repository } = pick(own, b);
      const selection = c === true ? { repository: `fake/${repository}` } : { failureIds: [id] };
      await splitIncident(world.store, pick(open, a).id, selection);
    }
  } catch (error) {
    refused(error);
  }
}

function refused(error: unknown): void {
  if (!(error instanceof RegroupRefused)) throw error;
}

describe('incidents', () => {
  it('hold every failure that is not good, reopen as episodes, keep their ids and never become milder', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const world = new World();
        for (const one of steps) {
          const before = world.incidents();
          await take(world, one);
          check(world, before);
        }
        await world.good((bad) => bad);
        await world.pass((3 * DAY) / MINUTE);
        expect(world.incidents().filter(isOpen)).toEqual([]);
      }),
      { numRuns: 80 },
    );
  });

  it('are one for all that fails at once, whatever comes between what', async () => {
    const failing = fc.array(fc.tuple(fc.nat({ max: 1 }), index), { minLength: 2, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), failing, async (scheduler, failures) => {
        let apart = false;
        const world = new World(() => (apart ? scheduler.schedule(Promise.resolve()) : Promise.resolve()));
        await world.fail('aaa', 'acme/api');
        await world.fail('bbb', 'acme/api');
        apart = true;
        const all = [
          world.good((bad) => bad),
          mergeIncidents(world.store, 'aaa:1', 'bbb:1').catch(refused),
          ...failures.map(([kind, at]) => world.fail(pick(FINGERPRINTS, kind), pick(REPOSITORIES, at))),
        ];
        await scheduler.waitFor(Promise.all(all));
        apart = false;
        check(world, []);
        const open = world.incidents().filter(isOpen);
        expect(new Set(open.map(({ fingerprint }) => fingerprint)).size).toBe(open.length);
      }),
      { numRuns: 80 },
    );
  });
});

describe('a suspected root', () => {
  const trouble = fc.record({
    fingerprint: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    runner: fc.constantFrom(undefined, 'metal-1', 'metal-2'),
    labels: fc.constantFrom(undefined, ['linux'], ['big', 'linux']),
    commit: fc.constantFrom(undefined, 'c0ffee', 'decaf'),
    category: fc.constantFrom('system', 'network', 'automation' as const),
    lines: fc.constantFrom([], ['GET https://registry.npmjs.org/x - 503'], ['Could not resolve host: github.com']),
  });
  const ENOUGH = { runner: 2, host: 2, commit: 2, pool: 3 } as const;
  const kindOf = (root: string) => root.slice(0, root.indexOf(':')) as (typeof ROOTS)[number];

  it('is the likeliest thing that enough troubles share, in whatever order they come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(trouble, { maxLength: 8 }), async (troubles) => {
        const world = new World();
        const shared = new Map<string, Set<string>>();
        for (const { fingerprint, ...rest } of troubles) {
          await world.fail(fingerprint, 'acme/shop');
          const of = { ...rest, platform: 'gitlab', repository: 'acme/shop', at: world.store.now() } as const;
          await correlate(world.store, ids.incident(fingerprint, 1), of);
          for (const root of rootsOf(of)) shared.set(root, (shared.get(root) ?? new Set()).add(fingerprint));
        }
        for (const { fingerprint, suspectedRoot } of world.incidents()) {
          const likely = [...shared]
            .filter(([root, who]) => who.has(fingerprint) && who.size >= ENOUGH[kindOf(root)])
            .map(([root]) => root);
          const best = Math.max(...likely.map((root) => ROOTS.indexOf(kindOf(root))));
          const candidates = likely.filter((root) => ROOTS.indexOf(kindOf(root)) === best);
          if (candidates.length === 0) expect(suspectedRoot).toBeUndefined();
          else expect(candidates).toContain(suspectedRoot);
        }
      }),
      { numRuns: 80 },
    );
  });
});
