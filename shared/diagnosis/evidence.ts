import type { Line } from './scanner.ts';
import type { Section } from './structure.ts';

/** A line that may explain the failure, with the lines around it. */
export interface Candidate {
  readonly number: number;
  readonly text: string;
  readonly section: Section;
  readonly annotated: boolean;
  readonly before: readonly Line[];
  readonly after: Line[];
  /** Announced as retried, or only a warning: not the failure, unless the tool then says that it gave up. */
  soft: boolean;
}

/** All matches of one rule in one section: the first and the last are kept. */
export interface Group {
  readonly rule: number;
  readonly section: Section;
  count: number;
  first: Candidate;
  last: Candidate;
  firstHard: Candidate | undefined;
  lastHard: Candidate | undefined;
}

const MAX_GROUPS = 64;
const MAX_LOOSE = 24;
const AFTER = 10;
const BEFORE = 10;
/** A retry is announced within so many lines of the error, a surrender within so many of the retried errors. */
const RETRY_REACH = 12;
const SURRENDER_REACH = 60;

/** What was found so far, bounded whatever the log holds. */
export class Evidence {
  readonly groups: Group[] = [];
  /** Lines that look like errors to no rule; the most telling late ones. */
  readonly loose: { candidate: Candidate; score: number }[] = [];
  readonly #recent: Line[] = [];
  #open: Candidate[] = [];
  #young: Candidate[] = [];

  /** Every line passes here, matched or not. */
  see(line: Line): void {
    if (this.#open.length > 0) {
      for (const candidate of this.#open) candidate.after.push(line);
      this.#open = this.#open.filter((candidate) => candidate.after.length < AFTER);
    }
    this.#recent.push(line);
    if (this.#recent.length > BEFORE * 4) this.#recent.splice(0, BEFORE * 3);
  }

  tail(): readonly Line[] {
    return this.#recent.slice(-BEFORE);
  }

  candidate(line: Line, text: string, section: Section, annotated: boolean, soft: boolean): Candidate {
    const candidate = { number: line.number, text, section, annotated, soft, before: this.tail(), after: [] };
    this.#open.push(candidate);
    if (this.#open.length > BEFORE) this.#open.shift();
    this.#young.push(candidate);
    if (this.#young.length > SURRENDER_REACH) this.#young.shift();
    return candidate;
  }

  matched(rule: number, candidate: Candidate): void {
    const known = this.groups.find((group) => group.rule === rule && group.section === candidate.section);
    if (known) {
      known.count++;
      // A retry or a surrender further down may still change what `hard` makes of these.
      if (!known.last.soft) {
        known.firstHard ??= known.last;
        known.lastHard = known.last;
      }
      known.last = candidate;
      return;
    }
    this.groups.push({
      rule,
      section: candidate.section,
      count: 1,
      first: candidate,
      last: candidate,
      firstHard: undefined,
      lastHard: undefined,
    });
    if (this.groups.length > MAX_GROUPS) this.groups.shift();
  }

  looksBad(score: number, candidate: Candidate): void {
    this.loose.push({ candidate, score });
    if (this.loose.length > MAX_LOOSE) {
      const least = this.loose.reduce((low, entry) => (entry.score < low.score ? entry : low));
      this.loose.splice(this.loose.indexOf(least), 1);
    }
  }

  retried(line: Line, section: Section): void {
    for (const candidate of this.#young)
      if (candidate.section === section && line.number - candidate.number <= RETRY_REACH) candidate.soft = true;
  }

  gaveUp(line: Line, section: Section): void {
    for (const candidate of this.#young)
      if (candidate.section === section && line.number - candidate.number <= SURRENDER_REACH) candidate.soft = false;
  }
}

/** The first or last match of a group that still counts as a failure after all retries are known. */
export function hard(group: Group, which: 'first' | 'last'): Candidate | undefined {
  const order = [group.first, group.firstHard, group.lastHard, group.last];
  if (which === 'last') order.reverse();
  return order.find((candidate) => candidate !== undefined && !candidate.soft);
}
