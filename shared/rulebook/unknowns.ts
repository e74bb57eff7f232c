import { setTimeout as sleep } from 'node:timers/promises';
import { maskedTokens, TemplateMiner, type TemplateState } from '../diagnosis/templates/index.ts';
import { expiry, type Store, unknownsPartition } from '../store/index.ts';

/** Failures that no rule explains, by the template of their telling line: the next rules to write. */

export interface UnknownFailure {
  readonly id: string;
  /** Of its telling line; not empty. */
  readonly template: string;
  readonly repository: string;
  readonly failedAt: string;
}

interface Cluster {
  /** One of its lines, by which it is found again as templates become more general. */
  readonly example: string;
  readonly count: number;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
  readonly repositories: readonly string[];
  /** The newest ones, newest first. */
  readonly failures: readonly string[];
}

export interface UnknownCluster extends Omit<Cluster, 'example'> {
  readonly id: string;
  readonly template: string;
}

/** One item for all templates of one length: what is learnt and what is counted changes together. */
interface Kept {
  readonly shapes: TemplateState['shapes'];
  readonly clusters: readonly Cluster[];
  readonly version: number;
}

/** An item stays well below DynamoDB's 400 KB, and as a rule is a few. */
const BOUNDS = { maxShapes: 50, maxCharacters: 10_000 };
const MAX_CLUSTERS = 50;
const MAX_REPOSITORIES = 10;
/** A message that comes again counts once. */
const MAX_FAILURES = 20;
const KEEP_DAYS = 30;
const [RACES, WAIT_MS] = [20, 50];

/** Counts a failure with its like, once. Whoever writes at the same time loses nothing. */
export async function noteUnknown(store: Store, failure: UnknownFailure): Promise<void> {
  const length = maskedTokens(failure.template).length;
  const key = { pk: unknownsPartition, sk: String(length).padStart(4, '0') };
  for (let race = 0; race < RACES; race++) {
    const item = (await store.getItem(key)) as unknown as Kept | undefined;
    const kept = item ?? { shapes: [], clusters: [], version: 0 };
    if (kept.clusters.some(({ failures }) => failures.includes(failure.id))) return;
    const next = {
      ...{ ...key, ...joined(kept, length, failure, store.now()), version: kept.version + 1 },
      expiresAt: expiry(store.now(), KEEP_DAYS),
    };
    if (await store.putOver(next, item?.version)) return;
    await sleep(Math.random() * WAIT_MS);
  }
  throw new Error(`unknown failures of ${length} words are contended: ${RACES} writes in a row lost their race`);
}

function minerOf(kept: Pick<Kept, 'shapes'>, length: number): TemplateMiner {
  const miner = new TemplateMiner(BOUNDS);
  miner.absorb({ length, shapes: kept.shapes });
  // What was absorbed is no news.
  miner.changes();
  return miner;
}

function joined(kept: Kept, length: number, failure: UnknownFailure, now: string): Omit<Kept, 'version'> {
  const miner = minerOf(kept, length);
  miner.learn(failure.template);
  const [{ shapes } = kept] = miner.changes();
  const one: Cluster = {
    example: failure.template,
    count: 1,
    ...{ firstSeenAt: failure.failedAt, lastSeenAt: failure.failedAt },
    ...{ repositories: [failure.repository], failures: [failure.id] },
  };
  const until = new Date(Date.parse(now) - KEEP_DAYS * 86_400_000).toISOString();
  const clusters = [...grouped(miner, [one, ...kept.clusters]).values()]
    .filter(({ lastSeenAt }) => lastSeenAt > until || lastSeenAt === one.lastSeenAt)
    .sort(laterFirst)
    .slice(0, MAX_CLUSTERS);
  return { shapes, clusters };
}

/** Clusters by the template that they now have; those that have become one are joined. */
function grouped(miner: TemplateMiner, clusters: readonly Cluster[]): Map<string, Cluster & { template: string }> {
  const groups = new Map<string, Cluster & { template: string }>();
  const shapes = clusters.map(({ example }) => miner.learn(example));
  for (const [index, cluster] of clusters.entries()) {
    const { id, text } = miner.templateOf(shapes[index] as (typeof shapes)[number]);
    const known = groups.get(id);
    groups.set(id, { ...(known === undefined ? cluster : join(known, cluster)), template: text });
  }
  return groups;
}

const join = (a: Cluster, b: Cluster): Cluster => ({
  example: a.example,
  count: a.count + b.count,
  firstSeenAt: a.firstSeenAt < b.firstSeenAt ? a.firstSeenAt : b.firstSeenAt,
  lastSeenAt: a.lastSeenAt > b.lastSeenAt ? a.lastSeenAt : b.lastSeenAt,
  repositories: [...new Set([...a.repositories, ...b.repositories])].slice(0, MAX_REPOSITORIES),
  failures: [...a.failures, ...b.failures].slice(0, MAX_FAILURES),
});

const laterFirst = (a: { lastSeenAt: string }, b: { lastSeenAt: string }): number =>
  a.lastSeenAt === b.lastSeenAt ? 0 : a.lastSeenAt < b.lastSeenAt ? 1 : -1;

/** The clusters of the last weeks, the largest first. */
export async function unknownClusters(store: Store): Promise<UnknownCluster[]> {
  const items = (await store.partition(unknownsPartition)) as unknown as (Kept & { sk: string })[];
  return items
    .flatMap((kept) => [...grouped(minerOf(kept, Number(kept.sk)), kept.clusters)])
    .map(([id, { example: _, ...cluster }]) => ({ id, ...cluster }))
    .sort((a, b) => b.count - a.count || laterFirst(a, b));
}
