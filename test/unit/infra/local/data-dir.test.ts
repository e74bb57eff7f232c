import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureMasterToken, openDataDir } from '../../../../infra/local/data-dir.ts';

describe('the data directory', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qmoi-data-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is held by one at a time, who says so, and is free once released', async () => {
    const first = await openDataDir(join(folder, 'new'));
    await expect(openDataDir(join(folder, 'new'), 50)).rejects.toThrow(
      new RegExp(`in use by process ${process.pid} .*set QMOI_DATA_DIR`),
    );
    first.release();
    const second = await openDataDir(join(folder, 'new'), 0);
    second.release();
    expect(readdirSync(join(folder, 'new'))).toEqual([]);
  });

  it('waits for a holder that is ending', async () => {
    const first = await openDataDir(folder);
    setTimeout(() => first.release(), 150);
    const second = await openDataDir(folder, 5_000);
    second.release();
  });

  it('is taken over from a process that was killed, by exactly one of many', async () => {
    const script = `
      import { openDataDir } from ${JSON.stringify(join(import.meta.dirname, '../../../../infra/local/data-dir.ts'))};
      await openDataDir(${JSON.stringify(folder)});
      console.log('held');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await expect(openDataDir(folder, 0)).rejects.toThrow(`in use by process ${child.pid}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const attempts = await Promise.allSettled(Array.from({ length: 5 }, () => openDataDir(folder, 200)));
    const held = attempts.filter((attempt) => attempt.status === 'fulfilled');
    expect(held).toHaveLength(1);
    for (const attempt of held) attempt.value.release();
  });

  it.each(['', '{"pid":', JSON.stringify({ pid: process.pid, startedAt: '1', since: 'long ago' })])(
    'is taken over from a lock that nobody alive wrote: %s',
    async (content) => {
      writeFileSync(join(folder, 'lock'), content);
      const held = await openDataDir(folder, 0);
      held.release();
      expect(existsSync(join(folder, 'lock'))).toBe(false);
    },
  );

  it('keeps one token that only its owner reads', () => {
    const { token, file } = ensureMasterToken(folder);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(ensureMasterToken(folder).token).toBe(token);
  });
});
