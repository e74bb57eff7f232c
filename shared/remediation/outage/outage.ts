import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Failure, Remediation, Run } from '../../model/index.ts';
import type { RemediationSettings } from '../../runtime/remediation-settings.ts';
import { expiry, KEEP_DAYS, outagePartition, runKeyOf, type Store, stormPartition } from '../../store/index.ts';

/**
 * A platform or a registry that is down fails hundreds of runs of one cause within minutes. Rerunning them all is of no use
 * and makes it worse, so they are held; one at a time is let through as a probe, ever more seldom; once a probe succeeds, all
 * are judged anew, within their budgets. An attempt that failed in an outage is not held against its run.
 */

type Limits = RemediationSettings['outage'];

export interface Outage {
  readonly key: string;
  readonly since: string;
  /** When enough had failed to tell. */
  readonly knownAt?: string;
  /** When those that had failed by then were judged anew. */
  readonly reviewedAt?: string;
  /** Absent: it is not known to be over. */
  readonly overAt?: string;
  /** When a fix helped last; what failed before says nothing of the time after. */
  readonly goodAt?: string;
  /** The fix that is the probe at present, and until when it is waited for. */
  readonly probe?: string;
  readonly probeUntil?: string;
  readonly nextProbeAt: string;
  readonly probes: number;
  readonly version: number;
  /** Seconds since the epoch: it is forgotten then. */
  readonly expiresAt?: number;
}

/** Waits before the next probe, in minutes; the last one goes on. */
const PROBE_AFTER = [1, 2, 3, 5];
/** A probe whose outcome is not known by then makes way for another one. */
const PROBE_WITHIN_MS = 15 * 60_000;
/** So many other runs that fail of one cause, and none that was helped since, may be the first of an outage. */
const SUSPICIOUS = 2;
/** What a platform says of the time may be ahead by this. */
const CLOCKS_DIFFER_MS = 60_000;
/** Each round somebody else would have to write in between. */
const ROUNDS = 8;

