import { describe, expect, it } from 'vitest';
import type { Platform } from '../../../../shared/platforms/port.ts';
import {
  askFor,
  type EngineDeps,
  remediateRun,
  setControl,
  settleControl,
  verifyRun,
} from '../../../../shared/remediation/index.ts';
import { remediationSettings } from '../../../../shared/runtime/remediation-settings.ts';
import { ids } from '../../../../shared/store/index.ts';
import { FakePlatform } from '../../../support/fake-platform.ts';
import { inMemory } from '../../../support/memory-table.ts';

/** What `test/property/remediation-model.test.ts` once found, each by itself. */

/** A GitHub of which one run has failed, of the given causes. */
function world(causes: Record<string, { transient: boolean | null }>, policy: object = {}) {
  const { store, time } = inMemory();
  const fake = new FakePlatform();
  const retryOptions: Platform['retryOptions'] = (...args) =>
    fake.platform.retryOptions(...args).map((option) => ({ ...option, action: 'rerun-failed-jobs' }));
  const deps: EngineDeps = {
    ...{ store, platforms: { github: { ...fake.platform, name: 'github', retryOptions } }, read: async () => ({}) },
    ...{ settings: remediationSettings.parse(policy), now: () => time.now, owner: 'worker' },
  };
  const runId = ids.run('github', 1, 1);
  const common = () => ({
    ...{ platform: 'github', repository: 'acme/shop', origin: 'live' as const, attempt: 1 },
    ...{ statusAt: store.now(), endedAt: store.now() },
  });
  const failJob = async (name: string, transient: boolean | null) => {
    const id = ids.job('github', 1, name);
    const job = { ...common(), id, runId, externalId: name, name, status: 'failed' as const };
    await store.merge('job', { ...job, steps: [] });
    await store.merge('failure', {
      ...{ ...job, jobId: id, failedAt: store.now(), status: 'diagnosed', transient },
      ...{ cause: 'dns-resolution-failed', category: 'network', severity: 'medium', priority: 3 },
    });
  };
  const fail = async () => {
    await store.merge('run', { ...common(), id: runId, externalId: '1', status: 'failed', name: 'ci' });
    for (const [name, { transient }] of Object.entries(causes)) await failJob(name, transient);
  };
  const fixes = async () =>
    (await store.partition('run#github:1', 'remediation#')).map(
      ({ id, status }) => [String(id).slice(9), String(status)] as const,
    );
  return { store, time, fake, deps, runId, fail, failJob, fixes, work: () => remediateRun(runId, deps) };
}

describe('the engine', () => {
  it('holds up a stop for as long as a request may be on its way whose answer nobody has', async () => {
    const { store, time, fake, fail, work } = world({ test: { transient: true } });
    fake.answers = ['unknown'];
    await fail();
    await work();
    const control = await setControl(store, 'all', { status: 'stopped', actor: 'master' });
    expect((await settleControl(store, control)).status).toBe('stopping');
    time.now += 16_000;
    expect((await settleControl(store, control)).status).toBe('stopped');
  });

  it('does not run an attempt again by hand that it has run again itself, though nobody has told of the next one', async () => {
    const { store, fake, fail, fixes, runId, work } = world({ test: { transient: true } });
    await fail();
    await work();
    await askFor(store, { runId, action: 'rerun-failed-jobs', by: 'master' });
    for (let round = 0; round < 3; round++) await work();
    expect(fake.effects).toHaveLength(1);
    expect((await fixes()).map(([, status]) => status).sort()).toEqual(['refused', 'verifying']);
  });

  it('lets a question end that another cause has made moot', async () => {
    const { time, fail, failJob, fixes, work } = world(
      { test: { transient: true } },
      { playbooks: { 'retry-failed-jobs': 'off', 'rerun-with-debug': 'approve' } },
    );
    await fail();
    await work();
    expect(await fixes()).toEqual([['rerun-with-debug:1', 'awaiting-approval']]);
    await failJob('lint', false);
    await work();
    time.now += 61 * 60_000;
    await work();
    expect((await fixes()).find(([id]) => id === 'rerun-with-debug:1')?.[1]).toMatch(/^(?:refused|expired)$/);
  });

  it('proves what is asked for and told by its answer alone by nothing else', async () => {
    const { store, time, fake, runId, fail, fixes, work } = world({ test: { transient: false } });
    fake.answers = ['unknown'];
    await fail();
    await askFor(store, { runId, action: 'enable-workflow', parameters: { workflow: 'ci.yml' }, by: 'master' });
    await work();
    // Somebody has run it again, and it succeeded.
    const next = { platform: 'github', repository: 'acme/shop', origin: 'live' as const, attempt: 2 };
    const at = { statusAt: store.now(), endedAt: store.now() };
    await store.merge('run', { ...next, ...at, id: ids.run('github', 1, 2), externalId: '1', status: 'succeeded' });
    time.now += 1_000;
    await verifyRun(runId, { store, now: () => time.now });
    expect((await fixes()).find(([id]) => id.startsWith('enable-workflow'))?.[1]).toBe('unknown');
  });

  it('brings to its end what was begun for an attempt, though a plan of an earlier one is heard of later', async () => {
    const it = world(
      { test: { transient: true } },
      { playbooks: { 'rerun-with-debug': 'act', 'retry-failed-jobs': 'off' } },
    );
    await setControl(it.store, 'all', { status: 'paused', actor: 'master' });
    await it.fail();
    await it.work();
    expect(await it.fixes()).toEqual([['rerun-with-debug:1', 'proposed']]);
    await it.store.merge('remediation', {
      ...{
        id: ids.remediation('github:1', 'open-issue', '1'),
        action: 'open-issue',
        status: 'refused',
        plan: 'p',
        step: 3,
      },
      ...{ platform: 'github', repository: 'acme/shop', origin: 'live', statusAt: it.store.now(), attempt: 1 },
      ...{ runId: it.runId, subject: it.runId, externalId: '1', playbook: 'github-ladder', strategy: 'comprehensive' },
      ...{ targets: ['test'], incidentIds: [] },
    });
    await setControl(it.store, 'all', { status: 'running', actor: 'master' });
    await it.work();
    expect(await it.fixes()).toContainEqual(['rerun-with-debug:1', 'verifying']);
  });

  it('follows one of two fixes that were begun for an attempt at once, and ends the other', async () => {
    const it = world(
      { test: { transient: true } },
      { playbooks: { 'rerun-with-debug': 'act', 'retry-failed-jobs': 'off', 'patient-retry': 'act' } },
    );
    await setControl(it.store, 'all', { status: 'paused', actor: 'master' });
    await it.fail();
    await it.work();
    await it.store.merge('remediation', {
      ...{ id: ids.remediation('github:1', 'rerun-one', '1'), action: 'rerun-one', status: 'proposed' },
      ...{ platform: 'github', repository: 'acme/shop', origin: 'live', statusAt: it.store.now(), attempt: 1 },
      ...{ runId: it.runId, subject: it.runId, externalId: 'test', playbook: 'patient-retry', strategy: 'gradual' },
      ...{ plan: 'p', step: 0, targets: ['test'], incidentIds: [] },
    });
    await setControl(it.store, 'all', { status: 'running', actor: 'master' });
    for (let round = 0; round < 2; round++) await it.work();
    expect((await it.fixes()).map(([, status]) => status).sort()).toEqual(['refused', 'verifying']);
    expect(it.fake.effects).toHaveLength(1);
  });
});
