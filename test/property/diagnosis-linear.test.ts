import { describe, expect, it } from 'vitest';
import { rules } from '../../shared/diagnosis/index.ts';
import { Pattern } from '../../shared/diagnosis/rules/compiled.ts';
import { notLinear } from '../support/regex/ambiguity.ts';
import { parse } from '../support/regex/parse.ts';
import { type Pump, pumped, pumpsFor } from '../support/regex/pumped.ts';
import { regexLiterals } from '../support/regex/sources.ts';
import { backtrackingSteps } from '../support/regex/steps.ts';

/**
 * No pattern that meets text from outside takes more than linear time. Steps are counted, nothing is timed: of texts of
 * length n, 2n, 4n and 8n, a stretch at the end of the last must not cost much more than one at the end of the first.
 */
function growth(stepsFor: (text: string) => number, pump: Pump): number {
  const short = Math.ceil((30 + pump.before.length) / pump.again.length) + 2;
  const points: { length: number; steps: number }[] = [];
  for (const times of [short, 2 * short, 4 * short, 8 * short]) {
    const text = pumped(pump, times);
    const steps = stepsFor(text);
    if (steps === Number.POSITIVE_INFINITY) return steps;
    points.push({ length: text.length, steps });
  }
  const slope = (from: number, to: number): number => {
    const [a, b] = [points[from], points[to]];
    return a && b ? (b.steps - a.steps) / (b.length - a.length) : 0;
  };
  return slope(2, 3) / Math.max(slope(0, 1), 1);
}
/** Linear is 1, quadratic is 4. */
const LINEAR = 2;

const worst = (pumps: readonly Pump[], stepsFor: (text: string) => number): number =>
  Math.max(0, ...pumps.map((pump) => growth(stepsFor, pump)));

const PLANTED = [
  ['(a|a)*b', ''],
  ['\\s+$', ''],
  ['(?:a+)+$', ''],
  ['^(?:[a-z]?[0-9]?)*$', ''],
  ['\\d+\\d+x', ''],
  ['^.*a.*b', ''],
  ['^(?:\\w+\\.?)+:', 'i'],
  ['<(\\w+)>.*</\\1>', 'g'],
  ['(?=[a-f]*x)\\w', 'g'],
] as const;
const HARMLESS = [
  ['^\\s+$', ''],
  ['\\s+', 'g'],
  ['a\\d*', ''],
  ['\\b\\w+\\b', 'g'],
  ['(?<![\\w.-])[\\w.-]{1,80}=', 'g'],
  ['^\\d+(?:\\.\\d+)*$', ''],
  ['\\d+(?:[.,]\\d+)*', 'g'],
  ['^[^\\s:]{1,300}:\\d{1,6}: error\\b', 'i'],
] as const;

describe('the checks themselves', () => {
  it.each(PLANTED)('refuse %s', (source, flags) => {
    expect(notLinear(source, flags)).toBeDefined();
  });

  it.each(PLANTED.filter(([source]) => source !== '<(\\w+)>.*</\\1>'))(
    'count too many steps of %s',
    (source, flags) => {
      const growing = worst(pumpsFor(parse(source, flags)), (text) => backtrackingSteps(source, flags, text));
      expect(growing).toBeGreaterThan(LINEAR);
    },
  );

  it.each(HARMLESS)('let %s pass', (source, flags) => {
    expect(notLinear(source, flags)).toBeUndefined();
    const growing = worst(pumpsFor(parse(source, flags)), (text) => backtrackingSteps(source, flags, text));
    expect(growing).toBeLessThan(LINEAR);
  });
});

describe('patterns that backtrack, in shared/diagnosis', () => {
  const literals = regexLiterals('shared/diagnosis');

  it('are all found, and none is made at run time', () => {
    expect(literals.length).toBeGreaterThan(180);
    for (const { source, flags } of literals) expect(() => new RegExp(source, flags)).not.toThrow();
    const files = new Set(literals.map(({ file }) => file));
    for (const file of ['redact', 'failed-tests', 'template', 'structure', 'salience', 'lines', 'scanner', 'success'])
      expect(files).toContain(`${file}.ts`);
  });

  it('are proven linear', () => {
    const refused = literals.flatMap(({ file, source, flags }) => {
      const why = notLinear(source, flags);
      return why === undefined ? [] : [`${file}: /${source}/${flags}: ${why}`];
    });
    expect(refused).toEqual([]);
  });

  it('take as many steps more as the text is longer, on texts made against them', () => {
    const refused = literals.flatMap(({ file, source, flags }) => {
      const growing = worst(pumpsFor(parse(source, flags)), (text) => backtrackingSteps(source, flags, text));
      return growing < LINEAR ? [] : [`${file}: /${source}/${flags}: ${growing}`];
    });
    expect(refused).toEqual([]);
  });
});

describe('what linear time costs', () => {
  it('is at most a hundred steps a character, with the bounds as they are written', () => {
    const refused = regexLiterals('shared/diagnosis').flatMap(({ file, source, flags }) => {
      const costs = pumpsFor(parse(source, flags)).map((pump) => {
        const text = pumped(pump, Math.ceil(600 / pump.again.length));
        return backtrackingSteps(source, flags, text, Number.POSITIVE_INFINITY) / text.length;
      });
      const most = Math.max(0, ...costs);
      return most <= 100 ? [] : [`${file}: /${source}/${flags}: ${most}`];
    });
    expect(refused).toEqual([]);
  });
});

describe('patterns of rules, ours and the master’s', () => {
  /** How often the matcher looks at the text. What it does at each look is bounded by the size of the pattern. */
  function looks(pattern: Pattern, text: string): number {
    let count = 0;
    const bytes = new Proxy([...Buffer.from(text)], {
      get(target, name) {
        count++;
        return Reflect.get(target, name);
      },
    });
    pattern.test(bytes);
    return count;
  }
  /** RE2's own notation is left out of what is made against a pattern: flags in front of a group. */
  const inJavaScript = (source: string): string => source.replace(/\(\?[imsU]+\)/g, '');

  it.each([
    ...PLANTED.map(([source]) => source).filter((source) => !/\\1|\(\?=/.test(source)),
    ...['^(([a-z])+.)+[A-Z]([a-z])+$', '(.*a){12}', '(x+x+)+y', '(?:a?){20}a{20}'],
  ])('%s', (source) => {
    const pattern = new Pattern(source);
    expect(worst(pumpsFor(parse(source)), (text) => looks(pattern, text))).toBeLessThan(LINEAR);
  });

  it('take as many looks more as the text is longer', () => {
    const refused = rules.flatMap((rule) =>
      [rule.pattern, rule.exclude ?? '', rule.steps ?? ''].flatMap((source) => {
        const pumps = pumpsFor(parse(inJavaScript(source)));
        const pattern = new Pattern(source);
        const growing = worst(pumps.slice(0, 12), (text) => looks(pattern, text));
        return growing < LINEAR ? [] : [`${rule.id}: ${source.slice(0, 200)}: ${growing}`];
      }),
    );
    expect(refused).toEqual([]);
  });
});
