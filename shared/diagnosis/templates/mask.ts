import { DIGIT, hasDigit, kind, LETTER, SPLIT, withoutEnd } from './characters.ts';
import { contentStart } from './header.ts';

/** What stands for a value in a template. */
export const VALUE = '<*>';

/** A longer line is cut: what tells one message from another stands at its beginning. */
const MAX_LINE = 4096;
const MAX_TOKENS = 96;
/** Words are few and come back all the time. */
const EQUALS = 61;
const KNOWN_CHUNKS = 20_000;
const MAX_KNOWN_LENGTH = 64;

// Every pattern here is anchored or a single class, so all of them are linear; the chunks they see are short besides.
const LEADER = /^([A-Za-z-]+\.{3,})/;
const LONG_HEX = /^[0-9a-fA-F-]{16,}$/;
/** `TS2322`, `E0425`: what tells one error from the next. */
const ERROR_CODE = /^[A-Z]{1,4}\d{4}$/;
const STARS = /^\*{2,}$/;
const MAIL = /^[^@]+@[\w-]+(?:\.[\w-]+)+$/;
const HOST_END = /\.(?:com|org|net|edu|gov|io|dev|app|cloud|local|localdomain|internal|lan|corp|arpa|co|ai|[a-z]{2})$/;
/** Ends of files that are codes of countries as well. */
const FILE_END = /\.(?:ts|js|py|rs|rb|cs|sh|md|pl|cc|so|hs|ml|vb|go|mk|ps|kt)$/;
const HOST = /^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$/;
/** `Foo.js` and `lib.so` end like hosts of a country; a name of two letters at the end counts from three parts on. */
const PARTS = /\./g;
const HEX_GROUPS = /^(?:[0-9a-fA-F]{0,4}:){3,}[0-9a-fA-F]{0,4}$/;
const BACKSLASHED = /[A-Za-z]:\\|\\\\[\w.]+\\/;
const PATH_END = /["'<>`,;)\]}|]/;
const TRUTH = /^(?:true|false|null|none|nil|undefined)$/i;
const ADJACENT = /<\*>(?:[-:.,/#@+~]*<\*>)+/g;
const UNIT =
  /^(?:[kmgtp]i?b?|b|bytes?|[mun]?s|msecs?|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|[kmg]?hz|[kmg]i?b\/s)$/i;
const NUMBER = /^[([<>~=+-]*\d[\d.,]*$|[=:]\d[\d.,]*$/;
const CALENDAR =
  /^(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|edt|est|utc|gmt|cet|cest|pst|pdt|am|pm)$/i;

export const isMail = (text: string): boolean => MAIL.test(text);
/** Of an amount or a rate: `ms`, `minutes`, `MB/s`. */
export const isUnit = (word: string): boolean => UNIT.test(word);
/** Part of a date: a day, a month, a time zone. */
export const isCalendarWord = (word: string): boolean => CALENDAR.test(word);

const known = new Map<string, string>();

/** The words of a line, with `<*>` for everything that is plainly a value: numbers, ids, paths, hosts, times, addresses. */
export function maskedTokens(line: string): string[] {
  const text = line.length > MAX_LINE ? line.slice(0, MAX_LINE) : line;
  const chunks: string[] = [];
  let start = -1;
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : 32;
    const blank = code === 32 || (code >= 9 && code <= 13);
    if (!blank) {
      if (start < 0) start = at;
    } else if (start >= 0) {
      chunks.push(text.slice(start, at));
      start = -1;
    }
  }
  const from = contentStart(chunks);
  const tokens: string[] = [];
  for (let at = from; at < chunks.length && tokens.length < MAX_TOKENS; at++) {
    const chunk = chunks[at] as string;
    const quoted = endOfQuoted(chunks, at);
    if (quoted > at) {
      tokens.push(`${chunk.slice(0, chunk.indexOf('="') + 2)}${VALUE}${closing(chunks[quoted] as string)}`);
      at = quoted;
    } else append(tokens, maskedChunk(chunk), at > from ? (chunks[at - 1] as string) : '');
  }
  return tokens.length < SHORT ? tokens : onceEach(tokens);
}

/** Shorter lines hold no lists of more than single values. */
const SHORT = 5;
const MAX_REPEATED = 6;

/** Of words that are repeated with other values (`node-1 0x1 <ok> node-2 0x3 <ok>`) one is left: lists have any length. */
function onceEach(given: string[]): string[] {
  let tokens = given;
  for (let size = 2; size <= MAX_REPEATED; size++) {
    const kept: string[] = [];
    for (const token of tokens) {
      kept.push(token);
      if (kept.length >= 2 * size && isRepeated(kept, size)) kept.length -= size;
    }
    tokens = kept;
  }
  return tokens;
}

function isRepeated(tokens: readonly string[], size: number): boolean {
  let value = false;
  for (let at = tokens.length - size; at < tokens.length; at++) {
    if (tokens[at] !== tokens[at - size]) return false;
    value ||= tokens[at]?.includes(VALUE) === true;
  }
  return value;
}

/** What such a key holds is no value: it is the message. */
const MESSAGE = /(?:msg|message|err|error|reason|detail|details|description)$/i;
const MAX_QUOTED = 12;

/** The chunk in which `key="some words"` ends, or -1: values of several words would give each line another length. */
function endOfQuoted(chunks: readonly string[], at: number): number {
  const chunk = chunks[at] as string;
  const open = chunk.indexOf('="');
  if (open <= 0 || chunk.indexOf('"', open + 2) >= 0 || MESSAGE.test(chunk.slice(0, open))) return -1;
  for (let end = at + 1; end <= at + MAX_QUOTED && end < chunks.length; end++) {
    if ((chunks[end] as string).includes('"')) return end;
  }
  return -1;
}

const closing = (chunk: string): string => chunk.slice(chunk.indexOf('"'));

/** Joins a token to those before it: units, calendar words and further values of a list are part of the value. */
function append(tokens: string[], token: string, previous: string): void {
  const last = tokens[tokens.length - 1];
  if (last === undefined) {
    tokens.push(token);
    return;
  }
  const length = token.length;
  const afterValue = last.endsWith(VALUE) || last.endsWith('<*>,') || last.endsWith('<*>;');
  if (afterValue && length <= 9) {
    const bare = withoutEnd(token, ',;.)]');
    if (CALENDAR.test(bare) || (last.endsWith(VALUE) && UNIT.test(bare) && NUMBER.test(previous))) return;
  }
  if (token === VALUE || token === '<*>,' || token === '<*>;') {
    if (/^[[(]?<\*>[,;]?$/.test(last)) {
      tokens[tokens.length - 1] = last.replace(/[,;]$/, '');
      return;
    }
    while (tokens.length > 0 && CALENDAR.test((tokens[tokens.length - 1] as string).replace(/,$/, ''))) tokens.pop();
    const before = tokens[tokens.length - 1];
    if (before !== undefined && /^<\*>[,;]?$/.test(before)) return;
  }
  if (previous.endsWith('=') && TRUTH.test(withoutEnd(token, ',;.)]}'))) {
    tokens.push(token.replace(/^\w+/, VALUE));
    return;
  }
  tokens.push(token);
}

function maskedChunk(chunk: string): string {
  const cached = known.get(chunk);
  if (cached !== undefined) return cached;
  const masked = mask(chunk);
  if (chunk.length <= MAX_KNOWN_LENGTH && masked === chunk) {
    if (known.size >= KNOWN_CHUNKS) known.clear();
    known.set(chunk, masked);
  }
  return masked;
}

function mask(chunk: string): string {
  if (chunk.includes('://')) return maskAddress(chunk);
  if (chunk.includes('\\')) {
    const path = BACKSLASHED.exec(chunk);
    if (path) return replaceFrom(chunk, path.index, path.index + path[0].length);
  }
  let split = false;
  let digit = false;
  let colons = 0;
  for (let at = 0; at < chunk.length; at++) {
    const code = chunk.charCodeAt(at);
    const what = code < 128 ? kind[code] : 0;
    if (what === SPLIT) split = true;
    else if (what === DIGIT) digit = true;
    if (code === 58) colons++;
  }
  if (!split) return tidy(maskAtom(chunk, digit));
  if (colons >= 3) {
    const [, open = '', inner = '', close = ''] = /^([[(<"']*)([^[\](){}"',;<>]*)([\s\S]*)/.exec(chunk) ?? [];
    if (HEX_GROUPS.test(inner)) return `${open}${VALUE}${close}`;
  }
  let out = '';
  let start = 0;
  for (let at = 0; at <= chunk.length; at++) {
    const code = at < chunk.length ? chunk.charCodeAt(at) : 58;
    if (at < chunk.length && (code >= 128 || kind[code] !== SPLIT)) continue;
    if (at > start) out += maskValue(chunk.slice(start, at), chunk.charCodeAt(start - 1) === EQUALS);
    if (at < chunk.length) out += chunk[at];
    start = at + 1;
  }
  return tidy(out);
}

/** `<1`, `>20` and `~3` are values as well. */
const tidy = (text: string): string =>
  text.includes(VALUE) ? text.replace(/[<>~]{1,3}<\*>/g, VALUE).replace(ADJACENT, VALUE) : text;

function maskValue(atom: string, set: boolean): string {
  if (set && TRUTH.test(atom)) return VALUE;
  return maskAtom(atom, hasDigit(atom));
}

function maskAtom(atom: string, digit: boolean): string {
  if (digit) {
    // `enable............1`, as machines print tables.
    const leader = LEADER.exec(atom);
    if (leader) return `${leader[1]}${VALUE}`;
    if (atom.length <= 8 && ERROR_CODE.test(atom)) return atom;
    return `${VALUE}${closingOf(atom)}`;
  }
  if (atom.length < 2) return atom;
  const tail = closingOf(atom);
  const core = tail === '' ? atom : atom.slice(0, -tail.length);
  if (core === '') return atom;
  return isValue(core) ? `${VALUE}${tail}` : atom;
}

const closingOf = (atom: string): string => {
  const last = atom.charCodeAt(atom.length - 1);
  return last === 46 || last === 33 || last === 63 ? atom.slice(withoutEnd(atom, '.!?').length) : '';
};

function isValue(core: string): boolean {
  const slash = core.indexOf('/');
  if (slash === 0 && core.length > 1) return true;
  if (slash > 0 && core.indexOf('/', slash + 1) > 0) return true;
  if (core.charCodeAt(0) === 42 && STARS.test(core)) return true;
  if (core.length >= 16 && LONG_HEX.test(core)) return true;
  if (core.includes('@') && MAIL.test(core)) return true;
  return isHost(core);
}

/** A name of the domain name system, as far as one can tell from the text. */
export function isHost(text: string): boolean {
  if (!text.includes('.') || text.length > 253 || !HOST_END.test(text) || !HOST.test(text)) return false;
  if (FILE_END.test(text)) return false;
  const country = text.length - text.lastIndexOf('.') === 3;
  return !country || (text.match(PARTS)?.length ?? 0) >= 2;
}

function maskAddress(chunk: string): string {
  const at = chunk.indexOf('://');
  let start = at;
  while (start > 0 && isScheme(chunk.charCodeAt(start - 1))) start--;
  return replaceFrom(chunk, start, at + 3);
}

const isScheme = (code: number): boolean => (code < 128 && kind[code] === LETTER) || code === 43;

/** What is from `start` to the first mark that ends a path or an address becomes a value. */
function replaceFrom(chunk: string, start: number, from: number): string {
  const rest = chunk.slice(from);
  const end = rest.search(PATH_END);
  return `${chunk.slice(0, start)}${VALUE}${end < 0 ? '' : rest.slice(end)}`;
}
