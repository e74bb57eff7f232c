/** Escape sequences of terminals, as bytes, and NULs: UTF-16 that was written into a log of bytes. */

export const NUL = 0;
export const ESCAPE = 27;
const BELL = 7;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const BACKSLASH = 0x5c;
const MAX_STRING = 400;

/** The index after the NUL or the sequence that begins at `from`; none goes beyond its line. */
export function afterEscape(bytes: Uint8Array, from: number): number {
  if (bytes[from] !== ESCAPE) return from + 1;
  const kind = bytes[from + 1] ?? 0;
  if (kind === 0x5b) {
    let i = skip(bytes, from + 2, 0x30, 0x3f, 40);
    i = skip(bytes, i, 0x20, 0x2f, 8);
    return skip(bytes, i, 0x40, 0x7e, 1);
  }
  if (kind === 0x50 || kind === 0x5d || kind === 0x5e || kind === 0x5f) return afterString(bytes, from + 2);
  return kind >= 0x40 && kind <= 0x5f ? from + 2 : from + 1;
}

/** Commands to the operating system and the application (Buildkite's time stamps) run up to a BEL or `ESC \`. */
function afterString(bytes: Uint8Array, from: number): number {
  const limit = Math.min(bytes.length, from + MAX_STRING);
  for (let i = from; i < limit; i++) {
    const byte = bytes[i] as number;
    if (byte === BELL) return i + 1;
    if (byte === ESCAPE) return bytes[i + 1] === BACKSLASH ? i + 2 : i;
    if (byte === LINE_FEED || byte === CARRIAGE_RETURN) return i;
  }
  return limit;
}

/** The index after at most `most` bytes from `low` to `high`. */
function skip(bytes: Uint8Array, from: number, low: number, high: number, most: number): number {
  const limit = Math.min(bytes.length, from + most);
  let i = from;
  while (i < limit && (bytes[i] as number) >= low && (bytes[i] as number) <= high) i++;
  return i;
}

/** Copies what is left of a line's bytes; returns how many. */
export function copyWithoutEscapes(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
  let length = 0;
  for (let i = start; i < end; ) {
    const byte = bytes[i] as number;
    if (byte === ESCAPE || byte === NUL) i = afterEscape(bytes, i);
    else {
      into[length++] = byte;
      i++;
    }
  }
  return length;
}
