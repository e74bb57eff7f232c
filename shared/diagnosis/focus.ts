import type { Kept } from './evidence.ts';
import { continues, salience } from './salience.ts';
import type { SuccessLines } from './success.ts';

export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Ranked {
  readonly number: number;
  readonly text: string;
  readonly score: number;
}

export interface Focus {
  /** Best first. */
  readonly lines: readonly Ranked[];
  /** What a person has to read, in order, at most `MAX_EXCERPT_LINES` in all. */
  readonly ranges: readonly Range[];
}

export const MAX_EXCERPT_LINES = 50;
const MAX_BLOCK = 12;

interface Scored extends Kept {
  readonly score: number;
  /** What the line itself says, wherever it stands. */
  readonly said: number;
  readonly green: boolean | undefined;
}

export interface FocusInput {
  readonly known: ReadonlyMap<number, Kept>;
  /** What the rules and the platform's own marks add, by line. */
  readonly marks: ReadonlyMap<number, number>;
  readonly green?: SuccessLines | undefined;
  /** The line that shows the cause: it is never left out. */
  readonly evidence?: number | undefined;
}

/** Digits and quoted names aside, what kind of line it is: a kind that is all over a section explains little. */
const shapeOf = (text: string): string => text.slice(0, 160).replace(/\d+/g, '0').replace(/\s+/g, ' ').trim();

/** Ranks the lines that may explain the failure and picks the few to show. */
export function focus({ known, marks, green, evidence }: FocusInput): Focus {
  const numbers = [...known.keys()].sort((a, b) => a - b);
  const shapes = new Map<string, number>();
  for (const { text } of known.values()) {
    const shape = shapeOf(text);
    shapes.set(shape, (shapes.get(shape) ?? 0) + 1);
  }
  const scored = new Map<number, Scored>();
  for (const number of numbers) {
    const kept = known.get(number) as Kept;
    const own = salience(kept.text);
    const isGreen = green?.has(kept.text);
    const diff = isGreen === undefined ? 0 : isGreen ? -20 : 2;
    const mark = marks.get(number) ?? 0;
    const distance = kept.end > 0 ? kept.end - number : 1000;
    const near = own > -2 ? 2.5 * Math.exp(-distance / 20) : 0;
    const common = Math.min(2, Math.log2(shapes.get(shapeOf(kept.text)) ?? 1) / 2);
    scored.set(number, {
      ...kept,
      green: isGreen,
      said: own + mark,
      score: own + diff + mark + near - (own > 0 ? common : 0),
    });
  }
  const order = [...scored.values()]
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.number - b.number);
  return {
    lines: order
      .slice(0, 10)
      .map(({ number, text, score }) => ({ number, text, score: Math.round(score * 100) / 100 })),
    ranges: green ? pickNovel(order, scored, evidence) : pick(order, scored, evidence),
  };
}

function pick(order: readonly Scored[], scored: ReadonlyMap<number, Scored>, evidence: number | undefined): Range[] {
  const best = order[0]?.score ?? 0;
  const shows = evidence === undefined ? undefined : scored.get(evidence);
  const chosen = new Set(shows ? block(shows, scored) : []);
  for (const seed of order) {
    if (chosen.size >= SOFT || seed.score < best * SHARE) break;
    if (chosen.has(seed.number)) continue;
    for (const number of block(seed, scored)) if (chosen.size < MAX_EXCERPT_LINES) chosen.add(number);
  }
  const whole = toRanges([...chosen], GAP);
  return lengthOf(whole) <= MAX_EXCERPT_LINES ? whole : toRanges([...chosen]);
}

/** So many lines are enough, unless what belongs to the last one goes on. */
const SOFT = 14;
/** A line less telling than this share of the best one is left out. */
const SHARE = 0.6;
/** Lines between two that are shown are shown as well, when they are no more than these. */
const GAP = 4;

/**
 * Of what a green run does not print: whole runs of lines, the most telling first. What room is left goes to the lines
 * that lead up to them, which say what was being done.
 */
function pickNovel(
  order: readonly Scored[],
  scored: ReadonlyMap<number, Scored>,
  evidence: number | undefined,
): Range[] {
  const telling = order.filter(({ score, said }) => said > 0 && score > 0);
  const best = telling[0]?.score ?? 0;
  const seeds = telling.length > 0 ? telling.filter(({ score }) => score >= best * NOVEL_SHARE) : order.slice(0, 3);
  const chosen = new Set(evidence === undefined ? [] : [evidence]);
  const heads: number[] = [];
  for (const seed of seeds) {
    if (chosen.has(seed.number) && seed.number !== evidence) continue;
    const lines = run(seed, scored);
    heads.push(Math.min(...lines));
    for (const number of lines) if (chosen.size < MAX_EXCERPT_LINES) chosen.add(number);
  }
  for (const head of heads)
    for (let number = head - 1; number >= Math.max(1, head - LEAD) && chosen.size < MAX_EXCERPT_LINES; number--)
      chosen.add(number);
  return toRanges([...chosen]);
}

const NOVEL_SHARE = 0.2;
const MAX_RUN = 24;
/**
 * A heading stands a few lines above what goes wrong under it; three would do for that. It is eight because the intervals
 * that CiDiff's authors labelled lie four or eight lines above their text in five of the seven cases given. Line F1 with a
 * lead of 0, 3, 8: as labelled 0.33, 0.41, 0.52; with the labels moved onto their text 0.75, 0.63, 0.52.
 */
const LEAD = 8;

/** Unbroken lines that the green run lacks. */
function run(seed: Scored, scored: ReadonlyMap<number, Scored>): number[] {
  const novel = (number: number): boolean => scored.get(number)?.green === false;
  const lines = [seed.number];
  for (let number = seed.number + 1; lines.length < MAX_RUN && novel(number); number++) lines.push(number);
  for (let number = seed.number - 1; lines.length < MAX_RUN && novel(number); number--) lines.push(number);
  return lines;
}

/** The line with what belongs to it. */
function block(seed: Scored, scored: ReadonlyMap<number, Scored>): number[] {
  const indent = seed.text.search(/\S/);
  const lines = [seed.number];
  for (let number = seed.number + 1; lines.length < MAX_BLOCK; number++) {
    const next = scored.get(number);
    if (!next || !continues(next.text, indent)) break;
    lines.push(number);
  }
  return lines;
}

const lengthOf = (ranges: readonly Range[]): number => ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0);

export function toRanges(numbers: readonly number[], gap = 0): Range[] {
  const ranges: { start: number; end: number }[] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && number <= last.end + 1 + gap) last.end = number;
    else ranges.push({ start: number, end: number });
  }
  return ranges;
}
