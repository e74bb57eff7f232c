import { beforeEach, describe, expect, it } from 'vitest';
import { AwsFault, type Caller } from '../../../../infra/local/kernel.ts';
import { createSsm, type Ssm } from '../../../../infra/local/ssm.ts';
import { testClock } from '../../../support/test-clock.ts';

const caller: Caller = { type: 'role', arn: 'arn:aws:iam::000000000000:role/r', functionName: 'api' };
const clock = testClock();
let ssm: Ssm;
let asked: string[];
let denied: string | undefined;

beforeEach(() => {
  asked = [];
  denied = undefined;
  ssm = createSsm({
    clock,
    authorize: (_caller, action, resource) => {
      asked.push(`${action} ${resource}`);
      if (resource === denied) throw new AwsFault('AccessDeniedException', `${action} ${resource}`);
    },
  });
  ssm.seed([
    { name: '/qmoi/master-token', type: 'SecureString', value: 'secret' },
    { name: '/qmoi/github-api-url', type: 'String', value: 'https://api.github.com' },
    { name: '/qmoi/deep/er', type: 'String', value: 'x' },
    { name: '/other', type: 'String', value: 'y' },
  ]);
});

const call = (operation: string, input: unknown) =>
  ssm.handle(operation, input, caller) as Promise<Record<string, never>>;
const arn = (name: string) => `arn:aws:ssm:us-east-1:000000000000:parameter${name}`;

describe('reading a parameter', () => {
  it('answers its value with type, version and ARN', async () => {
    expect(await call('GetParameter', { Name: '/qmoi/github-api-url' })).toEqual({
      Parameter: {
        Name: '/qmoi/github-api-url',
        Type: 'String',
        Value: 'https://api.github.com',
        Version: 1,
        LastModifiedDate: clock.now() / 1000,
        ARN: arn('/qmoi/github-api-url'),
        DataType: 'text',
      },
    });
    expect(asked).toEqual([`ssm:GetParameter ${arn('/qmoi/github-api-url')}`]);
  });

  it('keeps a secret from who does not decrypt', async () => {
    const plain = await call('GetParameter', { Name: '/qmoi/master-token' });
    expect(JSON.stringify(plain)).not.toContain('secret');
    expect(await call('GetParameter', { Name: '/qmoi/master-token', WithDecryption: true })).toMatchObject({
      Parameter: { Value: 'secret' },
    });
  });

  it('says what is not there', async () => {
    await expect(call('GetParameter', { Name: '/qmoi/none' })).rejects.toMatchObject({ code: 'ParameterNotFound' });
    expect(
      await call('GetParameters', { Names: ['/qmoi/none', '/qmoi/master-token'], WithDecryption: true }),
    ).toMatchObject({
      Parameters: [{ Name: '/qmoi/master-token', Value: 'secret' }],
      InvalidParameters: ['/qmoi/none'],
    });
  });

  it('needs the grant on each name, there or not', async () => {
    denied = arn('/qmoi/none');
    await expect(call('GetParameters', { Names: ['/qmoi/master-token', '/qmoi/none'] })).rejects.toMatchObject({
      code: 'AccessDeniedException',
    });
    await expect(call('GetParameter', { Name: '/qmoi/none' })).rejects.toMatchObject({ code: 'AccessDeniedException' });
  });
});

describe('reading by path', () => {
  it('pages over what is below it, one level or all', async () => {
    const first = await call('GetParametersByPath', { Path: '/qmoi', MaxResults: 1 });
    expect(first.Parameters).toMatchObject([{ Name: '/qmoi/github-api-url' }]);
    const second = await call('GetParametersByPath', { Path: '/qmoi', MaxResults: 1, NextToken: first.NextToken });
    expect(second).toMatchObject({ Parameters: [{ Name: '/qmoi/master-token' }] });
    expect(second).not.toHaveProperty('NextToken');
    expect(await call('GetParametersByPath', { Path: '/', Recursive: true })).toMatchObject({
      Parameters: [
        { Name: '/other' },
        { Name: '/qmoi/deep/er' },
        { Name: '/qmoi/github-api-url' },
        { Name: '/qmoi/master-token' },
      ],
    });
    expect(asked[0]).toBe(`ssm:GetParametersByPath ${arn('/qmoi')}`);
  });
});

describe('seeding', () => {
  it('replaces everything, and raises the version of what changed only', async () => {
    ssm.seed([
      { name: '/qmoi/master-token', type: 'SecureString', value: 'secret' },
      { name: '/qmoi/github-api-url', type: 'String', value: 'https://ghes.example/api/v3' },
    ]);
    expect(
      await call('GetParameters', { Names: ['/qmoi/master-token', '/qmoi/github-api-url', '/other'] }),
    ).toMatchObject({
      Parameters: [{ Version: 1 }, { Version: 2, Value: 'https://ghes.example/api/v3' }],
      InvalidParameters: ['/other'],
    });
  });
});

describe('what is malformed', () => {
  it.each([
    ['GetParameter', {}, 'ValidationException'],
    ['GetParameter', { Name: 'a b' }, 'ValidationException'],
    ['GetParameters', { Names: [] }, 'ValidationException'],
    ['GetParameters', { Names: Array.from({ length: 11 }, (_, i) => `/p${i}`) }, 'ValidationException'],
    ['GetParameters', { Names: ['/a', '/a'] }, 'ValidationException'],
    ['GetParametersByPath', { Path: 'qmoi' }, 'ValidationException'],
    ['GetParametersByPath', { Path: '/qmoi', MaxResults: 11 }, 'ValidationException'],
    ['GetParametersByPath', { Path: '/qmoi', NextToken: 3 }, 'InvalidNextToken'],
    ['PutParameter', { Name: '/a' }, 'UnknownOperationException'],
    ['constructor', null, 'UnknownOperationException'],
  ])('%s %o is refused with %s', async (operation, input, code) => {
    await expect(call(operation, input)).rejects.toMatchObject({ code });
  });
});
