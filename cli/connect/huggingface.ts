import * as z from 'zod/mini';
import type { Ask } from '../../shared/platforms/ask.ts';
import { type HookApi, missingIn } from './hook.ts';

const DOMAINS = ['repo', 'discussion'] as const;
const watched = z.object({ type: z.string(), name: z.string() });
const hook = z.object({
  id: z.string(),
  url: z.nullish(z.string()),
  watched: z.array(watched),
  domains: z.array(z.string()),
  secret: z.nullish(z.string()),
  disabled: z.nullish(z.union([z.boolean(), z.string()])),
});
type Hook = z.infer<typeof hook>;
const API = '/api/settings/webhooks';
const TYPES = ['user', 'org', 'model', 'dataset', 'space'];

/** `target`: `<type>:<name>`, or a bare name, which is a user's. https://huggingface.co/docs/hub/webhooks */
export function huggingfaceHook(
  ask: Ask,
  target: string,
  { url, secret }: { url: string; secret: string },
): HookApi<Hook> {
  const [first = '', ...rest] = target.split(':');
  const what =
    TYPES.includes(first) && rest.length > 0 ? { type: first, name: rest.join(':') } : { type: 'user', name: target };
  const merged = (known: Hook | undefined) => ({
    url,
    secret,
    watched: [...(known?.watched ?? []).filter(({ type, name }) => type !== what.type || name !== what.name), what],
    domains: [...new Set([...(known?.domains ?? []), ...DOMAINS])],
  });
  const answer = z.object({ webhook: hook });
  return {
    what: `the webhook of ${what.type} ${what.name}`,
    needs: 'the right to manage webhooks (a token of the role "write", or a fine-grained one with "webhooks")',
    async list() {
      const { json } = await ask('GET', API);
      const all = z.union([z.array(hook), z.object({ webhooks: z.array(hook) })]).parse(json);
      return (Array.isArray(all) ? all : all.webhooks).filter((one) => one.url === url);
    },
    async create() {
      return { hook: answer.parse((await ask('POST', API, { body: merged(undefined) })).json).webhook };
    },
    differences(known) {
      const isWatched = known.watched.some(({ type, name }) => type === what.type && name === what.name);
      return [
        ...(isWatched ? [] : [`it did not watch ${what.type} ${what.name}`]),
        ...missingIn(known.domains, DOMAINS),
        ...(known.secret === secret ? [] : ['it had another secret']),
        ...(known.disabled ? ['it was switched off'] : []),
      ];
    },
    async update(known) {
      await ask('POST', `${API}/${encodeURIComponent(known.id)}`, { body: merged(known) });
      if (known.disabled) await ask('POST', `${API}/${encodeURIComponent(known.id)}/enable`);
    },
  };
}
