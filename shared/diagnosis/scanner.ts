import { copyWithoutEscapes, ESCAPE, NUL } from './escapes.ts';
import { type Automaton, type Events, findEvents } from './literals.ts';
import { Utf8Input } from './utf16.ts';

/** A longer line is handled in pieces of this size (all with the same number), so that memory stays bounded. */
const PIECE_BYTES = 16 * 1024;
/** Read at once, and small enough to stay in the processor's cache with what is found in it. */
const BLOCK_BYTES = 64 * 1024;
const TAB = 9;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const ZERO = 48;
const NINE = 57;
const TILDE = 126;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are removed on purpose
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f\ufeff]/g;
/** GitHub: `2024-01-01T00:00:00.0000000Z `. GitLab with FF_TIMESTAMPS adds stream and kind: `… 00O `, `… 01E+`. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z (?:\d\d[OE][ +])?/;

/**
 * What others put before each line: BuildKit (`#12 3.45 `), Jenkins (`[2024-01-01T00:00:00.000Z] `, `00:00:00 `), TeamCity
 * (`[00:00:00]W:\t [Step 1/2] `), CodeBuild (`[Container] 2024/01/01 00:00:00 `).
 */
const PREFIX =
  /^(?:#\d{1,5} \d{1,6}\.\d{1,3} |\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z?\] |\[\d\d:\d\d:\d\d\](?:[ A-Z]?:\s{1,4}(?:\[[^\]]{1,80}\] )?| )|\[Container\] \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? |\d\d:\d\d:\d\d(?:[.,]\d{1,6})? )/;
const HASH = 35;
const BRACKET = 91;

/** Without what the platform put before it. */
function content(line: string): string {
  const text = isDigit(line.charCodeAt(0)) ? line.replace(TIMESTAMP, '') : line;
  const first = text.charCodeAt(0);
  return first === HASH || first === BRACKET || isDigit(first) ? text.replace(PREFIX, '') : text;
}

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE;

/** One line as it stands in the log; decoded only when asked. */
export class Line {
  readonly number: number;
  /** Its beginning was handed over as a line before. */
  readonly continued: boolean;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(number: number, continued: boolean, bytes: Buffer, start: number, end: number) {
    this.number = number;
    this.continued = continued;
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
    let bytes = this.#bytes;
    let start = this.#start;
    let end = this.#end;
    let seen = look(bytes, start, end);
    if ((seen & ESCAPED) !== 0) {
      end = copyWithoutEscapes(bytes, start, end, SCRATCH);
      bytes = SCRATCH;
      start = 0;
      seen = look(bytes, start, end);
    }
    // Printable ASCII, as nearly all lines are: nothing to decode, nothing to clean.
    const text =
      seen === 0 ? bytes.toString('latin1', start, end) : bytes.toString('utf8', start, end).replace(CONTROLS, '');
    return content(text).trimEnd();
  }
}

const SCRATCH = Buffer.alloc(PIECE_BYTES);
const ESCAPED = 1;
const UNCLEAN = 2;
/** By byte: what has to be done to a text that holds it. */
const CARE = new Uint8Array(256).map((_, byte) =>
  byte === ESCAPE || byte === NUL ? ESCAPED : (byte >= SPACE && byte <= TILDE) || byte === TAB ? 0 : UNCLEAN,
);

function look(bytes: Buffer, start: number, end: number): number {
  let seen = 0;
  for (let i = start; i < end; i++) seen |= CARE[bytes[i] as number] as number;
  return seen;
}

/** A block is done with before the next one of any scanner is begun. */
const EVENTS: Events = { at: new Int32Array(BLOCK_BYTES), state: new Int32Array(BLOCK_BYTES) };

/** Owners of the literals that the line holds, each once. The array is reused: read it during the call. */
export type LineListener = (line: Line, owners: readonly number[]) => void;

/**
 * Splits bytes into lines (CRLF, LF and CR alike) and looks for the automaton's literals on the way. Terminal escapes
 * neither interrupt a literal nor count as text. Memory: a block and a piece, whatever the size of the log.
 */
export class LineScanner {
  readonly #automaton: Automaton;
  readonly #listener: LineListener;
  readonly #seenOn: Int32Array;
  readonly #owners: number[] = [];
  readonly #input = new Utf8Input();
  /** The line that has not ended yet. */
  readonly #carry = Buffer.alloc(PIECE_BYTES);
  #carried = 0;
  #number = 1;
  /** Number of the last line handed over, whole or in part. */
  #emitted = 0;
  #stamp = 1;
  #afterReturn = false;
  /** A piece of the current line has been handed over. */
  #inPieces = false;

  constructor(automaton: Automaton, ownerCount: number, listener: LineListener) {
    this.#automaton = automaton;
    this.#listener = listener;
    this.#seenOn = new Int32Array(ownerCount);
  }

  push(chunk: Uint8Array): void {
    this.#read(this.#input.push(chunk));
  }

  #read(bytes: Buffer): void {
    for (let from = 0; from < bytes.length; from += BLOCK_BYTES) this.#block(bytes.subarray(from, from + BLOCK_BYTES));
  }

  /** The last line, when no line end closed it. Returns the number of lines. */
  end(): number {
    this.#read(this.#input.end());
    if (this.#carried === 0 && !this.#inPieces) return this.#number - 1;
    if (this.#carried > 0) this.#handOver();
    return this.#number;
  }

  #block(bytes: Buffer): void {
    let start = 0;
    if (this.#carried > 0 || this.#inPieces) {
      start = firstLineEnd(bytes) + 1;
      this.#keep(start === 0 ? bytes : bytes.subarray(0, start - 1));
      if (start === 0) return;
      this.#scan(Buffer.concat([this.#carry.subarray(0, this.#carried), bytes.subarray(start - 1, start)]));
      this.#carried = 0;
      this.#inPieces = false;
    }
    const stop = Math.max(bytes.lastIndexOf(LINE_FEED), bytes.lastIndexOf(CARRIAGE_RETURN)) + 1;
    if (stop > start) this.#scan(bytes.subarray(start, stop));
    this.#keep(bytes.subarray(Math.max(start, stop)));
  }

  #keep(part: Buffer): void {
    for (let from = 0; from < part.length; ) {
      if (this.#carried === PIECE_BYTES) this.#handOver();
      const count = part.copy(this.#carry, this.#carried, from, from + PIECE_BYTES - this.#carried);
      this.#carried += count;
      from += count;
    }
  }

  #handOver(): void {
    const piece = Buffer.from(this.#carry.subarray(0, this.#carried));
    this.#carried = 0;
    this.#scan(piece);
    this.#inPieces = true;
  }

  /** Whole lines, or a piece of one. */
  #scan(given: Buffer): void {
    // The LF of a CRLF closes no line of its own, in the next block neither.
    const bytes = this.#afterReturn && given[0] === LINE_FEED ? given.subarray(1) : given;
    this.#afterReturn = given[given.length - 1] === CARRIAGE_RETURN;
    const { at, state } = EVENTS;
    const { outputs, width } = this.#automaton;
    const count = findEvents(this.#automaton, bytes, EVENTS);
    let start = 0;
    let paired = -1;
    for (let i = 0; i < count; i++) {
      const place = at[i] as number;
      while (place - start > PIECE_BYTES) {
        this.#emit(bytes, start, start + PIECE_BYTES);
        start += PIECE_BYTES;
      }
      const byte = bytes[place];
      if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) {
        this.#note(outputs[(state[i] as number) / width] as readonly number[]);
        continue;
      }
      if (byte === CARRIAGE_RETURN) {
        this.#emit(bytes, start, place);
        this.#number++;
        paired = place + 1;
      } else if (place !== paired) {
        this.#emit(bytes, start, place);
        this.#number++;
      }
      start = place + 1;
    }
    if (start < bytes.length) this.#emit(bytes, start, bytes.length);
  }

  #emit(bytes: Buffer, start: number, end: number): void {
    this.#listener(new Line(this.#number, this.#emitted === this.#number, bytes, start, end), this.#owners);
    this.#emitted = this.#number;
    if (this.#owners.length === 0) return;
    this.#owners.length = 0;
    this.#stamp++;
  }

  #note(owners: readonly number[]): void {
    for (let i = 0; i < owners.length; i++) {
      const owner = owners[i] as number;
      if (this.#seenOn[owner] === this.#stamp) continue;
      this.#seenOn[owner] = this.#stamp;
      this.#owners.push(owner);
    }
  }
}

function firstLineEnd(bytes: Buffer): number {
  const feed = bytes.indexOf(LINE_FEED);
  const before = (feed < 0 ? bytes : bytes.subarray(0, feed)).indexOf(CARRIAGE_RETURN);
  return before < 0 ? feed : before;
}
