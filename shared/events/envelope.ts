import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { ENTITIES, type EntityName, machines, type Origin } from '../model/index.ts';

/** What the bus carries about one change: enough to match on and to find the item, never a body or a log. */
export interface Envelope {
  /** `<entity>#<key>@<version>`: the same change always has the same id. */
  id: string;
  entity: EntityName;
  /** The id of the item, as the API knows it. */
  key: string;
  from: string | null;
  to: string;
  version: number;
  /** The platform's time of the status. */
  at: string;
  origin: Origin;
  attempt?: number;
  /** Names of the fields that changed. */
  changed: string[];
  platform?: string;
  repository?: string;
  category?: string;
  cause?: string;
  severity?: string;
  incidentId?: string;
}

export interface EntityEvent {
  /** `<entity>.<status>`, `<entity>.updated` (a watched field changed) or `<entity>.due` (`wake` found it owed). */
  type: string;
  envelope: Envelope;
}

type Watching = Partial<Record<'watched' | 'watchedWhile' | 'unpublished' | 'quietAtFirst', string[]>>;
type Image = Record<string, unknown>;
const EVIDENCE = ['platform', 'repository', 'category', 'cause', 'severity', 'incidentId'] as const;
/** Change with every write and mean nothing. */
const SILENT = new Set(['version', 'updatedAt', 'pk', 'sk', 'lp', 'ls', 'bp', 'wp', 'expiresAt']);
/** No single matched-on text may make an envelope large. */
const MAX_TEXT = 512;

/**
 * The event that the difference between two images of an item is, or undefined when it is none (a removal, a field nobody
 * watches, a status that only keeps the books). Throws when the image is none of an entity: such a record is parked.
 */
export function eventOf(before: Image | undefined, after: Image | undefined): EntityEvent | undefined {
  if (after === undefined) return undefined;
  const entity = after.entity as EntityName;
  if (!ENTITIES.includes(entity)) throw new Error(`an item of unknown entity ${String(entity)} is in the stream`);
  const { watched = [], watchedWhile, unpublished = [], quietAtFirst = [] } = machines[entity] as Watching;
  const [from, to] = [(before?.status as string | undefined) ?? null, after.status as string];
  const changed = changedFields(before ?? {}, after);
  const type = typeOf(entity, from, to, changed, watchedWhile?.includes(to) === false ? [] : watched);
  if (type === undefined || unpublished.includes(to)) return undefined;
  if (from === null && quietAtFirst.includes(to)) return undefined;
  const envelope: Envelope = {
    id: `${entity}#${String(after.id)}@${String(after.version)}`,
    entity,
    key: String(after.id),
    from,
    to,
    version: Number(after.version),
    at: String(after.statusAt),
    origin: after.origin as Origin,
    changed,
  };
  if (after.attempt !== undefined) envelope.attempt = Number(after.attempt);
  for (const name of EVIDENCE) {
    const value = after[name];
    if (typeof value === 'string') envelope[name] = value.slice(0, MAX_TEXT);
  }
  return { type, envelope };
}

function typeOf(entity: string, from: string | null, to: string, changed: string[], watched: string[]) {
  if (from !== to) return `${entity}.${to}`;
  if (changed.includes('wokenAt')) return `${entity}.due`;
  return changed.some((name) => watched.includes(name)) ? `${entity}.updated` : undefined;
}

function changedFields(before: Image, after: Image): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names]
    .filter((name) => !SILENT.has(name) && JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .sort();
}

/** A stream record's image as plain values. */
export const imageOf = (image: Record<string, unknown> | undefined): Image | undefined =>
  image === undefined ? undefined : unmarshall(image as Record<string, AttributeValue>);
