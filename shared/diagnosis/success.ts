import { isPassing, isQuoted, isWarning } from './lines.ts';
import { compileRules, FIRST_RULE } from './rules/compiled.ts';
import { rules as ownRules } from './rules/index.ts';
import { LineScanner } from './scanner.ts';
import type { LogSource, Rule } from './types.ts';

/** Distinct kinds of lines remembered of a green log: about 16 MB of numbers at most. */
const MAX_KINDS = 1_000_000;
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const NUMBERS = /0x[0-9a-fA-F]+|\b(?=[a-f]*\d)[0-9a-f]{7,64}\b|\d+(?:[.,:]\d+)*/g;

/** What the lines of a job's last successful log say, so that what a green run prints as well can lose rank. */
export class SuccessLines {
  readonly #kinds: Set<number>;
  /** Only the lower half of each number is known. */
  readonly #short: boolean;
  /** Rules that match the green log: they explain no failure of this job as long as another one does. */
  readonly matched: Set<string>;

  constructor(kept?: { digests: Uint8Array; matched: Iterable<string> }) {
    this.#kinds = new Set(kept && numbersIn(kept.digests));
    this.#short = kept !== undefined;
    this.matched = new Set(kept?.matched);
  }

  /** True when the green run printed a line of that kind: equal but for numbers, hashes, times and blanks; no errors and three errors differ. */
  has(text: string): boolean {
    const kind = kindOf(text);
    return this.#kinds.has(this.#short ? kind >>> 0 : kind);
  }

  /** False: it has such a line already, or is full. */
  add(text: string): boolean {
    const { size } = this.#kinds;
    if (size < MAX_KINDS) this.#kinds.add(kindOf(text));
    return this.#kinds.size > size;
  }

  /** To be kept, four bytes a kind: among ten thousand a false match has a chance of one in 400,000. Undefined: more than `max`. */
  digests(max: number): Uint8Array | undefined {
    if (this.#kinds.size > max) return undefined;
    const bytes = Buffer.alloc(4 * this.#kinds.size);
    let at = 0;
    for (const kind of this.#kinds) at = bytes.writeUInt32LE(kind >>> 0, at);
    return bytes;
  }
}

function* numbersIn(digests: Uint8Array): Generator<number> {
  const view = new DataView(digests.buffer, digests.byteOffset, digests.byteLength);
  for (let at = 0; at + 4 <= digests.byteLength; at += 4) yield view.getUint32(at, true);
}

/** Reads at most `maxBytes` of a successful log; `onKind` is told the first line of each kind. */
export async function readSuccess(
  log: LogSource,
  maxBytes = DEFAULT_MAX_BYTES,
  rules: readonly Rule[] = ownRules,
  onKind?: (text: string) => void,
): Promise<SuccessLines> {
  const lines = new SuccessLines();
  const compiled = compileRules(rules);
  const scanner = new LineScanner(compiled.automaton, compiled.ownerCount, (line, owners) => {
    const text = line.text();
    if (lines.add(text)) onKind?.(text);
    if (isPassing(text) || isQuoted(text) || isWarning(text)) return;
    for (const owner of owners) {
      const rule = compiled.rules[owner - FIRST_RULE];
      if (rule && !lines.matched.has(rule.id) && compiled.matches(owner - FIRST_RULE, text)) lines.matched.add(rule.id);
    }
  });
  let bytes = 0;
  for await (const chunk of typeof log === 'string' ? [Buffer.from(log, 'utf8')] : log) {
    scanner.push(chunk.subarray(0, maxBytes - bytes));
    bytes += chunk.length;
    if (bytes >= maxBytes) break;
  }
  scanner.end();
  return lines;
}

/** 53 bits: among a million kinds a false match has a chance of one in ten thousand. */
function kindOf(text: string): number {
  const kind = text
    .slice(0, 1000)
    .replace(NUMBERS, (number) => (/[1-9a-wyz]/i.test(number) ? '1' : '0'))
    .replace(/\s+/g, ' ')
    .trim();
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let i = 0; i < kind.length; i++) {
    const code = kind.charCodeAt(i);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}
