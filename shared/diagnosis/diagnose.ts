import { RestoredCaches } from './caches.ts';
import { decide, type Verdict } from './decide.ts';
import { type Candidate, Evidence, type Group, hard, type Kept } from './evidence.ts';
import { FailedTests } from './failed-tests.ts';
import { focus, type Range } from './focus.ts';
import { headline } from './headline.ts';
import { announcesRetry, errorScore, isGeneric, isPassing, isQuoted, isWarning, surrenders } from './lines.ts';
import { redact } from './redact.ts';
import {
  CACHE,
  type CompiledRules,
  compileRules,
  ERROR,
  FIRST_RULE,
  RETRY,
  STRUCTURE,
  SURRENDER,
  TEST,
} from './rules/compiled.ts';
import { rules as ownRules } from './rules/index.ts';
import { type Line, LineScanner } from './scanner.ts';
import { LogStructure, type Reading, type Section } from './structure.ts';
import type { SuccessLines } from './success.ts';
import { fingerprintOf, templateOf } from './template.ts';
import type { DiagnoseOptions, Diagnosis, LogContext, LogSource, Rule, Tier } from './types.ts';

/** Memory does not depend on it; it bounds the time that a hostile log can take. */
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
const MAX_LINE_TEXT = 500;
const MAX_EXCERPT_BYTES = 4096;

/**
 * Says why a job failed from its log, in one pass and bounded memory. `unknown` rather than a guess.
 * A log of a job that passed has no failure: call it only for jobs that failed.
 */
export async function diagnose(log: LogSource, context: LogContext, options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const reader = new LogReader(compileRules(options.rules ?? ownRules), context, options);
  const { bytes, truncated } = await feed(log, options.maxBytes ?? DEFAULT_MAX_BYTES, (chunk) => reader.push(chunk));
  return { ...reader.conclude(), bytes, truncated };
}

async function feed(log: LogSource, maxBytes: number, push: (chunk: Uint8Array) => void) {
  let bytes = 0;
  for await (const chunk of typeof log === 'string' ? [Buffer.from(log, 'utf8')] : log) {
    const room = maxBytes - bytes;
    if (chunk.length > room) {
      push(chunk.subarray(0, room));
      return { bytes: maxBytes, truncated: true };
    }
    push(chunk);
    bytes += chunk.length;
  }
  return { bytes, truncated: false };
}

class LogReader {
  readonly #rules: CompiledRules;
  readonly #context: LogContext;
  readonly #scanner: LineScanner;
  readonly #structure = new LogStructure();
  readonly #evidence = new Evidence();
  readonly #tests = new FailedTests();
  readonly #caches = new RestoredCaches();
  readonly #success: SuccessLines | undefined;
  readonly #demoted: ReadonlySet<string> | undefined;
  readonly #preferred: ReadonlySet<string> | undefined;

  constructor(rules: CompiledRules, context: LogContext, options: DiagnoseOptions) {
    this.#rules = rules;
    this.#context = context;
    this.#success = options.success;
    this.#demoted = options.demoted;
    this.#preferred = options.preferred;
    this.#structure.onFailure((section, at) => this.#evidence.keep(section, at));
    this.#scanner = new LineScanner(rules.automaton, rules.ownerCount, (line, owners) => this.#line(line, owners));
  }

  push(chunk: Uint8Array): void {
    this.#scanner.push(chunk);
  }

  #line(line: Line, owners: readonly number[]): void {
    if (owners.length > 0 || this.#tests.reading || this.#success) this.#look(line, owners);
    this.#evidence.see(line);
  }

