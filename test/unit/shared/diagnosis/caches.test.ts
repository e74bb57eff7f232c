import { expect, it } from 'vitest';
import { diagnose } from '../../../../shared/diagnosis/index.ts';

const CONTEXT = { platform: 'github', jobName: 'test' } as const;
const log = (...lines: string[]) => lines.map((line) => `2026-03-04T05:06:07.0000000Z ${line}\n`).join('');

it('tells the caches that a job has restored, each once, and nothing that only speaks of them', async () => {
  const { caches } = await diagnose(
    log(
      'Cache hit for: npm-Linux-4f1c',
      'Cache restored from key: npm-Linux-4f1c',
      'Cache restored from key: turbo Linux 1',
      'Cache restored from key: npm-Linux-4f1c',
      '> echo "Cache restored from key: everything"',
      'Cache restored from key: ghp_0123456789abcdefghijklmnopqrstuvwxyz',
      `Cache restored from key: ${'x'.repeat(513)}`,
      'Cache restored from key: a,b',
      'Cache restored from key: third',
      'Cache restored from key: fourth',
      '##[error]Process completed with exit code 1.',
    ),
    CONTEXT,
  );
  expect(caches).toEqual(['npm-Linux-4f1c', 'turbo Linux 1', 'third']);
});
