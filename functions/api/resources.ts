import type { Automation, EntityName, Run, State } from '../../shared/model/index.ts';
import {
  ACTIVITY_FILTERS,
  countFailures,
  type Filters,
  filtersOf,
  getActivity,
  type ListQuery,
  listActivity,
  listEntities,
  type Page,
  readListQuery,
  type Store,
} from '../../shared/store/index.ts';
import { addMirrors, withoutMirrors } from './automations.ts';
import { getControl, listControls } from './controls.ts';
import { addProgress, attemptsOf } from './runs.ts';
import { type View, viewOf } from './views.ts';

/** What lies under /v1, by its name there. */
export interface Resource {
  readonly title: string;
  readonly entity: EntityName | 'activity';
  readonly filters: Filters;
  list(store: Store, query: ListQuery): Promise<Page<View>>;
  /** Undefined: there is no such item. */
  get(store: Store, id: string): Promise<View | undefined>;
}

const AT_ONCE = 10;

async function viewsOf(store: Store, entity: EntityName, states: readonly State[]): Promise<View[]> {
  const views = states.map((state) => viewOf(entity, state));
  if (entity === 'automation') await addMirrors(store, states as readonly Automation[], views);
  if (entity === 'run') await addProgress(store, states as readonly Run[], views);
  if (entity !== 'incident') return views;
  // Counts live on the failures (DESIGN.md, rule 10), so they are made when they are asked for.
  for (let start = 0; start < views.length; start += AT_ONCE) {
    const batch = views.slice(start, start + AT_ONCE);
    const counts = await Promise.all(batch.map((view) => countFailures(store, String(view.id))));
    for (const [index, view] of batch.entries()) view.counts = counts[index];
  }
  return views;
}

const resourceOf = (entity: Exclude<EntityName, 'control'>, title: string): Resource => ({
  title,
  entity,
  filters: filtersOf(entity),
  async list(store, query) {
    const asked = entity === 'automation' ? withoutMirrors(query) : query;
    const { items, nextCursor } = await listEntities(store, entity, asked);
    return { items: await viewsOf(store, entity, items), nextCursor };
  },
  async get(store, id) {
    const state = await store.get(entity, id);
    // Another spelling of an id may lead to the same key; it is not the item's name.
    if (state?.id !== id) return undefined;
    const [view] = await viewsOf(store, entity, [state]);
    return entity === 'run' ? { ...view, attempts: await attemptsOf(store, state as Run) } : view;
  },
});

export const resources: Readonly<Record<string, Resource>> = {
  deliveries: resourceOf('delivery', 'Webhook deliveries as they were received'),
  runs: resourceOf('run', 'Runs: attempts of workflows and pipelines'),
  jobs: resourceOf('job', 'Jobs of runs, with their steps'),
  runners: resourceOf('runner', 'Runners: the machines that take jobs'),
  automations: resourceOf('automation', 'Automations: workflows and pipeline definitions'),
  failures: resourceOf('failure', 'Failures: job attempts that failed, and why'),
  incidents: resourceOf('incident', 'Incidents: failures of one cause in one stretch'),
  remediations: resourceOf('remediation', 'Remediations: fixes and what came of them'),
  flaky: resourceOf('flake', 'Flaky jobs and tests: both outcomes at one commit'),
  notifications: resourceOf('notification', 'Notifications: what the master was told'),
  sources: resourceOf('source', 'Sources: repositories QMOI hears of, and whether it can hear all of them'),
  completeness: resourceOf('completeness', 'Completeness: how much of each hour of a source is known'),
  activity: {
    title: 'Activity: everything that happened',
    entity: 'activity',
    filters: ACTIVITY_FILTERS,
    list: listActivity,
    get: getActivity,
  },
  controls: {
    title: 'Controls: what QMOI may do where',
    entity: 'control',
    filters: filtersOf('control'),
    async list(store, query) {
      const { items, nextCursor } = await listControls(store, query);
      return { items: items.map((item) => viewOf('control', item)), nextCursor };
    },
    async get(store, id) {
      const control = await getControl(store, id);
      return control === undefined ? undefined : viewOf('control', control);
    },
  },
};

/** Longer ones cannot be keys, so nothing has them. */
const MAX_ID_BYTES = 800;

export const list = (store: Store, resource: Resource, parameters: URLSearchParams): Promise<Page<View>> =>
  resource.list(store, readListQuery(parameters, resource.filters));

export const find = async (store: Store, resource: Resource, id: string): Promise<View | undefined> =>
  Buffer.byteLength(id) > MAX_ID_BYTES ? undefined : resource.get(store, id);
