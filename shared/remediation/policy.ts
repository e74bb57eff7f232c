import type { Mode, RemediationSettings } from '../runtime/remediation-settings.ts';

/** What the settings say of one place and moment. Pure. */

interface Place {
  readonly platform: string;
  readonly repository: string;
}

const RESTRICTION: readonly Mode[] = ['act', 'approve', 'observe', 'off'];

export const mostRestrictive = (modes: readonly Mode[]): Mode =>
  RESTRICTION[Math.max(0, ...modes.map((mode) => RESTRICTION.indexOf(mode)))] ?? 'off';

/** How far a playbook may go, wherever it is. */
export const wantedMode = (
  settings: Pick<RemediationSettings, 'playbooks'>,
  { id, enabled }: { readonly id: string; readonly enabled: boolean },
): Mode => settings.playbooks[id] ?? (enabled ? 'act' : 'off');

const scopesOf = ({ platform, repository }: Place): ReadonlySet<string> =>
  new Set([`platform:${platform}`, `repository:${repository}`].map((scope) => scope.toLowerCase()));

/** The most restrictive mode of all scopes that a run lies in; scopes are written in any case. */
export function modeOf(settings: Pick<RemediationSettings, 'mode' | 'scopes'>, place: Place): Mode {
  const scopes = scopesOf(place);
  const modes = Object.entries(settings.scopes)
    .filter(([scope]) => scopes.has(scope.toLowerCase()))
    .map(([, mode]) => mode);
  return mostRestrictive([settings.mode, ...modes]);
}

/** The maintenance window that a place lies in at `now`; of several, the one that ends last. */
export function windowOf(
  settings: Pick<RemediationSettings, 'maintenance'>,
  place: Place,
  now: number,
): { until: number; reason: string } | undefined {
  const scopes = scopesOf(place);
  const open = settings.maintenance
    .filter(({ scope }) => scope === undefined || scopes.has(scope.toLowerCase()))
    .filter(({ from, to }) => Date.parse(from) <= now && now < Date.parse(to))
    .sort((a, b) => Date.parse(b.to) - Date.parse(a.to));
  const [last] = open;
  return last && { until: Date.parse(last.to), reason: last.reason ?? `until ${last.to}` };
}
