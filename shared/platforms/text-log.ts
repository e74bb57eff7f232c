import { jsonOf } from './request.ts';

/** Logs that a platform does not send as a text but line by line. */

/** The last lines that fit into `maxBytes`, first one first. What a line is too long for is cut from its beginning. */
export async function* tailOf(lines: readonly string[], maxBytes: number): AsyncGenerator<Uint8Array> {
  let [first, left] = [lines.length, maxBytes];
  while (first > 0 && left > 0) left -= Buffer.byteLength(lines[--first] ?? '');
  for (let at = first; at < lines.length; at++) {
    const bytes = Buffer.from(lines[at] ?? '');
    yield left < 0 && at === first ? bytes.subarray(-left) : bytes;
  }
}

/** What a line of a stream of events may be long; what is longer is no line of a log and left out. */
const MAX_LINE = 64 * 1024;

/**
 * The lines that a log tells as server-sent events whose data is `{"data": "<line>"}` or the line itself
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html), at most `maxBytes` of them.
 */
export async function* linesOfEvents(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder();
  let left = maxBytes;
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (lines.pop() ?? '').slice(0, MAX_LINE + 1);
    for (const line of lines) {
      const bytes = lineIn(line).subarray(0, left);
      left -= bytes.byteLength;
      if (bytes.byteLength > 0) yield bytes;
      if (left <= 0) return;
    }
  }
  // A line without its end was cut off, and half of an event is none.
}

function lineIn(line: string): Buffer {
  if (!line.startsWith('data:') || line.length > MAX_LINE) return Buffer.alloc(0);
  const data = line.slice('data:'.length).trim();
  const told = (jsonOf(data) as { data?: unknown } | null | undefined)?.data;
  const text = typeof told === 'string' ? told : data;
  return text === '' ? Buffer.alloc(0) : Buffer.from(text.endsWith('\n') ? text : `${text}\n`);
}
