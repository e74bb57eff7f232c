import { RE2JS } from 're2js';
import { diagnose } from './diagnose.ts';
import type { Rule } from './types.ts';

const MAX_PATTERN = 20_000;
/** Time is at most their number by the length of the line. */
const MAX_STATES = 10_000;
const MIN_LITERAL_BYTES = 3;
const MAX_ID = 64;
const NO_RULES: ReadonlySet<string> = new Set(['unknown', 'log-unavailable']);

/**
 * What is wrong with a rule that somebody wrote, in sentences; empty when it may be used. Patterns are RE2: look-around and
 * back-references, which can take super-linear time, are refused.
 */
export async function checkRule(rule: Rule): Promise<string[]> {
  const problems: string[] = [];
  for (const name of ['pattern', 'exclude', 'steps'] as const) {
    const source = rule[name];
    if (source === undefined) continue;
    if (source.length > MAX_PATTERN) problems.push(`${name} is longer than ${MAX_PATTERN} characters.`);
    else problems.push(...patternProblems(name, source));
  }
  if (NO_RULES.has(rule.id)) problems.push(`"${rule.id}" is what is said where no rule matches.`);
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(rule.id)) problems.push('id is not in kebab-case.');
  if (rule.id.length > MAX_ID) problems.push(`id is longer than ${MAX_ID} characters.`);
  if (rule.literals.length === 0) problems.push('It has no literals, so that it would never be tried.');
  for (const literal of rule.literals)
    if (Buffer.byteLength(literal) < MIN_LITERAL_BYTES) problems.push(`The literal "${literal}" is too short.`);
  if (problems.length > 0) return problems;
  // As a log would be read, with all that stands between a line and a match: warnings, passing tests, retries.
  const only = [rule];
  const matches = async (line: string): Promise<boolean> =>
    (await diagnose(line, { platform: '', jobName: '' }, { rules: only })).cause === rule.id;
  if (rule.steps === undefined)
    for (const line of rule.examples)
      if (!(await matches(line))) problems.push(`It does not match its example "${line}".`);
  for (const line of rule.nearMisses) if (await matches(line)) problems.push(`It matches its near miss "${line}".`);
  return problems;
}

function patternProblems(name: string, source: string): string[] {
  try {
    const states = RE2JS.compile(source).programSize();
    return states > MAX_STATES ? [`${name} is too slow: it has ${states} states, of ${MAX_STATES} at most.`] : [];
  } catch (error) {
    return [`${name} is no RE2 pattern: ${error instanceof Error ? error.message : String(error)}.`];
  }
}
