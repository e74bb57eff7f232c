import { type Facts, type Outcome, ROWS, type RowName, type Section } from './truth/index.ts';

/** Rows that tell how often something was sent: more than once where answers were lost, as when the host was killed. */
export const SENDING: readonly RowName[] = ['Deliveries: sent', 'Deliveries: duplicates'];

export interface Comparison {
  /** The closing table, measured beside true. */
  readonly table: string;
  /** Empty: the outcome is the ground truth. */
  readonly differences: readonly string[];
}

/** Of the rows in `atLeast`, only less than the truth is a difference. */
export function compare(measured: Outcome, truth: Outcome, atLeast: readonly RowName[] = []): Comparison {
  const differences: string[] = [];
  const lines = [['', 'measured', 'truth', '']];
  for (const section of Object.keys(ROWS) as Section[]) {
    lines.push([section, '', '', '']);
    for (const row of ROWS[section]) {
      const key = `${section}: ${row}` as RowName;
      const [is, should] = [measured.figures[key] ?? 0, truth.figures[key] ?? 0];
      const fits = atLeast.includes(key) ? is >= should : is === should;
      if (!fits) differences.push(`${section}, ${row}: ${is} instead of ${should}`);
      // A row that is empty on both sides says nothing.
      if (is === 0 && should === 0) continue;
      lines.push([`  ${row}`, String(is), String(should), fits ? '' : '✗']);
    }
  }
  return { table: layOut(lines), differences: [...differences, ...compareFacts(measured.facts, truth.facts)] };
}

function compareFacts(measured: Facts, truth: Facts): string[] {
  const names = [...new Set([...Object.keys(truth), ...Object.keys(measured)])];
  return names.flatMap((name) => {
    const [is, should] = [measured[name], truth[name]];
    if (is === should) return [];
    if (is === undefined) return [`${name}: missing, should be: ${should}`];
    return should === undefined ? [`${name}: unexpected: ${is}`] : [`${name}: ${is}\n    instead of: ${should}`];
  });
}

function layOut(lines: readonly (readonly string[])[]): string {
  const width = (column: number): number => Math.max(...lines.map((line) => line[column]?.length ?? 0));
  const [label, measured, truth] = [width(0), width(1), width(2)];
  return lines
    .map(([name = '', is = '', should = '', mark = '']) =>
      `${name.padEnd(label)}  ${is.padStart(measured)}  ${should.padStart(truth)}  ${mark}`.trimEnd(),
    )
    .join('\n');
}
