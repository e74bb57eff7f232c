import { message, notFound } from './github-api.ts';
import { type HookBook, objectOf } from './hooks.ts';
import type { ForgeParts } from './platform-forge.ts';
import type { ApiRequest, Reply, Route } from './server.ts';
import type { JsonObject } from './types.ts';

type Parts = Pick<ForgeParts, 'hooks' | 'journal' | 'resend' | 'target' | 'options'> & {
  now(): number;
  /** Whether the caller may administer the repository. */
  may(request: ApiRequest): boolean;
};

const [FIRST_DELIVERY, FIRST_PING] = [21_000_000_000, 22_000_000_000];

/** docs.github.com, "REST API endpoints for repository webhooks". */
export function githubHookRoutes(parts: Parts): Route[] {
  const { hooks, journal, resend, now, may } = parts;
  const base = '/repos/:owner/:repo/hooks';
  const pathOf = ({ params }: ApiRequest): string => `/repos/${params.owner}/${params.repo}/hooks`.toLowerCase();
  const seeded = new Set<string>();
  let pings = 0;

  /** A hook is there from the start, unless the forge was opened without. */
  function listOf(request: ApiRequest) {
    const path = pathOf(request);
    if (!seeded.has(path) && parts.options.unhooked !== true) {
      hooks.add(path, {
        type: 'Repository',
        name: 'web',
        active: true,
        events: ['*'],
        config: { url: parts.target(), content_type: 'json', insecure_ssl: '0', secret: '********' },
      });
    }
    seeded.add(path);
    return hooks.at(path);
  }

  const administered = (handle: (request: ApiRequest) => Reply) => (request: ApiRequest) =>
    may(request) ? handle(request) : notFound('/repos/webhooks');
  const withHook = (handle: (hook: JsonObject & { id: number }, request: ApiRequest) => Reply) =>
    administered((request) => {
      listOf(request);
      const hook = hooks.find(pathOf(request), request.params.hook_id);
      return hook === undefined ? notFound('/repos/webhooks') : handle(hook, request);
    });
  const shown = (config: JsonObject): JsonObject => ({
    ...config,
    ...(config.secret !== undefined && { secret: '********' }),
  });

  return [
    { method: 'GET', path: base, handle: administered((request) => ({ status: 200, json: [...listOf(request)] })) },
    {
      method: 'POST',
      path: base,
      handle: administered((request) => {
        const { config, events = ['push'], active = true } = objectOf(request.body);
        const url = (config as JsonObject | undefined)?.url;
        if (typeof url !== 'string') return message(422, 'Validation Failed');
        if (listOf(request).some((hook) => (hook.config as JsonObject).url === url)) {
          return message(422, 'Validation Failed: Hook already exists on this repository');
        }
        const fields = { type: 'Repository', name: 'web', active, events, config: shown(config as JsonObject) };
        return { status: 201, json: hooks.add(pathOf(request), fields) };
      }),
    },
    {
      method: 'PATCH',
      path: `${base}/:hook_id`,
      handle: withHook((hook, request) => {
        const { config, events, active } = objectOf(request.body);
        if (config !== undefined) hook.config = shown({ ...(hook.config as JsonObject), ...(config as JsonObject) });
        if (events !== undefined) hook.events = events;
        if (active !== undefined) hook.active = active;
        return { status: 200, json: hook };
      }),
    },
    {
      method: 'POST',
      path: `${base}/:hook_id/pings`,
      handle: withHook(() => {
        pings += 1;
        return { status: 204 };
      }),
    },
    {
      method: 'GET',
      path: `${base}/:hook_id/deliveries`,
      handle: withHook(() => {
        const attempts = journal().flatMap(({ delivery, statuses }, index) =>
          (statuses.length === 0 ? [0] : statuses).map((status, attempt) => ({
            id: FIRST_DELIVERY + index * 10 + attempt,
            guid: delivery.id,
            delivered_at: new Date(now()).toISOString(),
            redelivery: attempt > 0,
            duration: 0.03,
            status: status === 0 ? 'failed to connect to host' : String(status),
            status_code: status,
            event: delivery.event,
            action: null,
          })),
        );
        const pinged = Array.from({ length: pings }, (_, index) => ({
          id: FIRST_PING + index,
          guid: `ping-${index}`,
          delivered_at: new Date(now()).toISOString(),
          redelivery: false,
          duration: 0.03,
          status: 'OK',
          status_code: 202,
          event: 'ping',
          action: null,
        }));
        return { status: 200, json: [...attempts, ...pinged].reverse().slice(0, 100) };
      }),
    },
    {
      method: 'POST',
      path: `${base}/:hook_id/deliveries/:delivery_id/attempts`,
      handle: withHook((_hook, { params }) => {
        const found = journal()[Math.floor((Number(params.delivery_id) - FIRST_DELIVERY) / 10)];
        if (found === undefined) return notFound('/repos/webhooks');
        resend(found.delivery.id);
        return { status: 202, json: {} };
      }),
    },
    { method: 'GET', path: '/orgs/:org/hooks', handle: () => ({ status: 200, json: [] }) },
  ];
}

export type { HookBook };
