import type { SSMClient } from '@aws-sdk/client-ssm';
import { expect, it } from 'vitest';
import { createParameterReader } from '../../../../shared/runtime/parameters.ts';

it('asks for each parameter at most once a minute, ten at a time, and takes a blank one as absent', async () => {
  const asked: string[][] = [];
  const values: Record<string, string> = { '/qmoi/a': ' one ', '/qmoi/b': '  ' };
  const client = {
    send: async ({ input }: { input: { Names: string[] } }) => {
      asked.push(input.Names);
      return {
        Parameters: input.Names.filter((name) => name in values).map((Name) => ({ Name, Value: values[Name] })),
      };
    },
  } as unknown as SSMClient;
  let now = 0;
  const read = createParameterReader({ prefix: '/qmoi/', client, now: () => now });

  expect(await read(['a', 'b', 'c'])).toEqual({ a: 'one', b: undefined, c: undefined });
  now = 59_999;
  values['/qmoi/a'] = 'two';
  expect(await read(['a', 'b', 'c'])).toEqual({ a: 'one', b: undefined, c: undefined });
  expect(asked).toEqual([['/qmoi/a', '/qmoi/b', '/qmoi/c']]);
  now = 60_000;
  expect(await read(['a'])).toEqual({ a: 'two' });
  await read(Array.from({ length: 12 }, (_, index) => `n${index}`));
  expect(asked.map((names) => names.length)).toEqual([3, 1, 10, 2]);
});
