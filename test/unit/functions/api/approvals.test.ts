import { describe, expect, it } from 'vitest';
import { approvalMessage } from '../../../../shared/notification/messages.ts';
import { approvalToken, remediateRun, verifyRun } from '../../../../shared/remediation/index.ts';
import { remediationSettings } from '../../../../shared/runtime/remediation-settings.ts';
import { failedRun, nextAttempt } from '../../../support/failed-run.ts';
import { FakePlatform } from '../../../support/fake-platform.ts';
import { withTable } from '../../../support/table.ts';
import { askOf } from './ask.ts';

const engine = withTable();
const ID = 'fake:1:rerun:1';
const settings = remediationSettings.parse({ mode: 'approve', approvalWithinMinutes: 60 });

/** A fix that waits for the master. */
async function asked(secrets: Record<string, string> = { 'master-token': 'a long secret' }) {
  const table = await engine.fresh();
  const { store, time } = table;
  const fake = new FakePlatform();
  const { runId, incidentIds } = await failedRun(store);
  const read = async () => secrets;
  const deps = {
    ...{ store, platforms: { fake: fake.platform }, read: async () => ({}), settings, owner: 'worker' },
    now: () => time.now,
  };
  await remediateRun(runId, deps);
  const fix = async () => {
    const found = await store.get('remediation', ID);
    if (found === undefined) throw new Error('nothing is asked');
    return found;
  };
  const token = async () => (await approvalToken(await fix(), read)) ?? '';
  return {
    table,
    fake,
    runId,
    incidentIds,
    fix,
    token,
    ask: askOf(store, { read }),
    judge: () => remediateRun(runId, deps),
  };
}

const post = (body: object = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
const form = (answer: string) => ({
  method: 'POST',
  principal: null,
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: `answer=${answer}`,
});

describe('a fix in the mode approve', () => {
  it('waits, and is carried out and proved once it is approved', async () => {
    const { table, fake, runId, fix, ask, judge } = await asked();
    for (let round = 0; round < 3; round++) await judge();
    expect(fake.effects).toEqual([]);
    expect(await fix()).toMatchObject({ status: 'awaiting-approval', decision: { verdict: 'ask', rule: 'approval' } });
    table.time.now += 45 * 60_000;
    const answer = await ask(`/v1/remediations/${ID}/approve`, post());
    expect([answer.status, answer.body]).toMatchObject([200, { id: ID, approvedBy: 'master' }]);
    await judge();
    await judge();
    expect(fake.effects).toHaveLength(1);
    expect(await fix()).toMatchObject({ status: 'verifying', approvedBy: 'master', decision: { verdict: 'act' } });
    await nextAttempt(table.store, { jobs: { test: 'succeeded' } });
    await verifyRun(runId, { store: table.store, now: () => table.time.now });
    expect(await fix()).toMatchObject({ status: 'succeeded' });
    expect((await ask(`/v1/remediations/${ID}/approve`, post())).status).toBe(409);
  });

  it('is not carried out once it is refused', async () => {
    const { fake, fix, ask, judge } = await asked();
    expect((await ask(`/v1/remediations/${ID}/refuse`, post({ reason: 'not today' }))).status).toBe(200);
    expect((await ask(`/v1/remediations/${ID}/approve`, post())).status).toBe(409);
    await judge();
    expect(fake.effects).toEqual([]);
    expect(await fix()).toMatchObject({ status: 'refused', reason: 'the master refused it: not today' });
  });

  it('expires without an answer, which means no', async () => {
    const { table, fake, fix, ask, judge, incidentIds } = await asked();
    table.time.now += 60 * 60_000;
    expect((await ask(`/v1/remediations/${ID}/approve`, post())).status).toBe(409);
    await judge();
    expect(fake.effects).toEqual([]);
    expect(await fix()).toMatchObject({ status: 'expired' });
    expect(await table.store.get('incident', incidentIds[0] ?? '')).toMatchObject({ status: 'escalated' });
  });

  it('is judged anew when it is approved: a rerun by hand comes first', async () => {
    const { table, fake, ask, fix, judge } = await asked();
    await nextAttempt(table.store, { jobs: { test: 'succeeded' } });
    await ask(`/v1/remediations/${ID}/approve`, post());
    await judge();
    expect(fake.effects).toEqual([]);
    expect((await fix()).status).toBe('refused');
  });

  it('is for the master alone, and for what there is', async () => {
    const { ask, fake, judge } = await asked();
    expect((await ask(`/v1/remediations/${ID}/approve`, { ...post(), principal: 'nobody' })).status).toBe(401);
    expect((await ask('/v1/remediations/fake:2:rerun:1/approve', post())).status).toBe(404);
    expect((await ask(`/v1/remediations/${ID}/approve`, post({ because: 1 }))).status).toBe(400);
    await judge();
    expect(fake.effects).toEqual([]);
  });
});

describe('a link in a message', () => {
  it('shows what is asked, however often a scanner looks, and a POST approves once', async () => {
    const { ask, fix, token, fake, judge } = await asked();
    const path = `/approvals/${await token()}`;
    for (let round = 0; round < 3; round++) {
      const shown = await ask(path, { principal: null });
      expect(shown.status).toBe(200);
      expect(shown.text).toContain('acme/shop');
      expect(shown.text).toContain('value="approve"');
    }
    await judge();
    expect(await fix()).toMatchObject({ status: 'awaiting-approval' });
    expect((await ask(path, form('approve'))).status).toBe(200);
    expect((await ask(path, form('refuse'))).status).toBe(410);
    expect((await ask(path, { principal: null })).text).not.toContain('value="approve"');
    await judge();
    expect(fake.effects).toHaveLength(1);
  });

  it('refuses, expires, and is of no use when it is forged', async () => {
    const { table, ask, fix, token } = await asked();
    const good = await token();
    const [payload = '', signature = ''] = good.split('.');
    const other = Buffer.from(JSON.stringify({ id: 'x', asked: 'y', until: 'z' })).toString('base64url');
    const forged = [`${other}.${signature}`, payload, `${payload}.`, `${payload}.${signature}a.b`, 'x'.repeat(3_000)];
    for (const bad of forged) expect((await ask(`/approvals/${bad}`, form('approve'))).status).toBe(404);
    expect((await ask(`/approvals/${good}`, form('maybe'))).status).toBe(400);
    expect((await ask(`/approvals/${good}`, { method: 'DELETE', principal: null })).status).toBe(405);
    expect(await fix()).toMatchObject({ status: 'awaiting-approval' });
    table.time.now += 60 * 60_000;
    expect((await ask(`/approvals/${good}`, form('approve'))).status).toBe(410);
    expect((await fix()).approvedAt).toBeUndefined();
  });

  it('is not made, and not taken, without a secret', async () => {
    const { token } = await asked();
    const without = await asked({});
    expect(await without.token()).toBe('');
    expect((await without.ask(`/approvals/${await token()}`, form('approve'))).status).toBe(404);
  });

  it('is in the message, or the message says how else', async () => {
    const { fix } = await asked();
    const link = 'https://qmoi.example.com/approvals/x.y';
    expect(approvalMessage(await fix(), link).body).toContain(link);
    expect(approvalMessage(await fix(), undefined).body).toContain(`qmoi approve ${ID}`);
  });
});
