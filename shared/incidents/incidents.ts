import {
  type Failure,
  type Incident,
  type IncidentFact,
  joinTerms,
  type Origin,
  SEVERITIES,
  type Terms,
} from '../model/index.ts';
import { countFailures, ids, mergeInto, type Store } from '../store/index.ts';
import { allGood, failuresOf } from './failures.ts';
import { contentOf, follow, type Pointer, readPointer, writePointer } from './pointer.ts';
import { priorityOf, severityOf, spread, termsOf } from './priority.ts';

/** A busy incident is written at most this often, so that its item is no hot key. */
const SEEN_EVERY_MS = 60_000;
/** Each round another episode would have to close in between. */
const ATTACHMENTS = 5;
const DAY_MS = 86_400_000;
/** Whatever comes after such a time is another incident, though nobody has made the old one good. */
const WINDOW_MS = 14 * DAY_MS;
/** An incident that comes back this soon after its end flaps. */
const FLAPS_WITHIN_MS = DAY_MS;
/** From so many flaps on an incident is closed only after it has been quiet; the time doubles with every further one. */
const FLAPS_UNTIL_HELD = 2;
const QUIET_MS = 15 * 60_000;

export type Seen = Pick<IncidentFact, 'origin' | 'remedy'> & {
  fingerprint: string;
  title: string;
  cause: string;
  category: Incident['category'];
  platform: string;
  repository: string;
  /** Of the failure by itself. */
  terms: Terms;
  seenAt: string;
};

export const placeOf = ({ platform, repository }: { platform: string; repository: string }): string =>
  `${platform}/${repository}`;

/**
 * The id of the open incident for a fingerprint, or of a new episode where the last one is over. The incident is written before
 * the pointer that names it: a crash in between leaves an incident that the next caller finds.
 */
export async function attach(store: Store, seen: Seen): Promise<string> {
  for (let round = 0; round < ATTACHMENTS; round++) {
    const { fingerprint, pointer } = await follow(store, seen.fingerprint, placeOf(seen));
    let last: Incident | undefined;
    if (pointer?.episode !== undefined) {
      const id = ids.incident(fingerprint, pointer.episode);
      last = await store.get('incident', id);
      if (last !== undefined && isLongGone(last, seen)) {
        await advance(store, id, 'resolved', `not seen for ${WINDOW_MS / DAY_MS} days`, seen.origin);
        last = await store.get('incident', id);
      }
      if (last !== undefined && last.status !== 'resolved' && (await join(store, last, seen))) return id;
    }
    const { terms, seenAt, ...fields } = seen;
    const id = await openNext(store, fingerprint, pointer, last, {
      ...fields,
      repositories: [placeOf(seen)],
      terms,
      firstSeenAt: seenAt,
      lastSeenAt: seenAt,
    });
    if (id === undefined) continue;
    // Of two that open it at once, one may write the incident and the other the pointer: whoever is not told of in it joins it.
    const opened = await store.get('incident', id);
    if (opened !== undefined && opened.status !== 'resolved' && (await join(store, opened, seen))) return id;
  }
  throw new Error(`the incidents of ${seen.fingerprint} keep closing`);
}

/**
 * Moves a failure on to the next episode where its incident was closed since it was attached, by someone who could not see the
 * failure yet. Whoever writes a failure calls it afterwards, as whoever closes an incident looks at its failures once more
 * (`rehome`): of two that come at once, at least the later one sees the other.
 */
export async function stayAttached(store: Store, failureId: string, incidentId: string, seen: Seen): Promise<void> {
  for (let at = incidentId, round = 0; round < ATTACHMENTS; round++) {
    if ((await store.get('incident', at))?.status !== 'resolved') return;
    const next = await attach(store, seen);
    const { after } = await store.change('failure', failureId, (state) =>
      state?.incidentId !== at || state.resolvedAt !== undefined ? undefined : { ...state, incidentId: next },
    );
    // Someone else has moved it, or made it good: should the episode have been opened for it alone, it has none.
    if (after?.incidentId !== next) return closeIfGood(store, next, 'its failure belongs elsewhere', seen.origin);
    at = next;
  }
}

/** So many failures at most come between two calls. */
const MAX_LATE = 100;

