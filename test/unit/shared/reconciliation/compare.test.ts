import { describe, expect, it } from 'vitest';
import type { Job, Run } from '../../../../shared/model/index.ts';
import type { RunDetails, SweptRun } from '../../../../shared/platforms/sweeper.ts';
import {
  attemptOf,
  type Heard,
  isRunMissing,
  missingJobs,
  needsDetails,
  stillMissing,
} from '../../../../shared/reconciliation/compare.ts';

const END = '2026-03-04T05:00:00.000Z';
const run = (status: Run['status'], attempt = 1, endedAt?: string): Run =>
  ({ id: `github:1:${attempt}`, status, attempt, endedAt }) as Run;
const job = (id: string, status: Job['status'], attempt = 1, name = id): Job =>
  ({ id, status, runId: `github:1:${attempt}`, attempt, name }) as Job;
const swept = (changes: Partial<SweptRun> = {}): SweptRun => ({
  externalId: '1',
  attempt: 1,
  alike: 'ci',
  createdAt: END,
  updatedAt: END,
  ended: true,
  told: { event: 'workflow_run', action: 'completed', payload: {} },
  ...changes,
});
const unnumbered = ({ attempt: _, told: __, ...rest } = swept()): SweptRun => rest;
const heard = (runs: Run[], jobs: Job[] = []): Heard => ({ runs, jobs });

describe('a run is missing', () => {
  it.each([
    ['when it was never heard of', heard([]), swept(), true],
    ['when its end was not', heard([run('running')]), swept(), true],
    ['when another attempt of it is all that was', heard([run('failed', 1)]), swept({ attempt: 2 }), true],
    ['unless its end is known', heard([run('failed')]), swept(), false],
    ['unless it goes on, and is known to', heard([run('queued')]), swept({ ended: false }), false],
  ])('%s', (_, known, told, expected) => {
    expect(isRunMissing(told, known)).toBe(expected);
  });

  it('where attempts are not numbered, also when it was touched long after the end that is known', () => {
    const known = heard([run('failed', 1, END), run('succeeded', 2, END)]);
    expect(isRunMissing(unnumbered(), known)).toBe(false);
    expect(isRunMissing({ ...unnumbered(), updatedAt: '2026-03-04T05:01:59.000Z' }, known)).toBe(false);
    expect(isRunMissing({ ...unnumbered(), updatedAt: '2026-03-04T05:10:00.000Z' }, known)).toBe(true);
    expect(isRunMissing(unnumbered(), heard([run('failed', 1, END), run('running', 2)]))).toBe(true);
  });
});

describe('the jobs of a run are asked for', () => {
  const how = (expected?: number) => ({ endTellsJobs: false, expected });
  const known = heard([run('succeeded')], [job('a', 'succeeded'), job('b', 'skipped')]);

  it('once, to learn how many there are', () => {
    expect(needsDetails(swept(), known, how())).toBe(true);
    expect(needsDetails(swept(), known, how(2))).toBe(false);
  });
  it('when there are fewer than runs of its kind have, or one has no end', () => {
    expect(needsDetails(swept(), known, how(3))).toBe(true);
    expect(needsDetails(swept(), heard([run('succeeded')], [job('a', 'running')]), how(1))).toBe(true);
  });
  it('not before it has ended', () => {
    expect(needsDetails(swept({ ended: false }), heard([]), how())).toBe(false);
    expect(needsDetails({ ...unnumbered(), ended: false }, heard([]), how())).toBe(true);
  });
  it('not where the end of a run that was heard names them all', () => {
    const how = { endTellsJobs: true, expected: undefined };
    expect(needsDetails(unnumbered(), heard([run('failed', 1, END)]), how)).toBe(false);
    expect(needsDetails(unnumbered(), heard([run('running')]), how)).toBe(true);
  });
});

describe('what is missing among the jobs', () => {
  const details: RunDetails = {
    jobs: [
      { id: 'a', ended: true },
      { id: 'b', ended: true },
      { id: 'c', ended: false },
    ],
  };
  it('is whatever was not heard of, or not of its end', () => {
    const known = heard([], [job('a', 'running'), job('c', 'queued')]);
    expect(missingJobs(details, known).map(({ id }) => id)).toEqual(['a', 'b']);
    expect(missingJobs(details, heard([])).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });
  it('stays missing until it is known with its end', () => {
    const facts = ['github:1:1', 'a', 'b'];
    expect(stillMissing('github', swept(), facts, heard([]))).toEqual(facts);
    const later = heard([run('failed')], [job('a', 'failed'), job('b', 'running')]);
    expect(stillMissing('github', swept(), facts, later)).toEqual(['b']);
  });
});

it('counts the newest job of each name where attempts are not numbered', () => {
  const jobs = [job('1', 'failed', 1, 'test'), job('2', 'succeeded', 2, 'test'), job('3', 'succeeded', 1, 'lint')];
  const known = heard([run('failed', 1), run('succeeded', 2)], jobs);
  expect(attemptOf(unnumbered(), known)).toMatchObject({ run: { attempt: 2 }, jobs: [{ id: '2' }, { id: '3' }] });
  expect(attemptOf(swept(), known).jobs.map(({ id }) => id)).toEqual(['1', '3']);
});
