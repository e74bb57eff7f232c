import { createHash } from 'node:crypto';
import { isCalendarWord, isHost, isMail, isUnit, withoutEnd } from './templates/index.ts';

const MAX_TEMPLATE = 300;
/** Everything between blanks, quotes and brackets is one atom: the unit that is either kept or replaced. */
const ATOM = /[^\s"'`‘’“”()[\]{}<>,;=|]+/g;
const CLOSING = '.:!?';

const CLOSING_MARKS = '.,;:!?)]}';
const MEASURED = /<(?:n|time)>,?$/;
const BEGINS_MEASURED = /^<(?:n|time)>/;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const HEX = /^(?:0x[0-9a-f]+|(?:sha\d+:)?(?=[0-9a-f]*\d)[0-9a-f]{7,64})$/i;
const TIME = /^(?:\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?|\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?)$/;
const ADDRESS = /^(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?$|^[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,8}$/i;
const HOST =
  /^(?:[a-z0-9](?:[a-z0-9-]{0,62})\.)+(?:com|org|net|io|dev|app|cloud|local|localdomain|internal|invalid|test|example|lan|corp|edu|gov|ai|co|de|uk|fr|eu|jp|cn|ru|sh)(?::\d+)?$/;
const VERSION = /^[~^]?v?\d+(?:\.(?:\d+|x|\*)(?=[-+.]|$))+/i;
const AFTER_VERSION = /^(?:[-+.][\w.+-]*)?$/;
/** `TS2322`, `E0425`, `SC2086`, `MSB3073`: what distinguishes one error from the next. */
const ERROR_CODE = /^[A-Z]{1,6}\d{2,5}$/;
/** `5000ms`, `3m12s`: an amount with its unit. */
const AMOUNT = /^\d+(?:\.\d+)?(?:[mun]?s|m|h|d|[kKMGT]i?B)(?:\d+(?:\.\d+)?(?:ms|s|m)){0,3}$/;
/** How test runners and their users name the files that tests are in. */
const TEST_FILE =
  /(?:[._-](?:test|spec)s?\.\w{1,5}|^test_\w{1,200}\.py|(?:Tests?|IT|Spec)\.(?:java|kt|cs|scala|groovy|swift|php))$/;
const EXTENSION = /\.[A-Za-z][A-Za-z0-9]{0,5}(?::\d+)*$/;

function mask(atom: string): string {
  const core = withoutEnd(atom, CLOSING);
  const tail = atom.slice(core.length);
  if (core === '') return atom;
  return maskCore(core) + tail;
}

/** In two steps: both parts may hold digits and dots, and one pattern for them would try every place between them. */
function isVersion(text: string): boolean {
  const numbers = VERSION.exec(text)?.[0];
  return numbers !== undefined && AFTER_VERSION.test(text.slice(numbers.length));
}

function maskCore(core: string): string {
  if (/^[A-Za-z][A-Za-z-]*$/.test(core) || ERROR_CODE.test(core)) return core;
  if (core.includes('://')) return '<url>';
  if (isMail(core)) return '<mail>';
  // `path::name` is how test runners name a test: the name tells failures apart, the path does not.
  const test = core.indexOf('::');
  if (test > 0 && core.slice(0, test).match(EXTENSION)) return `<path>::${digits(core.slice(test + 2))}`;
  if (UUID.test(core)) return '<id>';
  if (TIME.test(core)) return '<time>';
  if (ADDRESS.test(core) || HOST.test(core) || isHost(core)) return '<host>';
  if (AMOUNT.test(core)) return '<n>';
  if (HEX.test(core)) return '<hex>';
  if (isVersion(core)) return '<n>';
  const at = core.lastIndexOf('@');
  if (at > 0 && isVersion(core.slice(at + 1))) return `${core.slice(0, at)}@<n>`;
  if (core.startsWith('@')) return digits(core);
  const slashes = core.split(/[/\\]/).length - 1;
  if (slashes >= 2 || (slashes === 1 && EXTENSION.test(core)) || /^(?:[~.]{0,2}[/\\]|[A-Za-z]:[\\/])/.test(core))
    return pathOf(core);
  if (EXTENSION.test(core) && /:\d+/.test(core)) return pathOf(core);
  return digits(core);
}

/** What stands where is nobody's name, but which tests failed tells failures apart. */
function pathOf(core: string): string {
  const [file = ''] = (core.split(/[/\\]/).at(-1) ?? '').split(':');
  return TEST_FILE.test(file) ? `<path>/${digits(file)}` : '<path>';
}

/** In `runner-ab12-project-7` every part with a digit is an id; elsewhere (`test_total2`) only the digits go. */
function digits(text: string): string {
  const parts = text.split('-');
  if (parts.length >= 3) return parts.map((part) => (/\d/.test(part) ? '<n>' : part)).join('-');
  return text.replace(/\d+(?:[.,]\d+)*/g, '<n>');
}

/** What is counted may be told in minutes or hours, and dates have words in them. */
function withoutUnits(text: string): string {
  const words: string[] = [];
  const given = text.split(/\s+/);
  for (const [at, word] of given.entries()) {
    const last = words.at(-1);
    const next = given[at + 1];
    const bare = withoutEnd(word, CLOSING_MARKS);
    const dated = (last !== undefined && MEASURED.test(last)) || (next !== undefined && BEGINS_MEASURED.test(next));
    if (isCalendarWord(bare) && (dated || isCalendarWord(next ?? ''))) continue;
    if (last?.endsWith('<n>') && isUnit(bare)) words[words.length - 1] = last + word.slice(bare.length);
    else words.push(word);
  }
  return words.join(' ');
}

/** The line with everything that changes from run to run replaced: ids, paths, versions, times, hosts, numbers. */
export function templateOf(line: string): string {
  const masked = withoutUnits(line.slice(0, 1000).replace(ATOM, mask)).replace(VALUES, onceEach).trim();
  return masked.slice(0, MAX_TEMPLATE);
}

/** One value after another. */
const VALUES = /<\w+>(?:[ ,:;]*<\w+>)+/g;

/** Of equal values in a row the first is left. */
function onceEach(values: string): string {
  const valueIn = (part: string | undefined): string | undefined => part?.slice(part.indexOf('<'));
  return values
    .split(/(?<=>)/)
    .filter((part, i, parts) => valueIn(part) !== valueIn(parts[i - 1]))
    .join('');
}

export function fingerprintOf(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\u0000')).digest('hex').slice(0, 32);
}
