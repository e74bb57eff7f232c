import { createHash, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import { parseJson } from '../runtime/json.ts';
import type { Platform, RawRequest, Reading, ReadParameters } from './port.ts';

/** What the adapters share in taking a request: secrets, ids, bodies. */

/**
 * The secrets that count: the present one and, during a rotation, the one before it. Empty when the present one is not
 * configured, as an empty secret would verify whatever anybody signs with it.
 */
export async function secretsOf(read: ReadParameters, name: string): Promise<string[]> {
  const previous = `${name}-previous`;
  const values = await read([name, previous]);
  if (isBlank(values[name])) return [];
  return [values[name], values[previous]].filter((value): value is string => !isBlank(value));
}

const isBlank = (value: string | undefined): boolean => value === undefined || value.trim() === '';

/** Compares two secrets in a time that tells neither their lengths nor where they differ. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Verifies by the secret itself, which comes along in a header. */
export function verifiedBySecret(headerName: string, parameter: string): Platform['verify'] {
  return async (request, read) => {
    const secrets = await secretsOf(read, parameter);
    if (secrets.length === 0) return 'not-configured';
    const given = header(request, headerName);
    if (given === undefined) return 'refused';
    // All are tried, so that the time does not tell which one fitted.
    return secrets.map((secret) => sameSecret(given, secret.trim())).includes(true) ? 'verified' : 'refused';
  };
}

/** Fit to be a part of a key and of an address. */
export const isDeliveryId = (text: string | undefined): text is string =>
  text !== undefined && /^[\w.~+/=@:-]{1,128}$/.test(text);

/** Stands in for the delivery id of a platform that has none. */
export const contentHash = (body: Buffer): string => createHash('sha256').update(body).digest('hex');

export const mediaTypeOf = (contentType: string | undefined): string =>
  (contentType?.split(';', 1)[0] ?? '').trim().toLowerCase();

/** The JSON in a body; undefined when it is none. Only ever read through a schema, which takes no inherited property. */
export function jsonOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

export const malformed = (detail: string, status: 400 | 415 = 400): Reading => ({ kind: 'malformed', status, detail });

/** Where a body differs from what its event should look like, in a line that repeats nothing of the body but names of keys. */
export function mismatchOf(error: z.core.$ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'not the shape of its event';
  const path = issue.path.map((part) => String(part).slice(0, 64)).join('.');
  const expected = issue.code === 'invalid_type' ? `expected ${issue.expected}` : issue.code.replaceAll('_', ' ');
  return `${path === '' ? 'the body' : path}: ${expected}`;
}

/** A platform's own number of something; some are beyond what 32 bits hold. */
export const platformId = z.int().check(z.positive());

/** The header, unless it is blank. */
export const header = (request: RawRequest, name: string): string | undefined =>
  request.headers[name]?.trim() || undefined;
