import type { SuccessLines } from './success.ts';

export type Category = 'runner' | 'automation' | 'system' | 'network' | 'performance' | 'unknown';
export type Severity = 'critical' | 'high' | 'medium' | 'low';

/**
 * How far a match explains the failure. Precedence between two matches is decided by tier first:
 * - `decisive`: the platform or the machine itself gave out (runner lost, disk full, memory gone); whatever follows is fall-out.
 * - `cause`: a tool names what went wrong (a host did not resolve, a type error, a missing package).
 * - `verdict`: a tool says that what it ran did not pass (tests failed); why is somewhere above.
 * - `symptom`: the trace of a failure whose cause is elsewhere (a process was killed).
 */
export type Tier = 'decisive' | 'cause' | 'verdict' | 'symptom';

/** A failure rule: pure data, so that rules can be listed, tested against their own examples, and added in settings. */
export interface Rule {
  readonly id: string;
  readonly category: Exclude<Category, 'unknown'>;
  /** Does a rerun plausibly fix it? true starts an automatic rerun, so only where the cause is outside the change. */
  readonly transient: boolean | null;
  readonly severity: Severity;
  readonly tier: Tier;
  readonly remedy: string;
  /** RE2 syntax; matched against one cleaned line (no time stamp, no ANSI codes). Add `(?i)` for either case. */
  readonly pattern: string;
  /** At least one of these must be in a line (any case) before the pattern is tried. At least four characters each. */
  readonly literals: readonly string[];
  /** A line that also matches this is no match: a warning, a retry notice, a name in someone's own output. */
  readonly exclude?: string;
  /** Only where the failing step's or job's name matches (RE2). */
  readonly steps?: string;
  readonly examples: readonly string[];
  readonly nearMisses: readonly string[];
}

export interface LogContext {
  readonly platform: string;
  readonly jobName: string;
  readonly failedStep?: string;
  readonly runnerName?: string;
}

export interface Diagnosis {
  /** Rule id, kebab-case; `unknown` when no rule explains the failure. */
  cause: string;
  category: Category;
  transient: boolean | null;
  severity: Severity;
  remedy: string;
  /** Best first, at most 10, redacted; `number` is 1-based with lines split on CRLF, LF and CR. */
  lines: { number: number; text: string; score: number }[];
  /** At most 4 KB, redacted: the lines of `ranges`. */
  excerpt: string;
  /** What a person needs to read: at most 50 lines in all, in order, both ends included. */
  ranges: { start: number; end: number }[];
  /** Names of the failed tests that the log tells, redacted. */
  tests: string[];
  /** Keys of the caches that the log tells to have been restored, at most 3; absent where there is no log. */
  caches?: string[];
  template: string;
  /** Hex; the same for the same failure in other runs, paths, versions, hosts and times. */
  fingerprint: string;
  /** 0 to 1. */
  confidence: number;
  /** Bytes of log read. */
  bytes: number;
  /** True when the log was longer than `maxBytes`. */
  truncated: boolean;
}

export interface DiagnoseOptions {
  readonly maxBytes?: number;
  readonly rules?: readonly Rule[];
  /** The last successful log of the same job: what it prints as well explains nothing. */
  readonly success?: SuccessLines;
  /** Ids of rules that were seen to match logs of successful jobs: they yield to every other match, and without `success` explain nothing. */
  readonly demoted?: ReadonlySet<string>;
  /** Ids of rules that win over every other of their tier, wherever in the section they match. */
  readonly preferred?: ReadonlySet<string>;
}

export type LogSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array> | string;
export type Outcome = 'timed-out' | 'canceled' | 'failed' | 'runner-lost';
