import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../../../shared/model/index.ts';
import { LogNotReady, LogUnavailable, PlatformUnavailable } from '../../../../shared/platforms/index.ts';
import { vercel } from '../../../../shared/platforms/vercel/index.ts';
import { type DeploymentWord, type FakeVercel, fakeVercel, signVercel } from '../../../support/vercel.ts';
import type { FakeDelivery } from '../../../support/web-fake.ts';

const SECRET = 'vercel-secret';
const GITHUB = {
  githubCommitRef: 'main',
  githubCommitSha: 'abc123def456',
  githubCommitAuthorLogin: 'ada',
  githubOrg: 'acme',
  githubRepo: 'shop',
};
let fake: FakeVercel;
beforeAll(async () => {
  fake = await fakeVercel({ token: 'token', secret: SECRET, team: 'team_acme' });
});
afterAll(() => fake.close());

const readAs = (delivery: Pick<FakeDelivery, 'headers' | 'body'>) =>
  vercel.read({ headers: delivery.headers, body: Buffer.from(delivery.body) });
const factsOf = (delivery: FakeDelivery) =>
  vercel.normalise({
    event: delivery.event,
    body: Buffer.from(delivery.body),
    contentType: 'application/json',
    origin: 'live',
    receivedAt: '2026-01-01T12:00:00.000Z',
  });
const one = (spec: Parameters<FakeVercel['deploy']>[0], word: DeploymentWord): FakeDelivery =>
  fake.deploy(spec, [word])[0] as FakeDelivery;

describe('verifying a Vercel delivery', () => {
  const body = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
  const verify = (
    signature: string | undefined,
    values: Record<string, string> = { 'vercel-webhook-secret': SECRET },
  ) => vercel.verify({ headers: { 'x-vercel-signature': signature }, body }, async () => values, new Date());

  it('takes the HMAC of the very bytes, in either case of its digits, and of the previous secret during a rotation', async () => {
    expect(await verify(signVercel(body, SECRET))).toBe('verified');
    expect(await verify(signVercel(body, SECRET).toUpperCase())).toBe('verified');
    const rotating = { 'vercel-webhook-secret': 'new', 'vercel-webhook-secret-previous': SECRET };
    expect(await verify(signVercel(body, SECRET), rotating)).toBe('verified');
    expect(await verify(signVercel(body, 'new'), rotating)).toBe('verified');
    expect(await verify(signVercel(body, SECRET), { 'vercel-webhook-secret': 'new' })).toBe('refused');
  });

  it.each([
    ['of another secret', signVercel(body, 'guess')],
    ['of another body', signVercel('{}', SECRET)],
    ['missing', undefined],
    ['empty', ''],
    ['SHA-256', createHmac('sha256', SECRET).update(body).digest('hex')],
    ['followed by something', `${signVercel(body, SECRET)}00`],
    ['no hexadecimal', 'z'.repeat(40)],
  ])('refuses a signature that is %s', async (_, signature) => {
    expect(await verify(signature)).toBe('refused');
  });

  it.each([[{}], [{ 'vercel-webhook-secret': ' ' }], [{ 'vercel-webhook-secret-previous': SECRET }]])(
    'verifies nothing while %o is all there is',
    async (values: Record<string, string>) => {
      expect(await verify(signVercel(body, ''), values)).toBe('not-configured');
      expect(await verify(signVercel(body, SECRET), values)).toBe('not-configured');
    },
  );
});

