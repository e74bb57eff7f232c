import { describe, expect, it } from 'vitest';
import { diagnose, redact } from '../../../../shared/diagnosis/index.ts';
import { asGitHubLog, asGitLabTrace } from '../../../support/logs.ts';
import { plantedKeys, plantedSecrets } from '../../../support/planted-secrets.ts';

it('holds at least sixty shapes', () => {
  expect(new Set(plantedSecrets.map(([kind]) => kind)).size).toBeGreaterThanOrEqual(60);
});

describe('nothing of a diagnosis holds', () => {
  it.each(plantedSecrets)('%s', async (_, secret, line) => {
    expect(line(secret)).toContain(secret);
    expect(redact(line(secret))).not.toContain(secret);
    const text = `building\n${line(secret)}\nError: ${line(secret)}\n--- FAIL: Test/${line(secret)}\nexiting\n`;
    for (const log of [text, asGitHubLog(text), asGitLabTrace(text)]) {
      const found = JSON.stringify(await diagnose(log, { platform: 'github', jobName: 'build' }));
      // A JSON escape must not hide it either.
      expect(found).not.toContain(secret);
      expect(found).not.toContain(JSON.stringify(secret).slice(1, -1));
      expect(found).toContain('redacted');
    }
  });
});

it('a private key over many lines', async () => {
  for (const { body, text } of plantedKeys) {
    const log = asGitHubLog(`Error: cannot load key:\n${text}\nError: giving up\n`);
    const found = JSON.stringify(await diagnose(log, { platform: 'github', jobName: 'build' }));
    for (const line of body) expect(found).not.toContain(line);
  }
});
