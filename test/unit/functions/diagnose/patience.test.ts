import { expect, it } from 'vitest';
import { diagnoseJob } from '../../../../functions/diagnose/diagnose-job.ts';
import { gitlab } from '../../../../shared/platforms/gitlab/index.ts';
import {
  EMPTY_PATIENCE_SECONDS,
  LogNotReady,
  type Platform,
  type PlatformClient,
  PlatformUnavailable,
} from '../../../../shared/platforms/port.ts';
import { track } from '../../../../shared/tracking/index.ts';
import { withTable } from '../../../support/table.ts';
import { jobHook } from '../../shared/platforms/gitlab-payloads.ts';

const engine = withTable();
const MINUTE = 60_000;

/** A job that failed long ago by the time it is heard of, at a platform that answers as told. */
async function heardLate(answer: () => Error | string) {
  const { store, time } = await engine.fresh();
  const client = {
    jobLog: async () => {
      const told = answer();
      if (typeof told !== 'string') throw told;
      return (async function* () {
        yield Buffer.from(told);
      })();
    },
  } as unknown as PlatformClient;
  const platform: Platform = { ...gitlab, client: async () => client };
  const facts = gitlab.normalise({
    event: 'Job Hook',
    body: Buffer.from(JSON.stringify(jobHook({}))),
    contentType: 'application/json',
    origin: 'live',
    receivedAt: store.now(),
  });
  await track(store, gitlab, facts);
  time.now += 60 * MINUTE;
  const id = facts.jobs[0]?.id ?? '';
  const deps = { store, platforms: { gitlab: platform }, read: async () => ({}), now: () => time.now };
  return {
    time,
    look: async (receives: number) => {
      await diagnoseJob(id, receives, deps);
      return (await store.get('failure', id))?.cause;
    },
  };
}

it.each([
  ['missing', new LogNotReady('404'), 11],
  ['empty', new LogNotReady('the log is empty', EMPTY_PATIENCE_SECONDS), 2],
])(
  'a log that is %s is waited for since it was first asked for, and asked for more than once',
  async (_, answer, minutes) => {
    const { time, look } = await heardLate(() => answer);
    expect(await look(1)).toBeUndefined();
    time.now += minutes * MINUTE;
    // Whoever was held up in between has not looked often yet.
    expect(await look(2)).toBeUndefined();
    expect(await look(5)).toBe('log-unavailable');
  },
);

it('a log that comes late is read', async () => {
  let log: Error | string = new LogNotReady('404');
  const { time, look } = await heardLate(() => log);
  await look(1);
  time.now += 30 * MINUTE;
  log = 'fatal: unable to access: Could not resolve host: github.com\n';
  expect(await look(2)).toBe('dns-resolution-failed');
});

it('an outage of the platform of an hour is outlasted, one of a day is not', async () => {
  const { time, look } = await heardLate(() => new PlatformUnavailable('502'));
  await look(1);
  time.now += 60 * MINUTE;
  expect(await look(9)).toBeUndefined();
  time.now += 24 * 60 * MINUTE;
  expect(await look(10)).toBe('log-unavailable');
});
