import { describe, expect, it } from 'vitest';
import { type CategoryRule, DEFAULT_CATEGORIES } from '../../../../shared/runtime/automation-settings.ts';
import { categoryOf, isLike } from '../../../../shared/tracking/policy.ts';

const automation = (name: string, recent: { branch?: string; environment?: string }[] = []) => ({
  ...{ platform: 'github', repository: 'acme/shop', name },
  recent: recent.map((run, index) => ({ runId: `github:${index}:1`, endedAt: '', succeeded: true, ...run })),
});

describe('a pattern', () => {
  it.each([
    ['nightly deploy', '*deploy*', true],
    ['Deploy', 'deploy', true],
    ['deployment', 'deploy', false],
    ['', '*', true],
    ['a', '**', true],
    ['aba', 'ab*ba', false],
    ['abba', 'ab*ba', true],
    ['x-build-y-test-z', 'x*build*test*z', true],
    ['x-test-y-build-z', 'x*build*test*z', false],
    ['acme/shop', 'acme/*', true],
    ['release/1.2', 'release/?.?', false],
  ])('of %j: is %j like it? %s', (text, pattern, is) => {
    expect(isLike(text, pattern)).toBe(is);
  });

  it('of nothing but stars takes no time', () => {
    expect(isLike('a'.repeat(5_000), `${'*a'.repeat(90)}b`)).toBe(false);
  });
});

describe('the category of an automation', () => {
  it('is that of the first rule that fits in all that it names', () => {
    const rules: CategoryRule[] = [
      { category: 'revenue', repository: 'acme/*', branch: ['main', 'release/*'], environment: 'production' },
      { category: 'monitoring', platform: 'gitlab' },
      { category: 'deployment', name: 'ship*' },
    ];
    const of = (...given: Parameters<typeof automation>) => categoryOf(automation(...given), rules);
    expect(of('ship it')).toBe('deployment');
    expect(of('ship it', [{ branch: 'main' }])).toBe('deployment');
    expect(of('ship it', [{ branch: 'release/7' }, { environment: 'Production' }])).toBe('revenue');
    expect(of('ci')).toBeUndefined();
  });

  it.each([
    ['CI', [], 'testing'],
    ['Deploy to production', [], 'deployment'],
    ['ci', [{ environment: 'staging' }], 'deployment'],
    ['Dependabot Updates', [], 'evolution'],
    ['uptime check', [], 'monitoring'],
  ] as const)('%s %j is %s unless the master says otherwise', (name, recent, category) => {
    expect(categoryOf(automation(name, [...recent]), DEFAULT_CATEGORIES)).toBe(category);
  });
});
