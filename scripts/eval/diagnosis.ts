import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { rules } from '../../shared/diagnosis/index.ts';
import { type Categories, categories } from './diagnosis/category.ts';
import { type IntermittentRow, intermittent } from './diagnosis/intermittent.ts';
import { type RedactionRow, redactions } from './diagnosis/redactions.ts';
import { type TestsRow, testsNamed } from './diagnosis/tests-named.ts';
import { type WhereRow, where } from './diagnosis/where.ts';
import { table } from './table.ts';

interface Target {
  readonly what: string;
  readonly measured: number;
  readonly target: number;
  readonly met: boolean;
}

export interface DiagnosisReport {
  readonly rules: number;
  readonly logChunks: readonly WhereRow[];
  readonly ciDiff: readonly WhereRow[];
  readonly bugSwarm: readonly TestsRow[];
  readonly veloren: readonly IntermittentRow[];
  readonly category: Omit<Categories, 'cases'>;
  readonly redactions: readonly RedactionRow[];
  readonly targets: readonly Target[];
  readonly passed: boolean;
}

const NEEDED = ['logchunks/labels.json', 'cidiff', 'bugswarm/expected.json', 'veloren/labels.json', 'pytorch'];

/** Where it broke, whether a rerun helps, which category. Undefined: its data is not there. */
export async function evaluate(data: string): Promise<DiagnosisReport | undefined> {
  if (NEEDED.some((path) => !existsSync(join(data, 'logs', path)))) return undefined;
  const { logChunks, ciDiff } = await where(data);
  const tests = await testsNamed(data);
  const transient = await intermittent(data);
  const { cases: _, ...category } = await categories(data);
  const target = (what: string, measured: number, aim: number): Target => ({
    ...{ what, measured, target: aim, met: measured >= aim },
  });
  const judged = [
    target('LogChunks: a labelled line among the first 5', logChunks[0]?.inFirst5 ?? 0, 0.7),
    target('LogChunks: within the excerpt', logChunks[0]?.inExcerpt ?? 0, 0.85),
    target('LogChunks: mean line F1', logChunks[0]?.f1 ?? 0, 0.4),
    target('CiDiff with the success log: mean line F1', ciDiff[0]?.f1 ?? 0, 0.5),
    target('BugSwarm: failed tests named', tests.rows[0]?.recall ?? 0, 0.85),
    target('Veloren: F1 of intermittent', transient.rows[0]?.f1 ?? 0, 0.85),
    target('Veloren: accuracy', transient.rows[0]?.accuracy ?? 0, 0.9),
    target('Category: macro-F1, unknown is wrong', category.macroF1, 0.85),
  ];
  return {
    ...{ rules: rules.length, logChunks, ciDiff, bugSwarm: tests.rows, veloren: transient.rows, category },
    redactions: redactions(data),
    targets: judged,
    passed: judged.every(({ met }) => met),
  };
}

export function render(report: DiagnosisReport): string {
  const { macroF1, macroF1Abstained, macroF1Before, reread, corrected, unknowns, logs } = report.category;
  return [
    `Diagnosis, ${report.rules} rules`,
    table('Where it broke: LogChunks', report.logChunks),
    table('Where it broke: CiDiff (label intervals as given; see LEAD in shared/diagnosis/focus.ts)', report.ciDiff),
    table('Failed tests named', report.bugSwarm),
    table('Transient or not: Veloren', report.veloren),
    table(
      `Category: macro-F1 ${macroF1}, without unknowns ${macroF1Abstained}; ${unknowns} of ${logs} unknown. ` +
        `Second pass: ${reread} disagreements read again, ${corrected} labels corrected, macro-F1 before it ${macroF1Before}`,
      report.category.rows,
    ),
    table('The commonest causes of each category (test/e2e/causes.test.ts plays them)', report.category.causes),
    table('Redacted in every fourth line of public logs', report.redactions),
    table('Targets', report.targets),
  ].join('\n\n');
}
