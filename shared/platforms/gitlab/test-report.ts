import * as z from 'zod/mini';
import type { Job } from '../../model/index.ts';
import { type TestReport, TestReportBuilder } from '../test-names.ts';

/** https://docs.gitlab.com/api/pipelines/#get-a-pipelines-test-report: the JUnit reports of the latest jobs, a suite each. */
const text = z.nullish(z.string());
const testCase = z.object({ status: z.string(), name: z.string(), classname: text });
const suite = z.object({
  name: text,
  build_ids: z.catch(z.nullish(z.array(z.int())), undefined),
  test_cases: z.array(z.unknown()),
});
const report = z.object({ test_suites: z.array(z.unknown()) });

const OUTCOMES: Readonly<Record<string, keyof TestReport>> = {
  ...{ failed: 'failed', error: 'failed', success: 'passed', skipped: 'skipped' },
};
/** Parts of a job that was split are one suite, under the name without its number: `rspec 2/5`. */
const PART = / \d{1,4}\/\d{1,4}$/;

/** How the tests of a job ended; undefined where the report tells nothing of the job. */
export function testsIn(json: unknown, job: Pick<Job, 'externalId' | 'name'>): TestReport | undefined {
  const whole = report.safeParse(json);
  if (!whole.success) return undefined;
  const suites = whole.data.test_suites.flatMap((each) => suite.safeParse(each).data ?? []);
  const own =
    suites.find(({ build_ids: builds }) => builds?.includes(Number(job.externalId))) ??
    suites.find(({ name }) => name != null && (name === job.name || name === job.name?.replace(PART, '')));
  if (own === undefined) return undefined;
  const tests = new TestReportBuilder();
  for (const { classname, name, status } of own.test_cases.flatMap((each) => testCase.safeParse(each).data ?? [])) {
    const outcome = OUTCOMES[status];
    if (outcome !== undefined) tests.add(classname, name, outcome);
  }
  return tests;
}
