import { describe, expect, it } from 'vitest';
import type { Failure, Job, Run } from '../../../../shared/model/index.ts';
import { actionOf } from '../../../../shared/platforms/actions.ts';
import {
  decide as decideBy,
  narrowed,
  type Playbook,
  playbookOf,
  playbooks,
  proof,
  ready,
  type Situation,
} from '../../../../shared/remediation/index.ts';
import { type RemediationSettings, remediationSettings } from '../../../../shared/runtime/remediation-settings.ts';

const settings = remediationSettings.parse({});
const decide = (given: Situation, policy: Partial<RemediationSettings> = {}) =>
  decideBy(given, { ...settings, ...policy });

const NOW = Date.parse('2026-03-04T05:06:07.000Z');
const NEXT_HOUR = Date.parse('2026-03-04T06:00:00.000Z');
const ago = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();

const written = {
  schema: 1,
  version: 1,
  createdAt: ago(9),
  updatedAt: ago(1),
  statusAt: ago(2),
  origin: 'live',
} as const;
const place = { platform: 'github', repository: 'acme/shop', externalId: '1', attempt: 1 };
const run = (fields: Partial<Run> = {}): Run => ({
  ...{ ...written, ...place, entity: 'run', id: 'github:1:1', status: 'failed', endedAt: ago(2) },
  ...fields,
});
const job = (fields: Partial<Job> = {}): Job => ({
  ...{
    ...written,
    ...place,
    entity: 'job',
    id: 'github:1:job:7',
    runId: 'github:1:1',
    status: 'failed',
    name: 'test',
    steps: [],
  },
  ...fields,
});
const failure = (fields: Partial<Failure> = {}): Failure => ({
  ...{ ...written, ...place, entity: 'failure', id: 'github:1:job:7', jobId: 'github:1:job:7', runId: 'github:1:1' },
  ...{ status: 'diagnosed', failedAt: ago(2), cause: 'dns-resolution-failed', transient: true, name: 'test' },
  ...fields,
});
const playbook = playbookOf('retry-failed-jobs') as Playbook;
const situation = (fields: Partial<Situation> = {}): Situation => ({
  now: NOW,
  run: run(),
  jobs: [job()],
  failures: [failure()],
  playbook,
  latestAttempt: 1,
  tries: 0,
  control: 'running',
  spent: { repository: 0, all: 0 },
  ...fields,
});

