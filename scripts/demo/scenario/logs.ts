import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../test/fixtures/logs', import.meta.url));

/** What a real tool printed when it really failed: `dns-resolution-failed/1`. */
export const recorded = (name: string): string => readFileSync(join(folder, `${name}.log`), 'utf8');

/** A GitHub job's log up to the failure: a group for each step, the way the runner opens it, then what the step printed. */
export function githubSteps(steps: readonly string[], output: string): string {
  const opened = steps.flatMap((step) => [`##[group]${step}`, step.replace(/^Run /, ''), '##[endgroup]']);
  return `${opened.join('\n')}\n${output}`;
}
