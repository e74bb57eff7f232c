import type { Settings } from '../../shared/runtime/settings.ts';

/** Lambda's limit for a whole environment is 4 KB; the other variables need less than a quarter of it. */
const MAX_BYTES = 3_000;

/** Sections of the settings as variables of a function's environment, as JSON each; `advice`: what to do when they are too long. */
export function settingsVariables<Name extends string>(
  sections: Readonly<Record<Name, unknown>>,
  advice: string,
): Record<Name, string> {
  const variables = Object.fromEntries(
    Object.entries(sections).map(([name, section]) => [name, JSON.stringify(section)]),
  ) as Record<Name, string>;
  const bytes = Buffer.byteLength(Object.values(variables).join(''));
  if (bytes > MAX_BYTES) {
    const names = Object.keys(sections).join(' and ').toLowerCase();
    throw new Error(`${names} in qmoi.config.yaml: ${bytes} bytes as JSON, of ${MAX_BYTES} at most: ${advice}`);
  }
  return variables;
}

/** The master's rules of diagnosis. */
export const rulesVariable = ({ diagnosis }: Pick<Settings, 'diagnosis'>) =>
  settingsVariables({ DIAGNOSIS: diagnosis }, 'say rules by PUT /v1/rules/<id>');
