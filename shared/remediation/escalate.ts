import { advance } from '../incidents/index.ts';
import type { Remediation } from '../model/index.ts';
import type { Store } from '../store/index.ts';
import type { RunRecord } from '../tracking/index.ts';

/** The master has to see to what a fix was for: to the incidents that its failures are in by now, which may be a later episode. */
export async function escalate(
  store: Store,
  fix: Remediation,
  { failures }: Pick<RunRecord, 'failures'>,
  reason: string,
): Promise<void> {
  if (fix.incidentIds.length === 0) return;
  const theirs = failures.filter(
    ({ runId, name, externalId }) => runId === fix.runId && fix.targets.includes(name ?? externalId),
  );
  const ids = new Set([...fix.incidentIds, ...theirs.flatMap(({ incidentId }) => incidentId ?? [])]);
  await Promise.all([...ids].map((id) => advance(store, id, 'escalated', reason, fix.origin)));
}
