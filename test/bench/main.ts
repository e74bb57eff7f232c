import { join } from 'node:path';
import { readTemplateOf, root, sharedAssembly } from '../support/assembly.ts';
import { createForge, type Forge } from '../support/forges/index.ts';
import { bareServerRate, enginePutRate, post } from './baselines.ts';
import { bundleRows } from './bundles.ts';
import { costPerMillion, type PerDelivery, priceDate } from './cost.ts';
import { playSteadily, recordedRuns } from './load.ts';
import { inParallel, printTable, quantile, type Row, rounded } from './measure.ts';
import { type BenchHost, startBenchHost } from './process.ts';

/**
 * `npm run bench`: what a delivery costs and how many this machine holds, beside what bounds it, in the same run. Prints tables, and
 * with `--json` one object. Everything runs on 127.0.0.1, bounded in count and time.
 */

const SECRET = 'bench-secret';
const WIDTH = 16;
const INTAKE = 1_200;
const UNIT_RUNS = 150;
const RATES = [10, 25, 50, 75, 100];
const STEADY_SECONDS = 10;
/** Every fifth run fails, of six deliveries each: enough fixes for a quantile to mean something. */
const STEADY_FIXES = 25;
/** A rate is held when what is left at its end is done this soon. */
const DRAIN_SECONDS = 3;

const FROM_QUEUES = /-(?:record|diagnose|remediate|verify|notify)$/;

const forgeOf = () => createForge({ platform: 'github', secret: SECRET, token: 'bench-token', seed: 1 });

async function withHost<T>(body: (host: BenchHost, forge: Forge, url: string) => Promise<T>): Promise<T> {
  const forge = await forgeOf();
  const host = await startBenchHost({ ...forge.settings });
  forge.target(host.url);
  try {
    return await body(host, forge, `${host.url}/webhooks/github`);
  } finally {
    await host.stop();
    await forge.close();
  }
}

async function intake() {
  return withHost(async (host, forge, url) => {
    const jobs = recordedRuns(forge, INTAKE / 3).flatMap((run) => run.filter(({ event }) => event === 'workflow_job'));
    // Both sides warm.
    await inParallel(jobs.slice(0, 30), WIDTH, async (delivery) => void (await post(url, delivery)));
    await host.idle();
    const rest = jobs.slice(30);
    const seconds = await inParallel(rest, WIDTH, async (delivery) => {
      const status = await post(url, delivery);
      if (status !== 202) throw new Error(`a delivery was answered ${status}`);
    });
    const accepted = rest.length / seconds;
    const drained = await host.idle();
    const [bare, puts] = [await bareServerRate(rest, SECRET, WIDTH), await enginePutRate(rest, WIDTH)];
    return { accepted, bare, puts, drained, backlog: rest.length };
  });
}

async function units(): Promise<PerDelivery> {
  return withHost(async (host, forge, url) => {
    const deliveries = recordedRuns(forge, UNIT_RUNS).flatMap((run) =>
      run.filter(({ event }) => event === 'workflow_job'),
    );
    const warm = recordedRuns(forge, 3).flat();
    await playSteadily(url, warm, 20);
    await host.idle();
    const [before, logsBefore, cpuBefore] = [await host.status(), host.logBytes(), host.cpuSeconds()];
    await playSteadily(url, deliveries, 25);
    await host.idle();
    const [after, logsAfter, cpuAfter] = [await host.status(), host.logBytes(), host.cpuSeconds()];
    const each = (value: (status: typeof after) => number) => (value(after) - value(before)) / deliveries.length;
    return {
      writeUnits: each(({ units: all }) => all.reduce((sum, { write }) => sum + write, 0)),
      readUnits: each(({ units: all }) => all.reduce((sum, { read }) => sum + read, 0)),
      events: each(({ events }) => events),
      queueMessages: each(({ rules }) => rules.reduce((sum, { delivered }) => sum + delivered, 0)),
      invocations: each(({ functions }) => functions.reduce((sum, { invocations }) => sum + invocations, 0)),
      queueInvocations: each(({ functions }) =>
        functions.reduce((sum, { name, invocations }) => sum + (FROM_QUEUES.test(name) ? invocations : 0), 0),
      ),
      gbSeconds: each(({ functions }) =>
        functions.reduce((sum, f) => sum + ((f.averageMs ?? 0) / 1000) * f.invocations * (f.memoryMb / 1024), 0),
      ),
      logBytes: (logsAfter - logsBefore) / deliveries.length,
      cpuMs: ((cpuAfter - cpuBefore) * 1000) / deliveries.length,
    };
  });
}

