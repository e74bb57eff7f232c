import { type Chars, includes, type Node, parse, WORD } from './parse.ts';

/**
 * Proves that a backtracking engine needs linear time for a pattern, or names what stands against it.
 *
 * The steps of a search are the ways in which the pattern can have read the text so far, from every start. Their number is
 * bounded, and the time linear, unless two places p and q of the automaton that read again and again can be confused: some
 * text leads from p to p, from p to q and from q to q (Weber and Seidl 1991; Weideman et al. 2016). For a pattern that is
 * not tied to the start of the text the search itself is such a place: `\s+$` is quadratic. Ways that cannot fail any more
 * are not counted: `\s+` reads on and has matched.
 *
 * Repetitions with an upper bound read only so often. On the way from p to q they count as unbounded, which errs on the
 * safe side, as do look-arounds, which count as a way of their own that leads nowhere.
 */
export function notLinear(source: string, flags = ''): string | undefined {
  try {
    return new Proof(parse(source, flags), flags).confused();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

interface Place {
  readonly chars: Chars;
  /** In a repetition without upper bound. */
  readonly endless: boolean;
  readonly text: string;
}

/** What has to hold between the character before and the one after. */
interface Condition {
  readonly boundary: 'none' | 'yes' | 'no' | 'never';
  readonly before: Chars | undefined;
}

interface Edge extends Condition {
  readonly to: number;
}

interface Step {
  readonly to: number;
  readonly condition: Condition;
  /** Back to the beginning of a repetition. */
  readonly again: boolean;
}

const FREE: Condition = { boundary: 'none', before: undefined };
const NEVER: Condition = { boundary: 'never', before: undefined };
/** Repetitions of at most so often are written out. */
const SMALL = 3;
const MAX_CHAR = 0xffff;
const SEARCH = 0;

class Proof {
  readonly #flags: string;
  /** The characters that the automaton reads: place i is read by state `#reads[i]`. */
  readonly #places: Place[] = [{ chars: [[0, MAX_CHAR]], endless: true, text: 'the search' }];
  /** Free moves between states. */
  readonly #moves: Step[][] = [];
  /** By state, the place that is read there and the state after it. */
  readonly #reads = new Map<number, { place: number; to: number }>();
  readonly #edges: Edge[][];
  readonly #end: number;
  /** Places after which the pattern has matched, whatever follows: a way that comes by cannot fail any more. */
  readonly #accepting = new Set<number>();
  readonly #atoms: number[];
  readonly #twice: string | undefined;

  constructor(tree: Node, flags: string) {
    this.#flags = flags;
    const first = this.#state();
    const searching = this.#state();
    this.#end = this.#build(tree, first, 0);
    this.#atoms = this.#representatives();
    const after = new Map<number, number>([[SEARCH, searching]]);
    for (const { place, to } of this.#reads.values()) after.set(place, to);
    const edges: Edge[][] = [];
    let twice: string | undefined;
    for (const [place, { text }] of this.#places.entries()) {
      const { edges: reached, accepts } = this.#reach(place === SEARCH ? first : (after.get(place) ?? 0));
      if (accepts && place !== SEARCH) this.#accepting.add(place);
      if (place === SEARCH && !flags.includes('y')) reached.push({ to: SEARCH, ...FREE });
      edges[place] = reached;
      for (const [i, edge] of reached.entries())
        if (reached.findIndex(({ to }) => to === edge.to) < i && place !== SEARCH)
          if (this.#places[place]?.endless && this.#places[edge.to]?.endless)
            twice ??= `two ways from ${text} to ${this.#places[edge.to]?.text}`;
    }
    this.#edges = edges;
    this.#twice = twice;
  }

  confused(): string | undefined {
    if (this.#twice) return this.#twice;
    const loops = this.#loops();
    for (const p of loops.keys())
      for (const q of loops.keys()) {
        if (p === q || this.#accepting.has(q) || (p === SEARCH && this.#flags.includes('y'))) continue;
        if (this.#canConfuse(p, q, loops.get(p) as Set<number>, loops.get(q) as Set<number>))
          return `${this.#places[p]?.text} and ${this.#places[q]?.text}`;
      }
    return undefined;
  }

  #state(): number {
    return this.#moves.push([]) - 1;
  }

  #move(from: number, to: number, condition: Condition = FREE, again = false): void {
    this.#moves[from]?.push({ to, condition, again });
  }

  /** Returns the state after it. `endless`: how many repetitions without bound stand around it. */
  #build(node: Node, from: number, endless: number): number {
    const to = this.#state();
    switch (node.kind) {
      case 'chars': {
        const place = this.#places.push({ chars: node.chars, endless: endless > 0, text: show(node.chars) }) - 1;
        this.#reads.set(from, { place, to });
        return to;
      }
      case 'sequence': {
        let state = from;
        for (const part of node.parts) {
          const entry = this.#state();
          this.#move(state, entry);
          state = this.#build(part, entry, endless);
        }
        this.#move(state, to);
        return to;
      }
      case 'choice':
        for (const part of node.parts) {
          const entry = this.#state();
          this.#move(from, entry);
          this.#move(this.#build(part, entry, endless), to);
        }
        return to;
      case 'group':
        return this.#build(node.body, from, endless);
      case 'repeat':
        return this.#repeat(node, from, to, endless);
      case 'look': {
        const single = !node.ahead ? singleChars(node.body) : undefined;
        if (!node.ahead && !single) throw new Error('a look-behind of more than one character');
        if (single) this.#move(from, to, { boundary: 'none', before: node.negative ? inverted(single) : single });
        else {
          const entry = this.#state();
          this.#move(from, entry);
          this.#build(node.body, entry, endless);
          this.#move(from, to);
        }
        return to;
      }
      case 'at': {
        const lines = this.#flags.includes('m');
        // Whatever is confused has read something before and reads on after.
        if (node.place === 'start' || node.place === 'end') this.#move(from, to, lines ? FREE : NEVER);
        else this.#move(from, to, { boundary: node.place === 'boundary' ? 'yes' : 'no', before: undefined });
        return to;
      }
      case 'back':
        throw new Error('a back-reference');
    }
  }

  #repeat(node: Node & { kind: 'repeat' }, from: number, to: number, endless: number): number {
    const { body, min, max } = node;
    const bounded = Number.isFinite(max);
    const copies = bounded && max <= SMALL ? max : Math.max(1, Math.min(min, SMALL));
    let state = from;
    for (let copy = 0; copy < copies; copy++) {
      if (copy >= min) this.#move(state, to);
      const last = copy === copies - 1;
      const loops = last && max > copies;
      const entry = this.#state();
      this.#move(state, entry);
      const end = this.#build(body, entry, endless + (bounded ? 0 : 1));
      state = this.#state();
      this.#move(end, state);
      if (loops) this.#move(end, entry, FREE, true);
    }
    this.#move(state, to);
    return to;
  }

  /** All ways to a place that is read next; the same place twice, if there are two. */
  #reach(start: number): { edges: Edge[]; accepts: boolean } {
    const found: Edge[] = [];
    let accepts = false;
    let ways = 0;
    // Engines end a repetition that has read nothing: no way leads back to the beginning of the same one twice.
    const walk = (state: number, again: readonly number[], condition: Condition): void => {
      if (++ways > 200_000) throw new Error('too many ways');
      if (state === this.#end && condition.boundary === 'none' && !condition.before) accepts = true;
      const read = this.#reads.get(state);
      if (read && found.filter(({ to }) => to === read.place).length < 2) found.push({ to: read.place, ...condition });
      for (const move of this.#moves[state] ?? []) {
        const both = combined(condition, move.condition);
        if (!both || (move.again && again.includes(state))) continue;
        walk(move.to, move.again ? [...again, state] : again, both);
      }
    };
    walk(start, [], FREE);
    return { edges: found, accepts };
  }

  /** One character of each kind that the pattern tells apart. */
  #representatives(): number[] {
    const bounds = new Set([0]);
    const conditions = this.#moves.flat().map(({ condition }) => condition.before ?? []);
    for (const chars of [...this.#places.map((place) => place.chars), ...conditions, WORD])
      for (const [from, to] of chars) {
        bounds.add(from);
        bounds.add(to + 1);
      }
    return [...bounds].filter((code) => code <= MAX_CHAR);
  }

  /** Places that read again and again, each with those that it comes by. */
  #loops(): Map<number, Set<number>> {
    const reach = (from: number): Set<number> => {
      const seen = new Set<number>();
      const queue = [from];
      for (const place of queue)
        for (const { to } of this.#edges[place] ?? [])
          if (!seen.has(to) && this.#places[to]?.endless) {
            seen.add(to);
            queue.push(to);
          }
      return seen;
    };
    const from = new Map(this.#places.flatMap((place, i) => (place.endless ? [[i, reach(i)] as const] : [])));
    const loops = new Map<number, Set<number>>();
    for (const [place, reached] of from)
      if (reached.has(place)) loops.set(place, new Set([...reached].filter((other) => from.get(other)?.has(place))));
    return loops;
  }

  #canConfuse(p: number, q: number, roundP: ReadonlySet<number>, roundQ: ReadonlySet<number>): boolean {
    const seen = new Set<string>();
    const fails = (place: number): boolean => !this.#accepting.has(place);
    // Any character that may have been read last; only look-behinds and boundaries ask for it.
    const queue: (readonly [number, number, number, number])[] = this.#atoms
      .filter((code) => this.#readsAt(p, code) && this.#readsAt(q, code))
      .map((code) => [p, p, q, code] as const);
    for (const [first, middle, last, before] of queue) {
      for (const code of this.#atoms) {
        const a = this.#next(first, before, code).filter((to) => roundP.has(to));
        if (a.length === 0) continue;
        const c = this.#next(last, before, code).filter((to) => roundQ.has(to) && fails(to));
        if (c.length === 0) continue;
        for (const x of a)
          for (const y of this.#next(middle, before, code).filter((to) => p === SEARCH || fails(to)))
            for (const z of c) {
              if (x === p && y === q && z === q) return true;
              const key = `${x} ${y} ${z} ${code}`;
              if (seen.has(key)) continue;
              if (seen.size > 300_000) throw new Error('too large to be proven');
              seen.add(key);
              queue.push([x, y, z, code]);
            }
      }
    }
    return false;
  }

  readonly #readsAt = (place: number, code: number): boolean => includes(this.#places[place]?.chars ?? [], code);

  #next(place: number, before: number, code: number): number[] {
    return (this.#edges[place] ?? [])
      .filter((edge) => this.#readsAt(edge.to, code) && holds(edge, before, code))
      .map(({ to }) => to);
  }
}

function holds({ boundary, before }: Condition, last: number, next: number): boolean {
  if (before && !includes(before, last)) return false;
  if (boundary === 'none') return true;
  return (includes(WORD, last) !== includes(WORD, next)) === (boundary === 'yes');
}

/** Undefined: cannot hold together. */
function combined(a: Condition, b: Condition): Condition | undefined {
  if (b.boundary === 'never') return undefined;
  if (a.boundary !== 'none' && b.boundary !== 'none' && a.boundary !== b.boundary) return undefined;
  // Of two look-behinds one is enough to err on the safe side.
  return { boundary: a.boundary === 'none' ? b.boundary : a.boundary, before: a.before ?? b.before };
}

function singleChars(node: Node): Chars | undefined {
  if (node.kind === 'chars') return node.chars;
  if (node.kind === 'sequence' && node.parts.length === 1) return singleChars(node.parts[0] as Node);
  return undefined;
}

function inverted(chars: Chars): Chars {
  return Array.from({ length: MAX_CHAR + 1 }, (_, code) => code)
    .filter((code) => !includes(chars, code))
    .reduce<[number, number][]>((ranges, code) => {
      const last = ranges.at(-1);
      if (last && last[1] === code - 1) last[1] = code;
      else ranges.push([code, code]);
      return ranges;
    }, []);
}

const show = (chars: Chars): string =>
  `[${chars
    .slice(0, 4)
    .map(([from, to]) =>
      from === to ? String.fromCharCode(from) : `${String.fromCharCode(from)}-${String.fromCharCode(to)}`,
    )
    .join('')}]`;
