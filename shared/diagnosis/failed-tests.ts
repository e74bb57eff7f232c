/** Names of failed tests, read from what the common test runners print. Every pattern is anchored and bounded: linear. */

const MAX_NAMES = 500;
const MAX_NAME = 400;
/** Lines after `3 failing` in which mocha lists its failures. */
const LIST_REACH = 20_000;

/** Literals of the lines that `FailedTests` has to see; its lists are read line by line once they have begun. */
export const testLiterals = [
  ' FAILED',
  'FAILED ',
  '--- FAIL',
  '<<< FAIL',
  '<<< ERROR',
  '● ',
  '✗ ',
  '✖ ',
  '✕ ',
  '✘ ',
  ' failing',
  ' failures:',
  'failures:',
  'Failures:',
  'FAIL: ',
  'ERROR: ',
  'ERROR ',
  '(Failed)',
  '(Timeout)',
  '(SEGFAULT)',
  '[FAIL]',
  'FAIL ',
  'not ok ',
  'rspec ',
  'Failed ',
  'Failed tests:',
  'Tests in error:',
  'Testcase: ',
  'Testsuite: ',
  'Caused an ERROR',
  '\tFAILED',
  'Test Case ',
  'Failing tests:',
  ' FAIL',
  ' failed',
  '[  FAILED  ]',
] as const;

interface Framework {
  readonly pattern: RegExp;
  /** Undefined when the match names no test after all. */
  name(groups: readonly string[]): string | undefined;
}

const join = (...parts: (string | undefined)[]): string => parts.filter(Boolean).join('.');

/** `Class > method`, `Gradle suite > Gradle test > a.b.Class.method`: a qualified last part says all. */
function gradle(path: string): string | undefined {
  if (/^(?:Task|Execution failed|Process|> Task) /.test(path)) return undefined;
  const parts = path.split(' > ');
  const last = parts.at(-1) ?? '';
  if (/^(?:[a-z_][\w$]{0,60}\.){1,20}[A-Z][\w$]{0,100}\.\S/.test(last)) return last;
  return parts.join('.');
}