interface Steady {
  readonly perSecond: number;
  readonly held: boolean;
  readonly drained: number;
  readonly fixes: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

async function steady(): Promise<Steady[]> {
  const results: Steady[] = [];
  for (const perSecond of RATES) {
    const result = await withHost(async (host, forge, url) => {
      await playSteadily(url, recordedRuns(forge, 4, 2).flat(), 20);
      await host.idle();
      const earlier = forge.effects.length;
      const count = Math.max(Math.ceil((perSecond * STEADY_SECONDS) / 6), STEADY_FIXES * 5);
      const runs = recordedRuns(forge, count, 5);
      const played = await playSteadily(url, runs.flat(), perSecond);
      const drained = await host.caughtUp();
      await host.idle();
      const waits = forge.effects.slice(earlier).map(({ runId, at }) => at - (played.sentAt.get(runId) ?? Number.NaN));
      const held = drained <= DRAIN_SECONDS && played.refused === 0;
      const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => quantile(waits, share));
      return { perSecond, held, drained, fixes: waits.length, p50, p95, p99 } as Steady;
    });
    results.push(result);
    process.stderr.write(`${perSecond}/s: ${result.held ? 'held' : 'not held'}\n`);
    if (!result.held) break;
  }
  return results;
}

interface Results {
  intake?: Awaited<ReturnType<typeof intake>>;
  steady?: Steady[];
  units?: PerDelivery;
  bundles?: Row[];
}

function reportIntake({ accepted, bare, puts, drained, backlog }: NonNullable<Results['intake']>): void {
  printTable('Deliveries accepted durably', [
    {
      name: 'QMOI',
      value: `${rounded(accepted, 0)}/s`,
      note: `the whole pipeline at work meanwhile; all ${backlog} done ${rounded(drained)} s later`,
    },
    {
      name: "the engine's own puts of the same bodies",
      value: `${rounded(puts, 0)}/s`,
      note: `QMOI is at ${rounded(accepted / puts, 2)} of it, with two puts a delivery`,
    },
    {
      name: 'bare server, same HMAC, nothing kept',
      value: `${rounded(bare, 0)}/s`,
      note: `QMOI is at ${rounded(accepted / bare, 2)} of it`,
    },
  ]);
}

function reportUnits(use: PerDelivery): void {
  const aims: Partial<Record<keyof PerDelivery, number>> = { writeUnits: 11, events: 3, queueMessages: 1.2 };
  printTable(
    "For each delivery, over a job's queued, in_progress and completed",
    (Object.keys(use) as (keyof PerDelivery)[]).map((name) => ({
      name,
      value: String(rounded(use[name], name === 'gbSeconds' ? 4 : 2)),
      note: aims[name] === undefined ? '' : `aim: at most ${aims[name]}`,
    })),
  );
  const cost = Object.entries(costPerMillion(use));
  printTable(`One million deliveries at list prices (${priceDate})`, [
    ...cost.map(([name, value]) => ({ name, value: `$${value.toFixed(2)}` })),
    {
      name: 'total',
      value: `$${cost.reduce((sum, [, value]) => sum + value, 0).toFixed(2)}`,
      note: 'aim: under $13; storage, X-Ray and SNS not counted',
    },
  ]);
}

function report(results: Results): void {
  if (results.intake) reportIntake(results.intake);
  if (results.steady) {
    printTable(
      'From the last webhook of a failed run to its rerun',
      results.steady.map(({ perSecond, held, drained, fixes, p50, p95, p99 }) => ({
        name: `${perSecond} deliveries/s`,
        value: held ? 'held' : 'not held',
        note: `p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms over ${fixes} fixes; drained in ${rounded(drained)} s`,
      })),
    );
  }
  if (results.units) reportUnits(results.units);
  if (results.bundles) printTable('Bundles', results.bundles);
}

const SECTIONS = ['intake', 'steady', 'units', 'bundles'] as const;
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const unknown = named.find((name) => !(SECTIONS as readonly string[]).includes(name));
if (unknown !== undefined) {
  process.stderr.write(`There is no section ${unknown}. Sections: ${SECTIONS.join(', ')}\n`);
  process.exit(2);
}
const wants = (name: (typeof SECTIONS)[number]) => named.length === 0 || named.includes(name);

const results: Results = {};
if (wants('intake')) results.intake = await intake();
if (wants('steady')) results.steady = await steady();
if (wants('units')) results.units = await units();
if (wants('bundles')) {
  const template = readTemplateOf(await sharedAssembly());
  results.bundles = bundleRows(join(root, 'build/functions'), template);
}
report(results);
if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(results)}\n`);
