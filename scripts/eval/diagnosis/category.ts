import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ciDiff, diagnosed, type Log, logChunks, pytorch, veloren } from './corpus.ts';
import { mean, rounded } from './where.ts';

const CATEGORIES = ['runner', 'automation', 'system', 'network', 'performance'] as const;
const labels = z.array(
  z.object({ category: z.enum([...CATEGORIES, 'unknown']), reason: z.string().min(1), files: z.array(z.string()) }),
);
const FOLDER: Readonly<Record<string, string>> = {
  LogChunks: 'logchunks',
  Veloren: 'veloren',
  CiDiff: 'cidiff',
  PyTorch: 'pytorch',
};

/** Category by file name below the data folder's `logs/`. */
export const categoryLabels = (): Map<string, string> =>
  new Map(
    labels
      .parse(JSON.parse(readFileSync(new URL('../labels/category.json', import.meta.url), 'utf8')))
      .flatMap(({ category, files }) => files.map((file) => [file, category] as const)),
  );

const rereadings = z.array(
  z.object({ file: z.string(), was: z.string(), is: z.string(), ours: z.string(), reason: z.string().min(1) }),
);
export type Rereading = z.infer<typeof rereadings>[number];

/** The logs that were read again because their label and the diagnosis differed, with the label before and after. */
export const secondPass = (): Rereading[] =>
  rereadings.parse(JSON.parse(readFileSync(new URL('../labels/second-pass.json', import.meta.url), 'utf8')));

export interface CategoryRow {
  readonly category: string;
  readonly logs: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** `unknown` counted as no answer: logs without an answer are left out. */
  readonly f1Abstained: number;
}

export interface CategoryCase {
  readonly name: string;
  readonly truth: string;
  readonly ours: string;
  readonly cause: string;
}

export interface CauseRow {
  readonly category: string;
  readonly cause: string;
  readonly logs: number;
}

export interface Categories {
  readonly rows: CategoryRow[];
  /** The five causes that most logs of each category have, where the category found is the labelled one. */
  readonly causes: CauseRow[];
  readonly macroF1: number;
  readonly macroF1Abstained: number;
  /** By the labels as they were before the second pass over every disagreement. */
  readonly macroF1Before: number;
  readonly reread: number;
  readonly corrected: number;
  readonly unknowns: number;
  readonly logs: number;
  readonly cases: CategoryCase[];
}

export async function categories(data: string): Promise<Categories> {
  const truths = categoryLabels();
  const cases: CategoryCase[] = [];
  const logs: Log[] = [...logChunks(data), ...veloren(data), ...ciDiff(data), ...pytorch(data)];
  for (const log of logs) {
    const base = `${FOLDER[log.corpus]}/${log.name}`;
    const name = log.corpus === 'CiDiff' ? base.replace(/\/$/, '') : base;
    const truth = truths.get(name);
    if (!truth || truth === 'unknown') continue;
    const { category, cause } = await diagnosed(log.bytes);
    cases.push({ name, truth, ours: category, cause });
  }
  const rows = rowsOf(cases);
  const reread = secondPass();
  const first = new Map(reread.map(({ file, was }) => [file, was]));
  const before = rowsOf(cases.map((one) => ({ ...one, truth: first.get(one.name) ?? one.truth })));
  return {
    rows: CATEGORIES.map((category) => rowOf(category, cases)),
    causes: CATEGORIES.flatMap((category) => commonest(category, cases)),
    macroF1: rounded(mean(rows.map(({ f1 }) => f1))),
    macroF1Abstained: rounded(mean(rows.map(({ f1Abstained }) => f1Abstained))),
    macroF1Before: rounded(mean(before.map(({ f1 }) => f1))),
    reread: reread.length,
    corrected: reread.filter(({ was, is }) => was !== is).length,
    unknowns: cases.filter(({ ours }) => ours === 'unknown').length,
    logs: cases.length,
    cases,
  };
}

const MOST = 5;

function commonest(category: string, cases: readonly CategoryCase[]): CauseRow[] {
  const counts = new Map<string, number>();
  for (const { truth, ours, cause } of cases)
    if (truth === category && ours === category) counts.set(cause, (counts.get(cause) ?? 0) + 1);
  return [...counts]
    .map(([cause, logs]) => ({ category, cause, logs }))
    .sort((a, b) => b.logs - a.logs || (a.cause < b.cause ? -1 : 1))
    .slice(0, MOST);
}

/** Of the categories that any log has. */
const rowsOf = (cases: readonly CategoryCase[]): CategoryRow[] =>
  CATEGORIES.map((category) => rowOf(category, cases)).filter(({ logs }) => logs > 0);

function rowOf(category: string, cases: readonly CategoryCase[]): CategoryRow {
  const answered = cases.filter(({ ours }) => ours !== 'unknown');
  const f = (of: readonly CategoryCase[]) => {
    const hits = of.filter(({ truth, ours }) => truth === category && ours === category).length;
    const precision = hits / Math.max(1, of.filter(({ ours }) => ours === category).length);
    const recall = hits / Math.max(1, of.filter(({ truth }) => truth === category).length);
    return { precision, recall, f1: hits === 0 ? 0 : (2 * precision * recall) / (precision + recall) };
  };
  const whole = f(cases);
  return {
    category,
    logs: cases.filter(({ truth }) => truth === category).length,
    precision: rounded(whole.precision),
    recall: rounded(whole.recall),
    f1: rounded(whole.f1),
    f1Abstained: rounded(f(answered).f1),
  };
}
