#!/usr/bin/env node
/**
 * QMOI's agent: tells how this machine and the runner service on it are, and does the few things it is told to, each once.
 * It needs nothing but Node 20.19 or later: this one file may be copied to a machine as it is.
 */
import { execFile } from 'node:child_process';
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { mkdir, readFile, rename, statfs, writeFile } from 'node:fs/promises';
import {
  arch,
  availableParallelism,
  cpus,
  freemem,
  homedir,
  hostname,
  loadavg,
  platform,
  release,
  totalmem,
  uptime,
} from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const VERSION = '0.1.0';

export const USAGE = `Usage: qmoi-agent --url URL [options]

Tells QMOI how this machine is, and restarts its runner service or collects diagnostics when QMOI says so.

  --url URL          QMOI's address (or QMOI_SERVER_URL)
  --token-file FILE  the file that holds this machine's token (or QMOI_HEARTBEAT_TOKEN);
                     \`qmoi heartbeat-token NAME\` makes one
  --source NAME      this machine's name (default: the one in its token, else the host's)
  --platform NAME    local, custom or qcity (default: local)
  --service NAME     the runner service to watch, and the only one it ever restarts
  --sudo             restart it with sudo -n
  --pool NAME        the pool the runner belongs to
  --labels A,B       what the runner is labelled with
  --disk PATH        the file system to watch (default: /)
  --interval SECONDS between two reports, give or take a tenth (default: 60)
  --state FILE       where it remembers what it has done (default: in the home folder)
  --no-commands      only tell
  --once             one report, for cron; exit code 1 when it did not get through
  --insecure         send the token over plain http to another machine`;

const TIMEOUT_MS = 10_000;
const MAX_ANSWER = 64 * 1024;
const MAX_OUTPUT = 12_000;
/** A command is refused when it was signed longer ago, or later, than this: clocks differ, but not by so much. */
const SIGNED_WITHIN_S = 300;
const REMEMBER_MS = 24 * 3_600_000;
const NAME = /^[A-Za-z0-9][\w./+-]{0,79}$/;
/** Never an option, whatever program it is handed to. */
const SERVICE = /^[A-Za-z0-9_][\w@.:\\-]{0,127}$/;

class Mistake extends Error {}

/** Runs a program by itself, without a shell. Never rejects. */
function run(file, args, timeout = 60_000) {
  return new Promise((resolve) => {
    execFile(file, args, { timeout, maxBuffer: 1024 * 1024, windowsHide: true }, (error, stdout, stderr) =>
      resolve({
        ok: error === null,
        missing: error?.code === 'ENOENT',
        stdout,
        stderr: stderr || (error?.message ?? ''),
      }),
    );
  });
}

// What each system calls its services. Only ever asked about, and told to restart, the one this agent was installed for.
const SERVICES = {
  linux: {
    state: async (name) => (await run('systemctl', ['is-active', '--', name])).stdout.trim(),
    restart: (name) => ['systemctl', ['restart', '--', name]],
    report: (name) => ['systemctl', ['status', '--no-pager', '--full', '--lines=40', '--', name]],
  },
  darwin: {
    state: async (name) => /^\s*state = (.+)$/m.exec((await run('launchctl', ['print', `system/${name}`])).stdout)?.[1],
    restart: (name) => ['launchctl', ['kickstart', '-k', `system/${name}`]],
    report: (name) => ['launchctl', ['print', `system/${name}`]],
  },
  win32: {
    state: async (name) => /STATE\s+: \d+\s+(\w+)/.exec((await run('sc.exe', ['query', name])).stdout)?.[1],
    restart: (name) => [
      'powershell.exe',
      ['-NoProfile', '-NonInteractive', '-Command', `Restart-Service -Force -Name '${name}'`],
    ],
    report: (name) => ['sc.exe', ['queryex', name]],
  },
};
const services = SERVICES[platform()];

export async function serviceState(name) {
  return (await services?.state(name)) || 'unknown';
}

const cpuTimes = () =>
  cpus().reduce(
    (sum, { times }) => {
      const all = times.user + times.nice + times.sys + times.idle + times.irq;
      return { all: sum.all + all, idle: sum.idle + times.idle };
    },
    { all: 0, idle: 0 },
  );
let before = cpuTimes();

/** The share of processor time that was used since the last look. */
async function cpuShare() {
  let now = cpuTimes();
  if (now.all - before.all < 1000) {
    await sleep(500);
    now = cpuTimes();
  }
  const [all, idle] = [now.all - before.all, now.idle - before.idle];
  before = now;
  return all <= 0 ? undefined : share(1 - idle / all);
}

const share = (value) =>
  Number.isFinite(value) ? Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000 : undefined;

/** What the kernel could hand out is not in use, though it is not free. */
async function memoryShare() {
  const text = platform() === 'linux' ? await readFile('/proc/meminfo', 'utf8').catch(() => '') : '';
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return share(1 - (available === undefined ? freemem() : Number(available) * 1024) / totalmem());
}

