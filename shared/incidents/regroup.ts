import { createHash } from 'node:crypto';
import { type Failure, type Incident, joinTerms, type Terms } from '../model/index.ts';
import { mergeInto, type Store } from '../store/index.ts';
import { failuresOf } from './failures.ts';
import { closeIfGood, openNext, placeOf, rehome, widen } from './incidents.ts';
import { contentOf, type Followed, follow, type Pointer, readPointer, writePointer } from './pointer.ts';
import { termsOf } from './priority.ts';

/** The master's word against the machine's grouping. Fingerprints and the ids of incidents stay as they are. */

/** What cannot be done as things are; `message` says why, for the one who asked. */
export class RegroupRefused extends Error {
  override readonly name = 'RegroupRefused';
}

/** Failures moved by one call; the call may be made again for the rest. */
const MAX_MOVED = 2_000;
const MOVED_AT_ONCE = 10;
const RACES = 8;

/**
 * Makes two incidents one: the failures of the first, and all that come with its fingerprint from now on, belong to the second.
 * Safe to do again, as after a crash. Undefined: there is no such incident.
 */
export async function mergeIncidents(store: Store, sourceId: string, targetId: string): Promise<Incident | undefined> {
  const [source, target] = await Promise.all([store.get('incident', sourceId), store.get('incident', targetId)]);
  if (source === undefined) return undefined;
  if (target === undefined) throw new RegroupRefused(`There is no incident ${targetId.slice(0, 100)} to merge into.`);
  if (source.id === target.id) throw new RegroupRefused('An incident cannot be merged into itself.');
  if (source.mergedInto !== undefined && source.mergedInto !== target.id)
    throw new RegroupRefused(`It was merged into ${source.mergedInto} already.`);
  if (target.status === 'resolved')
    throw new RegroupRefused(`${target.id} is resolved: nothing can be merged into it.`);
  if (source.fingerprint !== target.fingerprint) await redirect(store, source, target);
  const moved = await take(failuresOf(store, source.id));
  if (moved.length > 0 || source.mergedInto === undefined) {
    await store.change('incident', target.id, (state) => state && widen(state, reachOf(source, moved), moved.length));
  }
  await move(store, moved, source.id, target.id);
  await store.change('incident', source.id, (state) =>
    state === undefined || state.mergedInto !== undefined
      ? undefined
      : mergeInto('incident', state, {
          id: state.id,
          status: 'resolved',
          statusAt: store.now(),
          origin: state.origin,
          mergedInto: target.id,
          reason: `merged into ${target.id} by the master`,
        }),
  );
  await rehome(store, source);
  return settled(store, target.id);
}

/** From now on the failures of one incident's fingerprint go to the other's. */
async function redirect(store: Store, source: Incident, target: Incident): Promise<void> {
  for (let race = 0; race < RACES; race++) {
    const pointer = await readPointer(store, source.fingerprint);
    const end = await follow(store, target.fingerprint);
    if (pointer?.aliasOf === end.fingerprint) return;
    if (end.fingerprint === source.fingerprint)
      throw new RegroupRefused(`The failures of ${target.id} go to ${source.fingerprint} by an earlier merge.`);
    if ((pointer?.episode ?? source.episode) !== source.episode)
      throw new RegroupRefused(`${source.id} is over, and what it was about has come back since: merge the newer one.`);
    if (!(await takeBack(store, end, source.fingerprint))) continue;
    const after = { ...contentOf(pointer ?? {}), episode: source.episode, aliasOf: end.fingerprint };
    if (await writePointer(store, source.fingerprint, pointer, after)) return;
  }
  throw new Error(`the pointer of ${source.fingerprint} is contended`);
}

/** A split whose part is merged again is no more: else the two would send each other the failures. False: asked too late. */
async function takeBack(store: Store, { fingerprint, pointer }: Followed, part: string): Promise<boolean> {
  const kept: Record<string, string> = {};
  for (const [place, to] of Object.entries(pointer?.parts ?? {})) {
    if ((await follow(store, to, place)).fingerprint !== part) kept[place] = to;
  }
  if (Object.keys(kept).length === Object.keys(pointer?.parts ?? {}).length) return true;
  return writePointer(store, fingerprint, pointer, { ...contentOf(pointer ?? {}), parts: kept });
}

/** Which failures are to leave: some by their ids, those of a fingerprint that was merged in, or those of one repository. */
export type Selection =
  | { readonly failureIds: readonly string[] }
  | { readonly fingerprint: string }
  /** `<platform>/<repository>` */
  | { readonly repository: string };

/**
 * Takes failures out of an open incident into one of their own, where those of the same fingerprint or repository then go as well.
 * Doing it again with the same selection finds that incident. Undefined: there is no such incident.
 */
export async function splitIncident(store: Store, id: string, selection: Selection): Promise<Incident | undefined> {
  const source = await store.get('incident', id);
  if (source === undefined) return undefined;
  if (source.status === 'resolved') throw new RegroupRefused(`${id} is resolved: there is nothing left to split.`);
  const moved = await take(failuresOf(store, id), (failure) => isSelected(failure, selection));
  const fingerprint = fingerprintOf(source, selection);
  if (fingerprint === source.fingerprint) throw new RegroupRefused('Its own fingerprint is what stays.');
  const known = await openPart(store, fingerprint, id);
  if (known === undefined && moved.length === 0) throw new RegroupRefused('It has no such failures.');
  if (known === undefined && (await isAll(store, id, moved))) throw new RegroupRefused('It has no other failures.');
  await route(store, source, fingerprint, selection);
  const part = known ?? (await openFor(store, source, fingerprint, moved));
  await move(store, moved, id, part);
  await closeIfGood(store, part, 'every failure was made good', source.origin);
  await closeIfGood(store, id, 'the failures that are left were made good', source.origin);
  return settled(store, part);
}

