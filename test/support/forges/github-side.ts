import { message, notFound, page } from './github-api.ts';
import { objectOf } from './hooks.ts';
import type { Resource, Resources } from './resources.ts';
import type { ApiRequest, Reply, Route } from './server.ts';
import type { TokenAccess } from './tokens.ts';

interface Options {
  readonly resources: Resources;
  now(): number;
  /** Undefined when the caller may not see the repository, or when there is none. */
  accessTo(request: ApiRequest): TokenAccess | undefined;
}

/** docs.github.com, "REST API endpoints for" workflows, the Actions cache, self-hosted runners and issues. */
export function githubSideRoutes({ resources, now, accessTo }: Options): Route[] {
  const repo = '/repos/:owner/:repo';
  const nameOf = ({ params }: ApiRequest): string | undefined =>
    params.org === undefined ? `${params.owner}/${params.repo}` : `orgs/${params.org}`;

  /** An organisation's token is not told apart from a repository's. */
  const route = (method: string, path: string, handle: (name: string | undefined, request: ApiRequest) => Reply) => ({
    method,
    path,
    handle(request: ApiRequest): Reply {
      const access = accessTo(request);
      if (access === undefined) return notFound();
      if (method !== 'GET' && access.access !== 'write') {
        return message(403, 'Resource not accessible by personal access token');
      }
      return handle(nameOf(request), request);
    },
  });

  function workflow(name: string | undefined, { params }: ApiRequest): Resource | undefined {
    const wanted = params.workflow_id;
    return resources
      .list('workflows', name)
      .find(({ id, path }) => String(id) === wanted || path === `.github/workflows/${wanted}`);
  }
  const withWorkflow =
    (handle: (found: Resource, name: string | undefined, request: ApiRequest) => Reply) =>
    (name: string | undefined, request: ApiRequest): Reply => {
      const found = workflow(name, request);
      return found === undefined ? notFound('/actions/workflows') : handle(found, name, request);
    };
  const switched = (state: string) =>
    withWorkflow((found) => {
      found.state = state;
      return { status: 204 };
    });

  const runnerRoutes = (base: string): Route[] => [
    route('GET', `${base}/actions/runners/:runner_id`, (name, { params }) => {
      const found = resources.find('runners', name, params.runner_id);
      return found === undefined ? notFound('/actions/self-hosted-runners') : { status: 200, json: found };
    }),
    route('DELETE', `${base}/actions/runners/:runner_id`, (name, { params }) => {
      const found = resources.find('runners', name, params.runner_id);
      if (found === undefined) return notFound('/actions/self-hosted-runners');
      if (found.busy === true) {
        return message(
          422,
          `Bad request - Runner "${String(found.name)}" is currently running a job and cannot be deleted.`,
        );
      }
      resources.remove('runners', name, (one) => one === found);
      return { status: 204 };
    }),
  ];

  const byUser = { user: { login: 'qmoi-bot', type: 'User' }, author_association: 'COLLABORATOR' };
  const inIssue = (request: ApiRequest) => (one: Resource) => String(one.issue) === request.params.issue_number;
  const issue = (name: string | undefined, { params }: ApiRequest): Resource | undefined =>
    resources.list('issues', name).find(({ number }) => String(number) === params.issue_number);

  return [
    route('GET', `${repo}/actions/workflows`, (name, request) =>
      page(request, resources.list('workflows', name), 'workflows'),
    ),
    route(
      'GET',
      `${repo}/actions/workflows/:workflow_id`,
      withWorkflow((found) => ({ status: 200, json: found })),
    ),
    route('PUT', `${repo}/actions/workflows/:workflow_id/enable`, switched('active')),
    route('PUT', `${repo}/actions/workflows/:workflow_id/disable`, switched('disabled_manually')),
    route(
      'POST',
      `${repo}/actions/workflows/:workflow_id/dispatches`,
      withWorkflow((found, name, { body }) => {
        const { ref, inputs = {} } = objectOf(body);
        if (typeof ref !== 'string') return message(422, 'Invalid request.\n\n"ref" wasn\'t supplied.');
        if (found.state !== 'active') return message(422, 'Cannot trigger a workflow that is disabled');
        const created_at = new Date(now()).toISOString();
        resources.add('dispatches', name, {
          ...{ workflow_id: found.id, head_branch: ref, inputs, created_at },
          ...{ event: 'workflow_dispatch', status: 'queued' },
        });
        return { status: 204 };
      }),
    ),
    route(
      'GET',
      `${repo}/actions/workflows/:workflow_id/runs`,
      withWorkflow((found, name, request) => {
        const { query } = request;
        const runs = resources
          .list('dispatches', name)
          .filter((run) => run.workflow_id === found.id)
          .filter((run) => !query.has('branch') || run.head_branch === query.get('branch'))
          .reverse();
        return page(request, runs, 'workflow_runs');
      }),
    ),
    route('GET', `${repo}/actions/caches`, (name, request) => {
      const [key, ref] = [request.query.get('key') ?? '', request.query.get('ref')];
      const found = resources
        .list('caches', name)
        .filter((cache) => String(cache.key).startsWith(key) && (ref === null || cache.ref === ref));
      return page(request, found, 'actions_caches');
    }),
    route('DELETE', `${repo}/actions/caches`, (name, { query }) => {
      const [key, ref] = [query.get('key'), query.get('ref')];
      const fits = (cache: Resource) => cache.key === key && (ref === null || cache.ref === ref);
      const actions_caches = resources.remove('caches', name, fits);
      if (actions_caches.length === 0) return notFound('/actions/cache');
      return { status: 200, json: { total_count: actions_caches.length, actions_caches } };
    }),
    ...runnerRoutes(repo),
    ...runnerRoutes('/orgs/:org'),
    route('GET', `${repo}/issues`, (name, request) => {
      const wanted = request.query.get('state') ?? 'open';
      const found = resources.list('issues', name).filter(({ state }) => wanted === 'all' || state === wanted);
      const reply = page(request, [...found].reverse(), 'items');
      return { ...reply, json: (reply.json as { items: Resource[] }).items };
    }),
    route('POST', `${repo}/issues`, (name, { body }) => {
      const { title, body: text = null } = objectOf(body);
      if (typeof title !== 'string' || title === '') return message(422, 'Validation Failed');
      const number = resources.list('issues', name).length + 1;
      const made = resources.add('issues', name, { number, title, body: text, state: 'open', ...byUser });
      return { status: 201, json: made };
    }),
    route('PATCH', `${repo}/issues/:issue_number`, (name, request) => {
      const found = issue(name, request);
      if (found === undefined) return notFound('/issues/issues');
      const { state } = objectOf(request.body);
      if (state !== undefined) found.state = state;
      return { status: 200, json: found };
    }),
    route('GET', `${repo}/issues/:issue_number/comments`, (name, request) => {
      if (issue(name, request) === undefined) return notFound('/issues/comments');
      const reply = page(request, resources.list('comments', name).filter(inIssue(request)), 'items');
      return { ...reply, json: (reply.json as { items: Resource[] }).items };
    }),
    route('POST', `${repo}/issues/:issue_number/comments`, (name, request) => {
      if (issue(name, request) === undefined) return notFound('/issues/comments');
      const { body } = objectOf(request.body);
      if (typeof body !== 'string') return message(422, 'Validation Failed');
      const made = { issue: Number(request.params.issue_number), body, ...byUser };
      return { status: 201, json: resources.add('comments', name, made) };
    }),
    route('DELETE', `${repo}/issues/comments/:comment_id`, (name, { params }) => {
      const gone = resources.remove('comments', name, ({ id }) => String(id) === params.comment_id);
      return gone.length === 0 ? notFound('/issues/comments') : { status: 204 };
    }),
  ];
}
