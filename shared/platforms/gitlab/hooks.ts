import * as z from 'zod/mini';
import { type Ask, hasNext } from '../ask.ts';
import { cut, timeOf } from '../clean.ts';
import { type Hook, type HookDelivery, type Hooks, leadsToQmoi } from '../hooks.ts';
import { PlatformRefusal, type SweptSource } from '../sweeper.ts';

const text = z.nullish(z.string());
const hook = z.object({ id: z.int(), url: text, alert_status: text, disabled_until: text });
const event = z.object({
  id: z.int(),
  request_headers: z.nullish(z.record(z.string(), z.unknown())),
  response_status: z.nullish(z.union([z.string(), z.number()])),
  created_at: text,
});
/** Pipelines and jobs are found by sweeps, for fewer calls. */
const WANTED: readonly string[] = ['Deployment Hook', 'Release Hook'];
const [PAGE, MAX_PAGES] = [100, 3];

/** https://docs.gitlab.com/api/project_webhooks/ and .../group_webhooks/ */
export function gitlabHooks(ask: Ask): Hooks {
  async function listed(path: string): Promise<Hook[] | undefined> {
    try {
      const answer = await ask('GET', `${path}?per_page=${PAGE}`);
      return z
        .array(hook)
        .parse(answer.json)
        .flatMap((native) => hookOf(native, path));
    } catch (error) {
      // Group hooks are for paying groups alone, and for their owners.
      if (error instanceof PlatformRefusal && [401, 403, 404].includes(error.status)) return undefined;
      throw error;
    }
  }

  async function of({ repository, repositoryId }: SweptSource) {
    const own = await listed(`/projects/${encodeURIComponent(repositoryId ?? repository)}/hooks`);
    if (own !== undefined && own.length > 0) return { hooks: own, complete: true };
    const group = repository.split('/').slice(0, -1).join('/');
    const shared = await listed(`/groups/${encodeURIComponent(group)}/hooks`);
    // Hooks of the groups above, and of the whole instance, tell of a project as well.
    return { hooks: shared ?? [], complete: false };
  }

  async function deliveries({ path }: Hook, since: string): Promise<HookDelivery[]> {
    const found: HookDelivery[] = [];
    for (let page = 1; page <= MAX_PAGES; page++) {
      const answer = await ask('GET', `${path}/events?per_page=${PAGE}&page=${page}`);
      found.push(
        ...z
          .array(event)
          .parse(answer.json)
          .map((native) => deliveryOf(native, since)),
      );
      if (!hasNext(answer.headers) || (found.at(-1)?.at ?? '') < since) break;
    }
    return found;
  }

  async function redeliver({ path }: Hook, { id }: HookDelivery): Promise<void> {
    await ask('POST', `${path}/events/${id}/resend`);
  }

  // GitLab takes five a minute.
  return { of, deliveries, redeliver, redeliveriesAtOnce: 5 };
}

function hookOf({ id, url, alert_status, disabled_until }: z.infer<typeof hook>, path: string): Hook[] {
  if (!leadsToQmoi('gitlab', url ?? '')) return [];
  const trouble =
    alert_status === 'disabled'
      ? 'GitLab has switched it off for good, after too many failures'
      : alert_status === 'temporarily_disabled'
        ? `GitLab has switched it off until ${timeOf(disabled_until) ?? 'later'}, after several failures`
        : undefined;
  return [{ id: String(id), path: `${path}/${id}`, url: url ?? '', trouble }];
}

function deliveryOf(native: z.infer<typeof event>, since: string): HookDelivery {
  const headers = new Map(
    Object.entries(native.request_headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  const status = String(native.response_status ?? '');
  const event = headers.get('x-gitlab-event') ?? '';
  return {
    id: String(native.id),
    externalId: headers.get('idempotency-key') ?? headers.get('webhook-id') ?? headers.get('x-gitlab-event-uuid'),
    at: timeOf(native.created_at) ?? since,
    ok: /^2\d\d$/.test(status),
    wanted: WANTED.includes(event),
    outcome: cut(status, 100),
  };
}
