import type { Category, Failure } from '../model/index.ts';

/** What the rules' own categories say of an outcome that changes by itself. */
const BY_CATEGORY: Partial<Record<Category, string>> = {
  runner: 'runner',
  network: 'network',
  system: 'resources',
  performance: 'time-out',
};

/**
 * Words that tell the reasons of flaky tests apart (the categories of Luo et al., "An Empirical Analysis of Flaky Tests", and of
 * those seen in industry). The first that is found counts; all are plain words, so that any text is searched in linear time.
 */
const BY_WORDS: readonly (readonly [string, readonly string[]])[] = [
  ['time-out', ['timed out', 'timeout', 'time-out', 'deadline exceeded']],
  ['asynchronous wait', ['not visible', 'not attached', 'waiting for', 'stale element', 'eventually', 'never called']],
  [
    'concurrency',
    ['deadlock', 'data race', 'race condition', 'concurrentmodification', 'lock wait', 'database is locked'],
  ],
  ['network', ['connection refused', 'connection reset', 'econnreset', 'socket hang up', 'unreachable', '503', '502']],
  ['resources', ['out of memory', 'no space left', 'too many open files', 'address already in use', 'eaddrinuse']],
  ['test order', ['already exists', 'duplicate key', 'already registered', 'already defined']],
  ['time', ['timezone', 'daylight', 'clock skew', 'leap', 'expired']],
  ['randomness', ['random', 'seed', 'uuid collision']],
];

/** Why the outcome of a failed job may have changed without a change, in a word. */
export function suspectedCauseOf({ category, excerpt }: Pick<Failure, 'category' | 'excerpt'>): string {
  const known = category === undefined ? undefined : BY_CATEGORY[category];
  if (known !== undefined) return known;
  const text = (excerpt ?? '').toLowerCase();
  return BY_WORDS.find(([, words]) => words.some((word) => text.includes(word)))?.[0] ?? 'unknown';
}
