import { afterEach, expect, it } from 'vitest';
import { openWindows } from '../../../../shared/maintenance/index.ts';
import { platforms } from '../../../../shared/platforms/index.ts';
import type { Platform } from '../../../../shared/platforms/port.ts';
import { FakePlatform } from '../../../support/fake-platform.ts';
import { provingWorld } from '../../../support/proving-world.ts';
import { fakeVercel } from '../../../support/vercel.ts';

/** From a signed event that opens a window to the fix that it holds, and the one that follows its end. */

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const TOKEN = 'events-token';
let sent = 0;

async function world() {
  const fake = new FakePlatform();
  const { retryOptions, client } = fake.platform;
  const it = await provingWorld('github', {
    ...{ settings: { QMOI_EVENTS_TOKEN: TOKEN }, policy: {} },
    platform: { retryOptions, client },
  });
  const say = async (type: string, data: object) => {
    const event = { specversion: '1.0', id: String(++sent), source: '/ops', type, time: it.store.now(), data };
    const headers = { 'content-type': 'application/cloudevents+json', authorization: `Bearer ${TOKEN}` };
    await it.hear({ event: type, headers, body: JSON.stringify(event) }, platforms.events as Platform);
  };
  const held = async (runId: string) => (await it.fixes(runId))[0];
  return { ...it, fake, say, held };
}

it('what lies in it is held for as long as it takes, and judged anew when it is over', async () => {
  const it = await world();
  await it.say('dev.qmoi.maintenance.started', { scope: 'repository:acme/shop', reason: 'the registry moves' });
  const runId = await it.failed('5', {});
  await it.pass(50);
  expect([it.fake.effects.length, await it.held(runId)]).toMatchObject([
    0,
    { status: 'proposed', reason: 'maintenance: the registry moves', decision: { rule: 'maintenance' } },
  ]);
  await it.say('dev.qmoi.maintenance.ended', { scope: 'repository:acme/shop' });
  await it.pass(2);
  expect([it.fake.effects.length, await it.held(runId)]).toMatchObject([1, { status: 'verifying' }]);
});

it('what lies elsewhere is not held', async () => {
  const it = await world();
  await it.say('dev.qmoi.maintenance.started', { scope: 'repository:acme/other' });
  await it.failed('5', {});
  await it.pass(2);
  expect(it.fake.effects).toHaveLength(1);
});

it('is over at its time', async () => {
  const it = await world();
  const until = new Date(it.time.now + 10 * 60_000).toISOString();
  await it.say('dev.qmoi.maintenance.started', { scope: 'all', until });
  await it.failed('5', {});
  await it.pass(9);
  expect(it.fake.effects).toHaveLength(0);
  await it.pass(3);
  expect(it.fake.effects).toHaveLength(1);
});

it('is opened by an incident, for what goes to its environment, until that is resolved', async () => {
  const it = await world();
  const incident = async (what: string) => {
    const type = `dev.cdevents.incident.${what}.0.2.0`;
    const context = { id: `${what}-1`, source: '/pager', timestamp: it.store.now(), type, version: '0.4.1' };
    await it.say(type, { context, subject: { id: 'INC-1', content: { environment: { id: 'production' } } } });
  };
  await incident('detected');
  const runId = await it.failed('5', {});
  await it.store.change('run', runId, (run) => run && { ...run, environment: 'Production' });
  await it.pass(5);
  expect(await it.held(runId)).toMatchObject({ reason: 'maintenance: the incident INC-1 in production' });
  await incident('resolved');
  await it.pass(2);
  expect(it.fake.effects).toHaveLength(1);
});

it('is opened by a machine that goes down, for what failed there', async () => {
  const it = await world();
  const beat = (told: object) => {
    const facts = platforms.custom?.normalise({
      ...{ event: 'heartbeat', contentType: 'application/json', origin: 'live', receivedAt: it.store.now() },
      body: Buffer.from(JSON.stringify({ source: 'web-1', platform: 'custom', host: { busy: false }, ...told })),
    });
    if (facts === undefined) throw new Error('no facts');
    return it.track(platforms.custom as Platform, facts);
  };
  await beat({ maintenance: 7200, message: 'a new kernel' });
  expect(await openWindows(it.store)).toMatchObject([{ reason: 'a new kernel', covers: { runner: 'web-1' } }]);
  const runId = await it.failed('5', {});
  const runner = { id: 'github:acme:31', name: 'web-1' };
  await it.store.change('job', 'github:5:job:build', (job) => job && { ...job, runner });
  await it.pass(3);
  expect(await it.held(runId)).toMatchObject({ reason: 'maintenance: a new kernel' });
  await beat({ maintenance: 0 });
  await it.pass(2);
  expect(it.fake.effects).toHaveLength(1);
});

it('is opened by a deployment under way, for what would deploy to the same place', async () => {
  const fake = await fakeVercel({ token: 't', secret: 's', team: 'team_a' });
  open.push(fake);
  const listed = { uid: 'dpl_1', name: 'shop', state: 'ERROR', target: 'production', meta: {} };
  fake.production.project('prj_shop', 'dpl_0', [listed]);
  const it = await provingWorld('vercel', {
    settings: fake.settings,
    policy: { playbooks: { 'vercel-redeploy': 'act' } },
  });
  const meta = { githubOrg: 'acme', githubRepo: 'shop' };
  const say = async (id: string, project: string, ...words: Parameters<typeof fake.deploy>[1]) => {
    const spec = { id, project: { id: project, name: project }, meta, createdAt: it.time.now };
    for (const delivery of fake.deploy(spec, words)) await it.hear(delivery);
  };
  await say('dpl_1', 'prj_shop', 'created', 'error');
  await say('dpl_7', 'prj_admin', 'created');
  await it.failed('dpl_1', {});
  const changes = () => fake.calls.filter(({ method }) => method === 'POST').length;
  await it.pass(4);
  expect([changes(), (await it.fixes('vercel:dpl_1:1'))[0]]).toMatchObject([
    0,
    { status: 'proposed', reason: 'maintenance: a deployment to production is under way' },
  ]);
  it.time.now += 60_000;
  await say('dpl_7', 'prj_admin', 'ready');
  await it.pass(2);
  expect(changes()).toBe(1);
});
