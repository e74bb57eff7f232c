import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, parseConfig } from '../../../../shared/runtime/config.ts';

const mistakes = (text: string): string => {
  try {
    parseConfig(text);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  return 'none';
};

describe('settings', () => {
  it('have a default each', () => {
    expect(parseConfig('')).toMatchObject({
      notifications: Object.fromEntries(
        ['real-time', 'error', 'performance', 'status', 'emergency'].map((topic) => [topic, { mail: [], sms: [] }]),
      ),
      remediation: { mode: 'act', scopes: {}, budgets: { perRepositoryPerHour: 20, perHour: 100 } },
      automations: { categories: expect.arrayContaining([{ category: 'testing' }]), mirrors: [] },
      throttling: { ratePerSecond: 200, burst: 400 },
      maximumConcurrency: 10,
      logs: { level: 'INFO', retentionDays: 30 },
      runbookUrl: 'docs/runbook.md',
    });
  });

  it('are the defaults in the file that comes with QMOI, and when there is no file', () => {
    expect(loadConfig(join(import.meta.dirname, '../../../../qmoi.config.yaml'))).toEqual(parseConfig(''));
    expect(loadConfig('/nowhere/qmoi.config.yaml')).toEqual(parseConfig(''));
  });

  it('replace the default they name and no other', () => {
    const settings = parseConfig(
      'remediation:\n  mode: observe\n  scopes:\n    repository:acme/web: off\n    platform:gitlab: act\n  budgets: { perHour: 7 }\nlogs:',
    );
    expect(settings.remediation).toEqual({
      ...parseConfig('').remediation,
      mode: 'observe',
      scopes: { 'repository:acme/web': 'off', 'platform:gitlab': 'act' },
      budgets: { perRepositoryPerHour: 20, perHour: 7 },
    });
    expect(settings.logs.level).toBe('INFO');
  });
});

describe('a mistake in the settings', () => {
  it('is told with the line of a key that there is not', () => {
    expect(mistakes('remediation:\n  mode: act\n  modus: act\n')).toBe(
      'qmoi.config.yaml:3: remediation.modus: there is no such setting',
    );
  });

  it('is told with the line of a value that is wrong, all of them at once', () => {
    const text =
      'throttling:\n  ratePerSecond: -1\nnotifications:\n  error:\n    sms:\n      - "015112345678"\nlogs:\n  level: info';
    const lines = mistakes(text).split('\n');
    expect(lines.map((line) => /^qmoi\.config\.yaml:(\d+): ([a-zA-Z.0-9]+): /.exec(line)?.slice(1)).sort()).toEqual([
      ['2', 'throttling.ratePerSecond'],
      ['6', 'notifications.error.sms.0'],
      ['8', 'logs.level'],
    ]);
  });

  it.each([
    ['text that is no YAML', 'logs: [', /^qmoi\.config\.yaml:1: /],
    ['something other than settings', 'just a text', /^qmoi\.config\.yaml:1: .*expected object/],
    ['a key written twice', 'logs:\n  level: INFO\n  level: WARN', /^qmoi\.config\.yaml:3: .*unique/],
    [
      'a scope of no known form',
      'remediation:\n  scopes:\n    acme/web: act',
      /^qmoi\.config\.yaml:3: .*scope is platform/,
    ],
    ['a mode there is not', 'remediation:\n  mode: maybe', /^qmoi\.config\.yaml:2: remediation\.mode: .*"act"/],
    [
      'a retention CloudWatch does not offer',
      'logs: { retentionDays: 2 }',
      /^qmoi\.config\.yaml:1: logs\.retentionDays/,
    ],
    ['less concurrency than SQS allows', 'maximumConcurrency: 1', /^qmoi\.config\.yaml:1: maximumConcurrency/],
    [
      'an address that is none',
      'notifications: { status: { mail: [me] } }',
      /^qmoi\.config\.yaml:1: .*mail\.0: .*email/,
    ],
  ])('is refused: %s', (_, text, message) => {
    expect(mistakes(text)).toMatch(message);
  });
});
