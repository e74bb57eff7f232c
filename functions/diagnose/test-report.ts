import { ABOUT_TESTS, type Diagnosis } from '../../shared/diagnosis/index.ts';
import type { Job } from '../../shared/model/index.ts';
import type { PlatformClient, TestReport } from '../../shared/platforms/port.ts';
import type { Store } from '../../shared/store/index.ts';
import { takeCall } from './green-budget.ts';

export interface ReportDeps {
  readonly store: Store;
  readonly client: PlatformClient | undefined;
  readonly now: () => number;
}

/** How a job's tests ended by the platform's own report, within the budget of what is read beyond the log itself. */
export async function reportOf(job: Job, { store, client, now }: ReportDeps): Promise<TestReport | undefined> {
  if (client?.testReport === undefined || !(await takeCall(store, job.platform, now()))) return undefined;
  return client.testReport(job);
}

/**
 * A diagnosis with the failed tests as the platform's report names them: other than in logs, a test has the same name each
 * time. Asked for only where tests failed.
 */
export async function withReport(diagnosis: Diagnosis, job: Job, deps: ReportDeps): Promise<Diagnosis> {
  if (diagnosis.tests.length === 0 && !ABOUT_TESTS.has(diagnosis.cause)) return diagnosis;
  const failed = [...((await reportOf(job, deps))?.failed ?? [])];
  return failed.length === 0 ? diagnosis : { ...diagnosis, tests: failed };
}
