import type { EntityName } from '../model/index.ts';
import { PLATFORM_NAMES } from '../platforms/names.ts';
import { type ListQuery, QueryError } from './filters.ts';
import { byIncident, byRepository, ids, incidentPointer, type Key, keyOf, runPartition } from './keys.ts';

/** Where a list's items are to be looked for. Every way finds all that match; they differ in what they cost. */
export type Access =
  /** Few enough to be read at once, consistently: by their keys, or whole partitions (a run, a fingerprint). */
  | { readonly by: 'keys'; readonly keys: readonly Key[] }
  | { readonly by: 'partitions'; readonly partitions: readonly { pk: string; prefix: string }[] }
  /** Partitions of the index `by`, merged. */
  | { readonly by: 'index'; readonly partitions: readonly string[] }
  /** All of the entity, day by day. */
  | { readonly by: 'days' };

const DAYS: Access = { by: 'days' };
/** Each is a read of its own. */
const MAX_PLACES = 100;

/** The cheapest sound way to the items a query asks for. Pure. */
export function accessOf(entity: EntityName, { filters }: Pick<ListQuery, 'filters'>): Access {
  const { runId, jobId, incidentId, externalId, repository, subject, fingerprint } = filters;
  // An id of a platform is only unique there; asked for without one, it is looked for on each.
  const platforms: readonly string[] = filters.platform ?? PLATFORM_NAMES;
  const onEach = (values: readonly string[], make: (platform: string, value: string) => string): string[] => {
    if (platforms.length * values.length > MAX_PLACES) {
      throw new QueryError(`platforms and values make more than ${MAX_PLACES} combinations`);
    }
    return platforms.flatMap((platform) => values.map((value) => make(platform, value)));
  };
  const keys = (values: readonly string[]): Access => ({ by: 'keys', keys: values.map((id) => keyOf(entity, id)) });
  const runs = (values: readonly string[]): Access => ({
    by: 'partitions',
    partitions: [...new Set(values.map(runPartition))].map((pk) => ({ pk, prefix: `${entity}#` })),
  });
  const ofRepository = (values: readonly string[]): Access => ({
    by: 'index',
    partitions: onEach(values, (platform, name) => byRepository(entity, platform, name)),
  });
  const ofIncident = (values: readonly string[]): Access => ({
    by: 'index',
    partitions: values.map((id) => byIncident(entity, id)),
  });

  switch (entity) {
    case 'run':
      if (runId) return keys(runId);
      if (externalId) return runs(onEach(externalId, (platform, id) => `${platform}:${id}`));
      return repository ? ofRepository(repository) : DAYS;
    case 'job':
      if (jobId) return keys(jobId);
      if (runId) return runs(runId);
      return repository ? ofRepository(repository) : DAYS;
    case 'failure':
      if (jobId) return keys(jobId);
      if (runId) return runs(runId);
      return incidentId ? ofIncident(incidentId) : DAYS;
    case 'remediation':
      // The index knows only the first of the incidents that a fix is for; `list.ts` narrows the days instead.
      return (runId ?? jobId ?? subject) ? runs((runId ?? jobId ?? subject) as string[]) : DAYS;
    case 'incident':
      if (incidentId) return keys(incidentId);
      return fingerprint
        ? {
            by: 'partitions',
            partitions: fingerprint.map((value) => ({ pk: incidentPointer(value).pk, prefix: 'episode#' })),
          }
        : DAYS;
    case 'notification':
      return incidentId ? ofIncident(incidentId) : DAYS;
    case 'delivery':
      return externalId ? keys(onEach(externalId, ids.delivery)) : DAYS;
    case 'control':
      return { by: 'partitions', partitions: [{ pk: keyOf('control', '').pk, prefix: '' }] };
    case 'source':
      return repository && repository.length * platforms.length <= MAX_PLACES
        ? keys(onEach(repository, ids.source))
        : DAYS;
    case 'automation':
    case 'runner':
    case 'flake':
    case 'completeness':
      return DAYS;
  }
}