describe('decide', () => {
  it('acts on a fresh, transient failure of a first attempt', () => {
    expect(decide(situation())).toEqual({
      kind: 'act',
      rule: 'plan',
      reason: expect.stringContaining('dns-resolution-failed'),
    });
  });

  it.each([
    ['a replayed fact', { run: run({ origin: 'replayed' }) }, 'not live'],
    ['a backfilled fact', { run: run({ origin: 'backfilled' }) }, 'not live'],
    ['a later attempt', { run: run({ attempt: 2 }), latestAttempt: 2, tries: 1 }, 'only a first attempt'],
    ['a run whose next attempt is known', { latestAttempt: 2 }, 'attempt 2 is already known'],
    ['a deterministic cause', { failures: [failure({ transient: false })] }, 'a rerun does not fix'],
    ['an unknown cause', { failures: [failure({ transient: null })] }, 'nobody knows'],
    [
      'one stubborn failure among two',
      { jobs: [job(), job()], failures: [failure(), failure({ transient: false })] },
      'does not fix',
    ],
    ['a job without a diagnosis', { jobs: [job(), job()] }, 'not every failed job'],
    ['a run without failed jobs', { jobs: [], failures: [] }, 'not every failed job'],
    ['an old end', { run: run({ endedAt: ago(31) }) }, '31 minutes ago'],
    ['an end that is no time', { run: run({ endedAt: 'yesterday' }) }, 'within 30'],
    [
      'what newer work has taken the place of and made good',
      { supersededBy: 'github:2:1', failures: [failure({ resolvedAt: ago(1) })] },
      'github:2:1 has taken',
    ],
    [
      'what newer work took the place of a day ago',
      { supersededBy: 'github:2:1', run: run({ endedAt: ago(1441) }) },
      'github:2:1 has taken',
    ],
    ['more reruns than GitHub allows', { run: run({ attempt: 51 }), latestAttempt: 51 }, 'github allows 50 reruns'],
    ['what helps less than waiting', { demoted: 'waiting helps more' }, 'waiting helps more'],
  ])('refuses %s, with the reason', (_, fields, reason) => {
    expect(decide(situation(fields))).toEqual({
      kind: 'refuse',
      rule: expect.any(String),
      reason: expect.stringContaining(reason),
    });
  });

  it.each<[string, Partial<Situation>, string, number?]>([
    ['a pause', { control: 'paused' as const }, 'paused'],
    ['a stop', { control: 'stopped' as const }, 'stopped'],
    ['a stop under way', { control: 'stopping' as const }, 'stopping'],
    ['a spent repository', { spent: { repository: 20, all: 20 } }, "repository's budget", NEXT_HOUR],
    ['a spent hour', { spent: { repository: 0, all: 100 } }, 'use up the budget', NEXT_HOUR],
    ['what is only watched', { heldOutUntil: NOW + 1 }, 'only watched', NOW + 1],
    ['a playbook that rests', { broken: { reason: 'it rests', askAgainAt: NOW + 9 } }, 'it rests', NOW + 9],
    ['another fix under way', { rival: 'cancel-run' }, 'cancel-run is under way', NOW + 30_000],
    ['newer work under way', { supersededBy: 'github:2:1' }, 'github:2:1 has taken', NOW + 60_000],
  ])('holds for %s, and asks again', (_, fields, reason, until = NOW + 60_000) => {
    const decision = decide(situation(fields));
    expect(decision).toMatchObject({ kind: 'hold', reason: expect.stringContaining(reason), until });
  });

  const window = (fields: object = {}) => ({
    maintenance: [{ from: ago(5), to: ago(-5), reason: 'the mirror moves', ...fields }],
  });

  it.each<[string, Partial<RemediationSettings>, object]>([
    [
      'asks in a scope that wants it',
      { scopes: { 'repository:ACME/shop': 'approve' } },
      { kind: 'ask', rule: 'approval' },
    ],
    ['asks from a tier on', { tiers: { askFrom: 1, max: 3 } }, { kind: 'ask', until: NOW + 3_600_000 }],
    ['refuses beyond a tier', { tiers: { askFrom: 2, max: 0 } }, { kind: 'refuse', rule: 'tier' }],
    ['refuses where it only observes', { mode: 'observe' }, { kind: 'refuse', reason: 'the mode here is observe' }],
    ['takes the most restrictive mode', { mode: 'off', scopes: { 'platform:github': 'act' } }, { kind: 'refuse' }],
    ['refuses a playbook that is off', { playbooks: { 'retry-failed-jobs': 'off' } }, { kind: 'refuse', rule: 'mode' }],
    ['holds until a window ends', window(), { kind: 'hold', rule: 'maintenance', until: NOW + 5 * 60_000 }],
    ['holds in a window of its scope', window({ scope: 'platform:github' }), { kind: 'hold', rule: 'maintenance' }],
    ['acts in a window of another scope', window({ scope: 'platform:gitlab' }), { kind: 'act' }],
    ['acts after a window', window({ to: ago(1) }), { kind: 'act' }],
  ])('%s', (_, policy, expected) => {
    expect(decide(situation(), policy)).toMatchObject(expected);
  });

  it('judges what was held for maintenance anew after it, for a day', () => {
    const of = (minutes: number) => situation({ run: run({ endedAt: ago(minutes) }), heldInWindow: true });
    expect(decide(of(300), window())).toMatchObject({ kind: 'hold', rule: 'maintenance' });
    expect(decide(of(300)).kind).toBe('act');
    expect(decide(of(24 * 60 + 1))).toMatchObject({ kind: 'refuse', rule: 'fresh' });
    expect(decide(situation({ run: run({ endedAt: ago(31) }) }), window()).kind).toBe('refuse');
    const maintenance = { until: NOW + 9, reason: 'an incident' };
    expect(decide(situation({ maintenance }))).toEqual({
      ...{ kind: 'hold', rule: 'maintenance', reason: 'maintenance: an incident', until: NOW + 9 },
    });
  });

  it('acts once it is approved, for as long as an answer was waited for', () => {
    const policy = { mode: 'approve' as const };
    expect(decide(situation({ approved: true }), policy).kind).toBe('act');
    const late = run({ endedAt: ago(80) });
    expect(decide(situation({ run: late, approved: true }), policy).kind).toBe('act');
    expect(decide(situation({ run: run({ endedAt: ago(91) }), approved: true }), policy).rule).toBe('fresh');
  });

  it('cools down between two fixes of one subject', () => {
    const cooldownMinutes = 5;
    const acted = situation({ lastActedAt: NOW - 60_000 });
    expect(decide(acted, { cooldownMinutes })).toMatchObject({ rule: 'cooldown', until: NOW + 4 * 60_000 });
    expect(decide(situation({ lastActedAt: NOW - 300_000 }), { cooldownMinutes }).kind).toBe('act');
  });

  it('does not give up what was tried to no avail while an outage may have begun; what can never change comes first', () => {
    const tried = { run: run({ attempt: 2 }), attempt: 2, latestAttempt: 2, tries: 1 };
    expect(decide(situation(tried))).toMatchObject({ kind: 'refuse', rule: 'tries' });
    const suspectedUntil = NOW + 7;
    expect(decide(situation({ ...tried, suspectedUntil }))).toMatchObject({
      ...{ kind: 'hold', rule: 'suspected', until: suspectedUntil },
    });
    const newer = { ...tried, latestAttempt: 3, suspectedUntil };
    expect(decide(situation(newer))).toMatchObject({ kind: 'refuse', rule: 'latest-attempt' });
  });

  it('lets probes alone through an outage, and recovers late what was held for it', () => {
    const outage = { key: 'dns', since: ago(9), askAgainAt: NOW + 7, mayProbe: false };
    expect(decide(situation({ outage }))).toMatchObject({ kind: 'hold', rule: 'outage', until: NOW + 7 });
    expect(decide(situation({ outage: { ...outage, mayProbe: true } }))).toMatchObject({ kind: 'act', rule: 'probe' });
    const old = run({ endedAt: ago(600) });
    expect(decide(situation({ run: old, heldForOutage: true })).kind).toBe('act');
    expect(decide(situation({ run: run({ endedAt: ago(1441) }), heldForOutage: true })).rule).toBe('fresh');
  });
});