/** One line names one test. */
const LINES: readonly Framework[] = [
  { pattern: /^(\S.{0,300} > .{1,300}) FAILED$/, name: ([path = '']) => gradle(path) },
  // Surefire: `method(Class)  Time elapsed: … <<< FAILURE!`, `Class.method -- Time elapsed … <<< ERROR!`
  {
    pattern:
      /^(?:\[ERROR\] {1,4})?([\w$][^(\s]{0,200}(?: \[.{0,100}\])?)\(([\w.$]{1,200})\)\s{1,6}(?:--? )?Time elapsed.{0,60}<<< (?:FAILURE|ERROR)!/,
    name: ([method, type]) => join(type, method),
  },
  {
    pattern:
      /^(?:\[ERROR\] {1,4})?([\w$]{1,100}(?:\.[\w$]{1,100}){1,20}(?:[[({].{0,160})?)\s{1,6}(?:--? )?Time elapsed.{0,60}<<< (?:FAILURE|ERROR)!/,
    name: ([name]) => name,
  },
  // Ant's formatter of its own: `Testcase: name(Class): FAILED`
  {
    pattern: /^(?:\s{0,8}\[junit\] )?Testcase: (.{1,200})\(([\w.$]{1,200})\):\s{1,4}(?:FAILED|Caused an ERROR)/,
    name: ([method, type]) => join(type, method),
  },
  // pytest's summary and verbose lines
  {
    pattern: /^(?:FAILED|ERROR) (\S{1,200}::.{1,250}?)(?: - .{0,2000})?$/,
    name: ([name]) => name,
  },
  { pattern: /^(\S{1,200}::\S.{0,200}?) (?:FAILED|ERROR)(?:\s+\[ {0,3}\d{1,3}%\])?$/, name: ([name]) => name },
  // unittest, nose: `FAIL: test_x (pkg.Class)`, `ERROR: pkg.module.test_x`
  {
    pattern: /^(?:FAIL|ERROR): (\w{1,150}) \(([\w.]{1,250})\)/,
    name: ([method = '', type = '']) => (type.endsWith(`.${method}`) ? type : join(type, method)),
  },
  { pattern: /^FAIL: ((?:[\w-]{1,100}\.){1,12}\w{1,150}(?:\(.{0,100}\))?)$/, name: ([name]) => name },
  // Go
  { pattern: /^\s{0,24}--- FAIL: (\S{1,300})/, name: ([name]) => name },
  // Rust: libtest, nextest
  { pattern: /^test (\S{1,300})(?: - .{0,40})? \.\.\. FAILED$/, name: ([name]) => name },
  {
    pattern: /^\s{4,12}(?:FAIL|SIGABRT|SIGSEGV|TIMEOUT) \[[^\]]{1,20}\] (?:\([^)]{1,20}\) )?(\S{1,150} \S{1,250})$/,
    name: ([name]) => name,
  },
  // jest, vitest: `● Suite › test`, `FAIL  file > suite > test`
  {
    pattern: /^\s{0,6}● (.{1,350})$/,
    name: ([name = '']) =>
      /^(?:Console|Test suite failed to run|Validation|Deprecation|Cannot log|Multiple|Invalid|.{0,300}\.snap$)/.test(
        name,
      )
        ? undefined
        : name,
  },
  { pattern: /^\s{0,3}FAIL {1,3}(\S{1,200}\.[cm]?[jt]sx? > .{1,300})$/, name: ([name]) => name },
  // TAP
  {
    pattern: /^\s{0,16}not ok \d{1,8}(?: -)? (?!.{0,300}# (?:TODO|SKIP))(.{1,300})$/i,
    name: ([name]) => name,
  },
  // RSpec, minitest
  { pattern: /^rspec (?:'[^']{1,200}'|\S{1,200}) # (.{1,300})$/, name: ([name]) => name },
  // gtest, ctest
  { pattern: /^\[ {2}FAILED {2}\] ([\w/]{1,150}\.[\w/]{1,150})/, name: ([name]) => name },
  {
    pattern: /^\s{1,12}\d{1,6} - (\S{1,200}) \((?:Failed|Timeout|SEGFAULT|Subprocess aborted)\)/,
    name: ([name]) => name,
  },
  // xUnit, NUnit, MSTest by `dotnet test`; XCTest
  {
    pattern: /^\s{0,4}(?:X |Failed )([\w.+`<>]{1,200}\.[\w<>`]{1,150}(?:\(.{0,150}\))?) \[[^\]]{1,20}\]$/,
    name: ([name]) => name,
  },
  { pattern: /^\s{0,4}([\w.+`]{1,200}\.\w{1,150}(?:\(.{0,150}\))?) \[FAIL\]$/, name: ([name]) => name },
  { pattern: /^Test Case '-\[([^\]]{1,250})\]' failed/, name: ([name]) => name },
  // ScalaTest, Elixir, PHPUnit, Bazel, Perl's prove
  { pattern: /^(?:\[info\] )?- (.{1,250}) \*\*\* FAILED \*\*\*/, name: ([name]) => name },
  { pattern: /^\s{1,4}\d{1,5}\) (test .{1,250}) \([\w.]{1,150}\)$/, name: ([name]) => name },
  { pattern: /^(\/\/\S{1,250})\s{1,80}FAILED in /, name: ([name]) => name },
  { pattern: /^\d{1,5}\) ([\w\\]{1,200}::\w{1,150})/, name: ([name]) => name },
  // Marked by a cross, in mocha's and karma's reporters and in AVA; a hook that was skipped is no failure
  {
    pattern: /^\s{0,24}[✗✖✕✘] (\S.{0,300})$/,
    name: ([name = '']) =>
      /\(skipped\)$|^\d{1,6} (?:tests?|problems?|failed|errors?|warnings?|of|passed)/i.test(name)
        ? undefined
        : name.replace(/ \(\d{1,7} ?m?s\)$/, ''),
  },
];

const MOCHA_HEAD = /^\s{0,8}\d{1,6} failing$/;
const MOCHA_ENTRY = /^\s{1,6}(\d{1,6})\) (\S.{0,300})$/;
const SUREFIRE_HEAD = /^(?:\[ERROR\] )?(?:Failed tests|Tests in error|Failures|Errors):\s{0,4}(.{0,300})$/;
const SUREFIRE_ENTRY = /^(?:\[ERROR\] {1,3})?\s{1,8}([\w$]{1,100}(?:\[.{0,60}\])?)\(([\w.$]{1,200})\)/;
const SUREFIRE_SHORT = /^(?:\[ERROR\] {1,3})\s{1,3}([\w$]{1,100}\.[\w$]{1,100})(?::\d|->| » )/;
/** `  2) Suite` opens; the deeper lines that follow name the parts, and a colon ends the name. */
interface Entry {
  readonly parts: string[];
  readonly indent: number;
}

/** Collects names as the log goes by. Bounded, and each name once. */
export class FailedTests {
  readonly #names = new Set<string>();
  /** Names marked by a cross count only when no runner's own list names them again in full. */
  readonly #crossed = new Set<string>();
  #list: 'none' | 'mocha' | 'surefire' = 'none';
  #left = 0;
  #entry: Entry | undefined;
  #suite = '';
  #case = '';

  /** True while a list is being read, so that every line has to be handed in. */
  get reading(): boolean {
    return this.#list !== 'none';
  }

  /** A line without time stamp and colours. */
  see(text: string): void {
    if (text.length > 2500) return;
    const line =
      text.startsWith('    [junit] ') || text.startsWith('[junit] ') ? text.replace(/^\s*\[junit\] /, '') : text;
    if (this.#list !== 'none') {
      if (--this.#left <= 0) this.#list = 'none';
      else if (this.#list === 'mocha') this.#mocha(line);
      else this.#surefire(line);
    }
    if (MOCHA_HEAD.test(line)) {
      this.#list = 'mocha';
      this.#left = LIST_REACH;
      this.#entry = undefined;
      return;
    }
    const head = line.length < 400 ? SUREFIRE_HEAD.exec(line) : null;
    if (head) {
      this.#list = 'surefire';
      this.#left = LIST_REACH;
      if (head[1]) this.#surefire(`  ${head[1]}`);
      return;
    }
    if (this.#ant(line)) return;
    for (const { pattern, name } of LINES) {
      const match = pattern.exec(line);
      if (!match) continue;
      const found = name(match.slice(1));
      if (found) this.#add(/[✗✖✕✘]/.test(line.slice(0, 28)) ? this.#crossed : this.#names, found);
      return;
    }
  }

  names(): string[] {
    this.#close();
    const full = [...this.#names];
    const again = (name: string): boolean =>
      full.some((other) => other.endsWith(name) || other.replace(/:$/, '').endsWith(name));
    return [...full, ...[...this.#crossed].filter((name) => !again(name))].slice(0, MAX_NAMES);
  }

  #add(to: Set<string>, name: string): void {
    if (to.size < MAX_NAMES) to.add(name.trim().slice(0, MAX_NAME));
  }

  #close(): void {
    const entry = this.#entry;
    this.#entry = undefined;
    if (entry && entry.parts.length > 0) this.#add(this.#names, entry.parts.join(' ').replace(/:$/, ''));
  }

  /** Ant prints the outcome of a test on a line after its name, and the class once before all. */
  #ant(line: string): boolean {
    const suite = /^Testsuite: ([\w.$]{1,250})/.exec(line);
    if (suite) this.#suite = suite[1] ?? '';
    const test = /^Testcase: (.{1,250}) took [\d.,]{1,12} sec/.exec(line);
    if (test) this.#case = test[1] ?? '';
    if (suite || test) return true;
    if (!/^\s{0,8}(?:FAILED|Caused an ERROR)$/.test(line) || this.#case === '') return false;
    this.#add(this.#names, join(this.#suite, this.#case));
    this.#case = '';
    return true;
  }

  #mocha(line: string): void {
    const opened = MOCHA_ENTRY.exec(line);
    if (opened) {
      this.#close();
      const name = (opened[2] ?? '').trim();
      const entry = { parts: [name], indent: line.search(/\d/) };
      this.#entry = entry;
      if (name.endsWith(':')) this.#close();
      return;
    }
    const entry = this.#entry;
    if (!entry) {
      // Another reporter's output, or the shell's: the list is over.
      if (/^\S/.test(line) && !/^(?:npm|\s*at )/.test(line) && line.trim() !== '')
        this.#left = Math.min(this.#left, 2000);
      return;
    }
    const indent = line.search(/\S/);
    if (indent <= entry.indent || entry.parts.length > 12) {
      this.#close();
      return;
    }
    entry.parts.push(line.trim());
    if (line.trimEnd().endsWith(':')) this.#close();
  }

  #surefire(line: string): void {
    const entry = SUREFIRE_ENTRY.exec(line);
    if (entry) {
      this.#add(this.#names, join(entry[2], entry[1]));
      return;
    }
    const short = SUREFIRE_SHORT.exec(line);
    // The short form lacks the package; a longer name of the same test is better.
    if (short) {
      if (![...this.#names].some((name) => name.endsWith(`.${short[1]}`))) this.#add(this.#names, short[1] ?? '');
      return;
    }
    if (/^(?:\[\w{4,5}\] )?Tests run:|^\S/.test(line) && !line.startsWith('[ERROR]')) this.#list = 'none';
  }
}
