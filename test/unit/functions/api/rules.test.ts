import { expect, it } from 'vitest';
import { diagnoseJob } from '../../../../functions/diagnose/diagnose-job.ts';
import { type Applied, GreenSample, keepGreenLines, noteGreen, noteHit } from '../../../../shared/rulebook/index.ts';
import { diagnosisSettings } from '../../../../shared/runtime/diagnosis-settings.ts';
import { aFailure, aJob, aRun } from '../../../support/items.ts';
import { logPlatform } from '../../../support/log-platform.ts';
import { withTable } from '../../../support/table.ts';
import { askOf } from './ask.ts';

const engine = withTable();

const LEDGER = {
  category: 'automation',
  transient: false,
  remedy: 'Ask the accountants.',
  pattern: 'ledger \\d+ does not balance',
  literals: ['does not balance'],
  examples: ['ledger 7 does not balance'],
  nearMisses: ['ledger 7 balances'],
};
const send = (method: string, body?: unknown) => ({
  method,
  ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
});

async function world() {
  const { store, time } = await engine.fresh();
  const { platforms } = logPlatform({}, ['./reconcile --all', 'ledger 7 does not balance']);
  const diagnosed = async (run: string) => {
    await store.merge('run', aRun(run));
    const { after } = await store.merge('job', aJob(run, `${run}0`));
    const id = after?.id ?? '';
    await diagnoseJob(id, 1, { store, platforms, read: async () => ({}), now: () => time.now });
    return store.get('failure', id);
  };
  return { store, time, ask: askOf(store), diagnosed };
}

it('shows every rule there is, and no pattern of another', async () => {
  const { ask } = await world();
  const { body } = await ask('/v1/rules');
  expect(body.items.length).toBeGreaterThan(150);
  expect(body.items.find(({ id }) => id === 'disk-full')).toMatchObject({ by: 'built-in', version: null });
  expect((await ask('/v1/rules/disk-full')).body).toMatchObject({ pattern: expect.any(String), steps: null });
  expect((await ask('/v1/rules/no-such-rule')).status).toBe(404);
});

it('tries a rule against what has happened, saves it, diagnoses by it within a minute, and takes it back', async () => {
  const { ask, time, diagnosed } = await world();
  expect(await diagnosed('2')).toMatchObject({ cause: 'unknown' });

  const trial = (await ask('/v1/rules/ledger-unbalanced/try', send('POST', LEDGER))).body;
  expect(trial).toMatchObject({
    accepted: true,
    tried: { failures: 1, greenLogs: 0 },
    explains: { count: 1, items: [{ id: 'github:2:job:20', repository: 'acme/web', cause: 'unknown' }] },
    changes: { count: 0 },
  });
  expect((await ask('/v1/rules/ledger-unbalanced')).status).toBe(404);

  const saved = await ask('/v1/rules/ledger-unbalanced', send('PUT', LEDGER));
  expect(saved).toMatchObject({ status: 200, body: { rule: { by: 'api', version: 1, tier: 'cause' } } });
  expect((await ask('/v1/rules')).body.items[0]).toMatchObject({ id: 'ledger-unbalanced' });
  time.now += 60_001;
  expect(await diagnosed('3')).toMatchObject({ cause: 'ledger-unbalanced', category: 'automation', transient: false });
  expect((await ask('/v1/rules/ledger-unbalanced', send('PUT', { ...LEDGER, remedy: 'Call.' }))).body).toMatchObject({
    rule: { version: 2, remedy: 'Call.' },
  });

  expect((await ask('/v1/rules/ledger-unbalanced', send('DELETE'))).status).toBe(200);
  expect((await ask('/v1/rules/ledger-unbalanced', send('DELETE'))).status).toBe(404);
  expect((await ask('/v1/rules/disk-full', send('DELETE'))).status).toBe(409);
  expect((await ask('/v1/rules/ledger-unbalanced', send('PUT', LEDGER))).body).toMatchObject({ rule: { version: 4 } });
});

