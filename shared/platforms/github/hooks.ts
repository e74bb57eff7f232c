import * as z from 'zod/mini';
import { type Ask, hasNext, unlessGone } from '../ask.ts';
import { cut, timeOf } from '../clean.ts';
import { type Hook, type HookDelivery, type Hooks, leadsToQmoi } from '../hooks.ts';
import { PlatformRefusal, type SweptSource } from '../sweeper.ts';
import { isKnownEvent } from './payloads.ts';

const text = z.nullish(z.string());
const hook = z.object({ id: z.int(), active: z.nullish(z.boolean()), config: z.object({ url: text }) });
const delivery = z.object({
  id: z.int(),
  guid: z.string(),
  delivered_at: z.string(),
  status: text,
  status_code: z.nullish(z.int()),
  event: text,
});
/** Found by sweeps, for fewer calls. */
const SWEPT: readonly string[] = ['workflow_run', 'workflow_job'];
const [PAGE, MAX_PAGES] = [100, 5];

/** https://docs.github.com/en/rest/repos/webhooks and .../orgs/webhooks, .../apps/webhooks */
export function githubHooks(ask: Ask, options: { app: boolean }): Hooks {
  /** Undefined: the token may not know. */
  async function listed(path: string): Promise<Hook[] | undefined> {
    const answer = await refusedAsUndefined(unlessGone(ask('GET', `${path}?per_page=${PAGE}`)));
    if (answer === undefined) return undefined;
    return z
      .array(hook)
      .parse(answer.json)
      .flatMap(({ id, active, config }) => {
        const url = config.url ?? '';
        if (!leadsToQmoi('github', url)) return [];
        return [
          { id: String(id), path: `${path}/${id}`, url, ...(active === false && { trouble: 'it is switched off' }) },
        ];
      });
  }

  async function of({ repository }: SweptSource) {
    // Whatever happens in its repositories is told to an App over the one hook that it has.
    if (options.app) {
      const config = z.object({ url: text }).parse((await ask('GET', '/app/hook/config')).json);
      const url = config.url ?? '';
      if (leadsToQmoi('github', url)) return { hooks: [{ id: 'app', path: '/app/hook', url }], complete: true };
    }
    const [owner = '', repo = ''] = repository.split('/').map(encodeURIComponent);
    const own = await listed(`/repos/${owner}/${repo}/hooks`);
    if (own !== undefined && own.length > 0) return { hooks: own, complete: true };
    const shared = await listed(`/orgs/${owner}/hooks`);
    return { hooks: shared ?? [], complete: own !== undefined && shared !== undefined };
  }

  async function deliveries({ path }: Hook, since: string): Promise<HookDelivery[]> {
    const found: HookDelivery[] = [];
    let cursor = '';
    for (let page = 1; page <= MAX_PAGES; page++) {
      const answer = await ask('GET', `${path}/deliveries?per_page=${PAGE}${cursor}`);
      for (const native of z.array(delivery).parse(answer.json)) {
        const code = native.status_code ?? 0;
        found.push({
          id: String(native.id),
          externalId: native.guid,
          at: timeOf(native.delivered_at) ?? since,
          ok: code >= 200 && code < 300,
          wanted: isKnownEvent(native.event ?? '') && !SWEPT.includes(native.event ?? ''),
          outcome: cut(native.status ?? String(code), 100),
        });
      }
      const next = /[?&]cursor=([^&>]+)[^>]*>;\s*rel="next"/.exec((answer.headers.get('link') ?? '').slice(0, 4_000));
      if (!hasNext(answer.headers) || next === null || (found.at(-1)?.at ?? '') < since) break;
      cursor = `&cursor=${next[1]}`;
    }
    return found;
  }

  async function redeliver({ path }: Hook, { id }: HookDelivery): Promise<void> {
    await ask('POST', `${path}/deliveries/${id}/attempts`);
  }

  return { of, deliveries, redeliver, redeliveriesAtOnce: 50 };
}

async function refusedAsUndefined<T>(call: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof PlatformRefusal && (error.status === 401 || error.status === 403)) return undefined;
    throw error;
  }
}
