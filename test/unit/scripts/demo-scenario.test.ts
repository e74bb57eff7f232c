import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PlannedRun, scenario } from '../../../scripts/demo/scenario/index.ts';
import { createWorld, type World } from '../../../scripts/demo/world.ts';
import { diagnose } from '../../../shared/diagnosis/index.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld({ seed: 'logs', speed: 1000, redeliverEveryMs: 1000 });
});
afterAll(() => world.close());

/** The log of a failed job as its forge serves it, asked for until it is there. */
async function logOf(run: PlannedRun, job: string): Promise<string> {
  const forge = world.forges.find(({ platform }) => platform === run.platform);
  const id = world.runOf(run.key)?.job(job).id;
  const [path, headers] =
    run.platform === 'github'
      ? [`/repos/${run.repository}/actions/jobs/${id}/logs`, { authorization: 'Bearer ghp_demo', 'user-agent': 'test' }]
      : [
          `/api/v4/projects/${encodeURIComponent(run.repository)}/jobs/${id}/trace`,
          { 'private-token': 'glpat-demo', 'user-agent': 'test' },
        ];
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const response = await fetch(`${forge?.url}${path}`, { headers });
    const text = await response.text();
    if (response.ok && text !== '') return text;
    await sleep(5);
  }
  throw new Error(`no log of ${run.key} / ${job}`);
}

const failing = scenario.acts
  .flatMap((act) => act.runs)
  .flatMap((run) => run.jobs.map((job) => ({ run, job, name: `${run.key} / ${job.name}` })))
  // What has no log, or ran out of time, is judged by its status.
  .filter(({ job }) => job.trouble !== undefined && !job.logExpired && job.outcome !== 'timed_out');

it.each(failing)('the log of $name says what the scenario holds it to say', async ({ run, job }) => {
  if (world.runOf(run.key) === undefined) world.happen(run);
  const step = run.platform === 'github' ? job.steps?.at(-1) : undefined;
  const found = await diagnose(await logOf(run, job.name), {
    platform: run.platform,
    jobName: job.name,
    ...(step !== undefined && { failedStep: typeof step === 'string' ? step : step.name }),
    ...(job.runner !== undefined && { runnerName: job.runner.name }),
  });
  const { cause, category, transient } = found;
  const { trouble } = job;
  expect({ cause, category, transient }).toEqual({
    cause: trouble?.cause,
    category: trouble?.category,
    transient: trouble?.transient,
  });
  expect(found.severity === 'critical').toBe(trouble?.critical ?? false);
});
