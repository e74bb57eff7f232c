import { message, page } from './gitlab-api.ts';
import { objectOf } from './hooks.ts';
import type { Resource, Resources } from './resources.ts';
import type { ApiRequest, Reply, Route } from './server.ts';

interface Options {
  readonly resources: Resources;
  /** The full name of the project; undefined when the caller may not see it, or when there is none. */
  projectOf(request: ApiRequest): string | undefined;
}

/** docs.gitlab.com, the APIs of runners, pipeline schedules, issues and notes. */
export function gitlabSideRoutes({ resources, projectOf }: Options): Route[] {
  const project = '/api/v4/projects/:id';
  const inProject = (method: string, path: string, handle: (name: string, request: ApiRequest) => Reply): Route => ({
    method,
    path: `${project}${path}`,
    handle(request) {
      const name = projectOf(request);
      return name === undefined ? message(404, '404 Project Not Found') : handle(name, request);
    },
  });
  const changed = (found: Resource | undefined, what: string, fields: readonly string[], body: string): Reply => {
    if (found === undefined) return message(404, `404 ${what} Not Found`);
    for (const [field, value] of Object.entries(objectOf(body))) if (fields.includes(field)) found[field] = value;
    return { status: 200, json: found };
  };
  const runner = ({ params }: ApiRequest) => resources.find('runners', undefined, params.id);
  const schedule = (name: string, { params }: ApiRequest) => resources.find('schedules', name, params.schedule_id);
  const issue = (name: string, { params }: ApiRequest) =>
    resources.list('issues', name).find(({ iid }) => String(iid) === params.issue_iid);

  return [
    {
      method: 'GET',
      path: '/api/v4/runners/:id',
      handle(request) {
        const found = runner(request);
        return found === undefined ? message(404, '404 Runner Not Found') : { status: 200, json: found };
      },
    },
    {
      method: 'PUT',
      path: '/api/v4/runners/:id',
      handle: (request) => changed(runner(request), 'Runner', ['paused', 'description'], request.body),
    },
    {
      method: 'DELETE',
      path: '/api/v4/runners/:id',
      handle(request) {
        const gone = resources.remove('runners', undefined, (one) => one === runner(request));
        return gone.length === 0 ? message(404, '404 Runner Not Found') : { status: 204 };
      },
    },
    inProject('GET', '/pipeline_schedules', (name, request) => {
      const [scope, all] = [request.query.get('scope'), resources.list('schedules', name)];
      return page(request, scope === null ? all : all.filter(({ active }) => active === (scope === 'active')));
    }),
    inProject('GET', '/pipeline_schedules/:schedule_id', (name, request) => {
      const found = schedule(name, request);
      return found === undefined ? message(404, '404 Pipeline Schedule Not Found') : { status: 200, json: found };
    }),
    inProject('PUT', '/pipeline_schedules/:schedule_id', (name, request) =>
      changed(schedule(name, request), 'Pipeline Schedule', ['active', 'cron', 'ref'], request.body),
    ),
    inProject('GET', '/issues', (name, request) => {
      const search = request.query.get('search') ?? '';
      const found = resources.list('issues', name).filter(({ description }) => String(description).includes(search));
      return page(request, found.map(shown).reverse());
    }),
    inProject('POST', '/issues', (name, { body }) => {
      const { title, description = null } = objectOf(body);
      if (typeof title !== 'string' || title === '') return { status: 400, json: { error: 'title is missing' } };
      const iid = resources.list('issues', name).length + 1;
      return { status: 201, json: shown(resources.add('issues', name, { iid, title, description, state: 'open' })) };
    }),
    inProject('PUT', '/issues/:issue_iid', (name, request) => {
      const found = issue(name, request);
      if (found === undefined) return message(404, '404 Issue Not Found');
      const { state_event } = objectOf(request.body);
      if (state_event === 'close') found.state = 'closed';
      if (state_event === 'reopen') found.state = 'open';
      return { status: 200, json: shown(found) };
    }),
    inProject('GET', '/issues/:issue_iid/notes', (name, request) => {
      if (issue(name, request) === undefined) return message(404, '404 Not found');
      const found = resources.list('comments', name).filter((one) => String(one.issue) === request.params.issue_iid);
      return page(request, request.query.get('sort') === 'asc' ? found : [...found].reverse());
    }),
    inProject('POST', '/issues/:issue_iid/notes', (name, request) => {
      if (issue(name, request) === undefined) return message(404, '404 Not found');
      const { body } = objectOf(request.body);
      if (typeof body !== 'string') return { status: 400, json: { error: 'body is missing' } };
      return { status: 201, json: resources.add('comments', name, { issue: Number(request.params.issue_iid), body }) };
    }),
    inProject('DELETE', '/issues/:issue_iid/notes/:note_id', (name, { params }) => {
      const gone = resources.remove('comments', name, ({ id }) => String(id) === params.note_id);
      return gone.length === 0 ? message(404, '404 Not found') : { status: 204 };
    }),
  ];
}

/** An issue that is open is `opened` there. */
const shown = (issue: Resource): Resource => ({ ...issue, state: issue.state === 'open' ? 'opened' : 'closed' });
