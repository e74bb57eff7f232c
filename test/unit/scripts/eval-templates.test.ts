import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { evaluate, groupingAccuracy, render } from '../../../scripts/eval/templates.ts';

it('counts the lines whose group is exactly that of their event', () => {
  expect(groupingAccuracy(['x', 'x', 'y'], ['1', '1', '2'])).toBe(1);
  // One event in two groups, and two events in one group: none of these lines is right.
  expect(groupingAccuracy(['x', 'y', 'z'], ['1', '1', '2'])).toBeCloseTo(1 / 3);
  expect(groupingAccuracy(['x', 'x', 'z'], ['1', '2', '3'])).toBeCloseTo(1 / 3);
});

it('reads a system as LogHub keeps it, quotes and all, and prints the published figures beside', async () => {
  const data = mkdtempSync(join(tmpdir(), 'qmoi-eval-'));
  const folder = join(data, 'templates', 'loghub_2k', 'Apache');
  mkdirSync(folder, { recursive: true });
  const rows = ['job 1 ended', '"said ""no"", twice"', 'job 2 ended'];
  const events = ['E1', 'E2', 'E1'];
  const csv = ['LineId,Content,EventId', ...rows.map((content, at) => `${at + 1},${content},${events[at]}`)].join(
    '\r\n',
  );
  writeFileSync(join(folder, 'Apache_2k.log_structured.csv'), csv);
  writeFileSync(join(folder, 'Apache_2k.log'), 'job 1 ended\nsaid "no", twice\njob 2 ended\n');
  const report = await evaluate(data);
  rmSync(data, { recursive: true });
  expect(report).toMatchObject({
    systems: [
      { system: 'Apache', lines: 3, events: 2, templates: 2, accuracy: 1, accuracyOfWholeLines: 1, drain: 1, brain: 1 },
    ],
    average: 1,
    lowest: 1,
  });
  expect(report && render(report)).toMatch(/Apache .*1\.000/);
});

it('measures nothing where the data is missing', async () => {
  expect(await evaluate(join(tmpdir(), 'qmoi-no-such-data'))).toBeUndefined();
});