  #look(line: Line, owners: readonly number[]): void {
    const text = line.text();
    if (this.#tests.reading || owners.some(isTest))
      this.#tests.see(
        text.replace(/^##\[error\]/, ''),
        owners
          .filter(isTest)
          .map((owner) => owner - TEST)
          .sort((x, y) => x - y),
      );
    if (owners.includes(CACHE)) this.#caches.see(text);
    const green = this.#success?.has(text) ?? false;
    if (owners.length > 0) this.#notable(line, text, owners, green);
    if (this.#success && !green && text.trim() !== '') this.#evidence.novel(line, text, this.#structure.current);
  }

  #notable(line: Line, whole: string, owners: readonly number[], green: boolean): void {
    const reading = this.#structure.read(whole, line.number, owners.includes(STRUCTURE));
    if (!reading) return;
    const { text, section } = reading;
    const warning = reading.warning || isWarning(text);
    const retried = owners.includes(RETRY) && announcesRetry(text);
    if (owners.includes(SURRENDER) && surrenders(text)) this.#evidence.gaveUp(line, section);
    else if (retried) this.#evidence.retried(line, section);

    const match = owners.some(isRule)
      ? (this.#match(owners, text, warning || retried) ?? this.#behindLabel(owners, text, warning || retried))
      : undefined;
    if (match) {
      this.#evidence.matched(match.rule, this.#candidate(line, reading, green || !match.firm));
    } else if (!warning && !green && (reading.annotated || owners.includes(ERROR))) {
      this.#loose(line, reading);
    }
  }

  /** The first rule in order of precedence that the line matches; of a `mild` line one that stands as a warning, if any. */
  #match(owners: readonly number[], text: string, mild: boolean): { rule: number; firm: boolean } | undefined {
    if (isPassing(text) || isQuoted(text)) return undefined;
    const step = `${this.#context.failedStep ?? ''}\n${this.#context.jobName}`;
    let first: number | undefined;
    for (const owner of owners.filter(isRule).sort((a, b) => a - b)) {
      const rule = owner - FIRST_RULE;
      if (!this.#rules.applies(rule, step) || !this.#rules.matches(rule, text)) continue;
      if (!mild || standsAsWarning(this.#rules.rules[rule])) return { rule, firm: true };
      first ??= rule;
    }
    return first === undefined ? undefined : { rule: first, firm: false };
  }

  /** Several programs at once (docker compose, turbo, pnpm) say on each line whose it is; BuildKit, when it was said. */
  #behindLabel(owners: readonly number[], text: string, mild: boolean): { rule: number; firm: boolean } | undefined {
    const [label] = LABEL.exec(text) ?? [];
    return label === undefined ? undefined : this.#match(owners, text.slice(label.length), mild);
  }

  #loose(line: Line, reading: Reading): void {
    // The platform's closing line says nothing itself, but what stands before it is the end of the failed step.
    const score = errorScore(reading.text) + (reading.annotated ? (isGeneric(reading.text) ? 1 : 3) : 0);
    if (score > 0 || reading.annotated) this.#evidence.looksBad(score, this.#candidate(line, reading, false));
  }

  #candidate(line: Line, { text, section }: Reading, soft: boolean): Candidate {
    return this.#evidence.candidate(line, text, section, soft);
  }

