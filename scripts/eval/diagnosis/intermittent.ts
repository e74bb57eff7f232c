import { diagnosed, veloren } from './corpus.ts';
import { rounded } from './where.ts';

export interface IntermittentRow {
  readonly method: string;
  readonly logs: number;
  readonly accuracy: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

export interface Case {
  readonly name: string;
  readonly truth: boolean;
  readonly ours: boolean;
  readonly cause: string;
  readonly transient: boolean | null;
}

/** Rules only: no training, and no job name, id or date as a feature. */
export async function intermittent(data: string): Promise<{ rows: IntermittentRow[]; cases: Case[] }> {
  const cases: Case[] = [];
  for (const log of veloren(data)) {
    const { cause, transient } = await diagnosed(log.bytes, { platform: 'gitlab' });
    cases.push({ name: log.name, truth: log.intermittent, ours: transient === true, cause, transient });
  }
  return {
    rows: [
      row('QMOI, rules only', cases),
      row(
        'never intermittent',
        cases.map((one) => ({ ...one, ours: false })),
      ),
    ],
    cases,
  };
}

export function row(method: string, cases: readonly { truth: boolean; ours: boolean }[]): IntermittentRow {
  const count = (truth: boolean, ours: boolean): number =>
    cases.filter((one) => one.truth === truth && one.ours === ours).length;
  const hits = count(true, true);
  const precision = hits / Math.max(1, hits + count(false, true));
  const recall = hits / Math.max(1, hits + count(true, false));
  return {
    method,
    logs: cases.length,
    accuracy: rounded((hits + count(false, false)) / Math.max(1, cases.length)),
    precision: rounded(precision),
    recall: rounded(recall),
    f1: rounded(hits === 0 ? 0 : (2 * precision * recall) / (precision + recall)),
  };
}
