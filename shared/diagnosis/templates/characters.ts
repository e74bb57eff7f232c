/** What the characters of ASCII are to the mask. */
export const DIGIT = 1;
export const LETTER = 2;
export const SPLIT = 4;
export const kind = new Uint8Array(128);
for (let code = 48; code < 58; code++) kind[code] = DIGIT;
for (let code = 65; code < 91; code++) kind[code] = kind[code + 32] = LETTER;
for (const mark of '=,;()[]{}"\'`<>|:') kind[mark.charCodeAt(0)] = SPLIT;

export function hasDigit(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 48 && code <= 57) return true;
  }
  return false;
}

/** A text without the marks it ends in. A pattern for it would try every run of marks from each of its places. */
export function withoutEnd(text: string, marks: string): string {
  let end = text.length;
  while (end > 0 && marks.includes(text.charAt(end - 1))) end--;
  return end === text.length ? text : text.slice(0, end);
}
