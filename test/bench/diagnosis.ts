/**
 * Throughput of the diagnosis: node --import tsx test/bench/diagnosis.ts [megabytes]
 * Its memory, from 1 MB to 1 GB: node --expose-gc --import tsx test/bench/diagnosis.ts memory
 * Beside it, in the same run, what bounds it: the automaton alone, splitting lines, decoding the bytes.
 */
import { fileURLToPath } from 'node:url';
import { diagnose, rules } from '../../shared/diagnosis/index.ts';
import { compileRules } from '../../shared/diagnosis/rules/compiled.ts';
import { LineScanner } from '../../shared/diagnosis/scanner.ts';
import { asGitHubLog, recordedLogs } from '../support/logs.ts';

const CHUNK = 64 * 1024;

export interface Measured {
  readonly name: string;
  readonly megabytesPerSecond: number;
}

/** Logs as they come: mostly progress of no interest, some of it coloured, and now and then a failure. */
function sample(): Uint8Array {
  const quiet = Array.from({ length: 400 }, (_, i) =>
    i % 5 === 0
      ? `\u001b[0m\u001b[32m   Compiling\u001b[0m crate-number-${i} v0.${i}.1 (https://example.com/registry/${i})`
      : `[${i}/400] Building CXX object src/module_${i}/CMakeFiles/module.dir/file_${i * 7}.cpp.o -O2 -Wall -I/usr/include`,
  ).join('\n');
  const logs = recordedLogs.map(({ text }, i) => asGitHubLog(i % 4 === 0 ? `${quiet}\n${text}` : quiet));
  return Buffer.from(logs.join(''), 'utf8');
}

function* chunks(bytes: Uint8Array, total: number): Generator<Uint8Array> {
  for (let sent = 0; sent < total; )
    for (let i = 0; i < bytes.length && sent < total; i += CHUNK) {
      const chunk = bytes.subarray(i, Math.min(i + CHUNK, bytes.length));
      sent += chunk.length;
      yield chunk;
    }
}

async function timed(name: string, total: number, work: () => unknown): Promise<Measured> {
  const start = performance.now();
  await work();
  return { name, megabytesPerSecond: Math.round(total / 1e3 / (performance.now() - start)) };
}

export async function benchDiagnosis(megabytes = 64): Promise<Measured[]> {
  const bytes = sample();
  const total = megabytes * 1e6;
  const context = { platform: 'github', jobName: 'bench' };
  const compiled = compileRules(rules);
  const errors = Buffer.from(
    `${"fatal: unable to access 'https://github.com/a/b/': Could not resolve host: github.com\n".repeat(700)}`,
  );
  await diagnose(chunks(bytes, 4e6), context);
  return [
    await timed('diagnose', total, () => diagnose(chunks(bytes, total), context)),
    await timed('diagnose, every line an error', total / 8, () => diagnose(chunks(errors, total / 8), context)),
    await timed('automaton and lines only', total, () => {
      const scanner = new LineScanner(compiled.automaton, compiled.ownerCount, () => {});
      for (const chunk of chunks(bytes, total)) scanner.push(chunk);
    }),
    await timed('decode and split lines', total, () => {
      const decoder = new TextDecoder();
      let lines = 0;
      for (const chunk of chunks(bytes, total))
        lines += decoder.decode(chunk, { stream: true }).split(/\r\n|\n|\r/).length;
      return lines;
    }),
  ];
}

export interface Footprint {
  readonly megabytes: number;
  /** Highest sizes seen while the log went by. */
  readonly heapMegabytes: number;
  readonly buffersMegabytes: number;
}

/** What a log of so many megabytes takes: the same for all sizes, or something piles up. */
export async function benchDiagnosisMemory(sizes: readonly number[] = [1, 16, 256, 1000]): Promise<Footprint[]> {
  const bytes = sample();
  const found: Footprint[] = [];
  for (const megabytes of sizes) {
    let heap = 0;
    let buffers = 0;
    function* watched() {
      let count = 0;
      // Copies: a network hands over pieces of its own, which must not be held on to.
      for (const chunk of chunks(bytes, megabytes * 1e6)) {
        if (count++ % 16 === 0) {
          globalThis.gc?.();
          const now = process.memoryUsage();
          heap = Math.max(heap, now.heapUsed);
          buffers = Math.max(buffers, now.arrayBuffers - bytes.byteLength);
        }
        yield Uint8Array.from(chunk);
      }
    }
    await diagnose(watched(), { platform: 'github', jobName: 'bench' }, { maxBytes: Number.POSITIVE_INFINITY });
    found.push({
      megabytes,
      heapMegabytes: Math.round(heap / 1e6),
      buffersMegabytes: Math.round(buffers / 1e6),
    });
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === 'memory') {
    console.table(await benchDiagnosisMemory());
    process.exit();
  }
  const start = performance.now();
  compileRules([...rules]);
  console.log(`${rules.length} rules, automaton built in ${(performance.now() - start).toFixed(1)} ms`);
  console.table(await benchDiagnosis(Number(process.argv[2] ?? 64)));
  console.log(`peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
}
