import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { gitlab } from '../../../../shared/platforms/gitlab/index.ts';
import { jobHook, pipelineHook } from './gitlab-payloads.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
const SECONDS = NOW.getTime() / 1000;
const KEY = Buffer.alloc(32, 7);
const SIGNING_TOKEN = `whsec_${KEY.toString('base64')}`;
const body = Buffer.from('{"object_kind":"pipeline"}');

const verify = (headers: Record<string, string | undefined>, values: Record<string, string | undefined>) =>
  gitlab.verify({ headers, body }, async () => values, NOW);

describe('verifying a GitLab delivery by its token', () => {
  const configured = { 'gitlab-webhook-token': 'tanuki' };

  it.each([
    ['the token', 'tanuki', 'verified'],
    ['another', 'racoon', 'refused'],
    ['the beginning of it', 'tanu', 'refused'],
    ['more than it', 'tanukis', 'refused'],
    ['none', undefined, 'refused'],
    ['an empty one', '', 'refused'],
  ])('takes %s as it should', async (_, token, verdict) => {
    expect(await verify({ 'x-gitlab-token': token }, configured)).toBe(verdict);
  });

  it('lets the previous token count during a rotation', async () => {
    const rotating = { 'gitlab-webhook-token': 'new', 'gitlab-webhook-token-previous': 'tanuki' };
    expect(await verify({ 'x-gitlab-token': 'tanuki' }, rotating)).toBe('verified');
    expect(await verify({ 'x-gitlab-token': 'new' }, rotating)).toBe('verified');
  });

  it.each([[{}], [{ 'gitlab-webhook-token': ' ' }], [{ 'gitlab-webhook-token-previous': 'tanuki' }]])(
    'verifies nothing while %o is all there is',
    async (values) => {
      expect(await verify({ 'x-gitlab-token': 'tanuki' }, values)).toBe('not-configured');
      expect(await verify({ 'x-gitlab-token': '' }, values)).toBe('not-configured');
    },
  );
});

