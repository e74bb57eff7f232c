import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

/** What `npm pack` puts together, in a folder where nothing else is: no sources, no packages. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'qmoi-installed-'));
  const { scripts, bin } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    scripts: { prepack: string };
    bin: Record<string, string>;
  };
  expect(bin).toEqual({ qmoi: 'bin/qmoi.mjs', 'qmoi-agent': 'agent/qmoi-agent.mjs' });
  expect(scripts.prepack).toBe('node scripts/build-cli.mjs');
  execFileSync(process.execPath, ['scripts/build-cli.mjs', join(folder, 'dist/cli')]);
  for (const part of ['bin', 'agent', 'package.json']) cpSync(part, join(folder, part), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (file: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(folder, file), ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { QMOI_HEARTBEAT_TOKEN: 'secret' },
  });

it('runs without sources and packages', () => {
  expect(run('bin/qmoi.mjs', '--help')).toMatchObject({ status: 0, stderr: '' });
  expect(run('bin/qmoi.mjs', 'frobnicate')).toMatchObject({ status: 2 });
  expect(run('bin/qmoi.mjs', 'heartbeat-token', 'backup').stdout).toMatch(/^backup~[\w-]{43}\n$/);
  expect(run('bin/qmoi.mjs', 'heartbeat-token', 'a b')).toMatchObject({ status: 2 });
});

it('has the agent as a file by itself', () => {
  expect(run('agent/qmoi-agent.mjs', '--help')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('--service'),
  });
  const imported = [...readFileSync('agent/qmoi-agent.mjs', 'utf8').matchAll(/from '([^']+)'/g)].map(
    ([, name]) => name,
  );
  expect(imported.filter((name) => !name?.startsWith('node:'))).toEqual([]);
});