  conclude(): Omit<Diagnosis, 'bytes' | 'truncated'> {
    const length = this.#scanner.end();
    const evidence = this.#evidence;
    const failing = this.#structure.failing(this.#context.failedStep);
    const inScope = failing ?? ((section: Section) => !section.aside);
    if (!failing) evidence.keep(this.#structure.current, length + 1, true);
    const groups = evidence.groups.filter(({ section }) => inScope(section));
    const loose = evidence.loose
      .filter(({ candidate }) => inScope(candidate.section))
      .sort((a, b) => b.score - a.score || b.candidate.number - a.candidate.number)
      .map(({ candidate }) => candidate);
    // What jobs print that succeed tells nothing by itself; but here it may be what the green run of this very job lacks.
    const told = this.#success
      ? groups
      : groups.filter(({ rule }) => !this.#demoted?.has(this.#rules.rules[rule]?.id ?? ''));
    const verdict = decide(told, this.#rules.rules, {
      known: failing !== undefined,
      length,
      preferred: this.#preferred,
      demoted: ({ id }) => (this.#demoted?.has(id) ?? false) || (this.#success?.matched.has(id) ?? false),
    });
    const candidates = [
      ...groups.flatMap(({ first, firstHard, lastHard, last }) => [first, firstHard, lastHard, last]),
      ...loose,
    ];
    const known = evidence.known(candidates.filter((candidate) => candidate !== undefined));
    // What a green run does not print may tell of the failure wherever it stands.
    if (!this.#success) for (const [number, { section }] of known) if (!inScope(section)) known.delete(number);
    const { lines, ranges } = focus({
      known,
      marks: this.#marks(groups, verdict),
      green: this.#success,
      evidence: verdict?.best.number,
    });
    const cause = verdict?.rule.id ?? 'unknown';
    const tests = this.#tests.names();
    const lineAt = (number: number): string | undefined => known.get(number)?.text;
    const telling = headline(cause, verdict?.best, { tests, ranked: lines, lineAt });
    const template = templateOf(redact(telling));
    return {
      cause,
      category: verdict?.rule.category ?? 'unknown',
      transient: verdict?.transient ?? null,
      severity: verdict?.rule.severity ?? 'medium',
      remedy: verdict?.rule.remedy ?? 'No rule knows this failure. Read the lines; if they recur, add a rule for them.',
      lines: lines.map(({ number, text, score }) => ({ number, text: redact(text).slice(0, MAX_LINE_TEXT), score })),
      excerpt: cut(redact(shown(ranges, known, verdict?.best.number)), MAX_EXCERPT_BYTES),
      ranges: [...ranges],
      tests: tests.map(redact),
      caches: this.#caches.keys(),
      template,
      fingerprint: fingerprintFor(cause, template, this.#context),
      confidence: verdict?.confidence ?? (telling !== '' ? 0.1 : 0),
    };
  }

  /** What a match of a rule adds to its line. */
  #marks(groups: readonly Group[], verdict: Verdict | undefined): Map<number, number> {
    const marks = new Map<number, number>();
    for (const group of groups) {
      const tier = this.#rules.rules[group.rule]?.tier;
      if (!tier) continue;
      for (const candidate of [hard(group, 'first'), hard(group, 'last')])
        if (candidate) marks.set(candidate.number, Math.max(marks.get(candidate.number) ?? 0, WEIGHT[tier]));
    }
    if (verdict) marks.set(verdict.best.number, 3 + (marks.get(verdict.best.number) ?? 0));
    return marks;
  }
}

const LABEL =
  /^(?:@?[A-Za-z][\w./-]{0,60}\s{0,20}\| |@?[A-Za-z][\w./@-]{0,80}:[a-z][\w:-]{0,40}: |[\w./-]{1,80} (?:build|test|lint|check|typecheck|start)(?::\w{1,20})?: |\d{1,5}\.\d{1,3} )/;
const isRule = (owner: number): boolean => owner >= FIRST_RULE;
const isTest = (owner: number): boolean => owner >= TEST && owner < FIRST_RULE;

const WEIGHT: Readonly<Record<Tier, number>> = { decisive: 5, cause: 3, verdict: 1.5, symptom: 1 };

/** The lines of the ranges; long ones are cut, so that all of them fit, but the one that shows the cause is left whole. */
function shown(ranges: readonly Range[], known: ReadonlyMap<number, Kept>, evidence: number | undefined): string {
  const count = ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0);
  const width = Math.min(MAX_LINE_TEXT, Math.floor((MAX_EXCERPT_BYTES - MAX_LINE_TEXT) / Math.max(1, count)) - 1);
  const text = (number: number): string =>
    // Redacted before it is cut: half a token has no shape any more.
    redact(known.get(number)?.text ?? '')
      .slice(0, number === evidence ? MAX_LINE_TEXT : width)
      .trimEnd();
  return ranges
    .map(({ start, end }) => Array.from({ length: end - start + 1 }, (_, i) => text(start + i)).join('\n'))
    .join('\n[…]\n')
    .trim();
}

/** What the machine or the runner says stands however mildly it is said; a checker's verdict is often printed as a warning. */
const standsAsWarning = (rule: Rule | undefined): boolean =>
  rule?.tier === 'decisive' || rule?.tier === 'verdict' || rule?.category === 'runner';

/** Cause, template and failing step; where no line tells anything, the job stands in for the template. */
export function fingerprintFor(cause: string, template: string, context: LogContext): string {
  const step = templateOf(context.failedStep ?? '');
  return fingerprintOf(template === '' ? [cause, '', step, templateOf(context.jobName)] : [cause, template, step]);
}

/** At most `bytes` of UTF-8, never through a character. */
function cut(text: string, bytes: number): string {
  const encoded = Buffer.from(text, 'utf8');
  if (encoded.length <= bytes) return text;
  let end = bytes;
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end--;
  return encoded.toString('utf8', 0, end);
}
