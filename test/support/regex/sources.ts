import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Literal {
  readonly file: string;
  readonly source: string;
  readonly flags: string;
}

/** All regular expression literals in the TypeScript files under a folder. */
export function regexLiterals(folder: string): Literal[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .flatMap((file) => [...literalsIn(readFileSync(join(folder, file), 'utf8'))].map((found) => ({ file, ...found })));
}

/** After these a slash divides; after everything else it opens a literal. */
const OPERAND = /[\w$)\]}]$/;
const KEYWORD = /\b(?:return|typeof|case|in|of|yield|await)$/;

function* literalsIn(text: string): Generator<{ source: string; flags: string }> {
  let before = '';
  /** Braces open within each `${…}` that is open. */
  const open: number[] = [];
  for (let at = 0; at < text.length; ) {
    const char = text.charAt(at);
    const two = text.slice(at, at + 2);
    const depth = open.at(-1);
    if (two === '//') at = endOf(text, '\n', at);
    else if (two === '/*') at = endOf(text, '*/', at + 2);
    else if (char === '`' || (char === '}' && depth === 0)) {
      if (char === '}') open.pop();
      at = endOfTemplate(text, at + 1);
      if (text[at - 1] === '{') open.push(0);
      before = text[at - 1] === '{' ? '(' : 'x';
    } else if (char === "'" || char === '"') {
      at = closing(text, at);
      before = 'x';
    } else if (char === '/' && (!OPERAND.test(before) || KEYWORD.test(before))) {
      const end = closing(text, at);
      const flags = /^[a-z]*/.exec(text.slice(end))?.[0] ?? '';
      yield { source: text.slice(at + 1, end - 1), flags };
      at = end + flags.length;
      before = 'x';
    } else {
      if (depth !== undefined && (char === '{' || char === '}')) open.push((open.pop() ?? 0) + (char === '{' ? 1 : -1));
      if (char.trim() !== '') before = (before + char).slice(-12);
      at++;
    }
  }
}

/** After the backtick or the `${` that ends a piece of a template. */
function endOfTemplate(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '`') return i + 1;
    else if (text[i] === '$' && text[i + 1] === '{') return i + 2;
  }
  return text.length;
}

function endOf(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from);
  return end < 0 ? text.length : end + mark.length;
}

/** The index after the quotation or the literal that opens at `at`. Classes of characters may hold the slash. */
function closing(text: string, at: number): number {
  const mark = text[at];
  let inClass = false;
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (mark === '/' && text[i] === '[') inClass = true;
    else if (mark === '/' && text[i] === ']') inClass = false;
    else if (text[i] === mark && !inClass) return i + 1;
  }
  return text.length;
}
