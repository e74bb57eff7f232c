import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import type { ActionRequest, LookUp, Shown } from './port.ts';

/** What an action is, as every platform lists its own: one entry is all that a new one takes. */

/**
 * What shows that an action took effect: the attempt after it; a run that it made; the end of its run; how things stand, as
 * the platform tells; or `answer`, where the platform's word is all there is.
 */
export const PROOFS = ['next-attempt', 'new-run', 'run-ended', 'state', 'answer'] as const;
export type Proof = (typeof PROOFS)[number];

/** What is known of an action without carrying it out. */
export interface ActionTraits {
  /** In a sentence without its end, for people. */
  readonly does: string;
  /** 0 reads, 1 retries, 2 changes what can be changed back, 3 destroys. */
  readonly tier: 0 | 1 | 2 | 3;
  /** What the request's subject is. Everything else that is acted on comes as a parameter. */
  readonly on: 'run' | 'job';
  readonly proof: Proof;
  /** Parameters that it cannot do without, and those that it may be given; a name with `*` stands for all that begin so. */
  readonly needs?: readonly string[];
  readonly takes?: readonly string[];
  /** What takes it back, by the very same request. */
  readonly inverse?: string;
  /** How it is made good by itself, where nothing has to take it back. */
  readonly heals?: string;
}

/** Whether an action may be given a parameter of that name. */
export const takes = ({ needs = [], takes: others = [] }: ActionTraits, name: string): boolean =>
  [...needs, ...others].some((one) =>
    one.endsWith('*') ? /^[\w.-]{1,100}$/.test(name) && name.startsWith(one.slice(0, -1)) : one === name,
  );

/** One request to a platform's API. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the API's root. */
  readonly path: string;
  readonly body?: object;
}

/** What an action's read has found: the JSON of the answer, or the items of all pages. */
export interface Seen {
  readonly json: unknown;
  /** There was more than was read, so that what was not found may still be there. */
  readonly partial: boolean;
}

export interface Action extends ActionTraits {
  /** What to read to find out whether it took place. Undefined: the request does not say what it takes. */
  reads(of: ActionRequest): string | Call | undefined;
  /** How many pages of a list to read. Absent: it is no list. */
  readonly pages?: number;
  means(seen: Seen, of: ActionRequest): LookUp;
  /** The other side takes the same request twice for one, so that whatever is not known to have happened may be sent again. */
  readonly repeatable?: true;
  /** What is read is gone once it took place. */
  readonly removes?: true;
  /** Reads before it acts: what is so already is not done again, and the request depends on what there is. */
  readonly first?: true;
  /** How things stand before the act, where that is not what a look-up would say. */
  before?(seen: Seen, of: ActionRequest): LookUp;
  /** Why not, by what was read. */
  unfit?(seen: Seen, of: ActionRequest): string | undefined;
  /** The one request. Undefined: it does not say what it takes. `seen` is there with `first`. */
  request(of: ActionRequest, seen: Seen | undefined): Call | undefined;
  /** What the answer tells beyond having been accepted. */
  detail?(json: unknown): string | undefined;
  /** The platform's id of the run that the act has made, by its answer. */
  made?(json: unknown): string | undefined;
  /** What it has come to, by what is read. Absent: nothing that could be read tells. Undefined: it does not tell now. */
  shows?(seen: Seen, of: ActionRequest): Shown | undefined;
}

export type Actions = Readonly<Record<string, Action>>;

/** An id of the platform's that is a number. */
export const numberIn = (text: string | undefined): string | undefined =>
  text !== undefined && /^\d{1,20}$/.test(text) ? text : undefined;

export function parameter({ parameters }: ActionRequest, name: string): string | undefined {
  const value = parameters?.[name];
  return value === undefined || value === '' ? undefined : String(value);
}

export const query = (values: Readonly<Record<string, string | undefined>>): string =>
  new URLSearchParams(
    Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== undefined),
  ).toString();

/** A call with a path, if there is one. */
export const call = (method: Call['method'], path: string | undefined, body?: object): Call | undefined =>
  path === undefined ? undefined : { method, path, ...(body !== undefined && { body }) };

/** What was read, in its shape; an answer of another shape tells nothing. */
export function shaped<T extends z.core.$ZodType>(schema: T, { json }: Seen): z.infer<T> | undefined {
  const result = z.safeParse(schema, json);
  return result.success ? result.data : undefined;
}

/** By whether something is so; undefined: it could not be told. */
export const byState = (so: boolean | undefined): LookUp =>
  so === undefined ? 'unclear' : so ? 'happened' : 'did-not-happen';

/** By what a list holds: what is missing in a part of it may be in the rest. */
export const byFinding = (found: boolean | undefined, { partial }: Seen): LookUp =>
  found === false && partial ? 'unclear' : byState(found);

/**
 * Names what an action makes, so that it is found again and never made twice. The same for each try of one request; the
 * parameter `key`, where there is one, says instead what it is made for: an incident, say.
 */
export const markOf = (of: ActionRequest, what: string): string =>
  createHash('sha256')
    .update(JSON.stringify([what, parameter(of, 'key') ?? [of.runId, of.subject, of.attempt]]))
    .digest('hex')
    .slice(0, 24);
