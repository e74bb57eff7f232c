import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { main } from '../../cli/main.ts';
import { root } from '../support/assembly.ts';
import { ioOf } from '../unit/cli/io.ts';

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

interface Judged {
  rows: { was: { verdict: string }; would: object }[];
  summary: { changed: number };
  skipped: number;
}

/** The policy that took the decisions takes them again, exactly: asked for by the command, and of the API itself. */
async function expectSameDecisions(url: string, token: string): Promise<void> {
  const io = ioOf({ cwd: root, env: { QMOI_SERVER_URL: url, QMOI_MASTER_TOKEN: token } });
  expect(await main(['backtest', '--policy', 'qmoi.config.yaml', '--json'], io), io.texts().err).toBe(0);
  const { rows, summary, skipped } = JSON.parse(io.texts().out) as Judged;
  expect(rows.map(({ would }) => would)).toEqual(rows.map(({ was }) => was));
  expect([summary.changed, skipped]).toEqual([0, 0]);
  expect(new Set(rows.map(({ was }) => was.verdict))).toEqual(new Set(['act', 'refuse']));

  const told = async (resource: string, body?: object) => {
    const response = await fetch(new URL(`/v1/${resource}`, url), {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
    expect(response.status).toBe(200);
    return (await response.json()) as { items: { id: string }[]; nextCursor: string | null };
  };
  const judged: { id: string }[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await told('backtests', { days: 2, ...(cursor && { cursor }) });
    judged.push(...page.items);
    cursor = page.nextCursor;
  }
  expect(judged).toEqual(rows);
  const fixes = (await told('remediations?limit=200')).items.map(({ id }) => id);
  expect(judged.map(({ id }) => id).sort()).toEqual(fixes.sort());
}

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
        await expectSameDecisions(url, token);
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
