import { createHash } from 'node:crypto';
import { maskedTokens, VALUE } from './mask.ts';
import { partition, templateOf } from './partition.ts';

export interface Template {
  /** Hex; stays as long as the template's lines stay together, in whatever order they come. */
  readonly id: string;
  /** The words of the message, with `<*>` for its values. */
  readonly text: string;
}

/** What a miner knows of messages of one length: plain data, to be kept and given to another miner. */
export interface TemplateState {
  /** Words in the messages. */
  readonly length: number;
  readonly shapes: readonly { readonly text: string; readonly seen: number; readonly id?: string }[];
}

/** A masked line. What `learn` returns; its template may become more general as further lines come. */
export interface Shape {
  readonly tokens: readonly string[];
  readonly text: string;
  seen: number;
  /** Which shape of its length came first. */
  readonly order: number;
  template?: Template;
  /** The more general shape that has taken its place. */
  into?: Shape;
}

interface Bucket {
  readonly shapes: Map<string, Shape>;
  /** Shapes that stand for several, and so match more than their own text. */
  general: Shape[];
  characters: number;
  next: number;
  /** The templates are not those of the present shapes. */
  stale: boolean;
  /** Something is not yet in what `changes` gave away. */
  changed: boolean;
}

export interface MinerOptions {
  /** Shapes kept of messages of one length. */
  readonly maxShapes?: number;
  /** Characters kept of messages of one length; below the 400 KB that an item of the table may have. */
  readonly maxCharacters?: number;
}

/** A template that is written anew every time it is seen would cost a write a line. */
const MAX_SHAPES = 1_000;
const MAX_CHARACTERS = 200_000;

/**
 * Online log-template mining: a line is masked (`maskedTokens`), lines of one masked form are one shape, and the shapes of one
 * length are parted into templates (`partition`) when somebody asks. The state is bounded: where shapes become too many, those of
 * one template become one, and after that the rarest are forgotten.
 */
export class TemplateMiner {
  readonly #buckets = new Map<number, Bucket>();
  readonly #maxShapes: number;
  readonly #maxCharacters: number;

  constructor(options: MinerOptions = {}) {
    this.#maxShapes = options.maxShapes ?? MAX_SHAPES;
    this.#maxCharacters = options.maxCharacters ?? MAX_CHARACTERS;
  }

  /** Takes a line in; `templateOf` says what it belongs to, at any later time. */
  learn(line: string): Shape {
    const tokens = maskedTokens(line);
    const text = tokens.join(' ');
    const bucket = this.#bucket(tokens.length);
    const shape = shapeIn(bucket, text, tokens);
    if (shape) {
      shape.seen++;
      return shape;
    }
    const added = this.#add(bucket, tokens, text, 1);
    this.#bound(bucket);
    return added;
  }

  /** What a line belongs to by all that was learnt; it is not learnt itself. One of a kind that was forgotten is its own template. */
  find(line: string): Template {
    const tokens = maskedTokens(line);
    const text = tokens.join(' ');
    const shape = shapeIn(this.#bucket(tokens.length), text, tokens);
    return shape === undefined ? { id: idOf(text), text } : this.templateOf(shape);
  }

  templateOf(shape: Shape): Template {
    let last = shape;
    while (last.into) last = last.into;
    const bucket = this.#bucket(last.tokens.length);
    if (bucket.stale && bucket.shapes.get(last.text) === last) settle(bucket);
    return last.template ?? fresh([last]);
  }

  /** What is new since the last call, one state for each length that has changed. Counts alone are no change. */
  changes(): TemplateState[] {
    const states: TemplateState[] = [];
    for (const [length, bucket] of this.#buckets) {
      if (!bucket.changed) continue;
      if (bucket.stale) settle(bucket);
      bucket.changed = false;
      states.push({
        length,
        shapes: [...bucket.shapes.values()].map(({ text, seen, template }) => ({
          text,
          seen,
          ...(template && { id: template.id }),
        })),
      });
    }
    return states;
  }

  /** Joins in what another miner knew. Doing so twice changes nothing. */
  absorb({ length, shapes }: TemplateState): void {
    const bucket = this.#bucket(length);
    for (const { text, seen, id } of shapes) {
      const tokens = text === '' ? [] : text.split(' ');
      if (tokens.length !== length) continue;
      const known = bucket.shapes.get(text) ?? this.#add(bucket, tokens, text, 0);
      known.seen = Math.max(known.seen, seen);
      if (id !== undefined && (known.template === undefined || id < known.template.id))
        known.template = { id, text: known.template?.text ?? text };
    }
    bucket.stale = true;
    this.#bound(bucket);
  }

  #bucket(length: number): Bucket {
    let bucket = this.#buckets.get(length);
    if (!bucket) {
      bucket = { shapes: new Map(), general: [], characters: 0, next: 0, stale: false, changed: false };
      this.#buckets.set(length, bucket);
    }
    return bucket;
  }