/** As `df` counts: of what those without privileges can have. */
async function diskShare(path) {
  const found = await statfs(path).catch(() => undefined);
  if (found === undefined) return undefined;
  const used = found.blocks - found.bfree;
  return used + found.bavail === 0 ? undefined : share(used / (used + found.bavail));
}

export async function vitals({ disk, service, pool, labels, source }) {
  const [cpu, memory, diskUsed] = await Promise.all([cpuShare(), memoryShare(), diskShare(disk)]);
  return {
    id: source,
    name: hostname().slice(0, 100),
    os: `${platform()} ${release()}`.slice(0, 100),
    arch: arch(),
    cpu,
    memory,
    disk: diskUsed,
    // Windows has none.
    load: platform() === 'win32' ? undefined : Math.round((loadavg()[0] / availableParallelism()) * 100) / 100,
    agentVersion: VERSION,
    pool,
    labels,
    service: service && { name: service, state: await serviceState(service) },
  };
}

/** Why a command is not to be done; undefined: it is what QMOI signed for this machine, just now. */
export function objectionTo(command, { token, runnerId, now }) {
  const { id, command: name, issuedAt, expiresAt, signature } = command;
  if (![id, name, signature].every((text) => typeof text === 'string')) return 'it is malformed';
  if (!Number.isInteger(issuedAt) || !Number.isInteger(expiresAt)) return 'it has no time';
  const text = ['v1', runnerId, id, name, issuedAt, expiresAt].join('\n');
  const wanted = createHmac('sha256', token).update(text).digest();
  const given = Buffer.from(signature, 'hex');
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return 'its signature is wrong';
  if (Math.abs(now - issuedAt) > SIGNED_WITHIN_S) return 'it was not signed just now, or the clocks differ';
  if (now > expiresAt) return 'it has expired';
  return Object.hasOwn(DOINGS, name) ? undefined : 'it is none that this agent knows';
}

const DOINGS = {
  async 'restart-runner-service'({ service, sudo }) {
    if (service === undefined) return { outcome: 'refused', output: 'This agent was installed for no service.' };
    if (services === undefined) return { outcome: 'refused', output: `Services on ${platform()} are unknown.` };
    const [file, args] = services.restart(service);
    const done = sudo ? await run('sudo', ['-n', file, ...args]) : await run(file, args);
    const state = await serviceState(service);
    return { outcome: done.ok ? 'done' : 'failed', output: `${service}: ${state}\n${done.stderr}`.trim() };
  },
  async 'collect-diagnostics'({ service, disk }) {
    const wanted = [
      ...(service === undefined || services === undefined ? [] : [services.report(service)]),
      ...(platform() === 'win32' ? [] : [['df', ['-kP', disk]]]),
      ...(platform() === 'linux' ? [['ps', ['-eo', 'pid,ppid,pcpu,pmem,etime,comm', '--sort=-pcpu']]] : []),
    ];
    const parts = [
      `up ${Math.round(uptime())} s, load ${loadavg()
        .map((each) => each.toFixed(2))
        .join(' ')}`,
    ];
    for (const [file, args] of wanted) {
      const { stdout, stderr } = await run(file, args, 15_000);
      const lines = (stdout || stderr).split('\n').slice(0, 60).join('\n');
      parts.push(`$ ${file} ${args.join(' ')}\n${lines.slice(0, MAX_OUTPUT / 3)}`);
    }
    return { outcome: 'done', output: parts.join('\n\n') };
  },
};

/** What it was told, and what came of it: on disk before it is done, so that a crash does not do it twice. */
class Memory {
  constructor(file) {
    this.file = file;
    this.commands = {};
  }
  async load(now) {
    const text = await readFile(this.file, 'utf8').catch((error) => {
      if (error.code === 'ENOENT') return '{}';
      throw error;
    });
    for (const [id, known] of Object.entries(JSON.parse(text).commands ?? {})) {
      if (now - known.at < REMEMBER_MS) this.commands[id] = known;
    }
  }
  async note(id, known) {
    this.commands[id] = known;
    await mkdir(dirname(this.file), { recursive: true, mode: 0o700 });
    const fresh = `${this.file}.${process.pid}`;
    await writeFile(fresh, JSON.stringify({ commands: this.commands }), { mode: 0o600, flush: true });
    await rename(fresh, this.file);
  }
  results() {
    const open = Object.entries(this.commands).filter(([, known]) => !known.told);
    return open.slice(0, 10).map(([id, { outcome, output }]) => ({ id, outcome, output }));
  }
  async toldOf(results) {
    for (const { id } of results) await this.note(id, { ...this.commands[id], told: true });
  }
}

