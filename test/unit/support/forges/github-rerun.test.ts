import { Octokit } from '@octokit/rest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createForge, type Forge, type JobSpec, type ManualClock, manualClock } from '../../../support/forges/index.ts';
import { receiver } from './receiver.ts';

const NOW = Date.parse('2026-03-02T10:00:00Z');
const LOG = "fatal: unable to access 'https://github.com/acme/lib/': Could not resolve host: github.com\n";
const repo = { owner: 'acme', repo: 'shop' };
const flaky: JobSpec = { name: 'test', outcome: 'failure', thenOnRetry: 'success', log: LOG };

let clock: ManualClock;
let qmoi: Awaited<ReturnType<typeof receiver>>;
let forge: Forge;
let github: Octokit;

async function refusal(call: Promise<unknown>): Promise<{ status: number; message: string }> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason as { status: number; response: { data: { message: string } } },
  );
  if (!error) throw new Error('the call was not refused');
  return { status: error.status, message: error.response.data.message };
}

/** Lets every timer run and every webhook arrive. */
async function settle(): Promise<void> {
  clock.drain();
  await forge.idle();
}

beforeEach(async () => {
  clock = manualClock(NOW);
  qmoi = await receiver();
  forge = await createForge({
    platform: 'github',
    webhookUrl: qmoi.url,
    secret: 's3cret',
    token: 'ghp_ok',
    seed: 7,
    clock,
    speed: 1,
  });
  github = new Octokit({
    baseUrl: forge.url,
    auth: 'ghp_ok',
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
});

afterEach(async () => {
  await forge.close();
  await qmoi.close();
});

describe('a rerun of the failed jobs', () => {
  it('opens the next attempt once, copies what is not run again, and reports all of it by webhook', async () => {
    const run = forge.repository('acme/shop').run({
      workflow: 'CI',
      jobs: [{ name: 'lint' }, flaky, { name: 'deploy', needs: ['test'] }],
    });
    run.record();
    expect(run.conclusion).toBe('failure');
    expect(run.job('deploy').conclusion).toBe('skipped');
    const before = { lint: run.job('lint'), test: run.job('test') };

    const [first, second] = await Promise.allSettled([
      github.actions.reRunWorkflowFailedJobs({ ...repo, run_id: run.id }),
      github.actions.reRunWorkflowFailedJobs({ ...repo, run_id: run.id }),
    ]);
    expect([first, second].filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    const lost = [first, second].find((result) => result.status === 'rejected');
    expect(lost).toMatchObject({
      reason: { status: 403, response: { data: { message: 'This workflow is already running' } } },
    });
    expect((await github.actions.getWorkflowRun({ ...repo, run_id: run.id })).data).toMatchObject({
      id: run.id,
      run_attempt: 2,
      status: 'queued',
      conclusion: null,
    });
    await settle();

    expect(run.attempt).toBe(2);
    expect(run.conclusion).toBe('success');
    expect(forge.effects).toMatchObject([
      { kind: 'rerun-failed-jobs', repository: 'acme/shop', runId: run.id, attempt: 2 },
    ]);
    expect(qmoi.received.map((hook) => `${hook.headers['x-github-event']} ${JSON.parse(hook.body).action}`)).toEqual([
      'workflow_run requested',
      'workflow_job completed',
      'workflow_job queued',
      'workflow_run in_progress',
      'workflow_job in_progress',
      'workflow_job completed',
      'workflow_job queued',
      'workflow_job in_progress',
      'workflow_job completed',
      'workflow_run completed',
    ]);
    expect(JSON.parse(qmoi.received.at(-1)?.body ?? '').workflow_run).toMatchObject({
      id: run.id,
      run_attempt: 2,
      conclusion: 'success',
      triggering_actor: { login: 'qmoi-bot' },
    });

    const second2 = await github.actions.listJobsForWorkflowRunAttempt({ ...repo, run_id: run.id, attempt_number: 2 });
    const lint = second2.data.jobs.find((job) => job.name === 'lint');
    expect(lint).toMatchObject({ run_attempt: 2, conclusion: 'success' });
    expect(lint?.id).not.toBe(before.lint.id);
    expect(lint?.started_at).toBe(new Date(before.lint.startedAt ?? 0).toISOString().replace('.000Z', 'Z'));
    const first1 = await github.actions.listJobsForWorkflowRunAttempt({ ...repo, run_id: run.id, attempt_number: 1 });
    expect(first1.data.jobs.find((job) => job.name === 'test')).toMatchObject({
      id: before.test.id,
      conclusion: 'failure',
    });
    const all = await github.actions.listJobsForWorkflowRun({ ...repo, run_id: run.id, filter: 'all' });
    expect(all.data.total_count).toBe(6);
    const latest = await github.actions.listJobsForWorkflowRun({ ...repo, run_id: run.id });
    expect(latest.data.jobs.every((job) => job.run_attempt === 2)).toBe(true);
    const attempt1 = await github.actions.getWorkflowRunAttempt({ ...repo, run_id: run.id, attempt_number: 1 });
    expect(attempt1.data).toMatchObject({ run_attempt: 1, conclusion: 'failure' });
  });

  it('is refused while the run goes on, when nothing failed, when it is too old and after fifty reruns', async () => {
    const repository = forge.repository('acme/shop');
    const rerun = (id: number) => refusal(github.actions.reRunWorkflowFailedJobs({ ...repo, run_id: id }));

    const going = repository.run({ jobs: [{ ...flaky, durationSeconds: 60 }] });
    const played = going.play();
    clock.advance(10_000);
    expect(await rerun(going.id)).toEqual({ status: 403, message: 'This workflow is already running' });
    clock.drain();
    await played;

    const green = repository.run({ jobs: [{ name: 'build' }] });
    green.record();
    expect(await rerun(green.id)).toEqual({ status: 403, message: 'This workflow run cannot be retried' });

    const old = repository.run({ jobs: [flaky], ageDays: 31 });
    old.record();
    expect((await rerun(old.id)).message).toContain('created over a month ago');
    expect((await rerun(4711)).status).toBe(404);

    const hopeless = repository.run({ jobs: [{ name: 'test', outcome: 'failure' }] });
    hopeless.record();
    for (let n = 0; n < 50; n += 1) {
      await github.actions.reRunWorkflowFailedJobs({ ...repo, run_id: hopeless.id });
      await settle();
    }
    expect(hopeless.attempt).toBe(51);
    expect((await rerun(hopeless.id)).status).toBe(403);
    expect(forge.effects.filter((effect) => effect.runId === hopeless.id)).toHaveLength(50);
  });

  it('of one job leaves the other failed job failed', async () => {
    const run = forge.repository('acme/shop').run({ jobs: [flaky, { name: 'broken', outcome: 'failure' }] });
    run.record();
    await github.actions.reRunJobForWorkflowRun({ ...repo, job_id: run.job('test').id });
    expect(forge.effects).toMatchObject([{ kind: 'rerun-job', attempt: 2 }]);
    const again = refusal(github.actions.reRunJobForWorkflowRun({ ...repo, job_id: run.job('broken').id }));
    expect((await again).message).toBe('The workflow run containing this job is already running');
    await settle();
    expect([run.job('test').conclusion, run.job('broken').conclusion, run.conclusion]).toEqual([
      'success',
      'failure',
      'failure',
    ]);
  });

  it('follows the outcomes the scenario lists, the last one for good', async () => {
    const run = forge.repository('acme/shop').run({
      jobs: [{ name: 'test', outcome: 'failure', thenOnRetry: ['timed_out', 'success'] }],
    });
    run.record();
    const seen = [run.conclusion];
    for (let n = 0; n < 2; n += 1) {
      await github.actions.reRunWorkflowFailedJobs({ ...repo, run_id: run.id });
      await settle();
      seen.push(run.conclusion);
    }
    expect(seen).toEqual(['failure', 'timed_out', 'success']);
  });
});
