import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { github } from '../../../../shared/platforms/github/index.ts';
import { examplesOf } from './github-examples.ts';

const SECRET = 'correct horse battery staple';
const parameters = (values: Record<string, string | undefined>) => async () => values;
const sign = (body: Buffer | string, secret = SECRET) =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
const verify = (signature: string | undefined, body: Buffer, values: Record<string, string | undefined>) =>
  github.verify({ headers: { 'x-hub-signature-256': signature }, body }, parameters(values), new Date());

describe('verifying a GitHub delivery', () => {
  // Bytes that are no UTF-8: reading them as text and back would change them.
  const body = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
  const now = { 'github-webhook-secret': SECRET };

  it('takes the HMAC of the very bytes, in either case of its digits', async () => {
    expect(await verify(sign(body), body, now)).toBe('verified');
    expect(await verify(`sha256=${sign(body).slice(7).toUpperCase()}`, body, now)).toBe('verified');
  });

  it('knows the example of GitHub’s documentation', async () => {
    const known = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    const secret = { 'github-webhook-secret': "It's a Secret to Everybody" };
    expect(await verify(known, Buffer.from('Hello, World!'), secret)).toBe('verified');
  });

  it.each([
    ['another secret', sign(body, 'guess')],
    ['another body', sign('{}')],
    ['none', undefined],
    ['an empty one', ''],
    ['SHA-1', `sha1=${createHmac('sha1', SECRET).update(body).digest('hex')}`],
    ['half of it', sign(body).slice(0, 39)],
    ['something behind it', `${sign(body)}00`],
    ['no hexadecimal', `sha256=${'z'.repeat(64)}`],
  ])('refuses a signature that is %s', async (_, signature) => {
    expect(await verify(signature, body, now)).toBe('refused');
  });

  it('lets the previous secret count during a rotation, and no longer', async () => {
    const rotating = { 'github-webhook-secret': 'new', 'github-webhook-secret-previous': SECRET };
    expect(await verify(sign(body), body, rotating)).toBe('verified');
    expect(await verify(sign(body, 'new'), body, rotating)).toBe('verified');
    expect(await verify(sign(body), body, { 'github-webhook-secret': 'new' })).toBe('refused');
  });

  it.each([
    ['absent', {}],
    ['empty', { 'github-webhook-secret': '' }],
    ['blank', { 'github-webhook-secret': ' \n' }],
    ['gone, though the previous one is not', { 'github-webhook-secret-previous': SECRET }],
  ])('verifies nothing while the secret is %s', async (_, values) => {
    expect(await verify(sign(body, ''), body, values)).toBe('not-configured');
    expect(await verify(sign(body), body, values)).toBe('not-configured');
  });

  it('takes an empty previous secret for none', async () => {
    const values = { 'github-webhook-secret': SECRET, 'github-webhook-secret-previous': '' };
    expect(await verify(sign(body, ''), body, values)).toBe('refused');
  });
});

describe('reading a GitHub delivery', () => {
  const [job] = examplesOf('workflow_job');
  const read = (body: unknown, headers: Record<string, string | undefined> = {}) =>
    github.read({
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'workflow_job',
        'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
        ...headers,
      },
      body: Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    });

  it('says what it is', () => {
    expect(read(job)).toEqual({
      kind: 'delivery',
      externalId: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      event: 'workflow_job',
      action: 'in_progress',
      repository: 'octo-org/example-workflow',
    });
  });

  it('reads forms as it reads JSON', () => {
    const form = new URLSearchParams({ payload: JSON.stringify(job) }).toString();
    const type = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    expect(read(form, type)).toEqual(read(job));
    expect(read('other=1', type)).toMatchObject({ kind: 'malformed', status: 400 });
  });

  it.each([
    ['no event', { 'x-github-event': undefined }, 400],
    ['no delivery id', { 'x-github-delivery': undefined }, 400],
    ['a delivery id that is none', { 'x-github-delivery': 'a b' }, 400],
    ['an endless delivery id', { 'x-github-delivery': 'a'.repeat(129) }, 400],
    ['another content type', { 'content-type': 'text/plain' }, 415],
    ['no content type', { 'content-type': undefined }, 415],
  ])('answers a mistake of the sender: %s', (_, headers, status) => {
    expect(read(job, headers)).toMatchObject({ kind: 'malformed', status });
  });

  it.each([
    ['empty', ''],
    ['cut off', '{"action":'],
    ['no JSON', 'payload'],
  ])('answers a body that is %s', (_, body) => {
    expect(read(body)).toMatchObject({ kind: 'malformed', status: 400 });
  });

  it('has no use for other events', () => {
    expect(read({}, { 'x-github-event': 'star' })).toEqual({ kind: 'ignored', event: 'star' });
    expect(read({}, { 'x-github-event': 'constructor' })).toEqual({ kind: 'ignored', event: 'constructor' });
  });

  it.each([
    ['no object', [], 'the body'],
    ['no job in it', { ...job, workflow_job: undefined }, 'workflow_job'],
    [
      'a status nobody knows',
      { ...job, workflow_job: { ...job?.workflow_job, status: 'dreaming' } },
      'workflow_job.status',
    ],
    [
      'an end without a conclusion',
      { ...job, workflow_job: { ...job?.workflow_job, status: 'completed' } },
      'workflow_job.conclusion',
    ],
    ['an id that is none', { ...job, workflow_job: { ...job?.workflow_job, id: -1 } }, 'workflow_job.id'],
    ['a repository that is none', { ...job, repository: { id: 1, full_name: '../..//x' } }, 'repository.full_name'],
  ])('keeps what it does not understand, with the reason: %s', (_, body, path) => {
    expect(read(body)).toMatchObject({ kind: 'quarantined', reason: expect.stringContaining(path) });
  });

  it('repeats nothing of a body in the reason', () => {
    const secret = 'ghp_0123456789';
    expect(JSON.stringify(read({ ...job, workflow_job: secret }))).not.toContain(secret);
  });

  it('survives whatever it is sent', () => {
    const deep = '['.repeat(100_000);
    expect(read(deep + ']'.repeat(100_000))).toMatchObject({ kind: 'quarantined' });
    expect(read(deep)).toMatchObject({ kind: 'malformed' });
    expect(read(Buffer.from([0xff, 0xfe, 0x00]))).toMatchObject({ kind: 'malformed' });
    expect(read('{"__proto__":{"workflow_job":{}},"constructor":1}')).toMatchObject({ kind: 'quarantined' });
    expect({}).not.toHaveProperty('workflow_job');
  });
});
