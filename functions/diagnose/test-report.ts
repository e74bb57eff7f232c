import type { Diagnosis } from '../../shared/diagnosis/index.ts';
import type { Job } from '../../shared/model/index.ts';
import type { PlatformClient } from '../../shared/platforms/port.ts';
import type { Store } from '../../shared/store/index.ts';
import { takeCall } from './green-budget.ts';

/** Causes by which tests are to blame, though the log may not tell which. */
const ABOUT_TESTS: ReadonlySet<string> = new Set(['test-failed', 'test-timeout', 'tests-crashed', 'snapshot-mismatch']);

/**
 * A diagnosis with the failed tests as the platform's own report names them: other than in logs, a test has the same name each
 * time. Asked for only where tests failed, within the budget of what is read beyond the log itself.
 */
export async function withReport(
  diagnosis: Diagnosis,
  job: Job,
  deps: { store: Store; client: PlatformClient | undefined; now: () => number },
): Promise<Diagnosis> {
  if (diagnosis.tests.length === 0 && !ABOUT_TESTS.has(diagnosis.cause)) return diagnosis;
  const { store, client, now } = deps;
  if (client?.failedTests === undefined || !(await takeCall(store, job.platform, now()))) return diagnosis;
  const reported = await client.failedTests(job);
  return reported === undefined || reported.length === 0 ? diagnosis : { ...diagnosis, tests: [...reported] };
}
