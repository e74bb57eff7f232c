import { existsSync, readFileSync } from 'node:fs';
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type * as z from 'zod/mini';
import english from 'zod/v4/locales/en.js';
import { type Settings, settings } from './settings.ts';

/**
 * Reads the settings at synth. Not for functions: they get what they need through their environment, and need neither a
 * YAML parser nor zod's messages in their bundle.
 */

export const CONFIG_FILE = 'qmoi.config.yaml';

/** Says for every mistake where it is: one line `<file>:<line>: <path>: <what is wrong>` each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** The settings in a file; the defaults when there is no such file. Throws `ConfigError`. */
export function loadConfig(file: string): Settings {
  return existsSync(file) ? parseConfig(readFileSync(file, 'utf8'), file) : parseConfig('', file);
}

/** The settings in a YAML text; `file` only names it in messages. A key without a value means its default. */
export function parseConfig(text: string, file = CONFIG_FILE): Settings {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const complain = (mistakes: { at: number; what: string }[]): never => {
    throw new ConfigError(mistakes.map(({ at, what }) => `${file}:${lines.linePos(at).line}: ${what}`).join('\n'));
  };
  if (document.errors.length > 0) {
    complain(document.errors.map((error) => ({ at: error.pos[0], what: error.message })));
  }
  const result = settings.safeParse(withoutNulls(document.toJS()) ?? {}, { error: english().localeError });
  if (result.success) return result.data;
  return complain(result.error.issues.flatMap((issue) => mistakesOf(issue, document)));
}

function mistakesOf(issue: z.core.$ZodIssue, document: Document): { at: number; what: string }[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      at: offsetOf(document, [...issue.path, key]),
      what: `${[...issue.path, key].join('.')}: there is no such setting`,
    }));
  }
  // The issue of a bad key lies inside: outside it only says that the record has one.
  const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  const path = issue.path.join('.');
  return [{ at: offsetOf(document, issue.path), what: path === '' ? message : `${path}: ${message}` }];
}

/** Where the key that a path ends in stands, or the nearest thing around it that is written down. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    if (isMap(parent)) {
      const key = parent.items.find((pair) => isScalar(pair.key) && pair.key.value === last)?.key;
      if (isScalar(key) && key.range) return key.range[0];
    }
    const node = document.getIn(path.slice(0, length), true);
    if (isScalar(node) && node.range) return node.range[0];
  }
  return 0;
}

function withoutNulls(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value ?? undefined;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, withoutNulls(inner)] as const)
      .filter(([, inner]) => inner !== undefined),
  );
}
