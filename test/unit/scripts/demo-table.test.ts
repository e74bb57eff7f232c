import { describe, expect, it } from 'vitest';
import { readOptions } from '../../../scripts/demo/options.ts';
import { compare, SENDING } from '../../../scripts/demo/table.ts';
import { type Outcome, Tally } from '../../../scripts/demo/truth/index.ts';

const outcome = (counts: Record<string, number>, facts: Record<string, string> = {}): Outcome => ({
  figures: { ...new Tally().figures(), ...counts },
  facts,
});
const truth = outcome({ 'Deliveries: sent': 12, 'Runs: failed': 3, 'Fixes: verified': 2 }, { 'run a #1': 'failed' });

describe('the closing table', () => {
  it('has no difference when everything is as it has to be', () => {
    const { table, differences } = compare(truth, truth);
    expect(differences).toEqual([]);
    expect(table).toMatch(/failed +3 +3$/m);
    expect(table).not.toContain('canceled');
  });

  it('names a figure that differs, in the table and below it', () => {
    const { table, differences } = compare(outcome({ ...truth.figures, 'Fixes: verified': 1 }, truth.facts), truth);
    expect(table).toMatch(/verified +1 +2 +✗$/m);
    expect(differences).toEqual(['Fixes, verified: 1 instead of 2']);
  });

  it('tells a figure that should be nothing', () => {
    const { differences } = compare(
      outcome({ ...truth.figures, 'Asked for: runs asked for twice': 1 }, truth.facts),
      truth,
    );
    expect(differences).toEqual(['Asked for, runs asked for twice: 1 instead of 0']);
  });

  it('finds what the figures cannot show: one thing wrong and another one wrong the other way', () => {
    const { differences } = compare(outcome(truth.figures as Record<string, number>, { 'run b #1': 'failed' }), truth);
    expect(differences).toEqual(['run a #1: missing, should be: failed', 'run b #1: unexpected: failed']);
  });

  it('lets what is sent again exceed the truth where it is told to, and never fall short', () => {
    const sent = (count: number) => outcome({ ...truth.figures, 'Deliveries: sent': count }, truth.facts);
    expect(compare(sent(15), truth, SENDING).differences).toEqual([]);
    expect(compare(sent(11), truth, SENDING).differences).toHaveLength(1);
    expect(compare(sent(15), truth).differences).toHaveLength(1);
  });
});

describe('the options of the demo', () => {
  it('have defaults', () => {
    expect(readOptions([])).toEqual({ exit: false, seed: 'demo', speed: 60, dataDir: undefined, help: false });
  });
  it('are taken', () => {
    const options = readOptions(['--exit', '--seed', '7', '--speed=120', '--data-dir', 'state']);
    expect(options).toEqual({ exit: true, seed: '7', speed: 120, dataDir: 'state', help: false });
  });
  it.each([['--exot'], ['--speed=fast'], ['--speed=0'], ['--speed=Infinity'], ['exit'], ['--seed'], ['--data-dir=']])(
    'are refused: %s',
    (argument) => {
      expect(() => readOptions([argument])).toThrow();
    },
  );
});
