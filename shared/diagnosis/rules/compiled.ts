import { RE2JS } from 're2js';
import { cacheLiterals } from '../caches.ts';
import { TEST_OWNERS, testLiterals } from '../failed-tests.ts';
import { errorLiterals, retryLiterals, surrenderLiterals } from '../lines.ts';
import { type Automaton, buildAutomaton } from '../literals.ts';
import { structureLiterals } from '../structure.ts';
import type { Rule, Tier } from '../types.ts';
import { branchesOf, isAnchored } from './branches.ts';

const TIERS: readonly Tier[] = ['decisive', 'cause', 'verdict', 'symptom'];

/** Owners in the automaton that are no rules; rules follow. */
export const STRUCTURE = 0;
export const RETRY = 1;
export const SURRENDER = 2;
export const ERROR = 3;
export const CACHE = 4;
/** The first of those that `FailedTests` looks for. */
export const TEST = 5;
export const FIRST_RULE = TEST + TEST_OWNERS;

export interface CompiledRules {
  /** By tier, then as given: the order in which a line is tried, and the precedence between rules. */
  readonly rules: readonly Rule[];
  readonly automaton: Automaton;
  readonly ownerCount: number;
  matches(rule: number, text: string): boolean;
  applies(rule: number, step: string): boolean;
}

/**
 * A repetition that may count to hundreds has a state for each count, more than the matcher keeps. The pattern stays linear
 * without the bound, and a line is never long.
 */
const unbounded = (source: string): string =>
  source.replace(/\{([01]),\d{3,4}\}/g, (_, least) => (least === '0' ? '*' : '+'));

/**
 * What is tied to the start of the line is matched as a whole text, for which the matcher gives up at the first character
 * that does not fit; looking for it, it would read on to the end.
 */
export class Pattern {
  readonly #anchored: RE2JS | undefined;
  readonly #free: RE2JS | undefined;

  constructor(source: string) {
    const branches = branchesOf(unbounded(source));
    const joined = (parts: readonly string[], rest: string): RE2JS | undefined =>
      parts.length === 0 ? undefined : RE2JS.compile(`(?:${parts.map((part) => `(?:${part})`).join('|')})${rest}`);
    this.#anchored = joined(branches.filter(isAnchored), '(?s:.*)');
    this.#free = joined(
      branches.filter((branch) => !isAnchored(branch)),
      '',
    );
  }

  /** A line, or its UTF-8 bytes. */
  test(text: string | number[]): boolean {
    return (this.#anchored?.testExact(text) ?? false) || (this.#free?.test(text) ?? false);
  }
}

const cache = new WeakMap<readonly Rule[], CompiledRules>();

/** Patterns compile when first needed: a function that starts cold sees few of them. RE2JS guarantees linear time. */
export function compileRules(source: readonly Rule[]): CompiledRules {
  const known = cache.get(source);
  if (known) return known;
  const rules = TIERS.flatMap((tier) => source.filter((rule) => rule.tier === tier));
  const entries = [
    ...structureLiterals.map((literal) => ({ literal, owner: STRUCTURE })),
    ...retryLiterals.map((literal) => ({ literal, owner: RETRY })),
    ...surrenderLiterals.map((literal) => ({ literal, owner: SURRENDER })),
    ...testLiterals.map(({ literal, owner }) => ({ literal, owner: TEST + owner })),
    ...cacheLiterals.map((literal) => ({ literal, owner: CACHE })),
    ...errorLiterals.map((literal) => ({ literal, owner: ERROR })),
    ...rules.flatMap((rule, i) => rule.literals.map((literal) => ({ literal, owner: FIRST_RULE + i }))),
  ];
  const patterns = new Map<string, Pattern>();
  const test = (source: string, text: string): boolean => {
    const pattern = patterns.get(source) ?? new Pattern(source);
    patterns.set(source, pattern);
    return pattern.test(text);
  };
  const compiled: CompiledRules = {
    rules,
    automaton: buildAutomaton(entries),
    ownerCount: FIRST_RULE + rules.length,
    matches(index, text) {
      const rule = rules[index];
      return !!rule && test(rule.pattern, text) && !(rule.exclude && test(rule.exclude, text));
    },
    applies(index, step) {
      const steps = rules[index]?.steps;
      return !steps || test(steps, step);
    },
  };
  cache.set(source, compiled);
  return compiled;
}
