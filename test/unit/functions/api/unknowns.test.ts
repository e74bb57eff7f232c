import { expect, it } from 'vitest';
import { diagnoseJob } from '../../../../functions/diagnose/diagnose-job.ts';
import { aJob, aRun } from '../../../support/items.ts';
import { logPlatform } from '../../../support/log-platform.ts';
import { withTable } from '../../../support/table.ts';
import { askOf } from './ask.ts';

const engine = withTable();

it('tells how much is unknown and what it looks like, and counts it', async () => {
  const { store, time } = await engine.fresh();
  const { platforms } = logPlatform({
    '10': ['./reconcile --all', 'ledger 7 does not balance'],
    '20': ['./reconcile --all', 'ledger 12 does not balance'],
    '30': ['curl: (6) Could not resolve host: example.com'],
  });
  const counted: string[] = [];
  const count = (name: string, { cause }: Readonly<Record<string, string>>) => counted.push(`${name} ${cause}`);
  const ask = askOf(store);
  expect((await ask('/v1/unknowns')).body).toMatchObject({ share: { diagnosed: 0, unknownShare: null }, items: [] });
  for (const run of ['1', '2', '3', '1']) {
    await store.merge('run', aRun(run));
    const { after } = await store.merge('job', aJob(run, `${run}0`));
    const deps = { store, platforms, read: async () => ({}), now: () => time.now, count };
    await diagnoseJob(after?.id ?? '', 1, deps);
  }
  expect(counted).toEqual(['Diagnoses unknown', 'Diagnoses unknown', 'Diagnoses known']);
  const { body } = await ask('/v1/unknowns');
  expect(body).toMatchObject({
    share: { diagnosed: 3, unknown: 2, withoutLog: 0, unknownShare: 2 / 3 },
    items: [
      {
        count: 2,
        template: expect.stringMatching(/^ledger \S+ does not balance$/),
        repositories: ['github/acme/web'],
        failures: ['github:2:job:20', 'github:1:job:10'],
        example: expect.stringContaining('ledger 12 does not balance'),
      },
    ],
  });
});
