import { setTimeout as sleep } from 'node:timers/promises';
import { canonical } from '../model/index.ts';
import { type Store, standingPartition } from '../store/index.ts';

/** What is known of each rule: how often it explained a failure, and in whose green logs it matched as well. */

interface GreenMatch {
  readonly automation: string;
  /** Which of its jobs, and on which branch. */
  readonly job: string;
  readonly at: string;
}

interface Kept {
  readonly hits: number;
  readonly lastHitAt?: string;
  /** The newest failures, each of which counts once. */
  readonly lastHits: readonly string[];
  readonly green: readonly GreenMatch[];
  /** Since when it is demoted, as far as whoever wrote last could tell. */
  readonly demotedAt?: string | undefined;
  readonly version: number;
}

export interface Standing {
  readonly hits: number;
  readonly lastHitAt: string | undefined;
  /** Since when it yields to every other rule, in whatever log; undefined: it does not. */
  readonly demotedAt: string | undefined;
  /** In whose green logs it matched lately. */
  readonly automations: readonly string[];
}

const NOTHING: Kept = { hits: 0, lastHits: [], green: [], version: 0 };
/** A rule that matches where so many different automations succeed says little anywhere … */
const DEMOTED_FROM = 3;
/** … and until it matches in fewer than so many of them. */
const DEMOTED_TO = 2;
const LATELY_MS = 30 * 86_400_000;
/** A match that is known is noted again only after this. */
const AGAIN_MS = 86_400_000;
const MAX_GREEN = 16;
const MAX_HITS_KEPT = 10;
/** A green log that more rules match than these is one of a kind. */
const MAX_RULES = 20;
const [RACES, WAIT_MS] = [10, 50];

/** Pure. */
export function standingOf({ hits, lastHitAt, green, demotedAt }: Kept, now: string): Standing {
  const since = Date.parse(now) - LATELY_MS;
  const lately = green.filter(({ at }) => Date.parse(at) > since);
  const automations = [...new Set(lately.map(({ automation }) => automation))].sort();
  const demoted = automations.length >= (demotedAt === undefined ? DEMOTED_FROM : DEMOTED_TO);
  const last = lately
    .map(({ at }) => at)
    .sort()
    .at(-1);
  return { hits, lastHitAt, automations, demotedAt: demoted ? (demotedAt ?? last) : undefined };
}

async function keptStandings(store: Store): Promise<Map<string, Kept>> {
  const items = (await store.partition(standingPartition)) as unknown as (Kept & { sk: string })[];
  return new Map(items.map(({ sk, ...kept }) => [sk, kept]));
}

/** By the rule's id; of a rule that never matched there is none. */
export async function standings(store: Store): Promise<Map<string, Standing>> {
  const now = store.now();
  return new Map([...(await keptStandings(store))].map(([id, kept]) => [id, standingOf(kept, now)]));
}

async function change(store: Store, rule: string, decide: (kept: Kept) => Kept): Promise<void> {
  const key = { pk: standingPartition, sk: rule };
  for (let race = 0; race < RACES; race++) {
    const item = (await store.getItem(key)) as unknown as Kept | undefined;
    const kept = item ?? NOTHING;
    const wanted = decide(kept);
    if (canonical(wanted) === canonical(kept)) return;
    const next = { ...wanted, demotedAt: standingOf(wanted, store.now()).demotedAt, version: kept.version + 1, ...key };
    if (await store.putOver(next, item?.version)) return;
    await sleep(Math.random() * WAIT_MS);
  }
  // In a storm of one cause a hit more or less changes nothing.
}

interface Hit {
  readonly id: string;
  readonly failedAt: string;
}

const hit = (kept: Kept, { id, failedAt }: Hit): Kept =>
  kept.lastHits.includes(id)
    ? kept
    : {
        ...kept,
        hits: kept.hits + 1,
        lastHits: [id, ...kept.lastHits].slice(0, MAX_HITS_KEPT),
        lastHitAt: [kept.lastHitAt ?? '', failedAt].sort().at(-1) ?? '',
      };

/** In a storm of one cause, the hits that come together are one write. */
const TOGETHER_MS = 20;
const waiting = new WeakMap<Store, Map<string, { readonly hits: Hit[]; readonly written: Promise<void> }>>();

/** A rule has explained a failure. */
export function noteHit(store: Store, rule: string, one: Hit): Promise<void> {
  const rules = waiting.get(store) ?? new Map();
  waiting.set(store, rules);
  const known = rules.get(rule);
  if (known !== undefined) {
    known.hits.push(one);
    return known.written;
  }
  const hits = [one];
  const written = sleep(TOGETHER_MS).then(() => {
    rules.delete(rule);
    return change(store, rule, (kept) => hits.reduce(hit, kept));
  });
  rules.set(rule, { hits, written });
  return written;
}

/** A green log was read: of a job of an automation, and which rules matched in it. */
export async function noteGreen(
  store: Store,
  { automation, job }: { automation: string; job: string },
  matched: Iterable<string>,
): Promise<void> {
  const known = await keptStandings(store);
  const matching = new Set([...matched].slice(0, MAX_RULES));
  const at = store.now();
  const isIts = (match: GreenMatch): boolean => match.automation === automation && match.job === job;
  for (const rule of new Set([...matching, ...known.keys()])) {
    const match = (known.get(rule) ?? NOTHING).green.find(isIts);
    // What it does not match any more counts no more.
    if (!matching.has(rule) && match === undefined) continue;
    if (matching.has(rule) && match !== undefined && Date.parse(at) - Date.parse(match.at) < AGAIN_MS) continue;
    await change(store, rule, (kept) => {
      const others = kept.green.filter((other) => !isIts(other));
      return { ...kept, green: matching.has(rule) ? [{ automation, job, at }, ...others].slice(0, MAX_GREEN) : others };
    });
  }
}
