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

const refusal = (ErrorCode: string, ErrorMessage: string): Refusal => ({ ErrorCode, ErrorMessage });
