/** What no secret holds, so that a text may be cut there: half a token has no shape by which it could be redacted. */
const BETWEEN = /[\s"'`<>(){}[\],;|]/;

/** At most so many characters from the beginning, up to the end of a word. */
export function beginning(text: string, length: number): string {
  if (text.length <= length || BETWEEN.test(text.charAt(length))) return text.slice(0, length);
  let end = length;
  while (end > 0 && !BETWEEN.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** A name that tells a secret, what stands between and what the secret begins with: farther apart they never are. */
const REACH = 120;

/** Of a text whose beginning is elsewhere, what no name there can be about. */
export function withoutBeginning(text: string): string {
  const at = text.slice(REACH).search(BETWEEN);
  return at < 0 ? '' : text.slice(REACH + at + 1);
}
