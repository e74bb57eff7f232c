import { afterEscape, ESCAPE, NUL } from './escapes.ts';

/**
 * Aho-Corasick over bytes: finds which of many literals a line holds in one pass, whatever their number, so that regular
 * expressions run only on the few lines that could match. ASCII letters match in either case.
 *
 * The table is dense (state x byte class). A negative transition asks for attention: the target state ends a literal, the
 * byte is LF or CR, which lead back to the start, or an escape sequence begins, which changes nothing.
 */
export interface Automaton {
  readonly classOf: Uint8Array;
  readonly next: Int32Array;
  readonly width: number;
  /** By state (transition divided by width): owners of the literals that end there. */
  readonly outputs: readonly (readonly number[] | undefined)[];
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const OTHER = 0;
const LINE_END = 1;
const IGNORED = 2;
const SKIP = -(2 ** 31);

const fold = (byte: number): number => (byte >= 65 && byte <= 90 ? byte + 32 : byte);

export function buildAutomaton(entries: Iterable<{ literal: string; owner: number }>): Automaton {
  const words = [...entries].map(({ literal, owner }) => ({ bytes: Buffer.from(literal, 'utf8').map(fold), owner }));
  const classOf = new Uint8Array(256).fill(OTHER);
  let width = 3;
  for (const { bytes } of words) for (const byte of bytes) if (classOf[byte] === OTHER) classOf[byte] = width++;
  for (let byte = 65; byte <= 90; byte++) classOf[byte] = classOf[byte + 32] ?? OTHER;
  for (const byte of [LINE_FEED, CARRIAGE_RETURN]) classOf[byte] = LINE_END;
  for (const byte of [ESCAPE, NUL]) classOf[byte] = IGNORED;

  const children: Map<number, number>[] = [new Map()];
  const outputs: (number[] | undefined)[] = [undefined];
  for (const { bytes, owner } of words) {
    let state = 0;
    for (const byte of bytes) {
      const step = classOf[byte] ?? OTHER;
      let child = children[state]?.get(step);
      if (child === undefined) {
        child = children.push(new Map()) - 1;
        outputs.push(undefined);
        children[state]?.set(step, child);
      }
      state = child;
    }
    outputs[state] = [...(outputs[state] ?? []), owner];
  }
  return { classOf, width, outputs, next: transitions(children, outputs, width) };
}

/** Breadth first, so that the state a failure falls back to is complete before it is copied. */
function transitions(children: Map<number, number>[], outputs: (number[] | undefined)[], width: number): Int32Array {
  const next = new Int32Array(children.length * width);
  const fallback = new Int32Array(children.length);
  const queue = [0];
  for (const state of queue) {
    const back = fallback[state] ?? 0;
    const inherited = state === 0 ? undefined : outputs[back];
    if (inherited) outputs[state] = [...new Set([...(outputs[state] ?? []), ...inherited])];
    if (state !== 0) next.copyWithin(state * width, back * width, (back + 1) * width);
    for (const [step, child] of children[state] ?? []) {
      fallback[child] = state === 0 ? 0 : (next[back * width + step] ?? 0);
      next[state * width + step] = child;
      queue.push(child);
    }
  }
  for (let i = 0; i < next.length; i++) {
    const target = next[i] ?? 0;
    next[i] = outputs[target] ? ~(target * width) : target * width;
  }
  for (let state = 0; state < children.length; state++) {
    next[state * width + LINE_END] = ~0;
    next[state * width + IGNORED] = SKIP;
  }
  return next;
}

/** Where something happened in a block, and the state that was reached. */
export interface Events {
  readonly at: Int32Array;
  readonly state: Int32Array;
}

/**
 * Line ends and ends of literals in whole lines, in order; returns how many. `events` must hold as many as the block has
 * bytes. Each step of the automaton waits for the one before it, so the two halves of the block are followed side by side.
 */
export function findEvents(automaton: Automaton, bytes: Uint8Array, events: Events): number {
  const { next, classOf } = automaton;
  const { at, state } = events;
  const middle = bytes.indexOf(LINE_FEED, bytes.length >> 1) + 1;
  // A line this long is rare enough to be followed alone.
  if (middle === 0) return follow(automaton, bytes, events, 0, bytes.length, 0, 0);
  let i = 0;
  let j = middle;
  // Events of the second half are kept at its own bytes' places at first: there are never more of them.
  let count = 0;
  let later = middle;
  let a = 0;
  let b = 0;
  while (i < middle && j < bytes.length) {
    const toA = next[a + (classOf[bytes[i] as number] as number)] as number;
    const toB = next[b + (classOf[bytes[j] as number] as number)] as number;
    if ((toA | toB) >= 0) {
      a = toA;
      b = toB;
      i++;
      j++;
      continue;
    }
    if (toA === SKIP) i = afterEscape(bytes, i);
    else if (toA < 0) {
      a = ~toA;
      at[count] = i++;
      state[count++] = a;
      if (bytes[i] === TWO) i = afterStamp(bytes, i);
    } else {
      a = toA;
      i++;
    }
    if (toB === SKIP) j = afterEscape(bytes, j);
    else if (toB < 0) {
      b = ~toB;
      at[later] = j++;
      state[later++] = b;
      if (bytes[j] === TWO) j = afterStamp(bytes, j);
    } else {
      b = toB;
      j++;
    }
  }
  count = follow(automaton, bytes, events, i, middle, a, count);
  later = follow(automaton, bytes, events, j, bytes.length, b, later);
  at.copyWithin(count, middle, later);
  state.copyWithin(count, middle, later);
  return count + later - middle;
}

/** Behind the time that GitHub puts before each line, a quarter of its logs, in which no literal ends. */
function afterStamp(bytes: Uint8Array, from: number): number {
  const before = bytes[from - 1];
  if (before !== LINE_FEED && before !== CARRIAGE_RETURN) return from;
  if (bytes[from + 4] !== DASH || bytes[from + 7] !== DASH || bytes[from + 10] !== LETTER_T) return from;
  if (bytes[from + 13] !== COLON || bytes[from + 16] !== COLON || bytes[from + 27] !== LETTER_Z) return from;
  for (let i = from; i < from + STAMP; i++) if ((bytes[i] as number) < DASH) return from;
  return from + STAMP;
}

const TWO = 0x32;
const DASH = 0x2d;
const COLON = 0x3a;
const LETTER_T = 0x54;
const LETTER_Z = 0x5a;
/** `2024-01-01T00:00:00.0000000Z` */
const STAMP = 28;

function follow(
  { next, classOf }: Automaton,
  bytes: Uint8Array,
  events: Events,
  from: number,
  to: number,
  start: number,
  known: number,
): number {
  let count = known;
  let state = start;
  for (let i = from; i < to; ) {
    const target = next[state + (classOf[bytes[i] as number] as number)] as number;
    if (target >= 0) {
      state = target;
      i++;
    } else if (target === SKIP) i = afterEscape(bytes, i);
    else {
      state = ~target;
      events.at[count] = i++;
      events.state[count++] = state;
    }
  }
  return count;
}
