/** Lines by which the common test runners name a test that failed. Every pattern is anchored and bounded: linear. */

interface TestLine {
  /** One of them is in every line that the pattern matches. */
  readonly literals: readonly string[];
  readonly pattern: RegExp;
  /** Undefined when the match names no test after all. */
  name(groups: readonly string[]): string | undefined;
}

export const join = (...parts: (string | undefined)[]): string => parts.filter(Boolean).join('.');

/** `Class > method`, `Gradle suite > Gradle test > a.b.Class.method`: a qualified last part says all. */
function gradle(path: string): string | undefined {
  if (/^(?:Task|Execution failed|Process|> Task) /.test(path)) return undefined;
  const parts = path.split(' > ');
  const last = parts.at(-1) ?? '';
  if (/^(?:[a-z_][\w$]{0,60}\.){1,20}[A-Z][\w$]{0,100}\.\S/.test(last)) return last;
  return parts.join('.');
}

/** One line names one test. */
export const testLines: readonly TestLine[] = [
  { literals: [' FAILED'], pattern: /^(\S.{0,300} > .{1,300}) FAILED$/, name: ([path = '']) => gradle(path) },
  // Surefire: `method(Class)  Time elapsed: … <<< FAILURE!`, `Class.method -- Time elapsed … <<< ERROR!`
  {
    literals: ['<<< FAIL', '<<< ERROR'],
    pattern:
      /^(?:\[ERROR\] {1,4})?([\w$][^(\s]{0,200}(?: \[.{0,100}\])?)\(([\w.$]{1,200})\)\s{1,6}(?:--? )?Time elapsed.{0,60}<<< (?:FAILURE|ERROR)!/,
    name: ([method, type]) => join(type, method),
  },
  {
    literals: ['<<< FAIL', '<<< ERROR'],
    pattern:
      /^(?:\[ERROR\] {1,4})?([\w$]{1,100}(?:\.[\w$]{1,100}){1,20}(?:[[({].{0,160})?)\s{1,6}(?:--? )?Time elapsed.{0,60}<<< (?:FAILURE|ERROR)!/,
    name: ([name]) => name,
  },
  // Ant's formatter of its own: `Testcase: name(Class): FAILED`
  {
    literals: ['Testcase: '],
    pattern: /^(?:\s{0,8}\[junit\] )?Testcase: (.{1,200})\(([\w.$]{1,200})\):\s{1,4}(?:FAILED|Caused an ERROR)/,
    name: ([method, type]) => join(type, method),
  },
  // pytest's summary and verbose lines
  {
    literals: ['FAILED ', 'ERROR '],
    pattern: /^(?:FAILED|ERROR) (\S{1,200}::.{1,250}?)(?: - .{0,2000})?$/,
    name: ([name]) => name,
  },
  {
    literals: [' FAILED', 'ERROR '],
    pattern: /^(\S{1,200}::\S.{0,200}?) (?:FAILED|ERROR)(?:\s+\[ {0,3}\d{1,3}%\])?$/,
    name: ([name]) => name,
  },
  // unittest, nose: `FAIL: test_x (pkg.Class)`, `ERROR: pkg.module.test_x`
  {
    literals: ['FAIL: ', 'ERROR: '],
    pattern: /^(?:FAIL|ERROR): (\w{1,150}) \(([\w.]{1,250})\)/,
    name: ([method = '', type = '']) => (type.endsWith(`.${method}`) ? type : join(type, method)),
  },
  {
    literals: ['FAIL: '],
    pattern: /^FAIL: ((?:[\w-]{1,100}\.){1,12}\w{1,150}(?:\(.{0,100}\))?)$/,
    name: ([name]) => name,
  },
  // Go
  { literals: ['--- FAIL: '], pattern: /^\s{0,24}--- FAIL: (\S{1,300})(?!\S)/, name: ([name]) => name },
  // Rust: libtest, nextest
  { literals: [' FAILED'], pattern: /^test (\S{1,300})(?: - .{0,40})? \.\.\. FAILED$/, name: ([name]) => name },
  {
    literals: ['FAIL [', 'SIGABRT [', 'SIGSEGV [', 'TIMEOUT ['],
    pattern: /^\s{4,12}(?:FAIL|SIGABRT|SIGSEGV|TIMEOUT) \[[^\]]{1,20}\] (?:\([^)]{1,20}\) )?(\S{1,150} \S{1,250})$/,
    name: ([name]) => name,
  },
  // jest, vitest: `● Suite › test`, `FAIL  file > suite > test`
  {
    literals: ['● '],
    pattern: /^\s{0,6}● (.{1,350})$/,
    name: ([name = '']) =>
      /^(?:Console|Test suite failed to run|Validation|Deprecation|Cannot log|Multiple|Invalid|.{0,300}\.snap$)/.test(
        name,
      )
        ? undefined
        : name,
  },
  { literals: ['FAIL '], pattern: /^\s{0,3}FAIL {1,3}(\S{1,200}\.[cm]?[jt]sx? > .{1,300})$/, name: ([name]) => name },
  // TAP
  {
    literals: ['not ok '],
    pattern: /^\s{0,16}not ok \d{1,8}(?: -)? (?!.{0,300}# (?:TODO|SKIP))(.{1,300})$/i,
    name: ([name]) => name,
  },
  // RSpec, minitest
  { literals: ['rspec '], pattern: /^rspec (?:'[^']{1,200}'|\S{1,200}) # (.{1,300})$/, name: ([name]) => name },
  // gtest, ctest
  {
    literals: ['[  FAILED  ]'],
    pattern: /^\[ {2}FAILED {2}\] ([\w/]{1,150}\.[\w/]{1,150})(?![\w/])/,
    name: ([name]) => name,
  },
  {
    literals: ['(Failed)', '(Timeout)', '(SEGFAULT)', '(Subprocess aborted)'],
    pattern: /^\s{1,12}\d{1,6} - (\S{1,200}) \((?:Failed|Timeout|SEGFAULT|Subprocess aborted)\)/,
    name: ([name]) => name,
  },
  // xUnit, NUnit, MSTest by `dotnet test`; XCTest
  {
    literals: ['Failed '],
    pattern: /^\s{0,4}(?:X |Failed )([\w.+`<>]{1,200}\.[\w<>`]{1,150}(?:\(.{0,150}\))?) \[[^\]]{1,20}\]$/,
    name: ([name]) => name,
  },
  {
    literals: [' [FAIL]'],
    pattern: /^\s{0,4}([\w.+`]{1,200}\.\w{1,150}(?:\(.{0,150}\))?) \[FAIL\]$/,
    name: ([name]) => name,
  },
  { literals: ["Test Case '-["], pattern: /^Test Case '-\[([^\]]{1,250})\]' failed/, name: ([name]) => name },
  // ScalaTest, Elixir, PHPUnit, Bazel, Perl's prove
  { literals: ['*** FAILED ***'], pattern: /^(?:\[info\] )?- (.{1,250}) \*\*\* FAILED \*\*\*/, name: ([name]) => name },
  { literals: [') test '], pattern: /^\s{1,4}\d{1,5}\) (test .{1,250}) \([\w.]{1,150}\)$/, name: ([name]) => name },
  { literals: ['FAILED in '], pattern: /^(\/\/\S{1,250})\s{1,80}FAILED in /, name: ([name]) => name },
  { literals: ['Test::test'], pattern: /^\d{1,5}\) ([\w\\]{1,200}::\w{1,150})(?!\w)/, name: ([name]) => name },
  // minitest, Flutter, Playwright
  {
    literals: ['#test_'],
    pattern: /^(\w{1,100}(?:::\w{1,100}){0,8}#test_\w{1,200}) \[\S{1,200}:\d{1,7}\]:/,
    name: ([name]) => name,
  },
  {
    literals: [' [E]'],
    pattern: /^\d\d:\d\d \+\d{1,6}(?: ~\d{1,6})? -\d{1,6}: (?:\S{1,200}\.dart: )?(.{1,300}) \[E\]$/,
    name: ([name]) => name,
  },
  {
    literals: [' › '],
    pattern: /^\s{1,4}\d{1,5}\) (?:\[[^\]]{1,60}\] › )?(\S{1,200}):\d{1,7}:\d{1,5} › ([^─]{1,300})(?: ─|$)/,
    name: ([file, title]) => `${file} › ${title?.trimEnd()}`,
  },
  // Common Test, Clojure, R's testthat, Julia
  {
    literals: ['*** FAILED {'],
    pattern: /^Testing \S{1,200}: \*\*\* FAILED \{(\w{1,100}),(\w{1,100})\}/,
    name: ([suite, name]) => join(suite, name),
  },
  {
    literals: ['FAIL in (', 'ERROR in ('],
    pattern: /^(?:FAIL|ERROR) in \(([^\s()]{1,200})\) \(/,
    name: ([name]) => name,
  },
  {
    literals: ['── Failure (', '── Error ('],
    pattern: /^\s{0,8}── (?:Failure|Error) \([^)]{1,200}\): ([^─]{1,200}) ─/,
    name: ([name]) => name,
  },
  { literals: ['Test Failed at'], pattern: /^(.{1,200}): Test Failed at \S{1,200}:\d{1,7}$/, name: ([name]) => name },
  // Robot Framework, Cucumber, Pester, Ginkgo, Deno
  { literals: ['| FAIL |'], pattern: /^(\S[^|]{0,200}[^|\s])\s{1,80}\| FAIL \|$/, name: ([name]) => name },
  {
    literals: ['cucumber '],
    pattern: /^cucumber \S{1,200}:\d{1,6} # (?:Scenario(?: Outline)?: )?(.{1,250})$/,
    name: ([name]) => name,
  },
  { literals: [' [-] '], pattern: /^\s{1,12}\[-\] (.{1,250}) \d[\d.]{0,8}m?s(?: \(|$)/, name: ([name]) => name },
  { literals: ['[FAIL] '], pattern: /^\[FAIL\] (.{1,300})$/, name: ([name]) => name },
  {
    literals: [' => .', ' => file'],
    pattern: /^(\S.{0,200}) => (?:\.\/|file:)\S{1,200}:\d{1,6}:\d{1,5}$/,
    name: ([name]) => name,
  },
  // Marked by a cross, in mocha's and karma's reporters and in AVA; a hook that was skipped is no failure
  {
    literals: ['✗ ', '✖ ', '✕ ', '✘ '],
    pattern: /^\s{0,24}[✗✖✕✘] (\S.{0,300})$/,
    name: ([name = '']) =>
      /\(skipped\)$|^Found \d| severity vulnerability found |^\d{1,6} (?:tests?|problems?|failed|errors?|warnings?|of|passed)/i.test(
        name,
      )
        ? undefined
        : name.replace(/^\[fail\]: | \(\d{1,7} ?m?s\)$/g, ''),
  },
];
