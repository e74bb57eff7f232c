import { nameOf } from './clean.ts';

/** Names of tests, as the reports of platforms and of test runners tell them. */

const MAX_NAME = 300;
/** Whoever fails in more tests fails for another reason than any of them. */
export const MAX_REPORTED = 500;

/** One name of the two that JUnit's reports give a test: some runners repeat the class, or have none. */
export function testNameOf(classname: string | null | undefined, name: string): string | undefined {
  const [type, own] = [classname?.trim() ?? '', name.trim()];
  const whole = type === '' || own.startsWith(type) ? own : `${type}.${own}`;
  return own === '' ? undefined : nameOf(whole, MAX_NAME);
}