describe.each(playbooks.map((one) => [one.id, one] as const))('the playbook %s', (_, one) => {
  it.each(one.examples.map((example) => [example.says, example] as const))('%s', (_, { given, verdict, rule }) => {
    const { attempt = 1, superseded, minutesAgo = 2, approved = false, platform = 'github' } = given;
    const { cause = 'dns-resolution-failed', transient = true, category = 'network', status = 'failed' } = given;
    const decision = decide(
      situation({
        playbook: narrowed(one, 0),
        approved,
        run: run({ platform, attempt, endedAt: ago(minutesAgo), status: status as Run['status'] }),
        ...(superseded && { supersededBy: 'github:2:1' }),
        failures: [failure({ platform, cause, transient, category })],
        latestAttempt: attempt,
        tries: attempt - 1,
      }),
      { playbooks: { [one.id]: 'act' } },
    );
    expect(decision.kind).toBe(verdict);
    if (rule !== undefined) expect(decision.rule).toBe(rule);
  });

  it('has steps that its platforms know, and takes back what can be', () => {
    const isOfAny = ({ action }: { action: string }) =>
      ['github', 'gitlab'].some((platform) => actionOf(platform, action) !== undefined);
    if (one.trigger.on !== 'run-failed') return expect(one.steps.every(isOfAny)).toBe(true);
    const platforms = one.trigger.platforms ?? [];
    for (const { action, rollback } of one.steps.filter((step) => step.action !== 'retry')) {
      expect(platforms.length).toBeGreaterThan(0);
      for (const platform of platforms) {
        expect(actionOf(platform, action), `${action} at ${platform}`).toBeDefined();
        if (rollback === 'itself') expect(actionOf(platform, action)?.heals).toBeDefined();
        else if (rollback !== null) expect(actionOf(platform, action)?.inverse).toBe(rollback.action);
      }
    }
  });
});

