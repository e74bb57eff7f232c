import type { Json, JsonObject } from './types.ts';

/** A registered webhook, in the platform's own fields. */
export type RegisteredHook = JsonObject & { id: number };

/** The webhooks registered with a forge, by the path of their list. */
export class HookBook {
  readonly #byPath = new Map<string, RegisteredHook[]>();
  #next = 493_018_227;

  at(path: string): RegisteredHook[] {
    const known = this.#byPath.get(path) ?? [];
    this.#byPath.set(path, known);
    return known;
  }

  add(path: string, fields: JsonObject): RegisteredHook {
    const hook = { ...fields, id: this.#next };
    this.#next += 1;
    this.at(path).push(hook);
    return hook;
  }

  find(path: string, id: string | undefined): RegisteredHook | undefined {
    return this.at(path).find((hook) => String(hook.id) === id);
  }
}

export const objectOf = (body: string): JsonObject => {
  const value = JSON.parse(body || '{}') as Json;
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : {};
};
