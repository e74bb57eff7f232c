import { createHash, timingSafeEqual } from 'node:crypto';
import type { APIGatewayRequestAuthorizerEventV2, APIGatewaySimpleAuthorizerWithContextResult } from 'aws-lambda';
import type { ReadParameters } from '../../shared/platforms/port.ts';

/** `unchecked`: the secrets could not be read, so that nobody knows. */
export type Principal = 'master' | 'nobody' | 'unchecked';

export interface AuthorizeDeps {
  read: ReadParameters;
  logger: { error(message: string, context: { error: Error }): void };
}

/** The second one counts during a rotation. */
const TOKENS = ['master-token', 'master-token-previous'] as const;
const BEARER = /^Bearer +([^\s]+) *$/i;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Says who calls and denies nobody: the gateway's own refusal is no RFC 9457 document, so the API refuses. Whatever goes
 * wrong, the caller is not the master.
 */
export function createAuthorize(deps: AuthorizeDeps) {
  return async (
    event: Pick<APIGatewayRequestAuthorizerEventV2, 'headers'>,
  ): Promise<APIGatewaySimpleAuthorizerWithContextResult<{ principal: Principal }>> => {
    let principal: Principal = 'nobody';
    try {
      principal = await principalOf(event.headers?.authorization, deps.read);
    } catch (error) {
      principal = 'unchecked';
      deps.logger.error('the token could not be checked', { error: error as Error });
    }
    return { isAuthorized: true, context: { principal } };
  };
}

async function principalOf(header: string | undefined, read: ReadParameters): Promise<Principal> {
  const token = BEARER.exec(header ?? '')?.[1];
  if (token === undefined) return 'nobody';
  const known = await read(TOKENS);
  const given = digest(token);
  // Hashes have one length, so that the comparison takes one time; both are made, whatever the first says.
  const matches = TOKENS.map((name) => known[name])
    .filter((secret) => secret !== undefined && secret !== '')
    .map((secret) => timingSafeEqual(given, digest(secret as string)));
  return matches.includes(true) ? 'master' : 'nobody';
}
