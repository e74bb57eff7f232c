import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { rules } from '../../../../shared/diagnosis/index.ts';
import { branchesOf, isAnchored } from '../../../../shared/diagnosis/rules/branches.ts';
import { Pattern } from '../../../../shared/diagnosis/rules/compiled.ts';

describe('the branches of a pattern', () => {
  it.each([
    ['a|b', ['a', 'b']],
    ['(?:^a|b)|(?:c)', ['^a', 'b', 'c']],
    ['(?:a)(?:b|c)', ['(?:a)(?:b|c)']],
    ['[|)]|\\||\\Q|(\\E|[]|]', ['[|)]', '\\|', '\\Q|(\\E', '[]|]']],
    ['(?i)a|b', ['(?i)a', '(?i)b']],
    ['(?:(?i)a|b)|c', ['(?i)a', '(?i)b', 'c']],
    ['^a|(?i)b', ['(?:^a|(?i)b)']],
    ['[[:alpha:]|]|x', ['[[:alpha:]|]', 'x']],
  ])('%s', (source, branches) => {
    expect(branchesOf(source)).toEqual(branches);
  });

  it('are tied to the start of the line only when they must begin there', () => {
    expect(['^a', '(?i)^a', '^(?:a|b)'].filter(isAnchored)).toHaveLength(3);
    expect(['a^', '(?:^a|(?i)b)', '^*a', '^?a', '\\^a', '(?m)^a'].filter(isAnchored)).toEqual([]);
  });

  const lines = ['a', 'xa', 'B', 'xb', 'c', 'A', '', 'ab', 'x|', '(', ' a', 'a\nb'];
  it.each(['^a|b', '^a|(?i)b', '(?i)^a|b', '(?:^a|^b)|c$', '^(?:a|)$', '^a$|^b', '\\|$', '^?b', '(?m)^b'])(
    'match what %s matches',
    (source) => {
      const [whole, parts] = [RE2JS.compile(source), new Pattern(source)];
      for (const line of lines) expect([line, parts.test(line)]).toEqual([line, whole.test(line)]);
    },
  );

  it('match what the rules match', () => {
    for (const { pattern, examples, nearMisses } of rules) {
      const [whole, parts] = [RE2JS.compile(pattern), new Pattern(pattern)];
      for (const line of [...examples, ...nearMisses, `: ${examples[0]}`])
        expect([line, parts.test(line)]).toEqual([line, whole.test(line)]);
    }
  });
});
