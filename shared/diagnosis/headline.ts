import { isGeneric } from './lines.ts';
import { salience } from './salience.ts';

/** Causes by which tests are to blame, though the log may not tell which. */
export const ABOUT_TESTS: ReadonlySet<string> = new Set([
  ...['test-failed', 'test-timeout', 'tests-crashed', 'snapshot-mismatch'],
]);

/** Words of lines that count what failed, whatever it was. */
const COUNTING = new Set(
  `a aborted all and assertion assertions cancelled canceled check checks complete completed critical doctest doctests elapsed
  error errored errors example examples executed fail failed failing fails failure failures feature features file files filtered
  finished for found high ignored in info is locally low measured medium min ms note of ok out pass passed passes passing pending
  problem problems properties property result results run runs s sec seconds scenario scenarios skip skipped skips some spec specs
  step steps success succeeded suite suites target targets test tests the there time todo total unexpected unknown warn warning
  warnings was were with`.split(/\s+/),
);

/** Says how many, or only that something failed: the same line for whatever failed. */
export function isCount(text: string): boolean {
  const words =
    text
      .slice(0, 400)
      .toLowerCase()
      .match(/[a-z]+/g) ?? [];
  return words.length > 0 && words.every((word) => COUNTING.has(word));
}

/** What it announces stands below: `CMake Error at CMakeLists.txt:14 (message):`, `Cart.hs:14:9: error: [GHC-88464]`. */
const ANNOUNCES = /:\s{0,4}$|\berror: \[[\w-]{1,20}\]$/;
/** Names within what the line above it tells: `   > Could not find com.acme:lib:1`. */
const WITHIN = /^\s{2,24}(?:>|╰|└)/;
const REACH = 4;

export interface Told {
  readonly number: number;
  readonly text: string;
}

/**
 * What tells a failure from others of its cause: the line that shows the cause, with what it announces. Where that line only
 * counts, the failed test whose name comes first, or the line that tells most.
 */
export function headline(
  cause: string,
  best: Told | undefined,
  log: { tests: readonly string[]; ranked: readonly Told[]; lineAt: (number: number) => string | undefined },
): string {
  const telling = log.ranked.find(({ text }) => !isGeneric(text) && !isCount(text));
  if (best === undefined) return (telling ?? log.ranked.find(({ text }) => !isGeneric(text)))?.text ?? '';
  if (ABOUT_TESTS.has(cause) && !log.tests.some((name) => best.text.includes(name))) {
    const [test] = [...log.tests].sort();
    if (test !== undefined) return test;
  }
  if (isCount(best.text)) return telling?.text ?? best.text;
  const below = firstBelow(best.number, log.lineAt);
  const more = below !== undefined && (ANNOUNCES.test(best.text) || WITHIN.test(below));
  return more ? `${best.text} ${below.trim()}` : best.text;
}

function firstBelow(number: number, lineAt: (number: number) => string | undefined): string | undefined {
  for (let next = number + 1; next <= number + REACH; next++) {
    const text = lineAt(next);
    if (text === undefined) return undefined;
    // Blank lines, rules and closing words tell nothing.
    if (salience(text) > -1) return text;
  }
  return undefined;
}
