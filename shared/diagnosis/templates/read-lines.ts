/** Beyond it a line is cut: no message is that long. */
const MAX_LINE = 64 * 1024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminal escapes are made of
const ESCAPES = /\u001b(?:\[[0-?]{0,40}[ -/]{0,8}[@-~]?|\][^\u0007\u001b]{0,400}(?:\u0007|\u001b\\)?|[@-Z\\-_])?/g;

/** The lines of a text, split on CRLF, LF and CR alike, as UTF-8 with replacement and without terminal escapes. */
export async function* readLines(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  let cut = false;
  let afterReturn = false;
  for await (const chunk of chunks) {
    let text = decoder.decode(chunk, { stream: true });
    if (afterReturn && text.startsWith('\n')) text = text.slice(1);
    if (text === '') continue;
    afterReturn = text.endsWith('\r');
    const lines = text.split(/\r\n|\n|\r/);
    lines[0] = cut ? rest : rest + lines[0];
    rest = lines.pop() as string;
    if (lines.length > 0) cut = false;
    for (const line of lines) yield clean(line);
    if (rest.length > MAX_LINE) {
      rest = rest.slice(0, MAX_LINE);
      cut = true;
    }
  }
  rest += cut ? '' : decoder.decode();
  if (rest !== '') yield clean(rest);
}

const clean = (line: string): string => (line.includes('\u001b') ? line.replace(ESCAPES, '') : line);
