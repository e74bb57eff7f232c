import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { root } from '../support/host.ts';

interface Demo {
  readonly said: () => string;
  readonly complained: () => string;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<number | null>;
}

/** The demo as a person starts it, its temporary folders in one of the test's. */
function demo(args: readonly string[], folder: string): Demo {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/demo/main.ts', ...args], {
    cwd: root,
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      out[name] += chunk.toString('utf8');
    });
  }
  return {
    said: () => out.stdout,
    complained: () => out.stderr,
    signal: (name) => void child.kill(name),
    ended: once(child, 'close').then(([code]) => code as number | null),
  };
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'qmoi-demo-test-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the demo leaves behind; tsx keeps a cache of its own. */
const leftIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.startsWith('qmoi-'));

const until = async (demo: Demo, pattern: RegExp): Promise<string> => {
  let ended = false;
  void demo.ended.then(() => {
    ended = true;
  });
  for (;;) {
    const found = pattern.exec(demo.said());
    if (found) return found[1] ?? found[0];
    if (ended) throw new Error(`the demo ended without ${pattern}:\n${demo.said()}${demo.complained()}`);
    await sleep(50);
  }
};

const isUp = (url: string): Promise<boolean> =>
  fetch(new URL('/healthz', url)).then(
    (response) => response.ok,
    () => false,
  );

describe('the demo', () => {
  it(
    'replays, shows that what was measured is the truth, stays for a look around, and ends when told to',
    {
      timeout: 180_000,
    },
    () =>
      inFolder(async (folder) => {
        const running = demo(['--seed', 'e2e', '--speed', '120'], folder);
        const url = await until(running, /^QMOI is up at (\S+)/m);
        await until(running, /^What QMOI measured is the ground truth\.$/m);
        const token = await until(running, /export TOKEN=(\S+)/);
        expect(running.said()).toMatch(/sent +377 +377$/m);
        expect(running.said()).toContain('network/dns-resolution-failed, transient');
        const answer = await fetch(new URL('/v1/incidents?status=escalated', url), {
          headers: { authorization: `Bearer ${token}` },
        });
        expect(((await answer.json()) as { items: unknown[] }).items).toHaveLength(2);
        running.signal('SIGTERM');
        expect(await running.ended, running.complained()).toBe(0);
        expect(await isUp(url)).toBe(false);
        expect(leftIn(folder)).toEqual([]);
      }),
  );

  it(
    'ends in the middle of the replay when told to, and keeps the state it was told to keep',
    {
      timeout: 120_000,
    },
    () =>
      inFolder(async (folder) => {
        const dataDir = join(folder, 'kept');
        const running = demo(['--exit', '--data-dir', dataDir], folder);
        const url = await until(running, /^QMOI is up at (\S+)/m);
        await until(running, /^1\/5 /m);
        running.signal('SIGINT');
        expect(await running.ended, running.complained()).toBe(130);
        expect(await isUp(url)).toBe(false);
        expect(existsSync(join(dataDir, 'host.log'))).toBe(true);
      }),
  );

  it('explains itself, and refuses what it does not know', { timeout: 60_000 }, () =>
    inFolder(async (folder) => {
      const help = demo(['--help'], folder);
      expect(await help.ended).toBe(0);
      expect(help.said()).toContain('npm run demo -- --exit');
      const wrong = demo(['--exot'], folder);
      expect(await wrong.ended).toBe(1);
      expect(wrong.complained()).toContain('--exot');
      expect(leftIn(folder)).toEqual([]);
    }),
  );
});
