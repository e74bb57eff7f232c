import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { categoryLabels, secondPass } from '../../../scripts/eval/diagnosis/category.ts';
import { row } from '../../../scripts/eval/diagnosis/intermittent.ts';
import { baselines, score, shownBy } from '../../../scripts/eval/diagnosis/where.ts';
import { evaluate } from '../../../scripts/eval/diagnosis.ts';

it('measures nothing where the data is missing', async () => {
  expect(await evaluate(tmpdir())).toBeUndefined();
});

it('has one category for each labelled log', () => {
  const labels = categoryLabels();
  expect(labels.size).toBe(321);
  expect(new Set(labels.values())).toEqual(
    new Set(['runner', 'automation', 'system', 'network', 'performance', 'unknown']),
  );
});

it('keeps the outcome of the second pass over the labels, log by log', () => {
  const labels = categoryLabels();
  const reread = secondPass();
  expect(new Set(reread.map(({ file }) => file)).size).toBe(reread.length);
  for (const { file, is, was, ours } of reread) {
    expect(labels.get(file)).toBe(is);
    expect(ours).not.toBe(was);
  }
});

it('scores what is shown against the lines that matter', () => {
  const truth = new Set([4, 5, 6]);
  const half = score('a', 'p', { first: [9, 5], shown: shownBy([{ start: 5, end: 7 }]) }, truth);
  expect(half).toMatchObject({ inFirst5: true, inExcerpt: true, lines: 3 });
  expect(half.f1).toBeCloseTo(2 / 3);
  expect(score('a', 'p', { first: [], shown: new Set() }, truth)).toMatchObject({ f1: 0, inExcerpt: false });
  expect(score('a', 'p', { first: [1, 2, 3, 7, 8, 5], shown: new Set([5]) }, truth).inFirst5).toBe(false);
});

it('knows what a grep and a tail would show', () => {
  const lines = ['ok', 'Error: x', ...Array.from({ length: 200 }, () => 'ok')];
  expect([...(baselines['keyword grep']?.(lines).shown ?? [])]).toEqual([2]);
  expect(baselines['last 100 lines']?.(lines).first[0]).toBe(103);
  expect(baselines['last 20 lines']?.(['a', 'b']).first).toEqual([1, 2]);
});

it('computes the F1 of the intermittent class', () => {
  const cases = [
    { truth: true, ours: true },
    { truth: true, ours: false },
    { truth: false, ours: false },
    { truth: false, ours: true },
  ];
  expect(row('x', cases)).toMatchObject({ accuracy: 0.5, precision: 0.5, recall: 0.5, f1: 0.5 });
});