it("lets the master's rule win over a built-in one of its tier, wherever it matches, and in its place", async () => {
  const { store, time } = await engine.fresh();
  const ask = askOf(store);
  const late = ['ledger 7 does not balance', 'curl: (6) Could not resolve host: example.com'];
  const { platforms } = logPlatform({ '10': late, '20': late, '30': ['No space left on device'] });
  const deps = { store, platforms, read: async () => ({}), now: () => time.now };
  const diagnosed = async (run: string) => {
    await store.merge('run', aRun(run));
    const { after } = await store.merge('job', aJob(run, `${run}0`));
    await diagnoseJob(after?.id ?? '', 1, deps);
    return (await store.get('failure', after?.id ?? ''))?.cause;
  };
  expect(await diagnosed('1')).toBe('dns-resolution-failed');
  await ask('/v1/rules/ledger-unbalanced', send('PUT', LEDGER));
  const own = {
    ...LEDGER,
    tier: 'decisive',
    pattern: 'quota of team a',
    literals: ['quota of'],
    examples: ['quota of team a'],
  };
  expect((await ask('/v1/rules/disk-full', send('PUT', { ...own, nearMisses: [] }))).status).toBe(200);
  time.now += 60_001;
  expect(await diagnosed('2')).toBe('ledger-unbalanced');
  expect(await diagnosed('3')).not.toBe('disk-full');
});

it.each([
  ['misses its own example', { examples: ['all is well'] }, 400, 'does not match its example'],
  ['matches its near miss', { nearMisses: ['ledger 8 does not balance'] }, 400, 'matches its near miss'],
  ['looks back', { pattern: '(?=ledger)(a+)+$' }, 400, 'no RE2 pattern'],
  ['refers back', { pattern: '(ledger) \\1' }, 400, 'no RE2 pattern'],
  ['is too slow', { pattern: Array(15).fill('(?:ledger.{0,900}x)').join('|') }, 400, 'too slow'],
  ['has a literal that is everywhere', { literals: ['a'] }, 400, 'literals'],
  ['says more than a rule can', { weight: 3 }, 400, 'weight'],
  ['knows no category', { category: 'unknown' }, 400, 'category'],
])('refuses a rule that %s', async (_, wrong, status, detail) => {
  const { ask } = await world();
  const answer = await ask('/v1/rules/ledger-unbalanced', send('PUT', { ...LEDGER, ...wrong }));
  expect(answer.status).toBe(status);
  expect(answer.body.detail).toContain(detail);
  expect((await ask('/v1/rules/ledger-unbalanced')).status).toBe(404);
});

it('refuses a rule that matches what green jobs print, and asks again before one that takes many causes', async () => {
  const { store, ask } = await world();
  const sample = new GreenSample();
  for (const line of ['make books', 'ledger 3 does not balance, which is fine']) sample.add(line);
  await keepGreenLines(store, 'job', sample);
  const green = await ask('/v1/rules/ledger-unbalanced', send('PUT', { ...LEDGER, force: true }));
  expect(green).toMatchObject({ status: 409, body: { detail: expect.stringContaining('which is fine') } });

  const causes = ['type-error', 'oom-killed', 'lint-failed', 'unknown'];
  for (const [index, cause] of causes.entries()) {
    await store.merge('failure', aFailure('9', String(index), { cause, excerpt: 'make books\nbooks are closed' }));
  }
  const wide = { ...LEDGER, pattern: 'books are closed', literals: ['books are'], examples: ['books are closed'] };
  const refused = await ask('/v1/rules/books-closed', send('PUT', wide));
  expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining('3 causes') } });
  expect(await ask('/v1/rules/books-closed', send('PUT', { ...wide, force: true }))).toMatchObject({
    status: 200,
    body: { trial: { accepted: false, explains: { count: 1 }, changes: { count: 3 } } },
  });
});

