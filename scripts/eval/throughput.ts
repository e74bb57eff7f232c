import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { diagnose, rules } from '../../shared/diagnosis/index.ts';
import { table } from './table.ts';
import { failingLogs, MEGABYTE, quietLog, writeLog } from './throughput/logs.ts';

const SIZE = 32 * MEGABYTE;
const SIZES = { quiet: [1, 64, 256, 1000], errors: [1, 64, 256] } as const;
const RUNS = 3;
const TARGET = 200;
const FLAT_WITHIN = 4;
/** With more than this the measured process dies. */
const HEAP_LIMIT = 64;

export interface RateRow {
  readonly log: string;
  readonly method: string;
  readonly megabytesPerSecond: number;
  /** Ours against it. */
  readonly ours: string;
}

interface MemoryRow {
  readonly log: string;
  readonly megabytes: number;
  /** After a collection: what is really held. */
  readonly held: number;
  readonly heapPeak: number;
  readonly rssPeak: number;
}

export interface ThroughputReport {
  readonly rates: readonly RateRow[];
  readonly memory: readonly MemoryRow[];
  readonly targets: readonly { what: string; measured: number; target: number; met: boolean }[];
  /** Of memory: how fast the machine is at the moment decides nothing. */
  readonly passed: boolean;
}

const NEEDED = ['logchunks/labels.json', 'cidiff', 'bugswarm/expected.json', 'veloren/labels.json'];

export async function evaluate(data: string): Promise<ThroughputReport | undefined> {
  if (NEEDED.some((path) => !existsSync(join(data, 'logs', path)))) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'qmoi-throughput-'));
  try {
    const failing = await ratesOf('failing logs', join(folder, 'failing.log'), failingLogs(data, SIZE));
    const quiet = await ratesOf('mostly quiet', join(folder, 'quiet.log'), quietLog(SIZE));
    const memory = (['quiet', 'errors'] as const).flatMap((kind) => SIZES[kind].map((size) => memoryOf(kind, size)));
    const growth = Math.max(...(['quiet', 'errors'] as const).map((kind) => growthOf(memory, kind)));
    const rate = (what: string, rows: readonly RateRow[]) => {
      const measured = rows[0]?.megabytesPerSecond ?? 0;
      return { what: `megabytes a second, ${what}`, measured, target: TARGET, met: measured >= TARGET };
    };
    const flat = {
      what: 'megabytes held, of the longest log above those of 64 MB (at most)',
      measured: Math.round(growth * 10) / 10,
      target: FLAT_WITHIN,
      met: growth <= FLAT_WITHIN,
    };
    return {
      rates: [...failing, ...quiet],
      memory,
      targets: [rate('failing logs', failing), rate('mostly quiet', quiet), flat],
      passed: flat.met,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function render(report: ThroughputReport): string {
  return [
    table(`Throughput by processor time, ${SIZE / MEGABYTE} MB, the best of ${RUNS} runs in turn`, report.rates),
    table(`Megabytes of one diagnosis, streamed, under a limit of ${HEAP_LIMIT} MB of heap`, report.memory),
    table('Targets', report.targets),
  ].join('\n\n');
}

async function ratesOf(log: string, file: string, content: Iterable<Buffer>): Promise<RateRow[]> {
  const size = await writeLog(file, content);
  const read = () => createReadStream(file, { highWaterMark: 64 * 1024 });
  const literals = [...new Set(rules.flatMap((rule) => rule.literals))];
  const alternation = literals.map((literal) => literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const grep = (...options: string[]) => processorTime(['grep', '-a', '-c', ...options, '-E', alternation, file]);
  /** A method measures itself, or is measured here. */
  const methods: Readonly<Record<string, () => Promise<unknown> | number>> = {
    'QMOI: reader, rules, focus': () => diagnose(read(), { platform: 'unknown', jobName: '' }),
    'grep -cE of the same literals': () => grep(),
    'grep -ciE, in either case as ours': () => grep('-i'),
    'decoding and splitting lines': async () => {
      const decoder = new TextDecoder();
      let lines = 0;
      for await (const chunk of read()) lines += decoder.decode(chunk, { stream: true }).split(/\r\n|\n|\r/).length;
      return lines;
    },
    'counting line ends byte by byte': async () => {
      let lines = 0;
      for await (const chunk of read() as AsyncIterable<Buffer>)
        for (let i = 0; i < chunk.length; i++) if (chunk[i] === 10) lines++;
      return lines;
    },
  };
  const best = new Map<string, number>();
  for (let run = 0; run < RUNS; run++)
    for (const [method, work] of Object.entries(methods)) {
      const start = process.cpuUsage();
      const result = work();
      if (typeof result !== 'number') await result;
      const { user, system } = process.cpuUsage(start);
      const ms = typeof result === 'number' ? result : (user + system) / 1000;
      best.set(method, Math.min(best.get(method) ?? Number.POSITIVE_INFINITY, ms));
    }
  const rates = [...best].map(([method, ms]) => ({ method, rate: size / 1e3 / ms }));
  const ours = rates[0]?.rate ?? 0;
  return rates.map(({ method, rate }) => ({
    ...{ log, method, megabytesPerSecond: Math.round(rate), ours: `${(ours / rate).toFixed(2)} x` },
  }));
}

/** Milliseconds of a command, as its shell counts them; into /dev/null grep would stop at its first match. */
function processorTime(command: readonly string[]): number {
  const { stdout } = spawnSync('sh', ['-c', 'count=$("$@"); times', 'sh', ...command], {
    ...{ encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' }, timeout: 300_000 },
  });
  const children = stdout.trim().split('\n').at(-1) ?? '';
  const times = [...children.matchAll(/(\d+)m([\d.]+)s/g)];
  return times.reduce((sum, [, minutes, seconds]) => sum + 60_000 * Number(minutes) + 1000 * Number(seconds), 0);
}

function memoryOf(log: string, megabytes: number): MemoryRow {
  const script = fileURLToPath(new URL('throughput/memory.ts', import.meta.url));
  const options = ['--expose-gc', `--max-old-space-size=${HEAP_LIMIT}`, ...process.execArgv];
  const child = spawnSync(process.execPath, [...options, script, String(megabytes), log], {
    ...{ encoding: 'utf8', timeout: 900_000 },
  });
  if (child.status !== 0) throw new Error(`${log}, ${megabytes} MB: ${child.stderr}`);
  const { held, heap, rss } = JSON.parse(child.stdout) as { held: number; heap: number; rss: number };
  return { log, megabytes, held, heapPeak: heap, rssPeak: rss };
}

function growthOf(rows: readonly MemoryRow[], kind: string): number {
  const of = (pick: (row: MemoryRow) => boolean): number =>
    Math.max(...rows.filter((row) => row.log === kind && pick(row)).map(({ held }) => held));
  return of(() => true) - of(({ megabytes }) => megabytes === 64);
}
