import type { Client, Item } from './client.ts';
import type { PlannedRun } from './scenario/index.ts';
import type { World } from './world.ts';

const FIX: Readonly<Record<string, string>> = {
  succeeded: 'the fix is proven',
  failed: 'it did not help',
  refused: 'left alone',
};
const MAX_QUOTE = 110;

/** What became of a run, told by what QMOI knows of it. */
export async function narrate(run: PlannedRun, world: World, client: Client): Promise<string[]> {
  const externalId = world.runOf(run.key)?.id;
  if (externalId === undefined) return [];
  const runs = await client.all('runs', { platform: run.platform, externalId: String(externalId) });
  const of = async (resource: string): Promise<Item[]> =>
    (await Promise.all(runs.map(({ id }) => client.all(resource, { runId: id })))).flat();
  const [failures, fixes] = await Promise.all([of('failures'), of('remediations')]);
  const first = failures.filter(({ attempt }) => attempt === 1);
  if (first.length === 0) return [];
  const incidents = await Promise.all(
    [...new Set(first.map(({ incidentId }) => String(incidentId)))].map((id) => client.one('incidents', id)),
  );
  const lines = [`${run.repository}: ${run.workflow} failed (${run.message})`];
  for (const failure of first) {
    lines.push(`  ${failure.name}: ${quote(failure)}`);
    const hope =
      failure.transient === null
        ? 'nobody knows whether a rerun helps'
        : failure.transient
          ? 'transient'
          : 'a rerun would not help';
    lines.push(`    → ${failure.category}/${failure.cause}, ${hope}`);
  }
  for (const fix of fixes.filter(({ attempt }) => attempt === 1)) {
    const reason = typeof fix.reason === 'string' ? `: ${fix.reason}` : '';
    lines.push(`    → ${fix.status === 'refused' ? '' : `${fix.action}, `}${FIX[fix.status] ?? fix.status}${reason}`);
  }
  const states = incidents.map(({ status }) => status);
  lines.push(`    → incident ${[...new Set(states)].join(', ')}`);
  return lines;
}

/** The line of the log that told, as far as the excerpt's template lets it be recognised. */
function quote(failure: Item): string {
  const lines = String(failure.excerpt ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const words = String(failure.template ?? '')
    .replaceAll(/<\w+>/g, ' ')
    .split(/\s+/)
    .filter((word) => word.length > 3);
  const score = (line: string): number => words.filter((word) => line.includes(word)).length;
  const best = lines.reduce((a, b) => (score(b) > score(a) ? b : a), lines[0] ?? 'no log');
  return best.length > MAX_QUOTE ? `${best.slice(0, MAX_QUOTE - 1)}…` : best;
}
