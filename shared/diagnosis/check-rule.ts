import { RE2JS } from 're2js';
import { diagnose } from './diagnose.ts';
import type { Rule } from './types.ts';

const MAX_PATTERN = 20_000;
const MIN_LITERAL_BYTES = 3;

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
    else if (notCompiled(source) !== undefined) problems.push(`${name} is no RE2 pattern: ${notCompiled(source)}.`);
  }
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(rule.id)) problems.push('id is not in kebab-case.');
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

function notCompiled(source: string): string | undefined {
  try {
    RE2JS.compile(source);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