/** Takes the failures that came while their incident was being closed, and saw it open, into the next episode. */
export async function rehome(store: Store, { id, title, category, severity }: Incident): Promise<void> {
  let late = 0;
  for await (const failure of failuresOf(store, id)) {
    if (late++ === MAX_LATE) return;
    const { platform, repository, origin, failedAt: seenAt, fingerprint, cause, terms, remedy } = failure;
    if (failure.resolvedAt !== undefined || fingerprint === undefined || cause === undefined) continue;
    const of = { platform, repository, origin, seenAt, fingerprint, cause, title, remedy };
    await stayAttached(store, failure.id, id, {
      ...of,
      category: failure.category ?? category,
      terms: terms ?? termsOf({ severity }),
    });
  }
}

const isLongGone = (incident: Incident, { seenAt }: Seen): boolean =>
  incident.status !== 'resolved' && Date.parse(seenAt) - Date.parse(incident.lastSeenAt) > WINDOW_MS;

/** Notes a sighting with an open incident, where it is news. False: the incident was closed meanwhile. */
async function join(store: Store, known: Incident, seen: Seen): Promise<boolean> {
  if (!isNews(known, seen)) return true;
  const { runs } = await countFailures(store, known.id);
  const { after } = await store.change(
    'incident',
    known.id,
    (incident) => {
      if (incident === undefined || incident.status === 'resolved') return undefined;
      return isNews(incident, seen) ? widen(incident, seen, runs + 1) : incident;
    },
    known,
  );
  return after !== undefined && after.status !== 'resolved';
}

function isNews(incident: Incident, seen: Seen): boolean {
  const sighted = Date.parse(seen.seenAt) - Date.parse(incident.lastSeenAt) >= SEEN_EVERY_MS;
  if (sighted || seen.seenAt < incident.firstSeenAt) return true;
  if (!(incident.repositories ?? [placeOf(incident)]).includes(placeOf(seen))) return true;
  const worse = joinTerms(termsIn(incident), seen.terms);
  return priorityOf(worse) < incident.priority;
}

const termsIn = ({ terms, severity }: Incident): Terms => terms ?? termsOf({ severity });

/** An incident that reaches further. Severity and priority follow from the terms, and never become milder. */
export function widen(
  incident: Incident,
  by: {
    seenAt: string;
    until?: string;
    platform: string;
    repository: string;
    places?: readonly string[];
    terms: Terms;
    origin: Origin;
  },
  runs: number,
): Incident {
  const before = incident.repositories ?? [placeOf(incident)];
  const places = by.places ?? [placeOf(by)];
  const repositories = new Set([...before, ...places]).size;
  const joined = mergeInto('incident', incident, {
    id: incident.id,
    statusAt: by.seenAt,
    origin: by.origin,
    firstSeenAt: by.seenAt,
    lastSeenAt: by.until ?? by.seenAt,
    repositories: [...before, ...places],
    terms: {
      ...joinTerms(termsIn(incident), by.terms),
      ...atLeast(termsIn(incident), spread({ repositories, runs, episode: incident.episode })),
    },
  });
  const terms = termsIn(joined);
  const severity = severityOf(terms);
  return {
    ...joined,
    severity: SEVERITIES.indexOf(severity) > SEVERITIES.indexOf(joined.severity) ? severity : joined.severity,
    priority: Math.min(joined.priority, priorityOf(terms)),
  };
}

const atLeast = (known: Terms, { blastRadius, recurrence }: Pick<Terms, 'blastRadius' | 'recurrence'>) => ({
  blastRadius: Math.max(known.blastRadius, blastRadius),
  recurrence: Math.max(known.recurrence, recurrence),
});

type Opening = Omit<
  IncidentFact,
  'id' | 'status' | 'statusAt' | 'episode' | 'fingerprint' | 'severity' | 'priority'
> & {
  repositories: string[];
  terms: Terms;
};

