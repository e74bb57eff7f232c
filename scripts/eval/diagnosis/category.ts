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

export interface Categories {
  readonly rows: CategoryRow[];
  readonly macroF1: number;
  readonly macroF1Abstained: number;
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
  const rows = CATEGORIES.map((category) => rowOf(category, cases));
  const present = rows.filter(({ logs }) => logs > 0);
  return {
    rows,
    macroF1: rounded(mean(present.map(({ f1 }) => f1))),
    macroF1Abstained: rounded(mean(present.map(({ f1Abstained }) => f1Abstained))),
    unknowns: cases.filter(({ ours }) => ours === 'unknown').length,
    logs: cases.length,
    cases,
  };
}

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
