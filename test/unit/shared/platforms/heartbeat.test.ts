import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { machines } from '../../../../shared/model/index.ts';
import { readBeat } from '../../../../shared/platforms/heartbeat/beat.ts';
import { callerOf, tokenOfSource } from '../../../../shared/platforms/heartbeat/index.ts';
import { platforms } from '../../../../shared/platforms/index.ts';
import { keyOf } from '../../../../shared/store/keys.ts';

const beatOf = (query: Record<string, string>, body = '', contentType = '') => {
  const read = readBeat(query, contentType, Buffer.from(body));
  if ('mistake' in read) throw new Error(read.mistake);
  return read.beat;
};
const mistakeIn = (query: Record<string, string>, body = '', contentType = '') => {
  const read = readBeat(query, contentType, Buffer.from(body));
  return 'mistake' in read ? read : undefined;
};
const AT = '2026-01-01T10:00:00.000Z';
const factsOf = (beat: object) =>
  platforms.custom?.normalise({
    event: 'heartbeat',
    body: Buffer.from(JSON.stringify(beat)),
    contentType: 'application/json',
    origin: 'live',
    receivedAt: AT,
  });

describe('a heartbeat is read', () => {
  it('from one line of curl', () => {
    expect(
      beatOf({ source: 'backup', status: 'fail', run: 'finish', exit: '3', duration: '1m30s', message: ' no space ' }),
    ).toEqual({
      ...{ source: 'backup', platform: 'custom', status: 'fail', run: 'finish', exitCode: 3, duration: 90 },
      message: 'no space',
    });
  });

  it('from a form, as curl -d sends it, and a text, which is a message', () => {
    const form = 'application/x-www-form-urlencoded';
    expect(beatOf({ source: 'a' }, 'status=ok&cron=0+3+*+*+*&zone=Europe%2FBerlin', form)).toMatchObject({
      status: 'ok',
      schedule: { cron: '0 3 * * *', zone: 'Europe/Berlin', graceSeconds: 3600 },
    });
    expect(beatOf({ source: 'a', exit: '1' }, 'it broke\n', 'text/plain; charset=utf-8')).toMatchObject({
      exitCode: 1,
      message: 'it broke',
    });
  });

  it('from JSON, whose word is the last', () => {
    const body = { source: 'b', platform: 'qcity', host: { cpu: 0.5, service: { name: 's', state: 'active' } } };
    expect(beatOf({ source: 'a' }, JSON.stringify(body), 'application/json')).toMatchObject(body);
  });

  it('without what must not be kept, and from its end', () => {
    const secret = `ghp_${'x'.repeat(36)}`;
    const { message = '' } = beatOf({ source: 'a', message: `${'-'.repeat(9000)}${secret} the reason` });
    expect(message).not.toContain(secret);
    expect(message.endsWith('the reason')).toBe(true);
    expect(message.length).toBeLessThanOrEqual(2000);
  });

  it.each([
    [{}, 'source'],
    [{ source: 'a:b' }, 'source'],
    [{ source: '' }, 'source'],
    [{ source: 'a', stauts: 'fail' }, 'there is no "stauts"'],
    [{ source: 'a', __proto__x: '1' }, 'there is no'],
    [{ source: 'a', status: 'great' }, 'status'],
    [{ source: 'a', exit: 'one' }, 'exitCode'],
    [{ source: 'a', id: 'a b' }, 'runId'],
    [{ source: 'a', platform: 'github' }, 'platform'],
    [{ source: 'a', cron: 'whenever' }, 'no cron'],
    [{ source: 'a', duration: 'long' }, 'no duration'],
  ] as [Record<string, string>, string][])('or refused with a reason: %j', (query, reason) => {
    expect(mistakeIn(query)).toMatchObject({ status: 400, mistake: expect.stringContaining(reason) });
  });

  it('or refused by its type or its form', () => {
    expect(mistakeIn({ source: 'a' }, '<a/>', 'application/xml')).toMatchObject({ status: 415 });
    expect(mistakeIn({ source: 'a' }, '[]', 'application/json')).toMatchObject({ status: 400 });
    expect(mistakeIn({ source: 'a' }, '{"__proto__":{"status":"ok"}}', 'application/json')).toMatchObject({
      status: 400,
    });
  });

  it('or refused, whatever comes', () => {
    const types = fc.constantFrom('application/json', 'text/plain', '', 'application/x-www-form-urlencoded', 'x/y');
    const query = fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('source', 'status', 'exit', 'every')),
      fc.string(),
    );
    const body = fc.oneof(fc.string(), fc.json());
    fc.assert(
      fc.property(query, types, body, (given, type, text) => {
        const read = readBeat(given, type, Buffer.from(text));
        expect('beat' in read || read.mistake.length > 0).toBe(true);
      }),
    );
  });
});

