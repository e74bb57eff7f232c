/** JavaScript regular expressions as trees, as far as this project writes them; everything else is an error. */

/** Inclusive ranges of code units. */
export type Chars = readonly (readonly [from: number, to: number])[];

export type Node =
  | { readonly kind: 'chars'; readonly chars: Chars }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Node[] }
  | { readonly kind: 'group'; readonly index: number; readonly body: Node }
  | { readonly kind: 'repeat'; readonly body: Node; readonly min: number; readonly max: number; readonly lazy: boolean }
  | { readonly kind: 'look'; readonly ahead: boolean; readonly negative: boolean; readonly body: Node }
  | { readonly kind: 'at'; readonly place: 'start' | 'end' | 'boundary' | 'inside' }
  | { readonly kind: 'back'; readonly index: number };

const MAX = 0xffff;
const DIGIT: Chars = [[48, 57]];
export const WORD: Chars = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const SPACE: Chars = [
  [9, 13],
  [32, 32],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const LINE_ENDS: Chars = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
];

function inverted(chars: Chars): Chars {
  const out: [number, number][] = [];
  let next = 0;
  for (const [from, to] of [...chars].sort((a, b) => a[0] - b[0])) {
    if (from > next) out.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= MAX) out.push([next, MAX]);
  return out;
}

export const includes = (chars: Chars, code: number): boolean => chars.some(([from, to]) => code >= from && code <= to);

/** With the letters of either case: more than the engine takes is no harm to a proof that time is linear. */
function folded(chars: Chars): Chars {
  const moved = (low: number, high: number, by: number): Chars =>
    chars
      .map(([from, to]) => [Math.max(from, low) + by, Math.min(to, high) + by] as const)
      .filter(([from, to]) => from <= to);
  return [...chars, ...moved(65, 90, 32), ...moved(97, 122, -32)];
}

const CLASSES: Readonly<Record<string, Chars>> = {
  d: DIGIT,
  D: inverted(DIGIT),
  w: WORD,
  W: inverted(WORD),
  s: SPACE,
  S: inverted(SPACE),
};
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, '0': 0 };

export function parse(source: string, flags = ''): Node {
  return new Parser(source, flags).whole();
}

class Parser {
  readonly #source: string;
  readonly #flags: string;
  #at = 0;
  #groups = 0;

  constructor(source: string, flags: string) {
    this.#source = source;
    this.#flags = flags;
  }

  whole(): Node {
    const node = this.#choice();
    if (this.#at < this.#source.length) throw this.#unknown();
    return node;
  }

  #unknown(): Error {
    return new Error(`not understood at ${this.#at}: ${this.#source}`);
  }

  #takes(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #choice(): Node {
    const parts = [this.#sequence()];
    while (this.#takes('|')) parts.push(this.#sequence());
    return parts.length === 1 ? (parts[0] as Node) : { kind: 'choice', parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#source.length && !'|)'.includes(this.#source.charAt(this.#at))) parts.push(this.#term());
    return { kind: 'sequence', parts };
  }

  #term(): Node {
    const body = this.#atom();
    const counted = /^\{(\d+)(,?)(\d*)\}/.exec(this.#source.slice(this.#at));
    let bounds: readonly [number, number] | undefined;
    if (this.#takes('*')) bounds = [0, Number.POSITIVE_INFINITY];
    else if (this.#takes('+')) bounds = [1, Number.POSITIVE_INFINITY];
    else if (this.#takes('?')) bounds = [0, 1];
    else if (counted) {
      this.#at += counted[0].length;
      const min = Number(counted[1]);
      bounds = [min, counted[2] === '' ? min : counted[3] === '' ? Number.POSITIVE_INFINITY : Number(counted[3])];
    }
    if (!bounds) return body;
    return { kind: 'repeat', body, min: bounds[0], max: bounds[1], lazy: this.#takes('?') };
  }

  #atom(): Node {
    if (this.#takes('^')) return { kind: 'at', place: 'start' };
    if (this.#takes('$')) return { kind: 'at', place: 'end' };
    if (this.#takes('(')) return this.#group();
    if (this.#takes('[')) return this.#chars(this.#class());
    if (this.#takes('.')) return this.#chars(this.#flags.includes('s') ? [[0, MAX]] : inverted(LINE_ENDS));
    if (this.#takes('\\')) return this.#escape();
    const char = this.#source.charAt(this.#at++);
    if ('*+?{'.includes(char)) throw this.#unknown();
    return this.#chars([[char.charCodeAt(0), char.charCodeAt(0)]]);
  }

  #chars(chars: Chars): Node {
    return { kind: 'chars', chars: this.#flags.includes('i') ? folded(chars) : chars };
  }

  #group(): Node {
    const looks = [
      ['?=', true, false],
      ['?!', true, true],
      ['?<=', false, false],
      ['?<!', false, true],
    ] as const;
    const look = looks.find(([mark]) => this.#takes(mark));
    const plain = look !== undefined || this.#takes('?:');
    if (!plain && this.#source.startsWith('?', this.#at)) throw this.#unknown();
    const index = plain ? 0 : ++this.#groups;
    const body = this.#choice();
    if (!this.#takes(')')) throw this.#unknown();
    if (look) return { kind: 'look', ahead: look[1], negative: look[2], body };
    return { kind: 'group', index, body };
  }

  #escape(): Node {
    const char = this.#source.charAt(this.#at++);
    if (char === 'b' || char === 'B') return { kind: 'at', place: char === 'b' ? 'boundary' : 'inside' };
    if (/[1-9]/.test(char)) return { kind: 'back', index: Number(char) };
    return this.#chars(CLASSES[char] ?? [this.#code(char)]);
  }

  #code(char: string): [number, number] {
    const coded = char === 'u' || char === 'x' ? this.#source.slice(this.#at, this.#at + (char === 'u' ? 4 : 2)) : '';
    this.#at += coded.length;
    if (/[A-Za-z0-9]/.test(char) && coded === '' && CONTROLS[char] === undefined) throw this.#unknown();
    const code = coded === '' ? (CONTROLS[char] ?? char.charCodeAt(0)) : Number.parseInt(coded, 16);
    return [code, code];
  }

  #class(): Chars {
    const negative = this.#takes('^');
    const ranges: (readonly [number, number])[] = [];
    while (!this.#takes(']')) {
      const low = this.#member();
      if (this.#source[this.#at] === '-' && this.#source[this.#at + 1] !== ']' && low.length === 1) {
        this.#at++;
        const high = this.#member();
        ranges.push([low[0]?.[0] ?? 0, high[0]?.[1] ?? 0]);
      } else ranges.push(...low);
    }
    const chars = this.#flags.includes('i') ? folded(ranges) : ranges;
    return negative ? inverted(chars) : chars;
  }

  #member(): Chars {
    if (this.#at >= this.#source.length) throw this.#unknown();
    const char = this.#source.charAt(this.#at++);
    if (char !== '\\') return [[char.charCodeAt(0), char.charCodeAt(0)]];
    const escaped = this.#source.charAt(this.#at++);
    if (escaped === 'b') return [[8, 8]];
    return CLASSES[escaped] ?? [this.#code(escaped)];
  }
}
