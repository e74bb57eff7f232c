import type { Automaton } from './literals.ts';

/** A longer line is handled in pieces of this size (all with the same number), so that memory stays bounded. */
const PIECE_BYTES = 16 * 1024;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const ESCAPE = 27;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminal escapes are made of
const ESCAPES = /\u001b(?:\[[0-?]{0,40}[ -/]{0,8}[@-~]?|[\]P^_][^\u0007\u001b]{0,400}(?:\u0007|\u001b\\)?|[@-Z\\-_])?/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are removed on purpose
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f\ufeff]/g;
/** GitHub: `2024-01-01T00:00:00.0000000Z `. GitLab with FF_TIMESTAMPS adds stream and kind: `… 00O `, `… 01E+`. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z (?:\d\d[OE][ +])?/;

/** One line as it stands in the log; decoded only when asked. */
export class Line {
  readonly number: number;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;

  constructor(number: number, bytes: Uint8Array, start: number, end: number) {
    this.number = number;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  /** In bytes. */
  get size(): number {
    return this.#end - this.#start;
  }

  /** Without time stamp, terminal escapes and control characters; UTF-8 with replacement. */
  text(): string {
    let text = decoder.decode(this.#bytes.subarray(this.#start, this.#end));
    if (text.includes('\u001b')) text = text.replace(ESCAPES, '');
    return text.replace(CONTROLS, '').replace(TIMESTAMP, '').trimEnd();
  }
}

/** Owners of the literals that the line holds, each once. The array is reused: read it during the call. */
export type LineListener = (line: Line, owners: readonly number[]) => void;

/**
 * Splits bytes into lines (CRLF, LF and CR alike) and looks for the automaton's literals on the way, in one loop.
 * Terminal escapes neither interrupt a literal nor count as text. Memory: one piece, whatever the size of the log.
 */
export class LineScanner {
  readonly #automaton: Automaton;
  readonly #listener: LineListener;
  readonly #seenOn: Int32Array;
  readonly #owners: number[] = [];
  #carry: Uint8Array | undefined;
  #number = 1;
  #stamp = 1;
  #state = 0;
  #afterReturn = false;
  /** Inside an escape sequence: 1 just after ESC, 2 control sequence, 3 operating system command. */
  #escape = 0;

  constructor(automaton: Automaton, ownerCount: number, listener: LineListener) {
    this.#automaton = automaton;
    this.#listener = listener;
    this.#seenOn = new Int32Array(ownerCount);
  }

  push(bytes: Uint8Array): void {
    const { next, classOf, width } = this.#automaton;
    const length = bytes.length;
    let state = this.#state;
    let start = 0;
    let i = 0;
    if (this.#afterReturn && length > 0) {
      this.#afterReturn = false;
      if (bytes[0] === LINE_FEED) start = i = 1;
    }
    // A carried line counts towards the piece's size.
    let limit = start + PIECE_BYTES - (this.#carry?.length ?? 0);
    while (i < length) {
      if (this.#escape !== 0) {
        i = this.#skipEscape(bytes, i);
        continue;
      }
      if (i >= limit) {
        this.#emit(bytes, start, i);
        state = 0;
        start = i;
        limit = i + PIECE_BYTES;
      }
      const stop = limit < length ? limit : length;
      let target = 0;
      while (i < stop) {
        target = next[state + (classOf[bytes[i] as number] as number)] as number;
        if (target < 0) break;
        state = target;
        i++;
      }
      if (i >= stop) continue;
      const byte = bytes[i++];
      if (byte === ESCAPE) {
        this.#escape = 1;
      } else if (byte === LINE_FEED || byte === CARRIAGE_RETURN) {
        this.#emit(bytes, start, i - 1);
        this.#number++;
        state = 0;
        if (byte === CARRIAGE_RETURN) {
          if (i === length) this.#afterReturn = true;
          else if (bytes[i] === LINE_FEED) i++;
        }
        start = i;
        limit = i + PIECE_BYTES;
      } else {
        state = ~target;
        this.#note(this.#automaton.outputs[state / width]);
      }
    }
    this.#state = state;
    if (start < length) this.#carry = joined(this.#carry, bytes, start, length);
  }

  /** The last line, when no line end closed it. Returns the number of lines. */
  end(): number {
    if (!this.#carry) return this.#number - 1;
    this.#emit(new Uint8Array(0), 0, 0);
    return this.#number;
  }

  #emit(bytes: Uint8Array, start: number, end: number): void {
    const carry = this.#carry;
    this.#carry = undefined;
    const whole = carry ? joined(carry, bytes, start, end) : bytes;
    this.#listener(new Line(this.#number, whole, carry ? 0 : start, carry ? whole.length : end), this.#owners);
    if (this.#owners.length === 0) return;
    this.#owners.length = 0;
    this.#stamp++;
  }

  #note(owners: readonly number[] | undefined): void {
    for (const owner of owners ?? []) {
      if (this.#seenOn[owner] === this.#stamp) continue;
      this.#seenOn[owner] = this.#stamp;
      this.#owners.push(owner);
    }
  }

  /** Returns the index after what belongs to the sequence; a line end always breaks it off. */
  #skipEscape(bytes: Uint8Array, from: number): number {
    for (let i = from; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      if (byte === LINE_FEED || byte === CARRIAGE_RETURN) {
        this.#escape = 0;
        return i;
      }
      if (this.#escape === 1) {
        // Commands to the operating system and the application (Buildkite's time stamps) run up to a BEL.
        this.#escape = byte === 0x5b ? 2 : byte === 0x5d || byte === 0x5f || byte === 0x50 || byte === 0x5e ? 3 : 0;
        if (this.#escape === 0) return i + 1;
      } else if (this.#escape === 2 ? byte >= 0x40 && byte <= 0x7e : byte === 7 || byte === 0x5c) {
        this.#escape = 0;
        return i + 1;
      }
    }
    return bytes.length;
  }
}

function joined(carry: Uint8Array | undefined, bytes: Uint8Array, start: number, end: number): Uint8Array {
  const size = carry?.length ?? 0;
  const whole = new Uint8Array(size + end - start);
  if (carry) whole.set(carry);
  whole.set(bytes.subarray(start, end), size);
  return whole;
}
