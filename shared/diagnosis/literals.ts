/**
 * Aho-Corasick over bytes: finds which of many literals a line holds in one pass, whatever their number, so that regular
 * expressions run only on the few lines that could match. ASCII letters match in either case.
 *
 * The table is dense (state x byte class). A negative transition asks for attention: the target state ends a literal, or
 * the byte is LF, CR or ESC, which the scanner handles itself.
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
const ESCAPE = 27;
const OTHER = 0;
const SPECIAL = 1;

const fold = (byte: number): number => (byte >= 65 && byte <= 90 ? byte + 32 : byte);

export function buildAutomaton(entries: Iterable<{ literal: string; owner: number }>): Automaton {
  const words = [...entries].map(({ literal, owner }) => ({ bytes: Buffer.from(literal, 'utf8').map(fold), owner }));
  const classOf = new Uint8Array(256).fill(OTHER);
  let width = 2;
  for (const { bytes } of words) for (const byte of bytes) if (classOf[byte] === OTHER) classOf[byte] = width++;
  for (let byte = 65; byte <= 90; byte++) classOf[byte] = classOf[byte + 32] ?? OTHER;
  for (const byte of [LINE_FEED, CARRIAGE_RETURN, ESCAPE]) classOf[byte] = SPECIAL;

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
  for (let state = 0; state < children.length; state++) next[state * width + SPECIAL] = -1;
  return next;
}
