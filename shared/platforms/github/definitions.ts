import * as z from 'zod/mini';
import { type Ask, hasNext } from '../ask.ts';
import { platformId } from '../request.ts';
import type { Definition, Definitions, Sweeper } from '../sweeper.ts';
import { repoPath } from './paths.ts';

const text = z.nullish(z.string());
const list = z.object({ workflows: z.array(z.object({ id: platformId, name: text, path: text, state: z.string() })) });

/** https://docs.github.com/en/rest/actions/workflows: the states of a workflow that does not run. */
const OFF: Readonly<Record<string, string>> = {
  disabled_inactivity: 'GitHub switched it off, after 60 days without activity in its repository',
  disabled_manually: 'somebody switched it off at GitHub',
  disabled_fork: 'GitHub keeps it off, as its repository is a fork',
  deleted: 'it was deleted',
};
const [PAGE, MAX_PAGES] = [100, 3];

/** A repository's workflows. One call as a rule, which is free where nothing has changed. */
export const githubDefinitions =
  (ask: Ask): Sweeper['definitions'] =>
  async ({ repository }, { etag: known }): Promise<Definitions | undefined> => {
    const listed: Definition[] = [];
    for (let page = 1; ; page++) {
      const path = repoPath({ repository }, `/actions/workflows?per_page=${PAGE}&page=${page}`);
      const answer = await ask('GET', path, { etag: page === 1 ? known : undefined });
      if (answer.status === 304) return undefined;
      for (const { id, name, path, state } of list.parse(answer.json).workflows) {
        const reason = Object.hasOwn(OFF, state) ? OFF[state] : undefined;
        const off = reason === undefined ? undefined : ({ status: 'disabled', reason } as const);
        listed.push({ externalId: String(id), name: name ?? undefined, path: path ?? undefined, off });
      }
      const more = hasNext(answer.headers);
      // The first page tells nothing of whether the others have changed.
      const etag = page === 1 && !more ? (answer.headers.get('etag') ?? undefined) : undefined;
      if (!more || page === MAX_PAGES) return { listed, complete: !more, etag };
    }
  };
