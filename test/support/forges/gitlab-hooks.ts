import { message } from './gitlab-api.ts';
import { objectOf } from './hooks.ts';
import type { ForgeParts } from './platform-forge.ts';
import type { ApiRequest, Reply, Route } from './server.ts';
import type { JsonObject } from './types.ts';

type Parts = Pick<ForgeParts, 'hooks' | 'journal' | 'resend' | 'target' | 'options'> & {
  now(): number;
  /** The project's id, where the caller may maintain it. */
  projectOf(request: ApiRequest): number | undefined;
};

const FIRST_EVENT = 710_000_000;

/** docs.gitlab.com, "Project webhooks API". */
export function gitlabHookRoutes(parts: Parts): Route[] {
  const { hooks, journal, resend, now } = parts;
  const base = '/api/v4/projects/:id/hooks';
  const seeded = new Set<number>();

  function withProject(handle: (path: string, request: ApiRequest) => Reply) {
    return (request: ApiRequest): Reply => {
      const id = parts.projectOf(request);
      if (id === undefined) return message(404, '404 Project Not Found');
      const path = `/projects/${id}/hooks`;
      if (!seeded.has(id) && parts.options.unhooked !== true) {
        hooks.add(path, {
          url: parts.target(),
          pipeline_events: true,
          job_events: true,
          alert_status: 'executable',
          disabled_until: null,
        });
      }
      seeded.add(id);
      return handle(path, request);
    };
  }
  const withHook = (handle: (hook: JsonObject & { id: number }, request: ApiRequest) => Reply) =>
    withProject((path, request) => {
      const hook = hooks.find(path, request.params.hook_id);
      return hook === undefined ? message(404, '404 Not found') : handle(hook, request);
    });
  const shown = ({ token: _, signing_token: __, ...hook }: JsonObject): JsonObject => hook;

  return [
    { method: 'GET', path: base, handle: withProject((path) => ({ status: 200, json: hooks.at(path).map(shown) })) },
    {
      method: 'POST',
      path: base,
      handle: withProject((path, request) => {
        const fields = objectOf(request.body);
        if (typeof fields.url !== 'string') return message(422, 'Invalid url given');
        return {
          status: 201,
          json: shown(hooks.add(path, { alert_status: 'executable', disabled_until: null, ...fields })),
        };
      }),
    },
    {
      method: 'PUT',
      path: `${base}/:hook_id`,
      handle: withHook((hook, request) => {
        Object.assign(hook, objectOf(request.body));
        return { status: 200, json: shown(hook) };
      }),
    },
    {
      method: 'POST',
      path: `${base}/:hook_id/test/:trigger`,
      handle: withHook(() => ({ status: 201, json: { message: '201 Created' } })),
    },
    {
      method: 'GET',
      path: `${base}/:hook_id/events`,
      handle: withHook(() => {
        const attempts = journal().flatMap(({ delivery, statuses }, index) =>
          (statuses.length === 0 ? [0] : statuses).map((status, attempt) => ({
            id: FIRST_EVENT + index * 10 + attempt,
            trigger: delivery.event,
            request_headers: { 'Idempotency-Key': delivery.id, 'X-Gitlab-Event': delivery.event },
            response_status: status === 0 ? 'internal error' : String(status),
            created_at: new Date(now()).toISOString(),
          })),
        );
        return { status: 200, json: attempts.reverse().slice(0, 100) };
      }),
    },
    {
      method: 'POST',
      path: `${base}/:hook_id/events/:event_id/resend`,
      handle: withHook((_hook, { params }) => {
        const found = journal()[Math.floor((Number(params.event_id) - FIRST_EVENT) / 10)];
        if (found === undefined) return message(404, '404 Not found');
        resend(found.delivery.id);
        return { status: 201, json: { response_status: 200 } };
      }),
    },
  ];
}
