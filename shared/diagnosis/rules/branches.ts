/**
 * The alternatives of an RE2 pattern, each a pattern of its own. Most rules are long alternations of which nearly all are
 * tied to the start of the line: told apart, those end at the first character that does not fit.
 */
export function branchesOf(source: string): string[] {
  const flags = LEADING_FLAGS.exec(source)?.[0] ?? '';
  const parts = splitTop(source.slice(flags.length));
  if (parts === undefined) return [`(?:${source})`];
  return parts.flatMap((part) => {
    const inner = flags === '' ? wrapped(part) : undefined;
    return inner === undefined ? [flags + part] : branchesOf(inner);
  });
}

const LEADING_FLAGS = /^(?:\(\?[imsU]{1,4}\)){0,4}/;
const FLAGS = /^\(\?[imsU]{0,4}-?[imsU]{0,4}\)/;

/** Begins at the start of the text, and only there. */
export const isAnchored = (branch: string): boolean => /^(?:\(\?i\))?\^/.test(branch) && !/^.{0,8}\^[*?{]/.test(branch);

/** What `(?:…)` holds when nothing stands outside of it. */
function wrapped(part: string): string | undefined {
  if (!part.startsWith('(?:') || !part.endsWith(')')) return undefined;
  const inner = part.slice(3, -1);
  let depth = 0;
  for (const [, kind] of tokens(inner)) {
    if (kind === '(') depth++;
    else if (kind === ')' && --depth < 0) return undefined;
  }
  return depth === 0 ? inner : undefined;
}

/** Undefined where flags are set halfway: they hold up to the end, whatever stands between. */
function splitTop(source: string): string[] | undefined {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const [at, kind] of tokens(source)) {
    if (kind === '(' && depth === 0 && FLAGS.test(source.slice(at, at + 12))) return undefined;
    if (kind === '(') depth++;
    else if (kind === ')') depth--;
    else if (kind === '|' && depth === 0) {
      parts.push(source.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, source.slice(start)];
}

/** Parentheses and bars that mean something: outside of classes, escapes and quotations. */
function* tokens(source: string): Generator<readonly [at: number, kind: string]> {
  let inClass = false;
  for (let at = 0; at < source.length; at++) {
    const char = source.charAt(at);
    if (char === '\\') {
      const end = source[at + 1] === 'Q' && !inClass ? source.indexOf('\\E', at + 2) : -1;
      at = end < 0 ? at + 1 : end + 1;
    } else if (inClass) {
      // `[]a]` and `[^]a]`: a bracket that comes first is a member; `[:alpha:]` is one as a whole.
      if (char === '[' && source[at + 1] === ':') at = Math.max(at, source.indexOf(':]', at) + 1);
      else if (char === ']') inClass = false;
    } else if (char === '[') {
      inClass = true;
      if (source[at + 1] === '^') at++;
      if (source[at + 1] === ']') at++;
    } else if (char === '(' || char === ')' || char === '|') yield [at, char];
  }
}
