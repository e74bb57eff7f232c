import { ACCOUNT, AwsFault, REGION } from '../kernel.ts';
import type { BusEvent } from './index.ts';

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
const MAX_ENTRIES = 10;
const MAX_TOTAL_BYTES = 1024 * 1024;

export interface Entry {
  readonly EventBusName?: string;
  readonly Source?: string;
  readonly DetailType?: string;
  readonly Detail?: string;
  readonly Resources?: readonly string[];
  /** Epoch seconds. */
  readonly Time?: number;
  readonly TraceHeader?: string;
}

export type Refusal = { readonly ErrorCode: string; readonly ErrorMessage: string };

/** The entries of a call, refused as a whole where AWS refuses it as a whole. */
export function readEntries(input: unknown): readonly Entry[] {
  const { Entries } = (input ?? {}) as { Entries?: readonly Entry[] };
  if (!Array.isArray(Entries) || Entries.length === 0 || Entries.length > MAX_ENTRIES) {
    throw new AwsFault('ValidationException', `Entries takes 1 to ${MAX_ENTRIES} members`);
  }
  const bytes = Entries.reduce((sum, entry) => sum + sizeOf(entry as Entry), 0);
  if (bytes > MAX_TOTAL_BYTES) {
    throw new AwsFault('ValidationException', `Total size of the entries in the request is over the limit: ${bytes}`);
  }
  return Entries as readonly Entry[];
}

/** Counted as AWS documents it: 14 bytes for a time, and the UTF-8 length of everything else. */
const sizeOf = ({ Time, Source = '', DetailType = '', Detail = '', Resources = [] }: Entry): number =>
  (Time === undefined ? 0 : 14) +
  [Source, DetailType, Detail, ...Resources].reduce((sum, text) => sum + Buffer.byteLength(String(text)), 0);

/** The event that an entry is, or why it is none. */
export function eventOfEntry(entry: Entry, id: string, now: number): BusEvent | Refusal {
  for (const name of ['Source', 'DetailType', 'Detail'] as const) {
    if (!entry[name])
      return refusal('InvalidArgument', `Parameter ${name} is not valid. Reason: ${name} is a required argument.`);
  }
  if (entry.Source?.startsWith('aws.')) {
    return refusal('NotAuthorizedForSourceException', 'Not authorized for the source.');
  }
  let detail: unknown;
  try {
    detail = JSON.parse(entry.Detail ?? '');
  } catch {
    return refusal('MalformedDetail', 'Detail is malformed.');
  }
  if (detail === null || typeof detail !== 'object' || Array.isArray(detail)) {
    return refusal('MalformedDetail', 'Detail is malformed.');
  }
  const time = entry.Time === undefined ? now : entry.Time * 1000;
  return {
    version: '0',
    id,
    'detail-type': entry.DetailType ?? '',
    source: entry.Source ?? '',
    account: ACCOUNT,
    time: `${new Date(time).toISOString().slice(0, 19)}Z`,
    region: REGION,
    resources: entry.Resources ?? [],
    detail,
  };
}

/**
 * An event as a service of AWS puts it on its account's default bus, which PutEvents lets nobody else do. What is left out is
 * filled in as the bus would; the account is this one, whatever is said. Throws an AwsFault that says what is missing.
 */
export function serviceEvent(input: unknown, id: string, now: number): BusEvent {
  const { id: given, source, time, region, resources, detail, ...rest } = (input ?? {}) as Record<string, unknown>;
  const type = rest['detail-type'];
  const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
  if (!isText(source) || !isText(type) || detail === null || typeof detail !== 'object' || Array.isArray(detail)) {
    throw new AwsFault('ValidationException', 'An event has a source, a detail-type and an object as its detail.');
  }
  if (Buffer.byteLength(JSON.stringify(input)) > MAX_TOTAL_BYTES) {
    throw new AwsFault('ValidationException', `An event has at most ${MAX_TOTAL_BYTES} bytes.`);
  }
  return {
    version: '0',
    id: isText(given) ? given : id,
    'detail-type': type,
    source,
    account: ACCOUNT,
    time: isText(time) ? time : `${new Date(now).toISOString().slice(0, 19)}Z`,
    region: isText(region) ? region : REGION,
    resources: Array.isArray(resources) ? resources.filter(isText) : [],
    detail,
  };
}

const refusal = (ErrorCode: string, ErrorMessage: string): Refusal => ({ ErrorCode, ErrorMessage });
