import { createHmac } from 'node:crypto';
import type { ReadParameters } from '../port.ts';
import { sameSecret, secretsOf } from '../request.ts';

/** The secret of all heartbeats. Whoever holds it may speak for every source. */
export const HEARTBEAT_TOKEN = 'heartbeat-token';

/**
 * The token of one source, made from the secret of all: nothing has to be kept for it, and a machine that gives its own
 * away speaks for nobody else. A new secret makes all of them anew.
 */
export const tokenOfSource = (secret: string, source: string): string =>
  `${source}~${createHmac('sha256', secret).update(`heartbeat\n${source}`).digest('base64url')}`;

export type Caller =
  | { readonly kind: 'not-configured' }
  | { readonly kind: 'refused' }
  /** `source` undefined: any. */
  | { readonly kind: 'verified'; readonly token: string; readonly source: string | undefined };

/** Who speaks, by the token of the request: `Authorization: Bearer`, or `Basic` with the token for a password, as `curl -u` sends. */
export async function callerOf(authorization: string | undefined, read: ReadParameters): Promise<Caller> {
  const secrets = await secretsOf(read, HEARTBEAT_TOKEN);
  if (secrets.length === 0) return { kind: 'not-configured' };
  const token = tokenIn(authorization);
  if (token === undefined) return { kind: 'refused' };
  const end = token.lastIndexOf('~');
  const source = end > 0 ? token.slice(0, end) : undefined;
  // All of them are compared, so that the time does not tell which one fitted.
  const asAny = secrets.map((secret) => sameSecret(token, secret.trim())).includes(true);
  const asSource = secrets
    .map((secret) => sameSecret(token, tokenOfSource(secret.trim(), source ?? '')))
    .includes(true);
  if (asAny) return { kind: 'verified', token, source: undefined };
  return asSource && source !== undefined ? { kind: 'verified', token, source } : { kind: 'refused' };
}

const MAX_TOKEN = 512;

function tokenIn(authorization: string | undefined): string | undefined {
  const [, scheme = '', credentials = ''] = /^(bearer|basic) +(\S+)$/i.exec(authorization?.trim() ?? '') ?? [];
  if (credentials === '' || credentials.length > 2 * MAX_TOKEN) return undefined;
  if (scheme.toLowerCase() === 'bearer') return credentials;
  const text = Buffer.from(credentials, 'base64').toString('utf8');
  const password = text.slice(text.indexOf(':') + 1);
  return password === '' ? undefined : password;
}
