import { type Chars, includes, type Node, parse, WORD } from './parse.ts';

/** Beyond it nobody waits for the end: no linear pattern needs so many for a text of a few hundred characters. */
const ENOUGH = 1_000_000;

/**
 * How often a backtracking engine, as ECMAScript describes it, looks at a character to find all matches of a pattern.
 * Infinity stands for more than anyone waits for. Bounds above `most` are lowered: a bounded repetition stays bounded, and texts need not be longer than its bound.
 */
export function backtrackingSteps(source: string, flags: string, text: string, most = 6): number {
  const engine = new Engine(flags, text);
  const match = engine.compiled(lowered(parse(source, flags), most));
  for (let at = 0; at <= text.length && engine.steps < ENOUGH; ) {
    const end = match(at);
    if (end < 0) {
      if (flags.includes('y')) break;
      at++;
    } else if (!/[gy]/.test(flags)) break;
    else at = Math.max(end, at + 1);
  }
  return engine.steps < ENOUGH ? engine.steps : Number.POSITIVE_INFINITY;
}

export function lowered(node: Node, most: number): Node {
  switch (node.kind) {
    case 'sequence':
    case 'choice':
      return { kind: node.kind, parts: node.parts.map((part) => lowered(part, most)) };
    case 'group':
    case 'look':
      return { ...node, body: lowered(node.body, most) };
    case 'repeat': {
      const max = Number.isFinite(node.max) ? Math.min(node.max, most) : node.max;
      return { ...node, body: lowered(node.body, most), min: Math.min(node.min, max, most), max };
    }
    default:
      return node;
  }
}

type Then = (at: number) => number;

class Engine {
  steps = 0;
  readonly #flags: string;
  readonly #text: string;
  readonly #groups: (readonly [number, number] | undefined)[] = [];

  constructor(flags: string, text: string) {
    this.#flags = flags;
    this.#text = text;
  }

  /** The end of the match that begins at a place, or -1. */
  compiled(node: Node): (at: number) => number {
    return (at) => this.#run(node, at, (end) => end);
  }

  #run(node: Node, at: number, then: Then): number {
    if (this.steps >= ENOUGH) return -1;
    switch (node.kind) {
      case 'chars':
        this.steps++;
        return at < this.#text.length && includes(node.chars, this.#text.charCodeAt(at)) ? then(at + 1) : -1;
      case 'sequence':
        return this.#sequence(node.parts, 0, at, then);
      case 'choice':
        for (const part of node.parts) {
          const end = this.#run(part, at, then);
          if (end >= 0) return end;
        }
        return -1;
      case 'group':
        return this.#run(node.body, at, (end) => {
          const before = this.#groups[node.index];
          this.#groups[node.index] = [at, end];
          const found = then(end);
          if (found < 0) this.#groups[node.index] = before;
          return found;
        });
      case 'repeat':
        return node.body.kind === 'chars'
          ? this.#single(node, node.body.chars, at, then)
          : this.#repeat(node, at, 0, then);
      case 'look': {
        const found = node.ahead ? this.#run(node.body, at, (end) => end) >= 0 : this.#behind(node.body, at);
        return found === node.negative ? -1 : then(at);
      }
      case 'at':
        this.steps++;
        return this.#isAt(node.place, at) ? then(at) : -1;
      case 'back': {
        const [from, to] = this.#groups[node.index] ?? [0, 0];
        this.steps += 1 + to - from;
        return this.#text.startsWith(this.#text.slice(from, to), at) ? then(at + to - from) : -1;
      }
    }
  }

  #sequence(parts: readonly Node[], from: number, at: number, then: Then): number {
    const part = parts[from];
    return part === undefined ? then(at) : this.#run(part, at, (end) => this.#sequence(parts, from + 1, end, then));
  }

  #repeat(node: Node & { kind: 'repeat' }, at: number, times: number, then: Then): number {
    const more = (): number =>
      times >= node.max
        ? -1
        : this.#run(node.body, at, (end) =>
            end === at && times >= node.min ? -1 : this.#repeat(node, end, times + 1, then),
          );
    if (times < node.min) return more();
    const [first, second] = node.lazy ? [() => then(at), more] : [more, () => then(at)];
    const end = first();
    return end >= 0 ? end : second();
  }

  /** The same for single characters, without a call for each of them. */
  #single(node: Node & { kind: 'repeat' }, chars: Chars, at: number, then: Then): number {
    const fits = (count: number): boolean => {
      this.steps++;
      return at + count < this.#text.length && includes(chars, this.#text.charCodeAt(at + count));
    };
    let count = 0;
    while (count < (node.lazy ? node.min : node.max) && fits(count)) count++;
    if (count < node.min) return -1;
    for (;;) {
      const end = then(at + count);
      if (end >= 0 || this.steps >= ENOUGH) return end;
      if (node.lazy ? count >= node.max || !fits(count) : count <= node.min) return -1;
      count += node.lazy ? 1 : -1;
    }
  }

  #behind(body: Node, at: number): boolean {
    return at > 0 && this.#run(body, at - 1, (end) => (end === at ? end : -1)) >= 0;
  }

  #isAt(place: (Node & { kind: 'at' })['place'], at: number): boolean {
    const lines = this.#flags.includes('m');
    if (place === 'start') return at === 0 || (lines && this.#text[at - 1] === '\n');
    if (place === 'end') return at === this.#text.length || (lines && this.#text[at] === '\n');
    const isWord = (i: number): boolean => i >= 0 && i < this.#text.length && includes(WORD, this.#text.charCodeAt(i));
    return (isWord(at - 1) !== isWord(at)) === (place === 'boundary');
  }
}