async function report(settings, memory, signal) {
  const results = memory.results();
  const { url, token, source, interval } = settings;
  const body = { source, platform: settings.platform, interval, host: await vitals(settings), results };
  const response = await fetch(`${url}/heartbeats`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
      'user-agent': `qmoi-agent/${VERSION}`,
    },
    body: JSON.stringify(body),
    // Another address would get the token as well.
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  const text = (await response.text()).slice(0, MAX_ANSWER);
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 300)}`);
  await memory.toldOf(results);
  const { commands } = JSON.parse(text);
  return Array.isArray(commands) ? commands : [];
}

/** Does what is new of what it was told. True: there is something to tell. */
async function obey(commands, settings, memory, err) {
  let news = false;
  for (const command of settings.commands ? commands : []) {
    const now = Math.floor(Date.now() / 1000);
    const runnerId = `${settings.platform}:machines:${settings.source}`;
    const objection = objectionTo(command ?? {}, { token: settings.token, runnerId, now });
    if (objection !== undefined) {
      err(`refused a command: ${objection}`);
      continue;
    }
    const { id, command: name } = command;
    if (Object.hasOwn(memory.commands, id)) {
      // Told before, but the telling may have been lost.
      await memory.note(id, { ...memory.commands[id], told: false });
      news = true;
      continue;
    }
    const at = Date.now();
    await memory.note(id, { at, outcome: 'unknown', output: 'The agent ended while it was at it.', told: false });
    err(`${name} (${id})`);
    const { outcome, output } = await DOINGS[name](settings);
    await memory.note(id, { at, outcome, output: output.slice(0, MAX_OUTPUT), told: false });
    news = true;
  }
  return news;
}

async function settingsOf(args, env) {
  const text = { type: 'string' };
  const flag = { type: 'boolean' };
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ url: text, 'token-file': text, source: text, platform: text, service: text, pool: text, labels: text },
      ...{ disk: text, interval: text, state: text, sudo: flag, 'no-commands': flag, once: flag, insecure: flag },
    },
  });
  const address = values.url ?? env.QMOI_SERVER_URL ?? '';
  if (!URL.canParse(address)) throw new Mistake('Say with --url where QMOI is.');
  const { protocol, hostname: host } = new URL(address);
  const near = ['localhost', '127.0.0.1', '[::1]'].includes(host);
  if (protocol !== 'https:' && !(protocol === 'http:' && (near || values.insecure))) {
    throw new Mistake('The token goes over https only; --insecure allows http.');
  }
  const file = values['token-file'];
  const token = (file === undefined ? env.QMOI_HEARTBEAT_TOKEN : await readFile(file, 'utf8'))?.trim();
  if (!token) throw new Mistake('There is no token: --token-file, or QMOI_HEARTBEAT_TOKEN.');
  const ofToken = token.includes('~') ? token.slice(0, token.lastIndexOf('~')) : undefined;
  const source = values.source ?? ofToken ?? hostname().replace(/[^\w./+-]/g, '-');
  const interval = Number(values.interval ?? 60);
  if (!NAME.test(source)) throw new Mistake(`"${source}" is no name for a machine.`);
  if (!(interval >= 1 && interval <= 86_400)) throw new Mistake('--interval takes 1 to 86400 seconds.');
  const { service } = values;
  if (service !== undefined && !SERVICE.test(service)) throw new Mistake(`"${service}" is no name of a service.`);
  return {
    ...{ url: address.replace(/\/+$/, ''), token, source, interval, service },
    platform: values.platform ?? 'local',
    pool: values.pool,
    labels: values.labels?.split(',').map((label) => label.trim()),
    disk: values.disk ?? (platform() === 'win32' ? 'C:\\' : '/'),
    state: values.state ?? join(homedir(), '.qmoi-agent', `${source.replaceAll('/', '_')}.json`),
    sudo: values.sudo === true,
    commands: values['no-commands'] !== true,
    once: values.once === true,
  };
}

/** Resolves with the exit code, when it is told to end or has reported once. */
export async function main(args, { env, signal, out, err }) {
  if (args.includes('--help') || args.includes('-h')) {
    out(USAGE);
    return 0;
  }
  let settings;
  try {
    settings = await settingsOf(args, env);
  } catch (error) {
    err(`${error.message}\n\nqmoi-agent --help tells how it is called.`);
    return 2;
  }
  const memory = new Memory(settings.state);
  await memory.load(Date.now());
  while (!signal.aborted) {
    let soon = false;
    let failed = false;
    try {
      soon = await obey(await report(settings, memory, signal), settings, memory, err);
    } catch (error) {
      if (signal.aborted) break;
      failed = true;
      err(error.cause?.message ?? error.message);
    }
    if (settings.once && !soon) return failed ? 1 : 0;
    // Machines that were started together do not report together for ever.
    const wait = soon ? 0 : settings.interval * (0.9 + Math.random() / 5) * 1000;
    await sleep(wait, undefined, { signal }).catch(() => undefined);
  }
  return 0;
}

const called = process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (called) {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => ending.abort());
  process.exitCode = await main(process.argv.slice(2), {
    env: process.env,
    signal: ending.signal,
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${new Date().toISOString()} ${line}\n`),
  });
}
