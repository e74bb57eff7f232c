import { beginning, withoutBeginning } from './cut.ts';
import type { Line } from './scanner.ts';
import type { Section } from './structure.ts';

/** Lines in a row, shared by the candidates among them. */
interface Trail {
  readonly lines: Line[];
  /** Length at which it is complete. */
  until: number;
}

/** A line that may explain the failure, with the lines around it. */
export interface Candidate {
  readonly number: number;
  readonly text: string;
  readonly section: Section;
  readonly trail: Trail;
  /** Its place in the trail. */
  readonly place: number;
  /** In the middle of a line that is read in pieces. */
  readonly continued: boolean;
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
const MAX_LOOSE = 60;
const AFTER = 24;
const BEFORE = 10;
const MAX_TRAIL = 200;
/** Lines remembered, of which a failing section's last ones are kept. */
const RECENT = 250;
const WINDOW_BYTES = 256 * 1024;
/** So many of the first failed sections are kept, and so many of the last. */
const WINDOWS_FIRST = 6;
const WINDOWS_LAST = 10;
const MAX_KEPT_TEXT = 500;
/** Templates are made of more than is shown. */
const MAX_CANDIDATE_TEXT = 2000;
/** Lines that the green run does not print: so many of the first, and so many of the last. */
const MAX_NOVEL = 1500;
/** A retry is announced within so many lines of the error, a surrender within so many of the retried errors. */
const RETRY_REACH = 12;
const SURRENDER_REACH = 60;

/** A line of the log that may be shown. */
export interface Kept {
  readonly number: number;
  readonly text: string;
  readonly section: Section;
  /** Line that says that the section failed, or the log's end; 0 for lines that only stand near a candidate. */
  readonly end: number;
}

/** The last lines of a section that failed. Held as bytes: most are never looked at. */
interface Window {
  readonly section: Section;
  lines: Line[];
  end: number;
}

/** What was found so far, bounded whatever the log holds. */
export class Evidence {
  readonly groups: Group[] = [];
  /** Lines that look like errors to no rule; the most telling late ones. */
  readonly loose: { candidate: Candidate; score: number }[] = [];
  readonly #windows: Window[] = [];
  readonly #novel: Kept[] = [];
  readonly #novelLast: Kept[] = [];
  #novelCount = 0;
  #recent: Line[] = [];
  #trails: Trail[] = [];
  #young: Candidate[] = [];

  /** Every line passes here, matched or not. */
  see(line: Line): void {
    for (const trail of this.#trails) {
      trail.lines.push(line);
      if (trail.lines.length >= trail.until) this.#trails = this.#trails.filter((other) => other !== trail);
    }
    this.#recent.push(line);
    if (this.#recent.length >= 4 * RECENT) this.#recent = this.#recent.slice(-RECENT);
  }

  candidate(line: Line, whole: string, section: Section, soft: boolean): Candidate {
    let trail = this.#trails.at(-1);
    if (!trail || trail.lines.length >= MAX_TRAIL) {
      trail = { lines: this.#recent.slice(-BEFORE), until: 0 };
      this.#trails.push(trail);
    }
    const place = trail.lines.length;
    trail.until = place + AFTER;
    const { number, continued } = line;
    const text = beginning(continued ? withoutBeginning(whole) : whole, MAX_CANDIDATE_TEXT);
    const candidate = { number, text, section, soft, continued, trail, place };
    this.#young.push(candidate);
    if (this.#young.length > SURRENDER_REACH) this.#young.shift();
    return candidate;
  }

  /** Keeps the last lines of a section that has failed at line `end`; `whole`: of the log, wherever the section began. */
  keep(section: Section, end: number, whole = false): void {
    const last = this.#windows.at(-1);
    const from = Math.max(whole ? 0 : section.startAt, (last?.lines.at(-1)?.number ?? -1) + 1);
    const lines: Line[] = [];
    let bytes = 0;
    for (let i = this.#recent.length - 1; i >= 0 && lines.length < RECENT; i--) {
      const line = this.#recent[i] as Line;
      if (!whole && section.nextAt > 0 && line.number >= section.nextAt) continue;
      bytes += line.size;
      if (line.number < from || bytes > WINDOW_BYTES) break;
      lines.push(line);
    }
    lines.reverse();
    if (last && last.section === section && lines.length < RECENT) {
      last.lines.push(...lines);
      if (last.lines.length > 4 * RECENT) last.lines = last.lines.slice(-2 * RECENT);
      last.end = end;
      return;
    }
    this.#windows.push({ section, lines, end });
    if (this.#windows.length > WINDOWS_FIRST + WINDOWS_LAST) this.#windows.splice(WINDOWS_FIRST, 1);
  }

  /** A line that a green run does not print. */
  novel(line: Line, text: string, section: Section): void {
    const kept = { number: line.number, text: beginning(text, MAX_KEPT_TEXT), section, end: 0 };
    if (this.#novel.length < MAX_NOVEL) this.#novel.push(kept);
    else this.#novelLast[this.#novelCount++ % MAX_NOVEL] = kept;
  }

  /** All that is kept, and what stands around the candidates, by line number. */
  known(candidates: Iterable<Candidate>): Map<number, Kept> {
    const known = new Map<number, Kept>();
    const put = (line: Line, section: Section, end: number): void => {
      // A line in several pieces is known by its first.
      if (!known.has(line.number))
        known.set(line.number, { number: line.number, text: beginning(line.text(), MAX_KEPT_TEXT), section, end });
    };
    for (const { lines, section, end } of this.#windows) for (const line of lines) put(line, section, end);
    for (const { number, text, section, continued, trail, place } of candidates) {
      const before = known.get(number);
      if (!before || continued)
        known.set(number, { number, text: beginning(text, MAX_KEPT_TEXT), section, end: before?.end ?? 0 });
      for (const line of trail.lines.slice(Math.max(0, place - BEFORE), place + AFTER))
        if (line.number >= section.startAt && (section.nextAt === 0 || line.number < section.nextAt))
          put(line, section, 0);
    }
    for (const kept of [...this.#novel, ...this.#novelLast]) if (!known.has(kept.number)) known.set(kept.number, kept);
    return known;
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
