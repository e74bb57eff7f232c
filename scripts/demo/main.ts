import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type DemoRun, runDemo, type Voice } from './demo.ts';
import { assemble, freePort, type HostProcess, launchHost } from './host.ts';
import { type DemoOptions, HELP, readOptions } from './options.ts';
import { scenario } from './scenario/index.ts';
import { createWorld } from './world.ts';

/** For what one act sets off. It takes seconds; what chaos breaks comes back only when its queue shows it again. */
const SETTLE_WITHIN_MS = process.env.QMOI_LOCAL_CHAOS ? 300_000 : 90_000;
const REDELIVER_EVERY_MS = 500;
/** What a shell says of a command that Ctrl-C ended. */
const INTERRUPTED = 130;
const CLEAR_LINE = '\r\u001B[2K';

/** Redraws one line on a terminal; elsewhere only what stays is printed. */
function terminal(out: NodeJS.WriteStream): Voice {
  return {
    say: (line) => void out.write(`${out.isTTY ? CLEAR_LINE : ''}${line}\n`),
    progress: (line) => void (out.isTTY && out.write(CLEAR_LINE + line.slice(0, (out.columns ?? 80) - 1))),
  };
}

/** Resolves on the first Ctrl-C or SIGTERM. */
const interrupted = new Promise<void>((done) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done());
});

async function main(options: DemoOptions): Promise<number> {
  const voice = terminal(process.stdout);
  const started = performance.now();
  const dataDir =
    options.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'qmoi-demo-')) : resolve(options.dataDir);
  const world = await createWorld({ ...options, redeliverEveryMs: REDELIVER_EVERY_MS });
  let host: HostProcess | undefined;
  try {
    voice.say('A fake GitHub, a fake GitLab, and QMOI’s embedded host between them.');
    const token = randomBytes(24).toString('base64url');
    const assemblyDir = await assemble(dataDir, (line) => voice.say(line));
    host = await launchHost({ dataDir, port: await freePort(), token, settings: world.settings }, assemblyDir);
    const running = host;
    await running.ready();
    voice.say(`QMOI is up at ${running.url} after ${seconds(started)}.\n`);
    const outcome = await Promise.race([
      replay({
        scenario,
        world,
        url: running.url,
        token,
        seed: options.seed,
        speed: options.speed,
        voice,
        rest: {
          withinMs: SETTLE_WITHIN_MS,
          hopeless: () => running.ended() && `the host ended by itself (${running.ended()}); its log is ${running.log}`,
        },
      }),
      interrupted.then(() => undefined),
    ]);
    if (outcome === undefined) return INTERRUPTED;
    voice.say(`Done after ${seconds(started)}.`);
    if (!options.exit) {
      for (const line of invitation(running.url, token)) voice.say(line);
      await interrupted;
    }
    return outcome;
  } catch (error) {
    // The folder that its log lies in may be removed with the demo.
    const said = await host?.lastWords();
    throw said ? new Error(`${(error as Error).message}\nThe host's last words:\n${said}`) : error;
  } finally {
    voice.progress('');
    try {
      await host?.stop();
    } finally {
      await world.close();
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    }
  }
}

/** 0 when the outcome is the ground truth. */
async function replay(run: DemoRun): Promise<number> {
  const { table, differences } = await runDemo(run);
  run.voice.say(`\n${table}\n`);
  if (differences.length === 0) {
    run.voice.say('What QMOI measured is the ground truth.');
    return 0;
  }
  process.stderr.write(`The outcome is NOT the ground truth (seed ${run.seed}):\n`);
  for (const difference of differences) process.stderr.write(`  ${difference}\n`);
  return 1;
}

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

const invitation = (url: string, token: string): string[] => [
  '',
  'Everything stays up for a look around; Ctrl-C ends it.',
  `  export TOKEN=${token}`,
  ...[
    '/v1/incidents?status=escalated',
    '/v1/failures?category=network',
    '/v1/remediations',
    '/v1/activity?limit=10',
    '/_local',
  ].map((path) => `  curl -sH "Authorization: Bearer $TOKEN" '${url}${path}'`),
];

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(`${HELP}\n`);
  else {
    const code = await main(options);
    // An interrupted replay still waits for a host that is gone.
    if (code === INTERRUPTED) process.exit(code);
    process.exitCode = code;
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
