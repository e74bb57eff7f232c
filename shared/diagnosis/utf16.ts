import { TextDecoder } from 'node:util';

/**
 * Logs as UTF-8, for that is what they are taken for: PowerShell 5 writes UTF-16 into whatever file its output is sent to,
 * with a byte order mark or, where it is appended, without.
 */
export class Utf8Input {
  #decoder: TextDecoder | undefined;
  #head: Buffer | undefined = Buffer.alloc(0);

  /** What can be read of the log so far, beyond what was returned before. */
  push(chunk: Uint8Array): Buffer {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.#head === undefined) return this.#decoded(bytes);
    const head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]);
    this.#head = head;
    return head.length < ENOUGH ? NOTHING : this.#begin(head);
  }

  end(): Buffer {
    if (this.#head !== undefined) return this.#begin(this.#head);
    return this.#decoder ? Buffer.from(this.#decoder.decode()) : NOTHING;
  }

  #begin(head: Buffer): Buffer {
    const encoding = utf16Of(head);
    if (encoding) this.#decoder = new TextDecoder(encoding);
    this.#head = undefined;
    return this.#decoded(head);
  }

  #decoded(bytes: Buffer): Buffer {
    return this.#decoder ? Buffer.from(this.#decoder.decode(bytes, { stream: true })) : bytes;
  }
}

const NOTHING = Buffer.alloc(0);
const ENOUGH = 4;

/** By its mark, or by two characters of ASCII. */
function utf16Of(head: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  const [a, b, c, d] = head;
  if ((a === 0xff && b === 0xfe) || (a && b === 0 && c && d === 0)) return 'utf-16le';
  if ((a === 0xfe && b === 0xff) || (a === 0 && b && c === 0 && d)) return 'utf-16be';
  return undefined;
}
