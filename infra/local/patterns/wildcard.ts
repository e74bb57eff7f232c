import { invalidPattern } from './invalid.ts';

/**
 * `*` stands for any run of characters, `\*` and `\\` for themselves. The literals between the stars are looked for from
 * left to right, each once: time is linear in the text for a given pattern.
 */
export function compileWildcard(pattern: string): (text: string) => boolean {
  const literals: string[] = [''];
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i] as string;
    if (c === '*') {
      if (pattern[i + 1] === '*') throw invalidPattern(`Consecutive wildcard characters at pos ${i}`);
      literals.push('');
    } else if (c === '\\') {
      const escaped = pattern[++i];
      if (escaped !== '*' && escaped !== '\\') throw invalidPattern(`Invalid escape character at pos ${i - 1}`);
      literals[literals.length - 1] += escaped;
    } else {
      literals[literals.length - 1] += c;
    }
  }
  const first = literals[0] as string;
  if (literals.length === 1) return (text) => text === first;
  const last = literals.at(-1) as string;
  const middle = literals.slice(1, -1);

  return (text) => {
    const end = text.length - last.length;
    if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let from = first.length;
    for (const literal of middle) {
      const at = text.indexOf(literal, from);
      if (at === -1) return false;
      from = at + literal.length;
    }
    return from <= end;
  };
}
