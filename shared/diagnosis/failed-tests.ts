/** Names of failed tests, read from what the common test runners print. Every pattern is anchored and bounded: linear. */

import { beginning } from './cut.ts';
import { join, testLines } from './test-lines.ts';

const MAX_NAMES = 500;
const MAX_NAME = 400;
/** Lines after `3 failing` in which mocha lists its failures. */
const LIST_REACH = 20_000;

/** Of the lines that begin and make up lists, which the patterns below do not read. */
const LIST_LITERALS = [
  ...[' failing', 'failures:', 'Failed tests:', 'Tests in error:', 'Testcase: ', 'Testsuite: '],
  ...['Caused an ERROR', ' FAILED', '\tFAILED'],
] as const;

/**
 * What to look for in a log: which lines `FailedTests` has to see, and by the owner, what for. Its lists are read line by
 * line once they have begun.
 */
export const testLiterals: readonly { readonly literal: string; readonly owner: number }[] = [
  ...LIST_LITERALS.map((literal) => ({ literal, owner: testLines.length })),
  ...testLines.flatMap(({ literals }, owner) => literals.map((literal) => ({ literal, owner }))),
];
export const TEST_OWNERS = testLines.length + 1;

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

  /** A line without time stamp and colours, and in ascending order the owners of the `testLiterals` that it holds. */
  see(text: string, owners: readonly number[]): void {
    if (text.length > 2500) return;
    const line =
      text.startsWith('    [junit] ') || text.startsWith('[junit] ') ? text.replace(/^\s*\[junit\] /, '') : text;
    if (this.#list !== 'none') {
      if (--this.#left <= 0) this.#list = 'none';
      else if (this.#list === 'mocha') this.#mocha(line);
      else this.#surefire(line);
    }
    if ((this.reading || owners.at(-1) === testLines.length) && this.#opensList(line)) return;
    for (const { pattern, name } of this.reading
      ? testLines
      : owners.map((owner) => testLines[owner]).filter((one) => one !== undefined)) {
      const match = pattern.exec(line);
      if (!match) continue;
      const found = name(match.slice(1));
      if (found) this.#add(/[✗✖✕✘]/.test(line.slice(0, 28)) ? this.#crossed : this.#names, found);
      return;
    }
  }

  /** Begins a list, or is Ant's. */
  #opensList(line: string): boolean {
    if (MOCHA_HEAD.test(line)) {
      this.#list = 'mocha';
      this.#left = LIST_REACH;
      this.#entry = undefined;
      return true;
    }
    const head = line.length < 400 ? SUREFIRE_HEAD.exec(line) : null;
    if (!head) return this.#ant(line);
    this.#list = 'surefire';
    this.#left = LIST_REACH;
    if (head[1]) this.#surefire(`  ${head[1]}`);
    return true;
  }

  names(): string[] {
    this.#close();
    const full = [...this.#names];
    const again = (name: string): boolean =>
      full.some((other) => other.endsWith(name) || other.replace(/:$/, '').endsWith(name));
    return [...full, ...[...this.#crossed].filter((name) => !again(name))].slice(0, MAX_NAMES);
  }

  #add(to: Set<string>, name: string): void {
    if (to.size < MAX_NAMES) to.add(beginning(name.trim(), MAX_NAME));
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
