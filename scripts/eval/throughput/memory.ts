import { diagnose } from '../../../shared/diagnosis/index.ts';
import { MEGABYTE, quietLog } from './logs.ts';

/** A process of its own, so that nothing of another size is left: what one diagnosis of so many megabytes holds at most. */
const megabytes = Number(process.argv[2]);
let held = 0;
let heap = 0;
let rss = 0;
const size = megabytes * MEGABYTE;
const collect = globalThis.gc;
if (!collect) throw new Error('needs --expose-gc');

/** The hardest for what is kept: each line is a candidate. */
function* errors(size: number): Generator<Buffer> {
  for (let made = 0, i = 0; made < size; ) {
    const lines = Array.from({ length: 600 }, () => `error: cannot find part ${++i} of ${i % 977}: no such file\n`);
    const bytes = Buffer.from(lines.join(''));
    made += bytes.length;
    yield bytes;
  }
}

function* watched(): Generator<Buffer> {
  let next = 0;
  let collected = 0;
  let seen = 0;
  for (const bytes of process.argv[3] === 'errors' ? errors(size) : quietLog(size)) {
    yield bytes;
    seen += bytes.length;
    if (seen < next) continue;
    next = seen + Math.min(size / 16, MEGABYTE);
    const usage = process.memoryUsage();
    heap = Math.max(heap, usage.heapUsed);
    rss = Math.max(rss, usage.rss);
    if (seen < collected + size / 8) continue;
    collected = seen;
    collect?.();
    held = Math.max(held, process.memoryUsage().heapUsed);
  }
}

const { bytes, cause } = await diagnose(
  watched(),
  { platform: 'github', jobName: '' },
  { maxBytes: Number.MAX_SAFE_INTEGER },
);
const inMegabytes = (value: number): number => Math.round(value / 1e5) / 10;
console.log(JSON.stringify({ held: inMegabytes(held), heap: inMegabytes(heap), rss: inMegabytes(rss), bytes, cause }));