describe('a heartbeat tells', () => {
  it('of a run from its beginning to its end', () => {
    const started = factsOf({ source: 'backup', platform: 'custom', run: 'start', runId: '7' });
    expect(started).toMatchObject({
      runs: [
        { id: 'custom:backup@7:1', status: 'running', kind: 'custom', startedAt: AT, automationId: 'custom:backup' },
      ],
      jobs: [],
      runners: [],
      automations: [{ id: 'custom:backup', lastBeatAt: AT, recent: [] }],
    });
    const ended = factsOf({ source: 'backup', platform: 'custom', run: 'finish', runId: '7', duration: 60 });
    expect(ended).toMatchObject({
      runs: [{ id: 'custom:backup@7:1', status: 'succeeded', startedAt: '2026-01-01T09:59:00.000Z', endedAt: AT }],
      jobs: [],
      automations: [{ recent: [{ runId: 'custom:backup@7:1', succeeded: true }] }],
    });
  });

  it('of a failure, with what there is to look into', async () => {
    const failed = factsOf({ source: 'backup', platform: 'custom', exitCode: 28, runId: '8', message: 'disk is full' });
    expect(failed).toMatchObject({
      runs: [{ status: 'failed' }],
      jobs: [{ id: 'custom:backup@8:job:run', status: 'failed', runId: 'custom:backup@8:1' }],
    });
    const client = await platforms.custom?.client(async () => ({ 'heartbeat-token': 'x' }));
    const chunks = [];
    for await (const chunk of (await client?.jobLog(failed?.jobs[0] as never, { maxBytes: 100 })) ?? [])
      chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('disk is full\nProcess completed with exit code 28.');
  });

  it('that something is alive, and when it will be again', () => {
    const schedule = { periodSeconds: 60, graceSeconds: 10 };
    expect(factsOf({ source: 'ping', platform: 'custom', schedule })).toMatchObject({
      runs: [],
      automations: [{ lastBeatAt: AT, schedule: { ...schedule, by: 'beat', at: AT } }],
    });
  });

  it.each([
    [{ busy: true }, 'busy'],
    [{}, 'idle'],
    [{ service: { name: 'runner', state: 'active' } }, 'idle'],
    [{ service: { name: 'runner', state: 'failed' }, busy: true }, 'offline'],
  ])('of a machine, and of nothing else: %j is %s', (host, status) => {
    const facts = factsOf({ source: 'web-1', platform: 'local', host: { cpu: 0.25, ...host }, interval: 60 });
    expect(facts).toMatchObject({
      runs: [],
      automations: [],
      runners: [{ id: 'local:machines:web-1', status, vitals: { at: AT, cpu: 0.25 }, beatSeconds: 60, lastSeenAt: AT }],
    });
  });

  it('its own time, unless its clock is off', () => {
    const at = (time: string) =>
      factsOf({ source: 'a', platform: 'custom', status: 'ok', runId: '1', at: time })?.runs[0];
    expect(at('2026-01-01T09:00:00.000Z')?.endedAt).toBe('2026-01-01T09:00:00.000Z');
    expect(at('2026-01-01T11:00:00.000Z')?.endedAt).toBe(AT);
    expect(at('2001-01-01T11:00:00.000Z')?.endedAt).toBe(AT);
  });
});

