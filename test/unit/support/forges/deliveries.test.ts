import { createHmac } from 'node:crypto';
import { verify } from '@octokit/webhooks-methods';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createForge,
  type Forge,
  type ForgeOptions,
  type JobSpec,
  manualClock,
  type RunSpec,
} from '../../../support/forges/index.ts';
import { receiver } from './receiver.ts';

const NOW = Date.parse('2026-03-02T10:00:00Z');
const jobs: JobSpec[] = [{ name: 'build' }, { name: 'test', needs: ['build'], outcome: 'failure' }];
const spec: RunSpec = { workflow: 'CI', jobs };

let forges: Forge[];
let qmoi: Awaited<ReturnType<typeof receiver>>;

async function forge(options: Partial<ForgeOptions> = {}): Promise<Forge> {
  const made = await createForge({
    platform: 'github',
    webhookUrl: qmoi.url,
    secret: 's3cret',
    token: 't',
    seed: 3,
    ...options,
  });
  forges.push(made);
  return made;
}

beforeEach(async () => {
  forges = [];
  qmoi = await receiver();
});

afterEach(async () => {
  await Promise.all(forges.map((made) => made.close()));
  await qmoi.close();
});

describe('playing a run', () => {
  it('posts signed webhooks in the order of the facts to the webhook of the platform', async () => {
    const github = await forge();
    const run = github.repository('acme/shop').run(spec);
    const sent = await run.play();
    expect(sent.map((result) => result.status)).toEqual(run.deliveries.map(() => 202));
    expect(qmoi.received.map((hook) => hook.headers['x-github-delivery'])).toEqual(
      run.deliveries.map((delivery) => delivery.id),
    );
    for (const hook of qmoi.received) {
      expect(hook.path).toBe('/webhooks/github');
      expect(hook.headers['user-agent']).toMatch(/^GitHub-Hookshot\//);
      expect(hook.headers['x-github-hook-id']).toMatch(/^\d+$/);
      expect(await verify('s3cret', hook.body, String(hook.headers['x-hub-signature-256']))).toBe(true);
    }
  });

  it('goes by the clock it is given', async () => {
    const clock = manualClock(NOW);
    const github = await forge({ clock, speed: 1 });
    const run = github
      .repository('acme/shop')
      .run({ jobs: [{ name: 'build', queuedSeconds: 5, durationSeconds: 60 }] });
    const played = run.play();
    clock.advance(4999);
    expect(run.status).toBe('queued');
    clock.advance(1);
    expect([run.status, github.pending() > 0]).toEqual(['in_progress', true]);
    clock.advance(61_000);
    await played;
    expect(run.conclusion).toBe('success');
    await github.idle();
    expect(github.pending()).toBe(0);
    const body = JSON.parse(run.deliveries.at(-2)?.body ?? '');
    expect(body.workflow_job).toMatchObject({
      started_at: '2026-03-02T10:00:05Z',
      completed_at: '2026-03-02T10:01:05Z',
    });
  });

  it('recorded, has just ended and has sent nothing', async () => {
    const github = await forge({ clock: manualClock(NOW) });
    const run = github.repository('acme/shop').run(spec);
    const deliveries = run.record();
    expect(qmoi.received).toEqual([]);
    const last = JSON.parse(deliveries.at(-1)?.body ?? '').workflow_run;
    expect(last).toMatchObject({
      conclusion: 'failure',
      run_started_at: '2026-03-02T09:58:55Z',
      updated_at: '2026-03-02T10:00:00Z',
    });
    expect(() => run.record()).toThrow('already been played');
  });

  it('is the same for the same seed and another for another', async () => {
    const bodies = async (seed: number) => {
      const github = await forge({ clock: manualClock(NOW), seed });
      return github.repository('acme/shop').run(spec).record();
    };
    const [one, two, other] = [await bodies(1), await bodies(1), await bodies(2)];
    expect(two).toEqual(one);
    expect(other[0]?.id).not.toBe(one[0]?.id);
  });
});

describe('deliveries', () => {
  it('are sent as they are, and redelivered under the same id', async () => {
    const github = await forge();
    const [first, second] = github.repository('acme/shop').run(spec).record();
    if (!first || !second) throw new Error('nothing recorded');
    await github.send(second);
    await github.send(first);
    await github.redeliver(first.id);
    expect(qmoi.received.map((hook) => hook.headers['x-github-delivery'])).toEqual([second.id, first.id, first.id]);
    expect(github.sent.map((result) => result.status)).toEqual([202, 202, 202]);
  });

  it('are sent again until taken when asked for, else never', async () => {
    await qmoi.close();
    qmoi = await receiver([503, 500]);
    const patient = await forge({ redeliverEveryMs: 1 });
    const run = patient.repository('acme/shop').run({ jobs: [{ name: 'build' }] });
    await run.play();
    await patient.idle();
    const taken = patient.sent.filter((result) => result.status === 202).map((result) => result.delivery.id);
    expect(new Set(taken)).toEqual(new Set(run.deliveries.map((delivery) => delivery.id)));

    const gone = await forge({ webhookUrl: 'http://127.0.0.1:1' });
    const lost = gone.repository('acme/shop').run({ jobs: [{ name: 'build' }] });
    const sent = await lost.play();
    await gone.idle();
    expect(sent.map((result) => result.status)).toEqual(lost.deliveries.map(() => 0));
    expect(gone.sent).toHaveLength(lost.deliveries.length);
  });

  it('of GitHub may be form-encoded, signed over what is sent', async () => {
    const github = await forge({ format: 'form' });
    const ping = github.repository('acme/shop').ping();
    await github.send(ping);
    const hook = qmoi.received[0];
    expect(hook?.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(await verify('s3cret', hook?.body ?? '', String(hook?.headers['x-hub-signature-256']))).toBe(true);
    expect(JSON.parse(new URLSearchParams(hook?.body).get('payload') ?? '').repository.full_name).toBe('acme/shop');
  });

  it('of GitLab carry the token, their ids and, when set up, a Standard Webhooks signature', async () => {
    const clock = manualClock(NOW);
    const key = Buffer.alloc(32, 7);
    const gitlab = await forge({ platform: 'gitlab', clock, signingToken: `whsec_${key.toString('base64')}` });
    const delivery = gitlab.repository('acme/shop').run(spec).record().at(-1);
    if (!delivery) throw new Error('nothing recorded');
    await gitlab.send(delivery);
    clock.advance(600_000);
    await gitlab.redeliver(delivery.id);
    expect(qmoi.received.map((hook) => hook.headers['webhook-timestamp'])).toEqual([
      String(NOW / 1000),
      String(NOW / 1000 + 600),
    ]);
    for (const hook of qmoi.received) {
      expect(hook.headers).toMatchObject({
        'x-gitlab-event': 'Pipeline Hook',
        'x-gitlab-token': 's3cret',
        'x-gitlab-instance': 'https://gitlab.example',
        'idempotency-key': delivery.id,
        'webhook-id': delivery.id,
      });
      const signed = `${delivery.id}.${hook.headers['webhook-timestamp']}.${hook.body}`;
      expect(hook.headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
    }
  });

  it('tell the settings that make QMOI trust them', async () => {
    const github = await forge();
    expect(github.settings).toEqual({
      QMOI_GITHUB_API_URL: github.url,
      QMOI_GITHUB_TOKEN: 't',
      QMOI_GITHUB_WEBHOOK_SECRET: 's3cret',
    });
  });
});

describe('a scenario that cannot be', () => {
  it('is refused', async () => {
    const github = await forge();
    const repository = github.repository('acme/shop');
    expect(() => repository.run({ jobs: [] })).toThrow('jobs');
    expect(() => repository.run({ jobs: [{ name: 'a' }, { name: 'a' }] })).toThrow('distinct');
    expect(() => repository.run({ jobs: [{ name: 'a', needs: ['b'] }] })).toThrow('needs b');
    expect(() => github.repository('shop')).toThrow('not a repository');
    expect(() => repository.run(spec).attempt).toThrow('not begun');
  });
});
