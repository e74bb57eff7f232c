import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { diagnose, rules } from '../../../../shared/diagnosis/index.ts';
import { asGitHubLog, asGitLabTrace, recordedLogs } from '../../../support/logs.ts';

const context = { platform: 'github', jobName: 'build' };

describe.each(rules.map((rule) => [rule.id, rule] as const))('rule %s', (id, rule) => {
  it.each(rule.examples)('explains: %s', async (line) => {
    const found = await diagnose(line, context);
    expect(found).toMatchObject({ cause: id, category: rule.category, transient: rule.transient });
    expect(found.remedy).toBe(rule.remedy);
  });

  it.each(rule.nearMisses)('leaves alone: %s', async (line) => {
    expect((await diagnose(line, context)).cause).not.toBe(id);
  });

  it('has examples, near misses, a remedy, and literals worth scanning for', () => {
    expect(rule.examples.length).toBeGreaterThanOrEqual(2);
    expect(rule.nearMisses.length).toBeGreaterThan(0);
    expect(rule.remedy).toMatch(/^[A-Z].{15,}\.$/);
    expect(id).toMatch(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/);
    for (const literal of rule.literals) expect(Buffer.byteLength(literal)).toBeGreaterThanOrEqual(3);
  });

  it('has patterns of linear time, and a literal in each example that the pattern matches', () => {
    for (const source of [rule.pattern, rule.exclude, rule.steps]) if (source) RE2JS.compile(source);
    for (const line of rule.examples) {
      const found = rule.literals.some((literal) => line.toLowerCase().includes(literal.toLowerCase()));
      expect(found, line).toBe(true);
    }
  });
});

describe('the rule set', () => {
  it('names each cause once and covers all categories', () => {
    expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
    expect(rules.length).toBeGreaterThanOrEqual(150);
    const categories = new Map<string, number>();
    for (const { category } of rules) categories.set(category, (categories.get(category) ?? 0) + 1);
    for (const category of ['runner', 'automation', 'system', 'network', 'performance'])
      expect(categories.get(category), category).toBeGreaterThanOrEqual(8);
  });

  it('calls no defect of the change transient', () => {
    const transient = rules.filter((rule) => rule.transient === true);
    expect(transient.filter(({ category }) => category === 'automation')).toEqual([]);
  });
});

describe('recorded logs', () => {
  it('are many and of all kinds that a machine can be brought to', () => {
    expect(recordedLogs.length).toBeGreaterThanOrEqual(150);
    expect(new Set(recordedLogs.map(({ category }) => category))).toEqual(
      new Set(['runner', 'automation', 'system', 'network', 'performance']),
    );
  });

  it.each(recordedLogs.map((log) => [log.name, log] as const))('%s', async (_, log) => {
    const { cause, category, transient } = log;
    const truth = { cause, category, transient };
    const plain = await diagnose(log.text, context);
    expect(plain).toMatchObject(truth);
    expect(await diagnose(asGitHubLog(log.text), context)).toMatchObject(truth);
    const traced = await diagnose(asGitLabTrace(log.text), { ...context, platform: 'gitlab' });
    expect(traced).toMatchObject(truth);
    expect(traced.fingerprint).toBe(plain.fingerprint);
  });
});
