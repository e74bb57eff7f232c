import { describe, expect, it } from 'vitest';
import { createAuthorize } from '../../../../functions/authorize/authorize.ts';
import type { ReadParameters } from '../../../../shared/platforms/port.ts';

const known =
  (parameters: Record<string, string | undefined>): ReadParameters =>
  async (names) =>
    Object.fromEntries(names.map((name) => [name, parameters[name]]));
const principalOf = async (authorization: string | undefined, read: ReadParameters) => {
  const answer = await createAuthorize({ read, logger: { error: () => {} } })({
    headers: authorization === undefined ? {} : { authorization },
  });
  expect(answer.isAuthorized).toBe(true);
  return answer.context.principal;
};

describe('the caller', () => {
  const token = known({ 'master-token': 's3cret', 'master-token-previous': 'older' });

  it.each(['Bearer s3cret', 'bearer s3cret', 'Bearer   s3cret ', 'Bearer older'])(
    'with %j is the master',
    async (header) => {
      expect(await principalOf(header, token)).toBe('master');
    },
  );

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer s3cre',
    'Bearer s3cret2',
    'Bearer S3CRET',
    'Basic s3cret',
    's3cret',
    'Bearer s3cret, Bearer s3cret',
  ])('with %j is nobody', async (header) => {
    expect(await principalOf(header, token)).toBe('nobody');
  });

  it('is nobody when no token is configured, or an empty one', async () => {
    for (const header of ['Bearer undefined', 'Bearer ', 'Bearer null']) {
      expect(await principalOf(header, known({}))).toBe('nobody');
      expect(await principalOf(header, known({ 'master-token': '', 'master-token-previous': '' }))).toBe('nobody');
    }
  });

  it('is unchecked when the secrets cannot be read, and the log says why', async () => {
    const errors: Error[] = [];
    const authorize = createAuthorize({
      read: async () => {
        throw new Error('AccessDenied');
      },
      logger: { error: (_, { error }) => errors.push(error) },
    });
    const answer = await authorize({ headers: { authorization: 'Bearer s3cret' } });
    expect(answer).toEqual({ isAuthorized: true, context: { principal: 'unchecked' } });
    expect(errors.map((error) => error.message)).toEqual(['AccessDenied']);
  });
});
