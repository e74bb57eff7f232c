import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diagnose, rules } from '../../../shared/diagnosis/index.ts';
import { bugSwarm, ciDiff, logChunks, veloren } from './corpus.ts';

const MEGABYTE = 1_000_000;
const SIZE = 128 * MEGABYTE;

export interface SpeedRow {
  readonly method: string;
  readonly megabytesPerSecond: number;
}

/** All given logs one after another, over and over, as one file; each method reads it alone. */
export async function speed(data: string): Promise<SpeedRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'qmoi-speed-'));
  const file = join(folder, 'all.log');
  try {
    const size = await write(file, data);
    const rate = (ms: number): number => Math.round(size / 1e3 / ms);
    const read = () => createReadStream(file, { highWaterMark: 256 * 1024 });
    const ours = await timed(() => diagnose(read(), { platform: 'unknown', jobName: '' }));
    const splitting = await timed(async () => {
      const decoder = new TextDecoder();
      let lines = 0;
      for await (const chunk of read()) lines += decoder.decode(chunk, { stream: true }).split(/\r\n|\n|\r/).length;
      return lines;
    });
    const alternation = [...new Set(rules.flatMap(({ literals }) => literals))]
      .map((literal) => literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('|');
    const grep = await timed(() =>
      spawnSync('grep', ['-a', '-c', '-i', '-E', alternation, file], { env: { LC_ALL: 'C' }, timeout: 300_000 }),
    );
    return [
      { method: 'QMOI: reader and rules', megabytesPerSecond: rate(ours) },
      { method: 'grep -ciE of the same literals', megabytesPerSecond: rate(grep) },
      { method: 'decoding and splitting lines', megabytesPerSecond: rate(splitting) },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function write(file: string, data: string): Promise<number> {
  const logs = [...logChunks(data), ...veloren(data), ...ciDiff(data), ...bugSwarm(data)].map(({ bytes }) => bytes);
  const out = createWriteStream(file);
  let size = 0;
  for (let i = 0; size < SIZE && logs.length > 0; i = (i + 1) % logs.length) {
    const bytes = logs[i] as Buffer;
    size += bytes.length;
    if (!out.write(bytes)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  return size;
}

/** Milliseconds of the faster of two runs: the first one warms up. */
async function timed(work: () => unknown): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 2; i++) {
    const start = performance.now();
    await work();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