/** The incident that failures were moved to; should it have been closed meanwhile, they go on to its next episode. */
async function settled(store: Store, id: string): Promise<Incident | undefined> {
  const incident = await store.get('incident', id);
  if (incident?.status === 'resolved' && incident.mergedInto === undefined) await rehome(store, incident);
  return incident;
}

function isSelected(failure: Failure, selection: Selection): boolean {
  if ('failureIds' in selection) return selection.failureIds.includes(failure.id);
  if ('fingerprint' in selection) return failure.fingerprint === selection.fingerprint;
  return placeOf(failure) === selection.repository;
}

function fingerprintOf(source: Incident, selection: Selection): string {
  if ('fingerprint' in selection) return selection.fingerprint;
  const what =
    'repository' in selection
      ? [source.fingerprint, selection.repository]
      : [source.id, ...[...selection.failureIds].sort()];
  return createHash('sha256').update(what.join('\u0000')).digest('hex').slice(0, 32);
}

/** The open incident that an earlier, equal split has made. */
async function openPart(store: Store, fingerprint: string, from: string): Promise<string | undefined> {
  const pointer = await readPointer(store, fingerprint);
  if (pointer?.episode === undefined || pointer.aliasOf !== undefined) return undefined;
  const part = await store.get('incident', `${fingerprint}:${pointer.episode}`);
  return part !== undefined && part.status !== 'resolved' && part.splitFrom === from ? part.id : undefined;
}

async function isAll(store: Store, id: string, moved: readonly Failure[]): Promise<boolean> {
  const chosen = new Set(moved.map((failure) => failure.id));
  for await (const failure of failuresOf(store, id)) if (!chosen.has(failure.id)) return false;
  return true;
}

/** Where failures like the chosen ones go from now on. Single failures say nothing of others. */
async function route(store: Store, source: Incident, fingerprint: string, selection: Selection): Promise<void> {
  if ('failureIds' in selection) return;
  // The part may have been merged by an earlier word of the master's.
  if ('repository' in selection) await route(store, source, fingerprint, { fingerprint });
  const of = 'fingerprint' in selection ? fingerprint : source.fingerprint;
  for (let race = 0; race < RACES; race++) {
    const pointer = await readPointer(store, of);
    let after: Omit<Pointer, 'revision'>;
    if ('fingerprint' in selection) {
      if (pointer?.aliasOf === undefined) return;
      const { aliasOf: _, ...own } = contentOf(pointer);
      after = own;
    } else {
      if (pointer?.parts?.[selection.repository] === fingerprint) return;
      after = { ...contentOf(pointer ?? {}), parts: { ...pointer?.parts, [selection.repository]: fingerprint } };
    }
    if (await writePointer(store, of, pointer, after)) return;
  }
  throw new Error(`the pointer of ${of} is contended`);
}

async function openFor(
  store: Store,
  source: Incident,
  fingerprint: string,
  moved: readonly Failure[],
): Promise<string> {
  const reach = reachOf(source, moved);
  for (let race = 0; race < RACES; race++) {
    const pointer = await readPointer(store, fingerprint);
    const id = await openNext(store, fingerprint, pointer, undefined, {
      origin: source.origin,
      title: source.title,
      cause: moved[0]?.cause ?? source.cause,
      category: moved[0]?.category ?? source.category,
      platform: reach.platform,
      repository: reach.repository,
      repositories: [...reach.places],
      terms: reach.terms,
      firstSeenAt: reach.seenAt,
      lastSeenAt: reach.until,
      splitFrom: source.id,
      ...(source.remedy !== undefined && { remedy: source.remedy }),
    });
    if (id !== undefined) return id;
  }
  throw new Error(`the incidents of ${fingerprint} keep changing`);
}

/** What some failures of an incident come to. */
function reachOf(source: Incident, failures: readonly Failure[]) {
  const times = failures.map((failure) => failure.failedAt).sort();
  const own = (failure: Failure): Terms => failure.terms ?? termsOf({ severity: failure.severity ?? source.severity });
  return {
    origin: source.origin,
    platform: failures[0]?.platform ?? source.platform,
    repository: failures[0]?.repository ?? source.repository,
    places: failures.length > 0 ? [...new Set(failures.map(placeOf))] : [placeOf(source)],
    seenAt: times[0] ?? source.firstSeenAt,
    until: times.at(-1) ?? source.lastSeenAt,
    terms: failures.map(own).reduce(joinTerms, failures[0] ? own(failures[0]) : termsOf({ severity: source.severity })),
  };
}

async function take(
  failures: AsyncIterable<Failure>,
  wanted: (failure: Failure) => boolean = () => true,
): Promise<Failure[]> {
  const taken: Failure[] = [];
  for await (const failure of failures) {
    if (wanted(failure)) taken.push(failure);
    if (taken.length === MAX_MOVED) break;
  }
  return taken;
}

async function move(store: Store, failures: readonly Failure[], from: string, to: string): Promise<void> {
  for (let start = 0; start < failures.length; start += MOVED_AT_ONCE) {
    await Promise.all(
      failures
        .slice(start, start + MOVED_AT_ONCE)
        .map(({ id }) =>
          store.change('failure', id, (state) =>
            state?.incidentId === from ? { ...state, incidentId: to } : undefined,
          ),
        ),
    );
  }
}