/** Opens the next episode of a fingerprint. Undefined: someone else was faster. */
export async function openNext(
  store: Store,
  fingerprint: string,
  pointer: Pointer | undefined,
  last: Incident | undefined,
  fields: Opening,
): Promise<string | undefined> {
  const episode = (pointer?.episode ?? 0) + 1;
  const id = ids.incident(fingerprint, episode);
  const terms = { ...fields.terms, ...spread({ repositories: fields.repositories.length, runs: 1, episode }) };
  const over = last?.status === 'resolved' && last.mergedInto === undefined ? last : undefined;
  const soon = over !== undefined && Date.parse(fields.lastSeenAt ?? '') - Date.parse(over.statusAt) < FLAPS_WITHIN_MS;
  await store.create('incident', {
    ...fields,
    id,
    fingerprint,
    status: 'open',
    statusAt: store.now(),
    episode,
    terms,
    severity: severityOf(terms),
    priority: priorityOf(terms),
    ...(over !== undefined && { regressionOf: over.id }),
    ...(soon && { flaps: (over?.flaps ?? 0) + 1 }),
  });
  if (await writePointer(store, fingerprint, pointer, { ...contentOf(pointer ?? {}), episode })) return id;
  // Where the master has sent its failures elsewhere meanwhile, nobody will ever name it.
  if ((await readPointer(store, fingerprint))?.episode !== episode)
    await closeIfGood(store, id, 'its failures go elsewhere', fields.origin);
  return undefined;
}

/** Moves an incident on, where its life allows it. */
export async function advance(
  store: Store,
  id: string,
  status: Incident['status'],
  reason: string,
  origin: Origin,
): Promise<void> {
  await store.change('incident', id, (incident) =>
    incident === undefined || incident.status === status
      ? undefined
      : mergeInto('incident', incident, { id, status, statusAt: store.now(), reason, origin }),
  );
}

/** Notes that failures were made good, and closes the incidents that have no other failure left. */
export async function makeGood(
  store: Store,
  failures: readonly Failure[],
  reason: string,
  origin: Origin,
): Promise<void> {
  const resolvedAt = store.now();
  await Promise.all(
    failures
      .filter((failure) => failure.resolvedAt === undefined)
      .map((failure) =>
        store.change('failure', failure.id, (state) =>
          state === undefined || state.resolvedAt !== undefined ? undefined : { ...state, resolvedAt },
        ),
      ),
  );
  const incidents = new Set(failures.map((failure) => failure.incidentId).filter((id) => id !== undefined));
  await Promise.all([...incidents].map((id) => closeIfGood(store, id, reason, origin)));
}

/**
 * Closes an incident whose failures were all made good: at once as a rule, but one that flaps only after it has been quiet for
 * long enough, so that the master is not told again and again of its end (open at one, close at none for a while).
 */
export async function closeIfGood(store: Store, id: string, reason: string, origin: Origin): Promise<void> {
  if (!(await allGood(store, id))) return;
  const incident = await store.get('incident', id);
  if (incident === undefined || incident.status === 'resolved') return;
  const wakeAt = quietUntil(incident);
  if (wakeAt === undefined || wakeAt <= store.now()) {
    await advance(store, id, 'resolved', reason, origin);
    return rehome(store, incident);
  }
  await store.change('incident', id, (state) =>
    state === undefined || state.status === 'resolved' ? undefined : { ...state, wakeAt },
  );
}

/** Undefined for one that does not flap: what a platform's clock says, which may be ahead, holds nothing up. */
function quietUntil({ flaps = 0, lastSeenAt }: Incident): string | undefined {
  if (flaps < FLAPS_UNTIL_HELD) return undefined;
  const quiet = Math.min(DAY_MS, QUIET_MS * 2 ** (flaps - FLAPS_UNTIL_HELD));
  return new Date(Date.parse(lastSeenAt) + quiet).toISOString();
}

/** What is owed to an incident that was due: it is closed if it has stayed quiet, or waits for its failures again. */
export async function closeQuiet(store: Store, id: string): Promise<void> {
  const incident = await store.get('incident', id);
  if (incident === undefined || incident.status === 'resolved') return;
  if (await allGood(store, id))
    return closeIfGood(store, id, 'every failure was made good, and it stayed quiet', incident.origin);
  await store.change('incident', id, (state) => {
    if (state === undefined || state.wakeAt === undefined) return undefined;
    const { wakeAt: _, ...awake } = state;
    return awake;
  });
}
