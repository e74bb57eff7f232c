/** `*` any run, `?` one character, `\` makes the next character literal; compared as they are. Time is linear in the text for a given pattern. */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    const c = pattern[p];
    if (c === '*') {
      star = p++;
      resume = t;
    } else if (c === '?' || (c !== undefined && literalAt(pattern, p) === text[t])) {
      p += c === '\\' ? 2 : 1;
      t++;
    } else if (star !== -1) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

function literalAt(pattern: string, at: number): string | undefined {
  return pattern[at] === '\\' ? pattern[at + 1] : pattern[at];
}

export function escapeGlob(text: string): string {
  return text.replace(/[*?\\]/g, '\\$&');
}
