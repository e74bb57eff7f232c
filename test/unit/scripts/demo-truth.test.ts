import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PlannedRun, scenario } from '../../../scripts/demo/scenario/index.ts';
import { distinctDeliveries, isTried, play, ROW_NAMES, truthOf } from '../../../scripts/demo/truth/index.ts';
import { createWorld, type World } from '../../../scripts/demo/world.ts';
import { receiver } from '../support/forges/receiver.ts';

const runs = scenario.acts.flatMap((act) => act.runs);
const { figures, facts } = truthOf(scenario);
const sum = (...rows: string[]): number => rows.reduce((total, row) => total + (figures[row] ?? Number.NaN), 0);

/** Somebody who asks for exactly the reruns that the scenario speaks of. */
async function retry(world: World, run: PlannedRun): Promise<void> {
  const handle = world.runOf(run.key);
  const forge = world.forges.find(({ platform }) => platform === run.platform);
  if (handle === undefined || forge === undefined) throw new Error(`${run.key} has not happened`);
  const post = async (path: string, headers: Record<string, string>): Promise<void> => {
    const response = await fetch(forge.url + path, { method: 'POST', headers: { 'user-agent': 'test', ...headers } });
    expect(response.status, path).toBe(201);
  };
  const jobs = run.jobs.filter(isTried);
  if (jobs.length === 0) return;
  if (run.platform === 'github') {
    await post(`/repos/${run.repository}/actions/runs/${handle.id}/rerun-failed-jobs`, {
      authorization: 'Bearer ghp_demo',
    });
  } else {
    for (const { name } of jobs) {
      const project = encodeURIComponent(run.repository);
      await post(`/api/v4/projects/${project}/jobs/${handle.job(name).id}/retry`, { 'private-token': 'glpat-demo' });
    }
  }
  await forge.idle();
}

describe('the truth of the demo', () => {
  let world: World;
  let sink: Awaited<ReturnType<typeof receiver>>;
  beforeAll(async () => {
    sink = await receiver();
    world = await createWorld({ seed: 'truth', speed: 5000, redeliverEveryMs: 1000 });
    world.target(sink.url);
  });
  afterAll(async () => {
    await world.close();
    await sink.close();
  });

  it.each(runs.map((run) => [run.key, run] as const))('knows how %s plays out at its forge', async (_key, run) => {
    const { handle } = world.happen(run);
    await retry(world, run);
    const attempts = play(run);
    const words: Record<string, string> = {
      success: 'succeeded',
      failure: 'failed',
      cancelled: 'canceled',
      timed_out: run.platform === 'github' ? 'timed-out' : 'failed',
    };
    expect(handle.attempt).toBe(attempts.length);
    expect(words[handle.conclusion ?? '']).toBe(attempts.at(-1)?.status);
    expect(handle.deliveries.length).toBe(attempts.reduce((total, attempt) => total + attempt.deliveries, 0));
    const ends = Object.fromEntries(handle.jobs.map(({ spec, conclusion }) => [spec.name, conclusion ?? '']));
    expect(Object.fromEntries(Object.entries(ends).map(([name, end]) => [name, words[end] ?? end]))).toEqual(
      Object.fromEntries(attempts.at(-1)?.jobs.map(({ job, status }) => [job.name, status]) ?? []),
    );
  });

  it('adds up', () => {
    const ended = ['succeeded', 'failed', 'timed-out', 'canceled', 'skipped'];
    expect(sum(...ended.map((status) => `Runs: ${status}`))).toBe(figures['Runs: all attempts']);
    expect(sum(...ended.map((status) => `Jobs: ${status}`))).toBe(figures['Jobs: all attempts']);
    expect(sum('Jobs: failed', 'Jobs: timed-out')).toBe(
      sum(...['runner', 'automation', 'system', 'network', 'performance', 'unknown'].map((c) => `Failures: ${c}`)),
    );
    expect(sum('Incidents: open', 'Incidents: resolved', 'Incidents: escalated')).toBe(figures['Incidents: all']);
    expect(sum('Fixes: verified', 'Fixes: failed')).toBe(figures['Fixes: tried']);
    expect(sum('Asked for: reruns at GitHub', 'Asked for: retries at GitLab')).toBe(figures['Fixes: tried']);
    expect(
      sum(...['kept', 'quarantined', 'duplicates', 'ignored', 'turned away'].map((row) => `Deliveries: ${row}`)),
    ).toBe(figures['Deliveries: sent']);
    expect(distinctDeliveries(scenario.acts)).toBe(sum('Deliveries: sent') - sum('Deliveries: duplicates'));
    expect(Object.keys(figures).sort()).toEqual([...ROW_NAMES].sort());
  });

  it('is worth a demo: of every category, of every outcome, of both forges, with a tenth of it twice', () => {
    expect(distinctDeliveries(scenario.acts)).toBeGreaterThanOrEqual(200);
    expect(sum('Deliveries: duplicates') / distinctDeliveries(scenario.acts)).toBeGreaterThan(0.09);
    for (const category of ['runner', 'automation', 'system', 'network', 'performance', 'unknown']) {
      expect(figures[`Failures: ${category}`], category).toBeGreaterThan(0);
    }
    for (const row of ['verified', 'failed', 'refused']) expect(figures[`Fixes: ${row}`], row).toBeGreaterThan(0);
    for (const status of ['open', 'resolved', 'escalated'])
      expect(figures[`Incidents: ${status}`], status).toBeGreaterThan(0);
    expect(figures['Asked for: reruns at GitHub']).toBeGreaterThan(0);
    expect(figures['Asked for: retries at GitLab']).toBeGreaterThan(0);
    expect(figures['Deliveries: quarantined']).toBeGreaterThan(0);
  });

  it('is the same whenever it is asked for', () => {
    expect(truthOf(scenario)).toEqual({ figures, facts });
  });

  it('has one name for each run, and one fate for the failed jobs of a GitHub run', () => {
    expect(new Set(runs.map(({ key }) => key)).size).toBe(runs.length);
    for (const run of runs.filter(({ platform }) => platform === 'github')) {
      const fates = new Set(run.jobs.flatMap(({ trouble }) => trouble?.fix ?? []));
      expect(fates.size, run.key).toBeLessThanOrEqual(1);
    }
  });

  it('tries nothing again that has a job nobody would try again, and only one job of a GitLab pipeline', () => {
    for (const run of runs) {
      const tried = run.jobs.filter(isTried);
      for (const { name, trouble } of tried) expect(trouble?.transient, `${run.key} / ${name}`).toBe(true);
      // A second retry may come before or after the pipeline has ended again: one attempt more, or none.
      if (run.platform === 'gitlab') expect(tried.length, run.key).toBeLessThanOrEqual(1);
    }
  });
});
