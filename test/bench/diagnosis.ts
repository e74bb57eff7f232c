/**
 * Throughput of the diagnosis: node --import tsx test/bench/diagnosis.ts [megabytes]
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const start = performance.now();
  compileRules([...rules]);
  console.log(`${rules.length} rules, automaton built in ${(performance.now() - start).toFixed(1)} ms`);
  console.table(await benchDiagnosis(Number(process.argv[2] ?? 64)));
  console.log(`peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
}
