import { redact } from './redact.ts';

/** What GitHub's own actions, and others that use its cache, say once they have restored one. */
const RESTORED = 'Cache restored from key: ';

export const cacheLiterals: readonly string[] = [RESTORED];

/** A job uses a few; GitHub allows keys of 512 characters, and no commas in them. */
const [MOST, MAX_KEY] = [3, 512];

/** The keys of the caches that a job has restored, by its log. */
export class RestoredCaches {
  readonly #keys = new Set<string>();

  see(text: string): void {
    const at = text.indexOf(RESTORED);
    const key = text.slice(at + RESTORED.length).trim();
    // What stands before it is quoting it. A key that tells a secret is not kept, and another one would not do.
    const told = at === 0 && key !== '' && key.length <= MAX_KEY && !key.includes(',') && redact(key) === key;
    if (told && this.#keys.size < MOST) this.#keys.add(key);
  }

  keys(): string[] {
    return [...this.#keys];
  }
}
