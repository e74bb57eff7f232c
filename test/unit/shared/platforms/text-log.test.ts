import { expect, it } from 'vitest';
import { linesOfEvents, tailOf } from '../../../../shared/platforms/text-log.ts';

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
async function* inPieces(text: string, length: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
const eventOf = (data: string) => `data: ${JSON.stringify({ data })}\n\n`;

it('reads the lines of events however they are cut into pieces', async () => {
  const stream = `: keep alive\n\nevent: log\n${eventOf('naïve ✓\n')}data: plain\r\n\n${eventOf('')}${eventOf('end')}`;
  for (const length of [1, 2, 3, 7, 1000]) {
    expect(await textOf(linesOfEvents(inPieces(stream, length), 1000))).toBe('naïve ✓\nplain\nend\n');
  }
});

it('takes no more bytes than asked for, and no half of an event', async () => {
  const stream = eventOf('first') + eventOf('second');
  expect(await textOf(linesOfEvents(inPieces(stream, 9), 8))).toBe('first\nse');
  expect(await textOf(linesOfEvents(inPieces(stream.trimEnd(), 9), 100))).toBe('first\n');
});

it('leaves out what is too long for a line and goes on behind it', async () => {
  const stream = `data: ${'x'.repeat(300_000)}\n${eventOf('after')}`;
  expect(await textOf(linesOfEvents(inPieces(stream, 50_000), 1000))).toBe('after\n');
});

it('keeps the end of a log that is too long', async () => {
  expect(await textOf(tailOf(['one\n', 'two\n', 'three\n'], 8))).toBe('o\nthree\n');
  expect(await textOf(tailOf(['one\n'], 8))).toBe('one\n');
  expect(await textOf(tailOf([], 8))).toBe('');
});
