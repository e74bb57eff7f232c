import { describe, expect, it } from 'vitest';
import { priorityOf, severityOf, termsOf } from '../../../../shared/incidents/index.ts';
import { SEVERITIES } from '../../../../shared/model/index.ts';

const priority = (of: Parameters<typeof termsOf>[0]) => priorityOf(termsOf(of));

describe('priority', () => {
  it('puts a failure on a branch of its own one step later', () => {
    expect(priority({ severity: 'critical', branch: 'main' })).toBe(1);
    expect(priority({ severity: 'critical', branch: 'release/1.2' })).toBe(1);
    expect(priority({ severity: 'critical', branch: 'dependabot/npm' })).toBe(2);
    expect(priority({ severity: 'low', branch: 'dependabot/npm' })).toBe(5);
    expect(priority({ severity: 'medium' })).toBe(3);
  });

  it('puts production and what earns money first', () => {
    expect(priority({ severity: 'medium', environment: 'production' })).toBe(2);
    expect(priority({ severity: 'medium', environment: 'preview' })).toBe(3);
    expect(priority({ severity: 'medium', automation: 'revenue' })).toBe(2);
    expect(priority({ severity: 'medium', environment: 'prod', automation: 'revenue' })).toBe(1);
    expect(priority({ severity: 'low', automation: 'evolution' })).toBe(5);
  });
});

describe('severity', () => {
  it('is that of the cause while nothing makes it worse', () => {
    for (const severity of SEVERITIES) expect(severityOf(termsOf({ severity, branch: 'mine' }))).toBe(severity);
  });

  it('rises with what it harms and how far it reaches', () => {
    const terms = termsOf({ severity: 'medium', environment: 'production' });
    expect(severityOf(terms)).toBe('high');
    expect(severityOf({ ...terms, blastRadius: 50, recurrence: 20 })).toBe('critical');
  });
});
