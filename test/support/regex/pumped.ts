import { type Chars, includes, type Node } from './parse.ts';

/** A text with a part that can be made as long as one likes. */
export interface Pump {
  readonly before: string;
  readonly again: string;
  readonly after: string;
}

export const pumped = ({ before, again, after }: Pump, times: number): string => before + again.repeat(times) + after;

const MAX_SAMPLE = 60;
/** What breaks off nearly every match at the end. */
const ENDS = ['', '\u0001'];

/**
 * Texts made to keep a pattern busy: for each of its repetitions, what leads there, the repeated part over and over, and
 * an end that does not fit; and the whole of a match, and what leads to a repetition, over and over.
 */
export function pumpsFor(tree: Node): Pump[] {
  const pumps = new Map<string, Pump>();
  const add = (before: string, again: string, after: string): void => {
    if (again !== '') pumps.set(JSON.stringify([before, again, after]), { before, again, after });
  };
  for (const variant of [0, 1]) {
    const whole = sample(tree, variant);
    for (const after of ENDS) add('', whole.slice(0, MAX_SAMPLE), after);
    if (whole.length > 1) add('', whole.slice(0, -1).slice(0, MAX_SAMPLE), '\u0001');
    for (const { before, body } of repetitions(tree, '', variant)) {
      for (const after of ENDS) add(before, body, after);
      add('', before + body, '\u0001');
    }
  }
  return [...pumps.values()];
}

/** A text that the node matches, look-arounds aside. */
function sample(node: Node, variant: number): string {
  switch (node.kind) {
    case 'chars':
      return charOf(node.chars, variant);
    case 'sequence':
      return node.parts.map((part) => sample(part, variant)).join('');
    case 'choice':
      return sample(node.parts[variant % node.parts.length] as Node, variant);
    case 'group':
      return sample(node.body, variant);
    case 'repeat':
      return sample(node.body, variant).repeat(Math.min(Math.max(node.min, variant, 1), node.max, 6));
    default:
      return '';
  }
}

function repetitions(node: Node, lead: string, variant: number): { before: string; body: string }[] {
  switch (node.kind) {
    case 'sequence': {
      let before = lead;
      return node.parts.flatMap((part) => {
        const found = repetitions(part, before, variant);
        before = (before + sample(part, variant)).slice(-MAX_SAMPLE);
        return found;
      });
    }
    case 'choice':
      return node.parts.flatMap((part) => repetitions(part, lead, variant));
    case 'group':
    case 'look':
      return repetitions(node.body, lead, variant);
    case 'repeat': {
      const inner = repetitions(node.body, lead, variant);
      return node.max > 1 ? [{ before: lead, body: sample(node.body, variant) }, ...inner] : inner;
    }
    default:
      return [];
  }
}

/** A letter or a digit where there is one, in the second variant another kind of character. */
function charOf(chars: Chars, variant: number): string {
  const wanted = variant === 0 ? 'a0 -.:/A' : '1.a Z-_"';
  for (const char of wanted) if (includes(chars, char.charCodeAt(0))) return char;
  return String.fromCharCode(chars.find(([from]) => from >= 32)?.[0] ?? chars[0]?.[0] ?? 0);
}
