import { expect, it } from 'vitest';
import { AwsFault, type Caller } from '../../../../infra/local/kernel.ts';
import { createSsm } from '../../../../infra/local/ssm.ts';

const caller: Caller = { type: 'role', arn: 'arn:aws:iam::000000000000:role/r', functionName: 'f' };

function store(forbidden?: string) {
  const asked: string[] = [];
  const ssm = createSsm({
    clock: { now: () => 5_000, at: () => () => undefined },
    authorize: (_caller, action, resource) => {
      asked.push(`${action} ${resource}`);
      if (resource.endsWith(forbidden ?? '|')) throw new AwsFault('AccessDeniedException', 'no');
    },
  });
  ssm.seed([
    { name: '/qmoi/a', type: 'SecureString', value: 'secret' },
    { name: '/qmoi/b', type: 'String', value: 'plain' },
    { name: '/qmoi/deep/c', type: 'String', value: 'below' },
  ]);
  return { ssm, asked };
}

it('hands out what is there, names what is not, and asks for each name', async () => {
  const { ssm, asked } = store();
  const answer = await ssm.handle('GetParameters', { Names: ['/qmoi/a', '/qmoi/x'], WithDecryption: true }, caller);
  expect(answer).toMatchObject({ Parameters: [{ Name: '/qmoi/a', Value: 'secret' }], InvalidParameters: ['/qmoi/x'] });
  expect(asked).toEqual([
    'ssm:GetParameters arn:aws:ssm:us-east-1:000000000000:parameter/qmoi/a',
    'ssm:GetParameters arn:aws:ssm:us-east-1:000000000000:parameter/qmoi/x',
  ]);
});

it('keeps a secret without decryption', async () => {
  const { ssm } = store();
  const answer = JSON.stringify(await ssm.handle('GetParameter', { Name: '/qmoi/a' }, caller));
  expect(answer).not.toContain('secret"');
});

it('fails as AWS does', async () => {
  const { ssm } = store('/a');
  const code = async (operation: string, input: object) =>
    ssm.handle(operation, input, caller).catch((error: AwsFault) => error.code);
  expect(await code('GetParameters', { Names: ['/qmoi/b', '/qmoi/a'] })).toBe('AccessDeniedException');
  expect(await code('GetParameter', { Name: '/qmoi/none' })).toBe('ParameterNotFound');
  expect(await code('GetParameters', { Names: Array.from({ length: 11 }, String) })).toBe('ValidationException');
  expect(await code('PutParameter', { Name: '/qmoi/b' })).toBe('UnknownOperationException');
});

it('pages through a path, and counts versions only when a value changes', async () => {
  const { ssm } = store();
  type Page = { Parameters: { Name: string; Version: number }[]; NextToken?: string };
  const page = (input: object) =>
    ssm.handle('GetParametersByPath', { Path: '/qmoi', ...input }, caller) as Promise<Page>;
  const first = await page({ MaxResults: 1, Recursive: true });
  const rest = await page({ Recursive: true, NextToken: first.NextToken });
  expect([...first.Parameters, ...rest.Parameters].map(({ Name }) => Name)).toEqual([
    '/qmoi/a',
    '/qmoi/b',
    '/qmoi/deep/c',
  ]);
  expect((await page({})).Parameters).toHaveLength(2);
  ssm.seed([
    { name: '/qmoi/a', type: 'SecureString', value: 'secret' },
    { name: '/qmoi/b', type: 'String', value: 'new' },
  ]);
  expect((await page({})).Parameters.map(({ Version }) => Version)).toEqual([1, 2]);
});
