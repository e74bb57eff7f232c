import { nameOf } from './clean.ts';

/** Names of tests, as the reports of platforms and of test runners tell them. */

const MAX_NAME = 300;
/** Whoever fails in more tests fails for another reason than any of them. */
export const MAX_REPORTED = 500;

/** How the tests of a job ended, by its reports. A test that a runner ran several times may be in more than one of these. */
export interface TestReport {
  /** At most `MAX_REPORTED`, in the order of the report. */
  readonly failed: ReadonlySet<string>;
  readonly passed: ReadonlySet<string>;
  /** Known to the report, and not run. */
  readonly skipped: ReadonlySet<string>;
  /** Passed after they had failed, by the runner's own word. They are among `passed` as well. */
  readonly retried: ReadonlySet<string>;
}

/** A report that is being read. What it is read from bounds its size. */
export class TestReportBuilder implements TestReport {
  readonly failed = new Set<string>();
  readonly passed = new Set<string>();
  readonly skipped = new Set<string>();
  readonly retried = new Set<string>();

  add(classname: string | null | undefined, name: string, outcome: keyof TestReport): void {
    const whole = testNameOf(classname, name);
    if (whole === undefined || (outcome === 'failed' && this.failed.size >= MAX_REPORTED)) return;
    this[outcome].add(whole);
    if (outcome === 'retried') this.passed.add(whole);
  }

  get empty(): boolean {
    return this.failed.size + this.passed.size + this.skipped.size === 0;
  }
}

/** One name of the two that JUnit's reports give a test: some runners repeat the class, or have none. */
export function testNameOf(classname: string | null | undefined, name: string): string | undefined {
  const [type, own] = [classname?.trim() ?? '', name.trim()];
  const whole = type === '' || own.startsWith(type) ? own : `${type}.${own}`;
  return own === '' ? undefined : nameOf(whole, MAX_NAME);
}
