import { expect, it } from 'vitest';
import { editedAssembly } from '../support/assembly.ts';
import { until } from '../support/client.ts';
import { TestHost } from '../support/host.ts';
import { openForge, pick, pipeline, sendAll, withRemediation } from './support/scenario.ts';

const plenty = { budgets: { perRepositoryPerHour: 1_000, perHour: 1_000 }, outage: { runs: 1_000 } };

it('an emergency stop amid many fixes: what is under way ends, the others stay where they are until the release', async () => {
  const RUNS = 8;
  const forge = await openForge('github', { seed: 'stop' });
  const host = await TestHost.boot({ assemblyDir: await editedAssembly(withRemediation(plenty)), forges: [forge] });
  try {
    forge.faults.add({ kind: 'slow', ms: 1_000, method: 'POST', path: 'rerun-failed-jobs', times: RUNS });
    const runs = Array.from({ length: RUNS }, (_, index) => {
      const name = `test-${index}`;
      const spec = pipeline(name, { logMissingCalls: 0, steps: [`Run ${name}`] });
      return forge.repository(`acme/stop-${index}`).run(spec);
    });
    const sent = () => forge.calls.filter(({ method, path }) => method === 'POST' && path.includes('/rerun')).length;
    for (const [index, run] of runs.entries()) {
      run.record();
      await sendAll(forge, pick(run, `workflow_job.completed test-${index}`, 'workflow_run.completed'));
    }
    await until('some to be in flight', () => sent() > 0);
    await until('the stop', async () => (await host.control('all', 'stopped')).status === 200);
    const before = sent();
    await host.settled(forge);
    expect(sent()).toBe(before);
    const held = await host.list('remediations', { status: 'proposed' });
    expect(held).toHaveLength(RUNS - before);
    for (const { reason } of held) expect(reason).toMatch(/^the master has QMOI stop(?:ped|ping) here$/);
    await host.control('all', 'running');
    await until('all to be asked for', () => sent() === RUNS, 120_000);
  } finally {
    await host.end();
    await forge.close();
  }
});