describe('ready', () => {
  it('waits for the end of the run and for the last diagnosis', () => {
    const [other, otherFailure] = [
      job({ id: 'github:1:job:8' }),
      failure({ id: 'github:1:job:8', jobId: 'github:1:job:8' }),
    ];
    expect(ready(run({ status: 'running' }), [job()], [failure()])).toBeUndefined();
    expect(ready(run(), [job()], [failure({ status: 'detected' })])).toBeUndefined();
    expect(ready(run(), [job(), other], [failure()])).toBeUndefined();
    expect(ready(run(), [], [])).toBeUndefined();
    expect(ready(run(), [job(), other], [failure(), otherFailure])?.jobs).toHaveLength(2);
  });

  it('does not count jobs that may fail, that did not, or that are of another attempt', () => {
    const others = [
      job({ id: 'a', allowFailure: true }),
      job({ id: 'b', status: 'succeeded' }),
      job({ id: 'c', runId: 'github:1:2' }),
    ];
    expect(ready(run(), [job(), ...others], [failure()])?.jobs.map(({ id }) => id)).toEqual(['github:1:job:7']);
  });
});

describe('ready, when the platform itself has tried a job again', () => {
  it('counts the latest attempt only', () => {
    const later = job({ id: 'github:1:job:9', attempt: 2, status: 'succeeded' });
    expect(ready(run(), [job(), later], [failure()])).toBeUndefined();
    const again = job({ id: 'github:1:job:9', attempt: 2 });
    const itsFailure = failure({ id: again.id, jobId: again.id, attempt: 2 });
    expect(ready(run(), [job(), again], [failure(), itsFailure])?.jobs.map(({ id }) => id)).toEqual([again.id]);
  });
});

describe('proof', () => {
  const fix = { targets: ['test', 'build'], attempt: 1 };
  const next = (name: string, status: Job['status'], attempt = 2) => job({ id: name, name, status, attempt });

  it('comes from the very jobs that were tried again', () => {
    const jobs = [next('test', 'succeeded'), next('build', 'succeeded'), next('deploy', 'failed')];
    expect(proof(fix, { run: run({ attempt: 2 }), jobs }, { runAlone: false })?.succeeded).toBe(true);
    expect(proof(fix, { run: undefined, jobs: [next('test', 'failed')] }, { runAlone: false })?.succeeded).toBe(false);
  });

  it('is open while one of them is, and while only older attempts are known', () => {
    const jobs = [next('test', 'succeeded'), next('build', 'running')];
    expect(proof(fix, { run: run({ attempt: 2, status: 'running' }), jobs }, { runAlone: true })).toBeUndefined();
    expect(proof(fix, { run: undefined, jobs: [next('test', 'failed', 1)] }, { runAlone: true })).toBeUndefined();
  });

  it('comes from the run alone once its jobs are overdue', () => {
    const ended = { run: run({ attempt: 2, status: 'succeeded' }), jobs: [] };
    expect(proof(fix, ended, { runAlone: false })).toBeUndefined();
    expect(proof(fix, ended, { runAlone: true })?.succeeded).toBe(true);
  });
});