describe('verifying a GitLab delivery by its signature', () => {
  const configured = { 'gitlab-signing-token': SIGNING_TOKEN, 'gitlab-webhook-token': 'tanuki' };
  const sign = (key: Buffer | string, timestamp = SECONDS, id = 'msg_1') =>
    `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
  const signed = (fields: Record<string, string | undefined> = {}) => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(SECONDS),
    'webhook-signature': sign(KEY),
    ...fields,
  });

  it.each([
    ['right', {}, 'verified'],
    ['one of several', { 'webhook-signature': `v1,AAAA ${sign(KEY)} v2,x` }, 'verified'],
    ['made with another key', { 'webhook-signature': sign('other') }, 'refused'],
    ['of another message', { 'webhook-id': 'msg_2' }, 'refused'],
    ['of another time', { 'webhook-timestamp': String(SECONDS + 1) }, 'refused'],
    ['without its id', { 'webhook-id': undefined }, 'refused'],
    ['without its time', { 'webhook-timestamp': undefined }, 'refused'],
    ['of a time that is none', { 'webhook-timestamp': 'now' }, 'refused'],
    ['of another version', { 'webhook-signature': sign(KEY).replace('v1', 'v2') }, 'refused'],
    ['wrong, whatever the token says', { 'webhook-signature': 'v1,AAAA', 'x-gitlab-token': 'tanuki' }, 'refused'],
  ])('takes a signature that is %s as it should', async (_, fields, verdict) => {
    expect(await verify(signed(fields), configured)).toBe(verdict);
  });

  it.each([
    [-299, 'verified'],
    [299, 'verified'],
    [-301, 'refused'],
    [301, 'refused'],
  ])('takes a message of %i seconds from now as it should', async (seconds, verdict) => {
    const at = SECONDS + seconds;
    const fields = { 'webhook-timestamp': String(at), 'webhook-signature': sign(KEY, at) };
    expect(await verify(signed(fields), configured)).toBe(verdict);
  });

  it('goes by the token where GitLab does not sign, or where no signing token is configured', async () => {
    expect(await verify({ 'x-gitlab-token': 'tanuki' }, configured)).toBe('verified');
    expect(await verify({ 'x-gitlab-token': 'tanuki' }, { 'gitlab-signing-token': SIGNING_TOKEN })).toBe('refused');
    const tokenOnly = { 'gitlab-webhook-token': 'tanuki' };
    expect(await verify(signed({ 'x-gitlab-token': 'tanuki' }), tokenOnly)).toBe('verified');
    expect(await verify(signed(), tokenOnly)).toBe('refused');
  });

  it('lets the previous signing token count during a rotation', async () => {
    const rotating = { 'gitlab-signing-token': 'another key', 'gitlab-signing-token-previous': SIGNING_TOKEN };
    expect(await verify(signed(), rotating)).toBe('verified');
    expect(await verify(signed({ 'webhook-signature': sign('another key') }), rotating)).toBe('verified');
  });

  it('takes a signing token without a key for one that fits nothing', async () => {
    const values = { 'gitlab-signing-token': 'whsec_' };
    expect(await verify(signed({ 'webhook-signature': sign('') }), values)).toBe('refused');
  });
});

describe('reading a GitLab delivery', () => {
  const read = (payload: unknown, headers: Record<string, string | undefined> = {}) =>
    gitlab.read({
      headers: { 'content-type': 'application/json', 'x-gitlab-event': 'Pipeline Hook', ...headers },
      body: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    });

  it('says what it is', () => {
    expect(read(pipelineHook(), { 'idempotency-key': 'key-1' })).toEqual({
      kind: 'delivery',
      externalId: 'key-1',
      event: 'Pipeline Hook',
      action: 'failed',
      repository: 'group/sub/project',
    });
    expect(read(jobHook(), { 'x-gitlab-event': 'Job Hook', 'idempotency-key': 'key-2' })).toMatchObject({
      kind: 'delivery',
      action: 'failed',
      repository: 'group/sub/project',
    });
  });

  it('takes the best of the ids there are', () => {
    const all = { 'idempotency-key': 'a', 'webhook-id': 'b', 'x-gitlab-event-uuid': 'c' };
    const idOf = (headers: Record<string, string | undefined>) => read(pipelineHook(), headers);
    expect(idOf(all)).toMatchObject({ externalId: 'a' });
    expect(idOf({ ...all, 'idempotency-key': undefined })).toMatchObject({ externalId: 'b' });
    expect(idOf({ ...all, 'idempotency-key': 'no id', 'webhook-id': undefined })).toMatchObject({ externalId: 'c' });
    const hash = createHash('sha256').update(JSON.stringify(pipelineHook())).digest('hex');
    expect(idOf({})).toMatchObject({ externalId: hash });
  });

  it.each([
    ['no event', { 'x-gitlab-event': undefined }, 400],
    ['another content type', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ])('answers a mistake of the sender: %s', (_, headers, status) => {
    expect(read(pipelineHook(), headers)).toMatchObject({ kind: 'malformed', status });
  });

  it('answers a body that is no JSON, and has no use for other events', () => {
    expect(read('')).toMatchObject({ kind: 'malformed', status: 400 });
    expect(read('{')).toMatchObject({ kind: 'malformed', status: 400 });
    expect(read({}, { 'x-gitlab-event': 'Push Hook' })).toEqual({ kind: 'ignored', event: 'Push Hook' });
  });

  it.each([
    ['no object', 1],
    ['no pipeline in it', { ...pipelineHook(), object_attributes: null }],
    ['a status nobody knows', pipelineHook({ status: 'dreaming' })],
    ['builds that are none', { ...pipelineHook(), builds: [{}] }],
  ])('keeps what it does not understand: %s', (_, payload) => {
    expect(read(payload)).toMatchObject({ kind: 'quarantined', event: 'Pipeline Hook' });
  });
});
