import { readSuccess, type SuccessLines } from '../../../shared/diagnosis/index.ts';
import { ciDiff, diagnosed, linesOf, logChunks, type Pair, type Passage } from './corpus.ts';

/** What a method points at: its first lines in order, and all it would have a person read. */
export interface Pointed {
  readonly first: readonly number[];
  readonly shown: ReadonlySet<number>;
}

export interface WhereRow {
  readonly method: string;
  readonly logs: number;
  readonly inFirst5: number;
  readonly inExcerpt: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly meanLines: number;
}

interface Scored {
  readonly name: string;
  readonly project: string;
  readonly inFirst5: boolean;
  readonly inExcerpt: boolean;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly lines: number;
}

const KEYWORDS = /error|fail|exception|fatal|abort|panic/i;

export function score(name: string, project: string, pointed: Pointed, truth: ReadonlySet<number>): Scored {
  const hits = [...pointed.shown].filter((line) => truth.has(line)).length;
  const precision = pointed.shown.size === 0 ? 0 : hits / pointed.shown.size;
  const recall = truth.size === 0 ? 0 : hits / truth.size;
  return {
    ...{ name, project, precision, recall },
    inFirst5: pointed.first.slice(0, 5).some((line) => truth.has(line)),
    inExcerpt: hits > 0,
    f1: hits === 0 ? 0 : (2 * precision * recall) / (precision + recall),
    lines: pointed.shown.size,
  };
}

export const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
export const rounded = (value: number): number => Math.round(value * 1000) / 1000;

function row(method: string, scores: readonly Scored[]): WhereRow {
  const of = (pick: (one: Scored) => number): number => rounded(mean(scores.map(pick)));
  return {
    method,
    logs: scores.length,
    inFirst5: of((one) => Number(one.inFirst5)),
    inExcerpt: of((one) => Number(one.inExcerpt)),
    precision: of((one) => one.precision),
    recall: of((one) => one.recall),
    f1: of((one) => one.f1),
    meanLines: of((one) => one.lines),
  };
}

const all = (lines: readonly number[]): Pointed => ({ first: lines, shown: new Set(lines) });
const last = (count: number, n: number): number[] =>
  Array.from({ length: Math.min(count, n) }, (_, i) => n - Math.min(count, n) + i + 1);

export const baselines: Readonly<Record<string, (lines: readonly string[]) => Pointed>> = {
  'keyword grep': (lines) => all(lines.flatMap((line, i) => (KEYWORDS.test(line) ? [i + 1] : []))),
  'last 100 lines': (lines) => all(last(100, lines.length)),
  'last 20 lines': (lines) => all(last(20, lines.length)),
};

export const shownBy = (ranges: readonly { start: number; end: number }[]): Set<number> =>
  new Set(ranges.flatMap(({ start, end }) => Array.from({ length: end - start + 1 }, (_, i) => start + i)));

const truthOf = ({ start, end }: Passage): Set<number> => shownBy([{ start, end }]);

const MAX_SHIFT = 8;

/**
 * The intervals of most cases lie a constant number of lines above the text that they mean: moved down by as many lines as
 * puts most of them on lines that the passing log lacks. Looks at the labels and the two logs, not at what was diagnosed.
 */
function alignedTruth(pair: Pair, success: SuccessLines): Set<number> {
  const lines = linesOf(pair.bytes);
  const moved = (by: number): number[] => [...pair.truth].map((line) => line + by);
  const novel = (by: number): number => moved(by).filter((line) => !success.has(lines[line - 1] ?? '')).length;
  let best = 0;
  for (let by = 1; by <= MAX_SHIFT; by++) if (novel(by) > novel(best)) best = by;
  return new Set(moved(best));
}

export interface Where {
  readonly logChunks: WhereRow[];
  readonly ciDiff: WhereRow[];
  readonly details: Record<string, Scored[]>;
}

export async function where(data: string): Promise<Where> {
  const passages = logChunks(data);
  const ours: Scored[] = [];
  const unruled: Scored[] = [];
  for (const passage of passages) {
    for (const [into, options] of [
      [ours, {}],
      [unruled, { rules: [] }],
    ] as const) {
      const { lines, ranges } = await diagnosed(passage.bytes, { platform: 'travis', ...options });
      const pointed = { first: lines.map(({ number }) => number), shown: shownBy(ranges) };
      into.push(score(passage.name, passage.project, pointed, truthOf(passage)));
    }
  }
  const base = Object.entries(baselines).map(([method, point]) =>
    row(
      method,
      passages.map((passage) => score(passage.name, passage.project, point(linesOf(passage.bytes)), truthOf(passage))),
    ),
  );
  const pairs = ciDiff(data);
  const diffs: Scored[] = [];
  const aligned: Scored[] = [];
  const alone: Scored[] = [];
  for (const pair of pairs) {
    const success = await readSuccess([pair.green]);
    for (const [into, options] of [
      [diffs, { platform: 'jenkins', success }],
      [alone, { platform: 'jenkins' }],
    ] as const) {
      const { lines, ranges } = await diagnosed(pair.bytes, options);
      into.push(
        score(
          pair.name,
          pair.project,
          { first: lines.map(({ number }) => number), shown: shownBy(ranges) },
          pair.truth,
        ),
      );
    }
  }
  for (const pair of pairs) {
    const success = await readSuccess([pair.green]);
    const { lines, ranges } = await diagnosed(pair.bytes, { platform: 'jenkins', success });
    const pointed = { first: lines.map(({ number }) => number), shown: shownBy(ranges) };
    aligned.push(score(pair.name, pair.project, pointed, alignedTruth(pair, success)));
  }
  return {
    logChunks: [
      row('QMOI', ours),
      // How the ranking alone does, as on failures that no rule knows.
      row('QMOI without any rule', unruled),
      ...base,
    ],
    ciDiff: [
      row('QMOI with the success log', diffs),
      row('the same, labels moved onto their text', aligned),
      row('QMOI without it', alone),
      ...Object.entries(baselines).map(([method, point]) =>
        row(
          method,
          pairs.map((pair) => score(pair.name, pair.project, point(linesOf(pair.bytes)), pair.truth)),
        ),
      ),
    ],
    details: { logChunks: ours, ciDiff: diffs },
  };
}