it('goes by the rules of the settings, which the API overrules', async () => {
  const { store } = await world();
  const ask = askOf(store, { declared: diagnosisSettings.parse({ rules: { 'ledger-unbalanced': LEDGER } }).rules });
  expect((await ask('/v1/rules/ledger-unbalanced')).body).toMatchObject({ by: 'settings' });
  expect((await ask('/v1/rules/ledger-unbalanced', send('DELETE'))).status).toBe(409);
  await ask('/v1/rules/ledger-unbalanced', send('PUT', { ...LEDGER, remedy: 'Call.' }));
  expect((await ask('/v1/rules/ledger-unbalanced')).body).toMatchObject({ by: 'api', remedy: 'Call.' });
  await ask('/v1/rules/ledger-unbalanced', send('DELETE'));
  expect((await ask('/v1/rules/ledger-unbalanced')).body).toMatchObject({ by: 'settings', remedy: LEDGER.remedy });
});

it('says how each rule has done, and why one is demoted', async () => {
  const { store, ask } = await world();
  await noteHit(store, 'disk-full', { id: 'f', failedAt: store.now() });
  for (const n of [1, 2, 3]) await noteGreen(store, { automation: `github:${n}`, job: `j${n}` }, ['missing-module']);
  expect((await ask('/v1/rules/disk-full')).body).toMatchObject({ status: 'active', hits: 1, lastHitAt: store.now() });
  const { body } = await ask('/v1/rules');
  expect(body.items.filter(({ status }) => status === 'demoted')).toMatchObject([
    { id: 'missing-module', hits: 0, demotedAt: store.now(), why: expect.stringContaining('3 automations') },
  ]);
});

it('diagnoses stored failures by a new rule, and puts them where later ones go', async () => {
  const { ask, time, diagnosed } = await world();
  const before = [await diagnosed('2'), await diagnosed('3')];
  expect(new Set(before.map((failure) => failure?.incidentId)).size).toBe(1);
  expect((await ask('/v1/rules/ledger-unbalanced/apply', send('POST'))).status).toBe(404);
  await ask('/v1/rules/ledger-unbalanced', send('PUT', { ...LEDGER, severity: 'high' }));
  const applied = (await ask('/v1/rules/ledger-unbalanced/apply', send('POST'))).body as unknown as Applied;
  expect(applied).toEqual({ diagnosed: 2, left: 0, incidents: [expect.any(String)] });

  const { items } = (await ask('/v1/failures?cause=ledger-unbalanced')).body;
  expect(items).toHaveLength(2);
  for (const failure of items) {
    expect(failure).toMatchObject({
      category: 'automation',
      transient: false,
      severity: 'high',
      remedy: LEDGER.remedy,
    });
    expect(failure.incidentId).toBe(applied.incidents[0]);
  }
  expect((await ask(`/v1/incidents/${before[0]?.incidentId}`)).body).toMatchObject({
    status: 'resolved',
    mergedInto: applied.incidents[0],
  });
  expect((await ask(`/v1/incidents/${applied.incidents[0]}`)).body).toMatchObject({
    ...{ status: 'open', cause: 'ledger-unbalanced', category: 'automation', severity: 'high' },
    counts: { failures: 2 },
  });
  expect((await ask('/v1/unknowns')).body).toMatchObject({ share: { unknown: 0 }, items: [] });
  expect((await ask('/v1/rules/ledger-unbalanced')).body).toMatchObject({ hits: 2 });

  // Again, nothing is left to do; and what comes later is in the same incident.
  expect((await ask('/v1/rules/ledger-unbalanced/apply', send('POST'))).body).toEqual({ ...applied, diagnosed: 0 });
  time.now += 60_001;
  expect(await diagnosed('4')).toMatchObject({ cause: 'ledger-unbalanced', incidentId: applied.incidents[0] });
});
