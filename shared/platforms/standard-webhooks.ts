import { createHmac } from 'node:crypto';

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */

const PREFIX = 'whsec_';

/** Secrets are made as `whsec_` and 32 bytes in base64. Anything else is taken for the key itself. */
export function keyOf(secret: string): Buffer[] {
  const key = secret.trim();
  if (!key.startsWith(PREFIX)) return [Buffer.from(key)];
  const bytes = Buffer.from(key.slice(PREFIX.length), 'base64');
  return bytes.length === 0 ? [] : [bytes];
}

/** `timestamp` in seconds since the epoch. */
export const standardSignature = (key: Buffer, id: string, timestamp: string, body: Buffer | string): string =>
  `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
