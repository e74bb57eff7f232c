import { createHash } from 'node:crypto';
import { isHost } from '../diagnosis/templates/index.ts';
import type { Category, Root } from '../model/index.ts';
import { correlationPartition, expiry, mergeInto, type Store } from '../store/index.ts';

/** Failures this close to each other may have one root. */
const WINDOW_MS = 60 * 60_000;
const KEEP_DAYS = 2;
/** Different incidents that have to share a thing before it is suspected. Pools are large: two troubles in one are no wonder. */
const SUSPECTED_AT: Readonly<Record<Root, number>> = { runner: 2, host: 2, commit: 2, pool: 3 };
const MAX_HOSTS = 3;
const MAX_NAME = 200;
/** Machines that the platform makes for one job have nothing in common. */
const THROW_AWAY = /^(?:GitHub Actions|Hosted Agent|runner-[a-z0-9]+-project-)/i;
/** Of these the machine may be the reason; that code does not compile is not for the runner to answer. */
const ON_MACHINES: ReadonlySet<Category> = new Set(['runner', 'system', 'network', 'performance']);

export interface Circumstances {
  readonly platform: string;
  readonly repository: string;
  readonly category: Category;
  readonly commit?: string | undefined;
  readonly runner?: string | undefined;
  readonly labels?: readonly string[] | undefined;
  /** The lines that explain the failure. */
  readonly lines: readonly string[];
  readonly at: string;
}

/** What a failure may share with others, as `<kind>:<name>`. */
export function rootsOf(of: Circumstances): string[] {
  const roots: string[] = [];
  const add = (kind: Root, name: string): void => void roots.push(`${kind}:${name.slice(0, MAX_NAME)}`);
  if (ON_MACHINES.has(of.category)) {
    const runner = of.runner !== undefined && !THROW_AWAY.test(of.runner) ? of.runner : undefined;
    if (runner !== undefined) add('runner', `${of.platform}/${runner}`);
    if (of.labels !== undefined && of.labels.length > 0)
      add('pool', `${of.platform}/${[...of.labels].sort().join('+')}`);
  }
  if (of.category === 'network') for (const host of hostsIn(of.lines)) add('host', host);
  if (of.category === 'automation' && of.commit !== undefined)
    add('commit', `${of.platform}/${of.repository}@${of.commit}`);
  return roots;
}

function hostsIn(lines: readonly string[]): string[] {
  const words = lines.flatMap((line) => line.slice(0, 1_000).split(/[^A-Za-z0-9.-]+/));
  const hosts = words.map((word) => word.toLowerCase().replace(/^[.-]+|[.-]+$/g, '')).filter(isHost);
  return [...new Set(hosts)].slice(0, MAX_HOSTS);
}

/**
 * Notes what the failures of an incident have in common with those of others of the same hour; where enough of them share a
 * thing, all of them get it as their suspected root. One write for an incident and thing, another when it becomes suspected.
 */
export async function correlate(store: Store, incidentId: string, of: Circumstances): Promise<void> {
  await Promise.all(rootsOf(of).map((root) => share(store, incidentId, root, of.at)));
}

const partitionOf = (root: string): string =>
  correlationPartition(createHash('sha256').update(root).digest('hex').slice(0, 32));

/** The incidents of the last days that share a thing, suspected or not. */
export const incidentsWith = async (store: Store, root: string): Promise<string[]> =>
  (await store.partition(partitionOf(root))).map(({ sk }) => String(sk));

async function share(store: Store, incidentId: string, root: string, at: string): Promise<void> {
  const kind = root.slice(0, root.indexOf(':')) as Root;
  const pk = partitionOf(root);
  const near = (other: unknown): boolean => Math.abs(Date.parse(String(other)) - Date.parse(at)) <= WINDOW_MS;
  const known = await store.partition(pk);
  const own = known.find((item) => item.sk === incidentId);
  if (own === undefined || !near(own.at)) {
    await store.putItem({ pk, sk: incidentId, at, root, expiresAt: expiry(at, KEEP_DAYS) });
  }
  // Read again: of two that come at once, at least the later one has to see both.
  const members = (own === undefined ? await store.partition(pk) : known)
    .filter((item) => item.sk === incidentId || near(item.at))
    .map((item) => String(item.sk));
  const troubles = new Set(members.map((id) => id.slice(0, id.lastIndexOf(':'))));
  if (troubles.size < SUSPECTED_AT[kind]) return;
  await Promise.all(
    members.map((id) =>
      store.change('incident', id, (state) => {
        if (state === undefined || state.status === 'resolved') return undefined;
        return mergeInto('incident', state, {
          id,
          statusAt: state.statusAt,
          origin: state.origin,
          suspectedRoot: root,
        });
      }),
    ),
  );
}