const HOST =
  /(?:https?:\/\/|resolve host:? ?|getaddrinfo \w{1,20} |lookup )['"]?([a-z0-9](?:[a-z0-9-]|\.(?=[a-z0-9])){2,200})/i;
const MAX_SCANNED = 4_000;

/** What the failures of one outage have in common: their cause, and the host that it names. */
export function outageKeyOf({ cause = 'unknown', category, fingerprint, excerpt }: Partial<Failure>): string {
  // What fails of the program itself fails alike in one place only.
  if (category === 'automation' || category === 'performance') return `${cause} ${fingerprint ?? ''}`.trim();
  const host = HOST.exec((excerpt ?? '').slice(0, MAX_SCANNED))?.[1]?.toLowerCase();
  return host?.includes('.') ? `${cause} at ${host}` : cause;
}

export const outageKeysOf = (failures: readonly Partial<Failure>[]): string[] =>
  [...new Set(failures.map(outageKeyOf))].sort();

/** The outages that a fix may be for. */
export const keysOfFix = (
  { runId, targets }: Pick<Remediation, 'runId' | 'targets'>,
  failures: readonly Failure[],
): string[] =>
  outageKeysOf(
    failures.filter(
      (one) => one.runId === runId && one.transient === true && targets.includes(one.name ?? one.externalId),
    ),
  );

const itemKey = (key: string) => ({ pk: outagePartition, sk: key });

export async function readOutage(store: Store, key: string): Promise<Outage | undefined> {
  const item = await store.getItem(itemKey(key));
  return item as unknown as Outage | undefined;
}

/** All that QMOI knows, over or not. */
export const readOutages = async (store: Store): Promise<Outage[]> =>
  (await store.partition(outagePartition)) as unknown as Outage[];

/** The master's word that an outage is over: what is held for it is judged anew. Undefined: there is none. */
export async function sayOver(store: Store, key: string): Promise<Outage | undefined> {
  const known = await readOutage(store, key);
  if (!isOpen(known)) return undefined;
  const now = store.now();
  return write(store, key, (outage) =>
    isOpen(outage) ? { ...withoutProbe(outage), overAt: now, goodAt: now } : outage,
  );
}

export type OpenOutage = Outage & { readonly overAt?: never };

export const isOpen = (outage: Outage | undefined): outage is OpenOutage =>
  outage !== undefined && outage.overAt === undefined;

/**
 * Notes that a run failed of a cause, at its own time, so that noting it again changes nothing; and opens an outage when
 * that makes too many. Returns the outage, when there is one.
 */
export async function noteFailure(
  store: Store,
  key: string,
  run: { id: string; failedAt: string },
  limits: Limits,
): Promise<Outage | undefined> {
  const now = store.now();
  const pk = stormPartition(key);
  const expiresAt = expiry(now, 1);
  await store.putItem({ pk, sk: `${run.failedAt}|${runKeyOf(run.id)}`, expiresAt });
  const known = await readOutage(store, key);
  if (isOpen(known)) return known;
  // What comes after so many does not change the answer, so a storm costs no more than this.
  const failed = await failedSince(store, key, windowOf(known, now, limits), limits.runs * 2 + 1);
  if (runsOf(failed).size <= limits.runs) return known;
  const since = beginningOf(await failedSince(store, key, known?.goodAt ?? ''), limits) ?? now;
  return write(store, key, (outage) =>
    isOpen(outage)
      ? outage
      : {
          key,
          since,
          knownAt: now,
          nextProbeAt: new Date(Date.parse(now) + (PROBE_AFTER[0] ?? 1) * 60_000).toISOString(),
          probes: 0,
          version: outage?.version ?? 0,
        },
  );
}

/**
 * Until when (milliseconds) it is not known whether a run that has failed again did so in an outage that begins, as others
 * fail of the same cause. Undefined: nothing speaks for that, or it has been told by now.
 */
export async function suspectedUntil(
  store: Store,
  key: string,
  run: { id: string; failedAt: string },
  limits: Limits,
): Promise<number | undefined> {
  const until = Date.parse(run.failedAt) + limits.withinMinutes * 60_000;
  const known = await readOutage(store, key);
  if (isOpen(known) || until <= Date.parse(store.now())) return undefined;
  const others = runsOf(await failedSince(store, key, windowOf(known, run.failedAt, limits), limits.runs * 2 + 1));
  others.delete(runKeyOf(run.id));
  return others.size >= SUSPICIOUS ? until : undefined;
}

interface Failed {
  readonly at: string;
  readonly run: string;
}

/** The runs that failed of a cause after a time, in order; of one that failed again, each time. */
async function failedSince(store: Store, key: string, since: string, limit?: number): Promise<Failed[]> {
  const { Items = [] } = await store.client.send(
    new QueryCommand({
      TableName: store.tableName,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND sk > :since',
      ExpressionAttributeValues: { ':pk': stormPartition(key), ':since': since || '0' },
      ...(limit !== undefined && { Limit: limit }),
    }),
  );
  return Items.map(({ sk }) => {
    const [at = '', run = ''] = String(sk).split('|');
    return { at, run };
  });
}

const runsOf = (failed: readonly Failed[]): Set<string> => new Set(failed.map(({ run }) => run));

/** What failed before, or before a fix helped, is not counted. */
function windowOf(known: Outage | undefined, now: string, limits: Limits): string {
  const from = new Date(Date.parse(now) - limits.withinMinutes * 60_000).toISOString();
  return known?.goodAt !== undefined && known.goodAt > from ? known.goodAt : from;
}

/** The first of those that failed shortly after one another until now: it begins with them, however slowly. */
function beginningOf(failed: readonly Failed[], { withinMinutes }: Limits): string | undefined {
  let first: string | undefined;
  for (const { at } of [...failed].reverse()) {
    if (first !== undefined && Date.parse(first) - Date.parse(at) > withinMinutes * 60_000) break;
    first = at;
  }
  return first;
}

/** The runs that had failed of an outage by the time that it was known, each by its platform and id. */
export async function failedBeforeKnown(store: Store, { key, since, knownAt = since }: Outage): Promise<string[]> {
  const until = new Date(Date.parse(knownAt) + CLOCKS_DIFFER_MS).toISOString();
  return [...runsOf((await failedSince(store, key, since)).filter(({ at }) => at <= until))];
}

/** Notes that they were judged anew. */
export async function noteReviewed(store: Store, { key, knownAt }: Outage): Promise<void> {
  await write(store, key, (known) =>
    known === undefined || known.knownAt !== knownAt || known.reviewedAt !== undefined
      ? known
      : { ...known, reviewedAt: store.now() },
  );
}

/** Makes a fix the probe, if the next one is due and nobody else is it. */
export async function takeProbe(store: Store, key: string, fix: string): Promise<boolean> {
  const now = store.now();
  const outage = await write(store, key, (known) => {
    if (!isOpen(known)) return known;
    if (known.probe === fix) return known;
    const busy = known.probe !== undefined && (known.probeUntil ?? '') > now;
    if (busy || known.nextProbeAt > now) return known;
    const wait = PROBE_AFTER[Math.min(known.probes + 1, PROBE_AFTER.length - 1)] ?? 5;
    return {
      ...known,
      probe: fix,
      probeUntil: new Date(Date.parse(now) + PROBE_WITHIN_MS).toISOString(),
      nextProbeAt: new Date(Date.parse(now) + wait * 60_000).toISOString(),
      probes: known.probes + 1,
    };
  });
  return isOpen(outage) && outage.probe === fix;
}

/**
 * Takes the outcome of a fix: one that was carried out since the outage began and helped ends it; a failed probe lets the next
 * one come when it is due. Whatever failed before a fix helped says nothing of the time after, outage or not.
 */
export async function tellOutcome(
  store: Store,
  key: string,
  fix: { id: string; actedAt: string },
  succeeded: boolean,
): Promise<void> {
  const now = store.now();
  await write(store, key, (known) => {
    if (!succeeded) return isOpen(known) && known.probe === fix.id ? withoutProbe(known) : known;
    if (known === undefined)
      return { key, since: now, overAt: now, goodAt: now, nextProbeAt: now, probes: 0, version: 0 };
    if (!isOpen(known)) return { ...known, goodAt: now };
    return fix.actedAt >= known.since ? { ...withoutProbe(known), overAt: now, goodAt: now } : known;
  });
}

function withoutProbe(outage: Outage): Outage {
  const { probe: _, probeUntil: __, ...rest } = outage;
  return rest;
}

/**
 * Whether a fix fell into an outage, from its act to the end of the attempt that it made: what one clock says of the act and
 * another of the outage may be seconds apart.
 */
export function fellInto(
  outage: Outage | undefined,
  fix: Pick<Remediation, 'statusAt' | 'attempt'>,
  runs: readonly Run[],
): outage is Outage {
  const from = fix.statusAt;
  const ended = runs.find(({ attempt }) => attempt === fix.attempt + 1)?.endedAt ?? from;
  return overlaps(outage, from, ended > from ? ended : from);
}

const overlaps = (outage: Outage | undefined, from: string, to: string): boolean =>
  outage !== undefined &&
  // Where only help was noted, there was no outage.
  outage.since !== outage.overAt &&
  outage.since <= to &&
  (outage.overAt === undefined || outage.overAt >= from);

async function write(
  store: Store,
  key: string,
  next: (known: Outage | undefined) => Outage | undefined,
): Promise<Outage | undefined> {
  for (let round = 0; round < ROUNDS; round++) {
    const known = await readOutage(store, key);
    const wanted = next(known);
    if (wanted === undefined || wanted === known) return known;
    const expiresAt = expiry(store.now(), KEEP_DAYS.outage ?? 7);
    const outage = { ...wanted, version: (known?.version ?? 0) + 1, expiresAt };
    const written = await store.putOver({ ...itemKey(key), ...outage }, known?.version);
    if (written) return outage;
  }
  throw new Error(`the outage ${key} is contended`);
}