describe('whatever is taken', () => {
  const odd = fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 5000 }), fc.constantFrom('0', '1h', '../a'));
  const number = fc.oneof(fc.double(), fc.integer());
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const field = {
    ...{
      source: fc.constantFrom('a', 'a/b.c+d-e', 'x'.repeat(80)),
      platform: fc.constantFrom('custom', 'local', 'qcity'),
    },
    ...{ status: fc.constantFrom('ok', 'fail'), run: fc.constantFrom('start', 'finish'), exitCode: fc.integer() },
    ...{
      runId: fc.constantFrom('1', 'r'.repeat(64)),
      duration: fc.oneof(number, odd),
      message: odd,
      at: odd,
      url: odd,
    },
    ...{ repository: odd, branch: odd, environment: odd, interval: number },
    schedule: fc.record({ every: fc.constantFrom('1s', '366d'), grace: fc.constantFrom('0', '31d') }),
    host: fc.record(
      {
        ...{
          id: fc.constantFrom('m', 'm/1'),
          name: odd,
          os: odd,
          pool: odd,
          labels: fc.array(odd),
          cpu: share,
          load: number,
        },
        ...{ busy: fc.boolean(), service: fc.record({ name: odd, state: odd }) },
      },
      { requiredKeys: [] },
    ),
  };

  it('makes facts that the model takes, small enough to keep', () => {
    let taken = 0;
    const { source, ...others } = field;
    const beats = fc.record({ source, ...others }, { requiredKeys: ['source'] });
    fc.assert(
      fc.property(beats, (sent) => {
        const read = readBeat({}, 'application/json', Buffer.from(JSON.stringify(sent)));
        if ('mistake' in read) return;
        taken++;
        // As it comes out of the ledger.
        const facts = factsOf(read.beat);
        const all = [
          ...(facts?.runs ?? []).map((fact) => ['run', fact] as const),
          ...(facts?.jobs ?? []).map((fact) => ['job', fact] as const),
          ...(facts?.runners ?? []).map((fact) => ['runner', fact] as const),
          ...(facts?.automations ?? []).map((fact) => ['automation', fact] as const),
        ];
        expect(all.length).toBeGreaterThan(0);
        for (const [entity, fact] of all) {
          const state = machines[entity].merge(undefined, fact as never);
          expect(machines[entity].parse(state)).toEqual(state);
          expect(Buffer.byteLength(JSON.stringify(fact))).toBeLessThan(16_384);
          const { pk, sk } = keyOf(entity, fact.id);
          expect(Buffer.byteLength(pk) <= 2048 && Buffer.byteLength(sk) <= 1024).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
    expect(taken).toBeGreaterThan(0);
  });
});

describe('who speaks', () => {
  const read = async () => ({ 'heartbeat-token': 'secret', 'heartbeat-token-previous': 'former' });
  const basic = (token: string, user = '') => `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`;

  it('is anybody with the secret of all, or one source with its own token', async () => {
    expect(await callerOf('Bearer secret', read)).toMatchObject({ kind: 'verified', source: undefined });
    expect(await callerOf('bearer former', read)).toMatchObject({ kind: 'verified' });
    const token = tokenOfSource('secret', 'backup');
    expect(await callerOf(`Bearer ${token}`, read)).toEqual({ kind: 'verified', token, source: 'backup' });
    expect(await callerOf(basic(token), read)).toMatchObject({ source: 'backup' });
    expect(await callerOf(basic('secret', 'me'), read)).toMatchObject({ kind: 'verified', token: 'secret' });
  });

  it('is nobody else', async () => {
    const forged = tokenOfSource('secret', 'backup').replace('backup', 'deploy');
    for (const given of [
      undefined,
      '',
      'secret',
      'Bearer',
      'Bearer wrong',
      `Bearer ${forged}`,
      basic(''),
      'Basic %%%',
    ]) {
      expect(await callerOf(given, read), given).toEqual({ kind: 'refused' });
    }
    expect(await callerOf('Bearer ', async () => ({ 'heartbeat-token': ' ' }))).toEqual({ kind: 'not-configured' });
    const none = tokenOfSource('', 'backup');
    expect(await callerOf(`Bearer ${none}`, async () => ({}))).toEqual({ kind: 'not-configured' });
  });
});
