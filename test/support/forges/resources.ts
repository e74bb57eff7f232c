import type { Json, JsonObject } from './types.ts';

/** What lies beside a forge's runs, in the platform's own fields. */
export const KINDS = ['workflows', 'caches', 'runners', 'schedules', 'issues', 'comments', 'dispatches'] as const;
export type Kind = (typeof KINDS)[number];
export type Resource = JsonObject & { id: number };

/** The runners of an organisation or of a whole instance have no repository. */
const ANYWHERE = '';

export class Resources {
  readonly #all = new Map<string, Resource[]>();
  #next = 41_000;

  /** As if somebody had made it at the platform itself. */
  add(kind: Kind, repository: string | undefined, fields: JsonObject): Resource {
    const made = { id: this.#next, ...fields } as Resource;
    this.#next += 1;
    this.list(kind, repository).push(made);
    return made;
  }

  list(kind: Kind, repository: string | undefined): Resource[] {
    const key = `${kind} ${(repository ?? ANYWHERE).toLowerCase()}`;
    const known = this.#all.get(key) ?? [];
    this.#all.set(key, known);
    return known;
  }

  find(kind: Kind, repository: string | undefined, id: string | undefined): Resource | undefined {
    return this.list(kind, repository).find((one) => String(one.id) === id);
  }

  /** Removes what fits, and tells what that was. */
  remove(kind: Kind, repository: string | undefined, fits: (one: Resource) => boolean): Resource[] {
    const list = this.list(kind, repository);
    const gone = list.filter(fits);
    for (const one of gone) list.splice(list.indexOf(one), 1);
    return gone;
  }

  /** All there is, to be compared. An issue that was closed stays for the record, so it is as if there were none. */
  state(): Json {
    const entries = [...this.#all].map(([key, list]): [string, Json] => [
      key,
      list.filter(({ state }) => !key.startsWith('issues ') || state !== 'closed'),
    ]);
    return structuredClone(Object.fromEntries(entries.filter(([, list]) => (list as Json[]).length > 0).sort()));
  }
}