  #add(bucket: Bucket, tokens: readonly string[], text: string, seen: number): Shape {
    const shape: Shape = { tokens, text, seen, order: bucket.next++ };
    bucket.shapes.set(text, shape);
    bucket.characters += text.length;
    bucket.stale = true;
    bucket.changed = true;
    return shape;
  }

  #bound(bucket: Bucket): void {
    const within = (share: number): boolean =>
      bucket.shapes.size <= share * this.#maxShapes && bucket.characters <= share * this.#maxCharacters;
    if (within(1)) return;
    settle(bucket);
    generalise(bucket);
    if (within(0.75)) return;
    const rarest = [...bucket.shapes.values()].sort((a, b) => a.seen - b.seen || a.order - b.order);
    for (const shape of rarest) {
      if (within(0.5)) break;
      drop(bucket, shape);
    }
    bucket.general = bucket.general.filter((shape) => bucket.shapes.get(shape.text) === shape);
  }
}

const shapeIn = (bucket: Bucket, text: string, tokens: readonly string[]): Shape | undefined =>
  bucket.shapes.get(text) ?? bucket.general.find((general) => covers(general.tokens, tokens));

function drop(bucket: Bucket, shape: Shape): void {
  bucket.shapes.delete(shape.text);
  bucket.characters -= shape.text.length;
}

/** Gives every shape its template. A template keeps the id that the oldest of its shapes had. */
function settle(bucket: Bucket): void {
  const groups = partition([...bucket.shapes.values()])
    .map((group) => group.sort((a, b) => a.order - b.order))
    .sort((a, b) => (a[0]?.order ?? 0) - (b[0]?.order ?? 0));
  const taken = new Set<string>();
  for (const group of groups) {
    const words = templateOf(group).join(' ');
    const had = group.find((shape) => shape.template && !taken.has(shape.template.id))?.template?.id;
    let id = had ?? idOf(words);
    // Two templates may read the same, as when one is the general form of the other's only line.
    if (taken.has(id)) id = idOf(words, group[0]?.text);
    taken.add(id);
    const template: Template = { id, text: words };
    for (const shape of group) shape.template = template;
  }
  bucket.stale = false;
}

/** Puts one shape in the place of all that share a template. */
function generalise(bucket: Bucket): void {
  const groups = new Map<Template, Shape[]>();
  for (const shape of bucket.shapes.values()) {
    if (!shape.template) continue;
    const group = groups.get(shape.template);
    if (group) group.push(shape);
    else groups.set(shape.template, [shape]);
  }
  for (const [template, group] of groups) {
    if (group.length === 1) continue;
    for (const shape of group) drop(bucket, shape);
    const seen = group.reduce((sum, shape) => sum + shape.seen, 0);
    const tokens = templateOf(group);
    const text = tokens.join(' ');
    const first = group[0] as Shape;
    const twin = bucket.shapes.get(text);
    const general: Shape = twin ?? { tokens, text, seen: 0, order: first.order, template };
    general.seen += seen;
    for (const shape of group) if (shape !== general) shape.into = general;
    if (twin) continue;
    bucket.shapes.set(text, general);
    bucket.characters += text.length;
    bucket.general.push(general);
  }
  bucket.general = bucket.general.filter((shape) => bucket.shapes.get(shape.text) === shape);
  bucket.changed = true;
}

/** Whether a general shape stands for these words as well. */
function covers(general: readonly string[], tokens: readonly string[]): boolean {
  for (let at = 0; at < general.length; at++) {
    const word = general[at] as string;
    if (word === tokens[at] || word === VALUE) continue;
    if (!word.endsWith(`=${VALUE}`) || !tokens[at]?.startsWith(word.slice(0, -VALUE.length))) return false;
  }
  return true;
}

const fresh = (group: readonly Shape[]): Template => {
  const text = templateOf(group).join(' ');
  return { id: idOf(text), text };
};

const idOf = (...parts: readonly (string | undefined)[]): string =>
  createHash('sha256').update(parts.join('\u0000')).digest('hex').slice(0, 16);
