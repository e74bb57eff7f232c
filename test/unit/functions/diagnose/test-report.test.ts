import { expect, it } from 'vitest';
import { withReport } from '../../../../functions/diagnose/test-report.ts';
import { diagnose } from '../../../../shared/diagnosis/index.ts';
import type { Job } from '../../../../shared/model/index.ts';
import type { PlatformClient } from '../../../../shared/platforms/port.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();
const job = { platform: 'gitlab', name: 'test' } as Job;
const FAILING = '--- FAIL: TestTotal (0.00s)\nFAIL\n';

/** The tests that a log names, and what else is asked. */
async function named(log: string, reported: readonly string[] | undefined, more: Partial<PlatformClient> = {}) {
  const { store, time } = await engine.fresh();
  let asked = 0;
  const none: ReadonlySet<string> = new Set();
  const testReport = async () => {
    asked += 1;
    return reported && { failed: new Set(reported), passed: none, skipped: none, retried: none };
  };
  const client = { testReport, ...more } as unknown as PlatformClient;
  const read = await diagnose(log, { platform: 'gitlab', jobName: 'test' });
  const again = () => withReport(read, job, { store, client, now: () => time.now });
  return { ...(await again()), asked: () => asked, again };
}

it('tests are named as the report names them, or else as the log does', async () => {
  expect(await named(FAILING, ['cart.TestTotal'])).toMatchObject({ cause: 'test-failed', tests: ['cart.TestTotal'] });
  expect(await named(FAILING, [])).toMatchObject({ tests: ['TestTotal'] });
  expect(await named(FAILING, undefined)).toMatchObject({ tests: ['TestTotal'] });
  expect(await named(FAILING, ['x'], { testReport: undefined as never })).toMatchObject({ tests: ['TestTotal'] });
});

it('a report is asked for only where tests failed, and not without end', async () => {
  const other = await named("src/a.ts(1,1): error TS2322: Type 'a' is not assignable to type 'b'.\n", ['x']);
  expect([other.tests, other.asked()]).toEqual([[], 0]);
  const failed = await named(FAILING, ['cart.TestTotal']);
  for (let time = 0; time < 100; time++) await failed.again();
  expect(failed.asked()).toBeGreaterThan(1);
  expect(failed.asked()).toBeLessThan(100);
});
