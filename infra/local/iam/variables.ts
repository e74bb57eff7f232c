import { escapeGlob } from './glob.ts';
import type { ContextLookup } from './policy.ts';

/** A policy string with its `${…}` variables; undefined when one of them has neither a value nor a default. */
export type Template = (context: ContextLookup) => string | undefined;

const VARIABLE = /\$\{([^}]*)\}/g;
const SPECIAL = new Set(['*', '?', '$']);

/**
 * Compiles a policy string into a glob. Literal backslashes and the values of variables are escaped, so that only the
 * policy's own `*` and `?` are wildcards. Variables exist since policy version 2012-10-17.
 */
export function compileTemplate(text: string, version: string | undefined, usedKeys: Set<string>): Template {
  const escaped = text.replaceAll('\\', '\\\\');
  if (version !== '2012-10-17' || !text.includes('${')) return () => escaped;

  const parts: (string | { key: string; fallback: string | undefined })[] = [];
  let from = 0;
  for (const match of escaped.matchAll(VARIABLE)) {
    parts.push(escaped.slice(from, match.index));
    const [name = '', fallback] = (match[1] ?? '').split(/,(.*)/s);
    const key = name.trim().toLowerCase();
    if (SPECIAL.has(key)) parts.push(key === '$' ? '$' : `\\${key}`);
    else {
      parts.push({ key, fallback: fallback?.trim().replace(/^'(.*)'$/s, '$1') });
      usedKeys.add(key);
    }
    from = match.index + match[0].length;
  }
  parts.push(escaped.slice(from));

  return (context) => {
    let result = '';
    for (const part of parts) {
      if (typeof part === 'string') result += part;
      else {
        const value = context(part.key) ?? part.fallback;
        if (value === undefined) return undefined;
        result += escapeGlob(value);
      }
    }
    return result;
  };
}
