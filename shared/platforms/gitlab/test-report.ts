import * as z from 'zod/mini';
import type { Job } from '../../model/index.ts';
import { MAX_REPORTED, testNameOf } from '../test-names.ts';

/** https://docs.gitlab.com/api/pipelines/#get-a-pipelines-test-report: the JUnit reports of the latest jobs, a suite each. */
const text = z.nullish(z.string());
const testCase = z.object({ status: z.string(), name: z.string(), classname: text });
const suite = z.object({
  name: text,
  build_ids: z.catch(z.nullish(z.array(z.int())), undefined),
  test_cases: z.array(z.unknown()),
});
const report = z.object({ test_suites: z.array(z.unknown()) });

const FAILED: ReadonlySet<string> = new Set(['failed', 'error']);
/** Parts of a job that was split are one suite, under the name without its number: `rspec 2/5`. */
const PART = / \d{1,4}\/\d{1,4}$/;

/** The tests of a job that failed; undefined where the report tells nothing of the job. */
export function failedTestsIn(json: unknown, job: Pick<Job, 'externalId' | 'name'>): string[] | undefined {
  const whole = report.safeParse(json);
  if (!whole.success) return undefined;
  const suites = whole.data.test_suites.flatMap((each) => suite.safeParse(each).data ?? []);
  const own =
    suites.find(({ build_ids: builds }) => builds?.includes(Number(job.externalId))) ??
    suites.find(({ name }) => name != null && (name === job.name || name === job.name?.replace(PART, '')));
  return own?.test_cases
    .flatMap((each) => testCase.safeParse(each).data ?? [])
    .filter(({ status }) => FAILED.has(status))
    .flatMap(({ classname, name }) => testNameOf(classname, name) ?? [])
    .slice(0, MAX_REPORTED);
}
