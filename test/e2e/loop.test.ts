import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Delivery, Forge, Platform } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import {
  expectContractKept,
  expectFixed,
  expectLeftAlone,
  FIX,
  fixedOnce,
  LOGS,
  openForge,
  pick,
  pipeline,
  SIGNING_TOKEN,
  sendAll,
  shuffled,
  storyOf,
  withoutArrivals,
  writesOf,
} from './support/scenario.ts';

const ENDS = {
  github: { job: 'workflow_job.completed test', run: 'workflow_run.completed' },
  gitlab: { job: 'job.failed test', run: 'pipeline.failed' },
} as const;

/** The path of the one call that fixes a run. */
const fixPath = (forge: Forge, repository: string, runId: number, jobId: number): RegExp =>
  forge.platform === 'github'
    ? new RegExp(`^/repos/${repository}/actions/runs/${runId}/rerun-failed-jobs$`)
    : new RegExp(`^/api/v4/projects/[^/]+/jobs/${jobId}/retry$`);

/** The deliveries that QMOI has, each once. */
const takenBy = (forge: Forge): Delivery[] => [
  ...new Map(forge.sent.map(({ delivery }) => [delivery.id, delivery])).values(),
];

/** The same facts under an id that QMOI has not seen, signed anew where the id is part of what is signed. */
function underNewId(delivery: Delivery, index: number): Delivery {
  const id = `again-${index}-${delivery.id}`;
  const headers = { ...delivery.headers };
  for (const name of ['x-github-delivery', 'idempotency-key', 'webhook-id']) {
    if (headers[name] !== undefined) headers[name] = id;
  }
  if (headers['webhook-signature'] !== undefined) {
    const key = Buffer.from(SIGNING_TOKEN.replace('whsec_', ''), 'base64');
    const signed = `${id}.${headers['webhook-timestamp']}.${delivery.body}`;
    headers['webhook-signature'] = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  }
  return { ...delivery, headers };
}

const ways: readonly { platform: Platform; how: string; options?: { signingToken?: string; secret?: string } }[] = [
  { platform: 'github', how: 'signed' },
  { platform: 'gitlab', how: 'with a plain token' },
  { platform: 'gitlab', how: 'with a signing token alone', options: { signingToken: SIGNING_TOKEN, secret: '' } },
];