describe('reading a Vercel delivery', () => {
  it('says what it is, by the id in its body', () => {
    const delivery = one({ id: 'dpl_1', meta: GITHUB }, 'created');
    expect(readAs(delivery)).toEqual({
      kind: 'delivery',
      externalId: JSON.parse(delivery.body).id,
      event: 'deployment.created',
      repository: 'acme/shop',
    });
  });

  it.each(['deployment.check-rerequested', 'deployment.checkrun.start', 'project.created', 'constructor'])(
    'has no use for %s',
    (type) => {
      expect(readAs(fake.event(type, {}))).toEqual({ kind: 'ignored', event: type });
    },
  );

  it('quarantines what is not of the shape of its event, under an id all the same', () => {
    expect(readAs(fake.event('deployment.error', { deployment: { id: 'dpl_1' } }))).toMatchObject({
      kind: 'quarantined',
      externalId: expect.stringMatching(/^event_/),
      event: 'deployment.error',
      reason: 'payload.project: expected object',
    });
    const nameless = { ...fake.event('x', {}), body: '{"type":"deployment.error"}' };
    expect(readAs(nameless)).toMatchObject({
      kind: 'quarantined',
      externalId: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('refuses what is no JSON', () => {
    const delivery = one({ id: 'dpl_1' }, 'created');
    expect(readAs({ ...delivery, body: '{' })).toMatchObject({ kind: 'malformed', status: 400 });
    expect(readAs({ ...delivery, headers: { 'content-type': 'text/plain' } })).toMatchObject({ status: 415 });
  });
});

describe('what a Vercel delivery tells', () => {
  it('is a deployment of a project, with its build', () => {
    const { runs, jobs, automations, runners } = factsOf(one({ id: 'dpl_1', meta: GITHUB }, 'created'));
    const common = {
      platform: 'vercel',
      externalId: 'dpl_1',
      repository: 'acme/shop',
      repositoryId: 'team_acme/prj_shop',
      branch: 'main',
      commit: 'abc123def456',
      url: 'https://vercel.com/acme/shop/dpl_1',
      status: 'queued',
      statusAt: '2026-01-01T10:00:00.000Z',
      queuedAt: '2026-01-01T10:00:00.000Z',
    };
    expect(runs).toEqual([
      expect.objectContaining({
        ...common,
        id: 'vercel:dpl_1:1',
        kind: 'deployment',
        environment: 'production',
        automationId: 'vercel:prj_shop',
        actor: 'ada',
        attempt: 1,
        name: 'shop',
      }),
    ]);
    expect(jobs).toEqual([
      expect.objectContaining({ ...common, id: 'vercel:dpl_1:job:build', runId: 'vercel:dpl_1:1', name: 'build' }),
    ]);
    expect(automations).toEqual([
      expect.objectContaining({ id: 'vercel:prj_shop', externalId: 'prj_shop', name: 'shop', recent: [] }),
    ]);
    expect(runners).toEqual([]);
  });

  it.each([
    ['ready', 'succeeded', true],
    ['succeeded', 'succeeded', true],
    ['error', 'failed', false],
    ['canceled', 'canceled', undefined],
  ] as const)('%s is the end of it: %s', (word, status, succeeded) => {
    const { runs, jobs, automations } = factsOf(one({ id: 'dpl_2' }, word));
    const ended = { status, endedAt: '2026-01-01T10:00:00.000Z' };
    expect(runs).toMatchObject([ended]);
    expect(jobs).toMatchObject([ended]);
    const recent = succeeded === undefined ? [] : [{ runId: 'vercel:dpl_2:1', succeeded, endedAt: ended.endedAt }];
    expect(automations).toMatchObject([{ recent }]);
  });

  it('has an environment where it says so', () => {
    const environmentOf = (target: 'production' | 'staging' | null) =>
      factsOf(one({ id: 'dpl_3', target }, 'created')).runs[0]?.environment;
    expect([environmentOf('production'), environmentOf('staging'), environmentOf(null)]).toEqual([
      'production',
      'staging',
      'preview',
    ]);
    expect(factsOf(one({ id: 'dpl_3' }, 'promoted')).runs[0]).not.toHaveProperty('status');
    expect(factsOf(one({ id: 'dpl_3' }, 'promoted')).runs[0]).toMatchObject({ environment: 'production' });
  });

  it('is named after the repository it comes from, or else after its project', () => {
    const repositoryOf = (meta: Record<string, unknown>) =>
      factsOf(one({ id: 'dpl_4', meta }, 'created')).runs[0]?.repository;
    expect(repositoryOf({ gitlabProjectPath: 'acme/sub/shop', gitlabCommitRef: 'main' })).toBe('acme/sub/shop');
    expect(repositoryOf({ bitbucketRepoOwner: 'acme', bitbucketRepoName: 'shop' })).toBe('acme/shop');
    expect(repositoryOf({ githubOrg: 'acme' })).toBe('shop');
    expect(repositoryOf({ githubOrg: ['acme'], githubRepo: {}, toString: 'x' })).toBe('shop');
  });

  it('may be a rollback, which is a deployment of its own', () => {
    const delivery = fake.rollback('prj_shop', 'dpl_9', 'dpl_8');
    const externalId = `rollback-${JSON.parse(delivery.body).id}`;
    expect(factsOf(delivery).runs).toMatchObject([
      {
        id: `vercel:${externalId}:1`,
        kind: 'deployment',
        status: 'succeeded',
        environment: 'production',
        automationId: 'vercel:prj_shop',
        parentRunId: 'vercel:dpl_8:1',
      },
    ]);
  });

  it('has times in numbers of seconds and in text, too', () => {
    const at = (createdAt: unknown) => {
      const delivery = one({ id: 'dpl_5' }, 'created');
      return factsOf({ ...delivery, body: JSON.stringify({ ...JSON.parse(delivery.body), createdAt }) }).runs[0]
        ?.statusAt;
    };
    expect(at(1_767_261_600)).toBe('2026-01-01T10:00:00.000Z');
    expect(at('2026-01-01T10:00:00Z')).toBe('2026-01-01T10:00:00.000Z');
    // Not to be believed, so the time of receiving stands in.
    expect(at(9e15)).toBe('2026-01-01T12:00:00.000Z');
    expect(at(-1e300)).toBe('2026-01-01T12:00:00.000Z');
  });
});

describe('the build log of a Vercel deployment', () => {
  const jobOf = (id: string, endedAgoMs = 0) =>
    ({
      ...factsOf(one({ id }, 'error')).jobs[0],
      endedAt: new Date(Date.now() - endedAgoMs).toISOString(),
    }) as Job;
  const clientOf = async (token = 'token') => {
    const values = { 'vercel-token': token, 'vercel-api-url': `${fake.url}/` };
    const client = await vercel.client(async () => values);
    if (client === undefined) throw new Error('no client');
    return client;
  };
  const logOf = async (job: Job, maxBytes = 100_000) => {
    let text = '';
    for await (const chunk of await (await clientOf()).jobLog(job, { maxBytes })) text += Buffer.from(chunk).toString();
    return text;
  };

  it('is what the build said, in its order, and at most as much of its end as asked for', async () => {
    const job = jobOf('dpl_log');
    fake.deploy({ id: 'dpl_log', log: ['npm ci', 'added 7 packages\n', 'error: no such file'] }, []);
    expect(await logOf(job)).toBe('npm ci\nadded 7 packages\nerror: no such file\n');
    expect(await logOf(job, 13)).toBe('no such file\n');
    expect(fake.calls.at(-1)).toMatchObject({
      path: '/v3/deployments/dpl_log/events',
      query: { teamId: 'team_acme', builds: '1', follow: '0', direction: 'backward' },
    });
  });

  it('may not be there yet, or never be', async () => {
    const job = jobOf('dpl_late');
    fake.deploy({ id: 'dpl_late', log: ['late'], logMissingCalls: 1 }, []);
    await expect(logOf(job)).rejects.toThrow(LogNotReady);
    expect(await logOf(job)).toBe('late\n');
    await expect((await clientOf('wrong')).jobLog(job, { maxBytes: 10 })).rejects.toThrow(LogUnavailable);
    fake.fail({ status: 200, json: { surprise: true } });
    await expect(logOf(job)).rejects.toThrow(LogUnavailable);
  });

  it('is asked for again when Vercel does not answer', async () => {
    const job = jobOf('dpl_log');
    fake.fail({ status: 503 });
    await expect(logOf(job)).rejects.toThrow(PlatformUnavailable);
    fake.fail('reset');
    await expect(logOf(job)).rejects.toThrow(PlatformUnavailable);
    fake.fail({ status: 429, headers: { 'retry-after': '7' }, json: { error: { message: 'slow down' } } });
    await expect(logOf(job)).rejects.toMatchObject({ retryAfter: 7, message: 'slow down (429)' });
  });

  it('is asked for in fewer lines when the lines are too long to take', async () => {
    const job = jobOf('dpl_long');
    const long = 'x'.repeat(100_000);
    fake.deploy({ id: 'dpl_long', log: [...Array(300).fill(long), 'the end'] }, []);
    expect((await logOf(job, 100)).endsWith('x\nthe end\n')).toBe(true);
    expect(fake.calls.at(-1)?.query.limit).toBe('50');
  });

  it('is nothing that can be acted on, and there is no client without a token', async () => {
    const client = await clientOf();
    const action = {
      action: 'read-log',
      repository: 'shop',
      externalId: 'dpl_1',
      runId: 'r',
      attempt: 1,
      subject: 's',
    };
    expect(await client.act(action)).toMatchObject({ kind: 'refused' });
    expect(await client.lookUp(action)).toBe('unclear');
    expect(await vercel.client(async () => ({}))).toBeUndefined();
  });
});
