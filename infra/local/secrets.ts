import type { SeededParameter } from './ssm.ts';

export const PARAMETER_PREFIX = '/qmoi/';

/** Settings of the host itself, which no function is to see. */
const OWN = new Set(['QMOI_DATA_DIR', 'QMOI_DYNAMODB_ENDPOINT', 'QMOI_ASSEMBLY_DIR']);

/** `QMOI_GITHUB_WEBHOOK_SECRET` → `/qmoi/github-webhook-secret`, for every variable that is not the host's own. */
export function parametersOf(environment: Readonly<Record<string, string | undefined>>): SeededParameter[] {
  const parameters: SeededParameter[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (!/^QMOI_[A-Z0-9_]+$/.test(name) || OWN.has(name) || name.startsWith('QMOI_LOCAL_')) continue;
    // A parameter cannot be empty, and an empty variable is how a shell says "none".
    if (!value?.trim()) continue;
    parameters.push({
      name: PARAMETER_PREFIX + name.slice('QMOI_'.length).toLowerCase().replaceAll('_', '-'),
      type: 'SecureString',
      value: value.trim(),
    });
  }
  return parameters;
}