describe.each(ways)('$platform, $how', ({ platform, options }) => {
  /** How a webhook is proved makes no difference beyond its door. */
  const further = it.runIf(options === undefined);
  let forge: Forge;
  let host: TestHost;

  beforeAll(async () => {
    forge = await openForge(platform, options);
    host = await TestHost.boot({ forges: [forge] });
  });
  afterAll(async () => {
    await host?.end();
    await forge?.close();
  });

  it('retries what the network broke exactly once, proves it, and tells it', async () => {
    const repository = forge.repository('acme/shop');
    const run = repository.run(pipeline('test', { logMissingCalls: 3 }));
    await run.play();
    await fixedOnce(forge, run);
    await host.settled(forge);

    const failed = run.deliveries.find(({ label }) => label.startsWith(ENDS[platform].job));
    const writes = writesOf(forge.calls);
    expect(writes.map(({ method }) => method)).toEqual(['POST']);
    expect(writes[0]?.path).toMatch(fixPath(forge, 'acme/shop', run.id, failed?.jobId ?? 0));
    expect(run).toMatchObject({ status: 'completed', conclusion: 'success' });
    // The log was asked for until it was there.
    expect(forge.calls.filter(({ path }) => /\/(logs|trace)$/.test(path)).length).toBeGreaterThan(3);

    const { failures, incidents, remediations, notifications, runs, jobs } = await expectFixed(
      host,
      forge,
      run,
      'test',
    );
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const common = { id: expect.any(String), version: expect.any(Number), createdAt: time, updatedAt: time, platform };
    expect(runs[0]).toMatchObject({
      ...common,
      externalId: String(run.id),
      repository: 'acme/shop',
      attempt: 1,
      branch: 'main',
      commit: expect.stringMatching(/^[0-9a-f]{40}$/),
      url: expect.stringMatching(/^https:\/\//),
      endedAt: time,
    });
    expect(jobs.find(({ id }) => id === failures[0]?.jobId)).toMatchObject({
      ...common,
      externalId: String(failed?.jobId),
      runId: runs[0]?.id,
      name: 'test',
      repository: 'acme/shop',
      runner: { id: expect.any(String), name: expect.any(String) },
      startedAt: time,
      endedAt: time,
      steps: expect.any(Array),
    });
    expect(failures[0]).toMatchObject({
      ...common,
      runId: runs[0]?.id,
      cause: expect.any(String),
      severity: expect.stringMatching(/^(critical|high|medium|low)$/),
      priority: expect.any(Number),
      terms: expect.objectContaining({ cause: expect.any(Number), branch: 0 }),
      fingerprint: expect.any(String),
      incidentId: incidents[0]?.id,
    });
    expect(remediations[0]).toMatchObject({
      ...common,
      playbook: expect.any(String),
      strategy: expect.any(String),
      subject: platform === 'github' ? runs[0]?.id : failures[0]?.jobId,
      reason: expect.any(String),
      result: expect.any(String),
    });
    expect(notifications.map(({ event, status, topic }) => [event, status, topic]).sort()).toEqual([
      ['incident.open', 'sent', 'error'],
      ['incident.resolved', 'sent', 'status'],
    ]);
    expect(incidents[0]).toMatchObject({
      repositories: [`${platform}/acme/shop`],
      terms: { recurrence: 0 },
      counts: { failures: 1 },
    });
    expect(await host.list('flaky', { repository: 'acme/shop' })).toMatchObject([
      {
        kind: 'job',
        name: 'test',
        status: 'suspected',
        suspectedCause: 'network',
        flips: [{ failureId: failures[0]?.id }],
      },
    ]);
    const outbox = await host.list('outbox');
    expect(outbox.map(({ topic }) => topic).sort()).toEqual(['Qmoi-error', 'Qmoi-status']);
    for (const { message } of outbox) expect(message).toContain(incidents[0]?.id);
    const deliveries = await host.list('deliveries');
    expect(new Set(deliveries.map(({ status }) => status))).toEqual(new Set(['recorded']));
    expect(deliveries.map(({ externalId }) => externalId).sort()).toEqual(forge.deliveries.map(({ id }) => id).sort());
  });

  further('needs nothing but the ends of job and run, in either order', async () => {
    // Of a fingerprint of their own: what has come back twice is closed only after it has been quiet.
    const log = `${LOGS.transient}curl: (6) Could not resolve host: example.com\n`;
    const runs = ['job-first', 'run-first'].map((order) => {
      const run = forge.repository(`acme/${order}`).run(pipeline('test', { logMissingCalls: 1, log }));
      run.record();
      const ends = pick(run, ENDS[platform].job, ENDS[platform].run);
      return { run, ends: order === 'job-first' ? ends : ends.reverse() };
    });
    await Promise.all(runs.map(({ ends }) => sendAll(forge, ends)));
    await Promise.all(runs.map(({ run }) => fixedOnce(forge, run)));
    await host.settled(forge);
    for (const { run } of runs) await expectFixed(host, forge, run, 'test');
  });

  further('escalates when the retry fails as well, and does not try again', async () => {
    const run = forge
      .repository('acme/broken')
      .run(pipeline('unlucky', { thenOnRetry: 'failure', logMissingCalls: 1, steps: ['Run unlucky'] }));
    await run.play();
    await fixedOnce(forge, run);
    await host.settled(forge);
    expect(forge.effects.filter(({ runId }) => runId === run.id)).toHaveLength(1);
    const { incidents, remediations, failures, notifications, runs } = await storyOf(host, platform, run.id);
    expect(runs.map(({ status }) => status)).toEqual(['failed', 'failed']);
    expect(failures.map(({ attempt, status, category }) => [attempt, status, category])).toEqual([
      [1, 'diagnosed', 'network'],
      [2, 'diagnosed', 'network'],
    ]);
    expect(incidents).toMatchObject([{ status: 'escalated' }]);
    expect(remediations.find(({ attempt }) => attempt === 1)).toMatchObject({ status: 'failed' });
    for (const later of remediations.filter(({ attempt }) => Number(attempt) > 1)) {
      expect(later).toMatchObject({ status: 'refused', reason: expect.stringContaining('first attempt') });
    }
    expect(notifications.map(({ event }) => event).sort()).toEqual(['incident.escalated', 'incident.open']);
  });

  further('does not retry what a retry would not fix, or what nobody knows', async () => {
    const known = [
      { name: 'compile', log: LOGS.deterministic, category: 'automation', transient: false },
      { name: 'reconcile', log: LOGS.unknown, category: 'unknown', transient: null },
    ].map(({ name, log, ...diagnosis }) => {
      const failing = { log, logMissingCalls: 0, steps: [`Run ${name}`] };
      return { name, diagnosis, run: forge.repository('acme/code').run(pipeline(name, failing)) };
    });
    await Promise.all(known.map(({ run }) => run.play()));
    await host.settled(forge);
    for (const { name, diagnosis, run } of known) {
      const { failures, remediations, incidents } = await expectLeftAlone(host, forge, run);
      expect(failures).toMatchObject([{ status: 'diagnosed', ...diagnosis }]);
      expect(remediations).toMatchObject([
        { status: 'refused', action: FIX[platform].action, reason: expect.stringContaining(name) },
      ]);
      expect(incidents).toMatchObject([{ status: 'open' }]);
    }
  });

  further('changes nothing when the same deliveries come again, in any order', async () => {
    await host.settled(forge);
    const [before, outbox] = [await host.world(), await host.list('outbox')];
    const effects = forge.effects.length;
    const taken = takenBy(forge);
    await sendAll(forge, shuffled(taken, 1), [200]);
    for (const { body } of forge.sent.slice(-taken.length)) expect(JSON.parse(body)).toEqual({ status: 'duplicate' });
    await host.settled(forge);
    expect(await host.world()).toEqual(before);
    expect(await host.list('outbox')).toEqual(outbox);
    expect(forge.effects).toHaveLength(effects);
  });

  it('learns nothing from the same facts under other ids', async () => {
    await host.settled(forge);
    const [before, outbox] = [await host.world(), await host.list('outbox')];
    const effects = forge.effects.length;
    const taken = takenBy(forge);
    const renamed = shuffled(taken, 2).map(underNewId);
    await sendAll(forge, renamed, [202]);
    await host.settled(forge);
    const after = await host.world();
    expect(Object.keys(after.deliveries ?? {})).toHaveLength(2 * taken.length);
    expect(withoutArrivals(after)).toEqual(withoutArrivals(before));
    expect(await host.list('outbox')).toEqual(outbox);
    expect(forge.effects).toHaveLength(effects);
  });

  it('keeps to the API as the platform describes it', () => {
    expectContractKept(forge);
  });
});
